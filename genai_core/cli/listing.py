"""``genai list``: what is installed, read from the specs alone."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from genai_core.cli.common import output_options, print_json
from genai_core.plugins.registry import KINDS, registry

if TYPE_CHECKING:
    from genai_core.plugins.registry import Registry
    from genai_core.plugins.specs import Spec


@click.command(name="list")
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@click.option("--modality", help='Only what makes, reads or measures this, e.g. "molecules".')
@output_options
def list_(kind: str | None, modality: str | None, as_json: bool, quiet: bool) -> None:
    """What is installed: data sets, models, evaluators, pipelines and the rest, by plugin.

    Example: genai list --kind model --modality molecules
    """
    found = registry()
    specs = [spec for each in ([kind] if kind else KINDS) for spec in found.specs(each, modality=modality)]
    if as_json:
        print_json([plain(spec, found) for spec in specs])
        return
    if quiet:
        click.echo("".join(f"{spec.id}\n" for spec in specs), nl=False)
        return
    click.echo(_table(specs, found), nl=False)
    if not specs:
        click.echo("nothing installed matches; genai list shows everything there is", err=True)


def plain(spec: Spec, found: Registry) -> dict[str, Any]:
    """The spec as JSON values, with its id, kind and distribution; sets sorted."""
    source = found.plugins[spec.plugin].source
    values = {k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(spec).items()}
    about = {"distribution": source.distribution, "version": source.version}
    return {"id": spec.id, "kind": spec.kind, **values, **about}


def _table(specs: list[Any], found: Registry) -> str:
    width = max((len(spec.id) for spec in specs), default=0)
    columns = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
    lines = []
    for plugin, loaded in found.plugins.items():
        rows = [spec for spec in specs if spec.plugin == plugin]
        if rows:
            lines.append(f"{plugin} {loaded.source.version} ({loaded.source.distribution})")
            lines += [f"  {spec.kind:<9}  {spec.id:<{width}}  {spec.summary}"[:columns] for spec in rows]
    return "".join(f"{line.rstrip()}\n" for line in lines)
