"""``genai list``: what is installed, read from the specs alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from genai_core.cli.common import Command, Printer, columns
from genai_core.plugins.registry import KINDS, Registry, registry


@click.command("list", cls=Command)
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@click.option("--modality", help='Only what makes, reads or measures this, e.g. "molecules".')
def list_(kind: str | None, modality: str | None, printer: Printer) -> None:
    """What is installed: data sets, models, evaluators, pipelines and the rest, by plugin.

    Example: genai list --kind model --modality molecules
    """
    found = registry()
    specs = [spec for each in ([kind] if kind else KINDS) for spec in found.specs(each, modality=modality)]
    ids = [spec.id for spec in specs]
    printer.result([plain(spec, found) for spec in specs], ids if printer.quiet else _table(specs, found))
    if not specs:
        printer.note("nothing installed matches; genai list shows everything there is")


def plain(spec: Any, found: Registry) -> dict[str, Any]:
    """The spec as JSON values, with its id, kind and distribution; sets sorted."""
    source = found.plugins[spec.plugin].source
    values = {k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(spec).items()}
    about = {"distribution": source.distribution, "version": source.version}
    return {"id": spec.id, "kind": spec.kind, **values, **about}


def _table(specs: list[Any], found: Registry) -> Iterator[str]:
    width = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
    lines = columns([(f"  {spec.kind}", spec.id, spec.summary) for spec in specs])
    for plugin, loaded in found.plugins.items():
        rows = [line[:width] for spec, line in zip(specs, lines, strict=True) if spec.plugin == plugin]
        if rows:
            yield f"{plugin} {loaded.source.version} ({loaded.source.distribution})"
            yield from rows
