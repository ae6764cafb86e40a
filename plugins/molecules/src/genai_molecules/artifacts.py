"""A file of molecules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, overload

from genai_core.errors import BadInput
from genai_core.files.artifacts import Artifact
from genai_core.files.safeio import Limits, split_lines


class Molecules(Artifact, Sequence[str]):
    """SMILES strings with properties: a sequence of its SMILES."""

    modality = "molecules"
    suffixes = (".smi", ".csv", ".sdf")

    def __init__(
        self, smiles: Sequence[str] = (), properties: Mapping[str, Sequence[Any]] | None = None
    ) -> None:
        self.smiles = tuple(smiles)
        self.properties = {name: tuple(values) for name, values in (properties or {}).items()}

    def __len__(self) -> int:
        return len(self.smiles)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Molecules: ...
    def __getitem__(self, index: int | slice) -> str | Molecules:
        if isinstance(index, slice):
            return Molecules(
                self.smiles[index], {name: values[index] for name, values in self.properties.items()}
            )
        return self.smiles[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.smiles)

    def validate(self) -> None:
        for number, text in enumerate(self.smiles, start=1):
            if not text or not text.isascii() or not text.isprintable() or " " in text:
                raise BadInput("molecules", f"{text!r} is not a SMILES string", number)

    def encode(self, suffix: str, record: Mapping[str, Any] | None) -> bytes:
        return "".join(f"{text}\n" for text in self.smiles).encode()

    @classmethod
    def decode(cls, data: bytes, suffix: str, *, name: str, limits: Limits) -> Self:
        return cls([line.split()[0] for _, line in split_lines([data], name, limits) if line.strip()])

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        names = parts[0].properties if parts else {}
        return cls(
            [text for part in parts for text in part.smiles],
            {name: [value for part in parts for value in part.properties[name]] for name in names},
        )
