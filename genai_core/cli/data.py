"""``genai data``: fetch and list data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genai_core.cli.common import Printer, columns, output_options
from genai_core.files import sources
from genai_core.plugins.registry import registry

if TYPE_CHECKING:
    from genai_core.plugins.specs import DatasetSpec


@click.group()
def data() -> None:
    """Fetch and list data sets."""


@data.command("list")
@output_options
def list_(printer: Printer) -> None:
    """All data sets, and which are here; genai info describes one."""
    specs = registry().specs("dataset")
    rows = [{"id": spec.id, "state": _state(spec), "summary": spec.summary} for spec in specs]
    printer.result(rows, columns([[row["id"]] if printer.quiet else list(row.values()) for row in rows]))


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


def _state(spec: DatasetSpec) -> str:
    if not spec.files:
        return spec.origin
    return "cached" if all(map(sources.is_cached, spec.files)) else "not fetched"


def _print_paths(paths: Mapping[str, Path], printer: Printer) -> None:
    printer.result(paths, map(str, paths.values()))
    if not paths and not printer.as_json:
        click.echo("nothing to fetch: this set has no files of its own", err=True)
