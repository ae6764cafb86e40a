"""The artifact of this modality: a file of molecules."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, overload

from genai_core.errors import BadInput
from genai_core.files.artifacts import Artifact, Preview, PreviewKind
from genai_core.files.safeio import Limits, limits_for, split_lines
from genai_molecules.formats import collect, parse
from genai_molecules.sdf import Coordinates, provenance_items, sdf_block

_FORM = re.compile(r"[!-~]+")


class Molecules(Artifact, Sequence[str]):
    """Molecules as SMILES, with properties; a sequence of its SMILES.

    SMILES are kept as they are spelled and need not be chemically valid: how many are is a result. Only an
    SDF can hold none but valid ones.

    Args:
        smiles: Not empty, printable ASCII without blanks.
        properties: Columns of one value each; ``name`` is a molecule's title.
        coordinates: What an SDF is written with, ``"2d"`` or ``"3d"``.

    Example:
        >>> molecules = Molecules(["CCO", "c1ccccc1"], {"name": ["ethanol", "benzene"]})
        >>> molecules[0], len(molecules), molecules.properties["name"][1]
        ('CCO', 2, 'benzene')
    """

    modality = "molecules"
    suffixes = (".smi", ".csv", ".tsv", ".sdf", ".smiles")

    def __init__(
        self,
        smiles: Sequence[str] = (),
        properties: Mapping[str, Sequence[Any]] | None = None,
        *,
        coordinates: Coordinates = "2d",
    ) -> None:
        self.smiles = tuple(smiles)
        self.properties = {name: tuple(values) for name, values in (properties or {}).items()}
        self.coordinates: Coordinates = coordinates

    def __len__(self) -> int:
        return len(self.smiles)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Molecules: ...
    def __getitem__(self, index: int | slice) -> str | Molecules:
        if isinstance(index, slice):
            properties = {name: values[index] for name, values in self.properties.items()}
            return Molecules(self.smiles[index], properties, coordinates=self.coordinates)
        return self.smiles[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.smiles)

    def __repr__(self) -> str:
        return f"Molecules({len(self)} molecules, properties: {', '.join(self.properties) or 'none'})"

    def validate(self) -> None:
        for number, text in enumerate(self.smiles, start=1):
            if not isinstance(text, str) or not _FORM.fullmatch(text):
                raise BadInput("molecules", f"{ascii(text)[:60]} is not a SMILES string", number)
        for name, values in self.properties.items():
            if not name.strip() or name == "SMILES":
                raise BadInput("molecules", f"{name!r} is not the name of a property")
            if len(values) != len(self):
                raise BadInput(
                    "molecules", f"property {name!r}: {len(values)} values for {len(self)} molecules"
                )

    def content(self) -> bytes:
        return self.encode(".csv", None)

    def encode(self, suffix: str, record: Mapping[str, Any] | None) -> bytes:
        if suffix == ".sdf":
            text = "".join(self._sdf_blocks(record))
        elif suffix in (".csv", ".tsv"):
            text = self._table("," if suffix == ".csv" else "\t")
        else:
            names = [" ".join(cell(value).split()) for value in self.properties.get("name", ())]
            lines = map(" ".join, zip(self.smiles, names, strict=True)) if names else self.smiles
            text = "".join(f"{line.rstrip()}\n" for line in lines)
        return text.encode()

    @classmethod
    def decode(cls, data: bytes, suffix: str, *, name: str, limits: Limits) -> Self:
        lines = split_lines([data], name, limits)
        smiles, properties = collect(parse(lines, suffix, name, limits, _stop), name, limits)
        if not smiles:
            raise BadInput(name, "no molecule in it")
        return cls(smiles, properties)

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        names = list(dict.fromkeys(name for part in parts for name in part.properties))
        return cls(
            [text for part in parts for text in part.smiles],
            {
                name: [value for part in parts for value in part.properties.get(name, (None,) * len(part))]
                for name in names
            },
        )

    def preview(self, limit: int = 24) -> list[Preview]:
        from genai_molecules.drawing import structure_svg

        previews = []
        for index, smiles in enumerate(self.smiles[:limit]):
            values = {name: shown(column[index]) for name, column in self.properties.items()}
            caption = values.pop("name", "")
            svg = structure_svg(smiles)
            kind: PreviewKind = "text" if svg is None else "svg"
            previews.append(
                Preview(kind=kind, data=svg or smiles, caption=caption, alt=smiles, values=values)
            )
        return previews

    def _table(self, delimiter: str) -> str:
        """RFC 4180 quoting, lines ended by a newline alone."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
        writer.writerow(["SMILES", *self.properties])
        columns = [map(cell, values) for values in self.properties.values()]
        writer.writerows(zip(self.smiles, *columns, strict=True))
        return buffer.getvalue()

    def _sdf_blocks(self, record: Mapping[str, Any] | None) -> Iterator[str]:
        limits = limits_for("molecules")
        for index, smiles in enumerate(self.smiles):
            values = {name: cell(column[index]) for name, column in self.properties.items()}
            if record is not None:
                values |= provenance_items(record, first=index == 0)
            yield sdf_block(smiles, index + 1, values, self.coordinates, limits)


def cell(value: object) -> str:
    """A value as it is written; nothing for None and NaN.

    Floats have ten significant digits, so that the last bits of another processor do not change the file.
    """
    if hasattr(value, "item"):  # numpy's scalars
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def shown(value: object) -> str:
    """A value as the report shows it."""
    text = cell(value)
    return f"{float(text):.3g}" if isinstance(value, float) and text else text


def _stop(problem: BadInput) -> None:
    raise problem
