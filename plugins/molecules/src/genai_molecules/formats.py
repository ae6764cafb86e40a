"""The text formats of molecules: lines in, rows out. Nothing here knows files or chemistry."""

from __future__ import annotations

import csv
import math
import re
from typing import TYPE_CHECKING

from genai_core.errors import BadInput, did_you_mean
from genai_molecules.parsing import Lines, OnBad, Row, check_smiles
from genai_molecules.sdf import parse_sdf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from genai_core.files.safeio import Limits

_SMILES_COLUMNS = ("smiles", "canonical_smiles", "isomeric_smiles", "smi", "structure", "molecule", "mol")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")


def parse(
    lines: Lines, suffix: str, name: str, limits: Limits, bad: OnBad, column: str | None = None
) -> Iterator[Row]:
    """Rows of a file of any format; a SMILES there is within the limits, maybe not valid."""
    if suffix == ".sdf":
        return parse_sdf(lines, name, limits, bad)
    rows = (
        _parse_table(lines, suffix, name, limits, bad, column)
        if suffix in (".csv", ".tsv")
        else _parse_smi(lines)
    )
    return _within_limits(rows, name, limits, bad)


def collect(rows: Iterable[Row], name: str, limits: Limits) -> tuple[list[str], dict[str, list[object]]]:
    """SMILES and typed property columns of rows; a property that a row lacks is empty there."""
    smiles: list[str] = []
    columns: dict[str, list[str]] = {}
    for count, row in enumerate(rows):
        if count >= limits.items:
            raise BadInput(name, f"more than {limits.items} molecules", row.line)
        smiles.append(row.smiles)
        for key, value in row.properties.items():
            if key not in columns and len(columns) >= limits.columns:
                raise BadInput(name, f"more than {limits.columns} properties", row.line)
            values = columns.setdefault(key, [])
            values.extend([""] * (count - len(values)))
            values.append(value)
    for values in columns.values():
        values.extend([""] * (len(smiles) - len(values)))
    return smiles, {key: typed(values) for key, values in columns.items()}


def typed(values: list[str]) -> list[object]:
    """Text as whole numbers or floats where every value is one (empty: NaN), else unchanged."""
    if values and all(_WHOLE.fullmatch(value) for value in values):
        return [int(value) for value in values]
    if any(values) and all(not value or _NUMBER.fullmatch(value) for value in values):
        return [float(value) if value else math.nan for value in values]
    return list(values)


def _within_limits(rows: Iterable[Row], name: str, limits: Limits, bad: OnBad) -> Iterator[Row]:
    for row in rows:
        reason = check_smiles(row.smiles, limits)
        if reason is None:
            yield row
        else:
            bad(BadInput(name, reason, row.line))


def _parse_smi(lines: Lines) -> Iterator[Row]:
    """``SMILES[ name]`` a line; blank lines, ``# comments`` and a header line are passed over."""
    for index, (number, text) in enumerate(lines):
        fields = text.split(maxsplit=1)
        if not fields or (fields[0] == "#" and len(fields) == 2):
            continue
        if index == 0 and fields[0].lower() in _SMILES_COLUMNS[:3]:
            continue
        yield Row(number, fields[0], {"name": fields[1].rstrip()} if len(fields) == 2 else {})


def _parse_table(
    lines: Lines, suffix: str, name: str, limits: Limits, bad: OnBad, column: str | None
) -> Iterator[Row]:
    """RFC 4180 with a header; the delimiter is the suffix's, or a semicolon where the header has one."""
    current = 0

    def feed() -> Iterator[str]:
        nonlocal current
        for current, text in lines:  # noqa: B007 - read by the loop below
            yield f"{text}\n"

    source = feed()
    first = next((text for text in source if text.strip()), None)
    if first is None:
        raise BadInput(name, "empty: not even a header")
    delimiter = "\t" if suffix == ".tsv" else ";" if "," not in first and ";" in first else ","
    header, place = _header(first, delimiter, name, limits, column)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        start = current + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            bad(BadInput(name, f"not a row of a table: {error}", start))
            continue
        if not values:
            continue
        if len(values) != len(header):
            bad(BadInput(name, f"{len(values)} columns, the header has {len(header)}", start))
            continue
        others = {key: value for key, value in zip(header, values, strict=True) if key != header[place]}
        yield Row(start, values[place].strip(), others)


def _header(
    first: str, delimiter: str, name: str, limits: Limits, column: str | None
) -> tuple[list[str], int]:
    """Column names, and the place of the SMILES among them."""
    try:
        header = [field.strip() for field in next(csv.reader([first], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        raise BadInput(name, f"the header cannot be read: {error}", 1) from None
    header = [field or f"column{place}" for place, field in enumerate(header, start=1)]
    shown = ", ".join(short(field) for field in header[:20]) + (", ..." if len(header) > 20 else "")
    if len(header) > limits.columns:
        raise BadInput(name, f"{len(header)} columns, the limit is {limits.columns}", 1)
    if len(set(header)) < len(header):
        raise BadInput(name, f"two columns have the same name; columns: {shown}", 1)
    if column is not None:
        if column not in header:
            hint = did_you_mean(column, header)
            raise BadInput(name, f"no column {column!r}; columns: {shown}", 1, hint=hint)
        return header, header.index(column)
    lower = [field.lower() for field in header]
    for known in _SMILES_COLUMNS:
        if known in lower:
            return header, lower.index(known)
    containing = [place for place, field in enumerate(lower) if "smiles" in field]
    if not containing:
        raise BadInput(name, f"no column of SMILES; columns: {shown}", 1, hint="name it: column=NAME")
    return header, containing[0]


def short(text: str) -> str:
    """Foreign text for a message: ASCII, of one line, not long."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")
