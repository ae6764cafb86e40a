"""Configuration of `molecules/design`; nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from genai_core.config import Config

Weight = Annotated[float, Field(ge=0, le=100)]


class Window(Config):
    """Bounds of one property, both inclusive; written as a table or as ``[low, high]``."""

    min: float | None = Field(default=None, description="smallest value to keep")
    max: float | None = Field(default=None, description="largest value to keep")

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            if len(value) != 2:
                raise ValueError("a window is [low, high]")
            return {"min": value[0], "max": value[1]}
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"the window is empty: {self.min} is above {self.max}")
        return self


class Windows(Config):
    """Property windows; a property without one is not looked at."""

    logp: Window | None = Field(default=None, description="octanol-water partition coefficient")
    qed: Window | None = Field(default=None, description="drug-likeness, 0 to 1")
    sa: Window | None = Field(default=None, description="synthetic accessibility, 1 easy to 10 hard")
    weight: Window | None = Field(default=None, description="molecular weight, g/mol")
    tpsa: Window | None = Field(default=None, description="topological polar surface area, square angstrom")
    hba: Window | None = Field(default=None, description="hydrogen bond acceptors")
    hbd: Window | None = Field(default=None, description="hydrogen bond donors")
    rotatable_bonds: Window | None = Field(default=None, description="rotatable bonds")
    rings: Window | None = Field(default=None, description="rings")

    @model_validator(mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return (
            {str(key).lower(): window for key, window in value.items()} if isinstance(value, dict) else value
        )


class RankWeights(Config):
    """Weights of the desirabilities whose weighted geometric mean ranks the leads."""

    qed: Weight = Field(default=1.0, description="drug-likeness as it is")
    sa: Weight = Field(default=1.0, description="ease of synthesis, (10 - SA) / 9")
    novelty: Weight = Field(default=0.0, description="1 - similarity to the nearest known molecule")
    centre: Weight = Field(default=0.0, description="nearness to the middle of each two-sided window")

    @model_validator(mode="after")
    def _some(self) -> RankWeights:
        if not any((self.qed, self.sa, self.novelty, self.centre)):
            raise ValueError("at least one weight must be above 0")
        return self


class DesignConfig(Config):
    """Sample molecules, keep the new and fitting ones, rank them."""

    n: int = Field(default=1000, ge=1, le=1_000_000, description="leads to find")
    model: str = Field(
        default="molecules/rnn", description="a model with shipped weights, a run or a model folder"
    )
    sampling: dict[str, Any] = Field(default_factory=dict, description="the model's sampling options")
    budget: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000,
        description="most molecules to sample; default 20 n, at least 2000",
    )
    known: str = Field(
        default="auto",
        description="molecules that are not new, as ID, ID:split or a file; auto: the model's training data "
        "if it is on this machine, else molecules/sample; none: nothing is known",
    )
    neighbours: int = Field(
        default=20_000, ge=1, description="known molecules among which the nearest one is looked for"
    )
    reference: str = Field(
        default="molecules/sample:test", description="data set to compare with, as ID:split"
    )
    windows: Windows = Field(default_factory=Windows, description="property windows")
    keep: tuple[str, ...] = Field(default=(), description="SMARTS patterns that must all be there")
    avoid: tuple[str, ...] = Field(default=(), description="SMARTS patterns of which none may be there")
    alerts: tuple[str, ...] = Field(
        default=("PAINS", "BRENK"), description="rdkit's alert catalogues: PAINS, BRENK, NIH, ZINC, CHEMBL"
    )
    rank: RankWeights = Field(default_factory=RankWeights, description="what makes a lead good")
    coordinates: Literal["2d", "3d"] = Field(default="2d", description="coordinates in leads.sdf")
    evaluate: bool = Field(default=True, description="measure the sample with molecules/moses-metrics")
    pictures: int = Field(default=96, ge=0, le=1000, description="structures shown in the report")

    @field_validator("keep", "avoid")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            _check_smarts(pattern)
        return patterns

    @field_validator("alerts")
    @classmethod
    def _catalogues(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if names:
            from rdkit.Chem.FilterCatalog import FilterCatalogParams

            known = [name for name in FilterCatalogParams.FilterCatalogs.names if name != "ALL"]
            for name in names:
                if name.upper() not in known:
                    raise ValueError(f"no alert catalogue {name!r}; there are {', '.join(sorted(known))}")
        return tuple(name.upper() for name in names)


def _check_smarts(pattern: str) -> None:
    from rdkit import Chem

    from genai_molecules.parsing import quiet

    with quiet() as chatter:
        found = Chem.MolFromSmarts(pattern) if 0 < len(pattern) <= 1000 else None
    if found is None or not found.GetNumAtoms():
        reason = " ".join(chatter.last.split())[:120] or "empty or longer than 1000 characters"
        raise ValueError(f"{pattern[:60]!r} is not a SMARTS pattern: {reason}")
