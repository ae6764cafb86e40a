"""Options of the data sets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from genai_core.config import Config


class SplitConfig(Config):
    """How a set without published splits is divided: by a seeded hash of each SMILES, whatever its order."""

    test_fraction: float = Field(default=0.1, ge=0, lt=1, description="share of molecules in the test split")
    split_seed: int = Field(default=0, ge=0, description="seed of the division")


class FileConfig(SplitConfig):
    """A file of the user's."""

    path: str = Field(min_length=1, description=".smi, .csv, .tsv or .sdf file, possibly .gz")
    column: str | None = Field(
        default=None, description="column of the SMILES; found by its name when not given"
    )
    on_error: Literal["stop", "skip"] = Field(
        default="stop", description="what to do at a molecule that cannot be read"
    )
    check: bool = Field(
        default=True,
        description="parse every molecule; without it a large file that is known to be right reads faster",
    )
