"""``genai data``: fetch and describe data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genai_core.cli.common import output_options, print_json

if TYPE_CHECKING:
    from genai_core.plugins.specs import DatasetSpec


@click.group()
def data() -> None:
    """Fetch and describe the full public data sets."""


def _spec(id_: str) -> DatasetSpec:
    from genai_core.plugins.registry import registry

    spec: DatasetSpec = registry().find("dataset", id_)
    return spec


@data.command()
@click.argument("id")
@output_options
def fetch(id: str, as_json: bool, quiet: bool) -> None:
    """Bring the files of a set into the cache, each checked by sha256."""
    from genai_core.files import sources

    paths = sources.fetch(
        _spec(id), (lambda line: None) if quiet else (lambda line: click.echo(line, err=True))
    )
    if as_json:
        print_json({name: str(path) for name, path in paths.items()})
    else:
        for path in paths.values():
            click.echo(path)
