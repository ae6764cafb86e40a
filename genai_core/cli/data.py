"""``genai data``: fetch and list data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genai_core.cli.common import Command, Printer, columns
from genai_core.files import sources
from genai_core.plugins.registry import registry

if TYPE_CHECKING:
    from genai_core.plugins.specs import DatasetSpec


@click.group()
def data() -> None:
    """Fetch and list data sets."""


@data.command("list", cls=Command)
def list_(printer: Printer) -> None:
    """All data sets, and which are here; genai info describes one."""
    specs = registry().specs("dataset")
    rows = [{"id": spec.id, "state": _state(spec), "summary": spec.summary} for spec in specs]
    printer.result(rows, columns([[row["id"]] if printer.quiet else list(row.values()) for row in rows]))


@data.command(cls=Command)
@click.argument("dataset")
def fetch(dataset: str, printer: Printer) -> None:
    """Bring the files of DATASET into the cache, each checked by sha256, and print where they lie."""
    paths = sources.fetch(registry().find("dataset", dataset), printer.note)
    printer.result(paths, map(str, paths.values()))
    if not paths:
        printer.note("nothing to fetch: this set has no files of its own")


def _state(spec: DatasetSpec) -> str:
    if not spec.files:
        return spec.origin
    return "cached" if all(map(sources.is_cached, spec.files)) else "not fetched"
