"""``genai data``: fetch, list and describe data sets."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from genai_core.cli.common import Printer, columns, output_options
from genai_core.files import sources
from genai_core.plugins.registry import registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genai_core.plugins.specs import DatasetSpec


@click.group()
def data() -> None:
    """Fetch, list and describe data sets."""


@data.command("list")
@output_options
def list_(printer: Printer) -> None:
    """All data sets, and which are here."""
    rows = [_describe(spec) for spec in registry().specs("dataset")]
    names = ["id"] if printer.quiet else ["id", "state", "summary"]
    printer.result(rows, columns([[row[name] for name in names] for row in rows]))


@data.command()
@click.argument("dataset")
@output_options
def info(dataset: str, printer: Printer) -> None:
    """Origin, licence, citation, splits and files of DATASET."""
    about = _describe(registry().find("dataset", dataset))
    lines = [
        f"{name:<9} {', '.join(value) if isinstance(value, tuple) else value}"
        for name, value in about.items()
        if name != "files" and value
    ]
    for file in about["files"]:
        here = "cached" if file["cached"] else "not here"
        lines.append(f"file      {file['name']}  {file['size']:,} bytes  {here}")
        if not printer.quiet:
            lines.append(f"            sha256 {file['sha256']}")
            lines += [f"            from {source}" for source in file["sources"]]
    printer.result(about, lines)


@data.command()
@click.argument("dataset")
@output_options
def fetch(dataset: str, printer: Printer) -> None:
    """Bring the files of DATASET into the cache, each checked by sha256."""
    _print_paths(sources.fetch(registry().find("dataset", dataset), printer.note), printer)


@data.command()
@click.argument("dataset")
@output_options
def path(dataset: str, printer: Printer) -> None:
    """Where the files of DATASET lie; an error when they are not here."""
    _print_paths(sources.cached(registry().find("dataset", dataset)), printer)


@data.command()
@click.argument("dataset")
@output_options
def remove(dataset: str, printer: Printer) -> None:
    """Delete the cached files of DATASET."""
    gone = [str(path) for path in sources.remove(registry().find("dataset", dataset))]
    printer.result({"removed": gone}, () if printer.quiet else [f"removed {len(gone)} files"])


def _describe(spec: DatasetSpec) -> dict[str, Any]:
    names = ("id", "summary", "modality", "origin", "splits", "licence", "citation")
    files = [asdict(file) | {"cached": sources.is_cached(file)} for file in spec.files]
    fetched = "cached" if all(file["cached"] for file in files) else "not fetched"
    state = {"state": fetched if files else spec.origin, "files": files}
    return {name: getattr(spec, name) for name in names} | state


def _print_paths(paths: Mapping[str, Path], printer: Printer) -> None:
    printer.result(paths, map(str, paths.values()))
    if not paths and not printer.as_json:
        click.echo("nothing to fetch: this set has no files of its own", err=True)
