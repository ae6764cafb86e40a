"""``genai data``: fetch, list and describe data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from genai_core.cli.common import output_options, print_json

if TYPE_CHECKING:
    from genai_core.plugins.specs import DatasetSpec


@click.group()
def data() -> None:
    """Fetch, list and describe data sets."""


@data.command("list")
@output_options
def list_(as_json: bool, quiet: bool) -> None:
    """All data sets, and which are here."""
    from genai_core.plugins.registry import registry

    rows = [_describe(spec) for spec in registry().specs("dataset")]
    if as_json:
        print_json(rows)
        return
    width = max((len(row["id"]) for row in rows), default=0)
    for row in rows:
        click.echo(row["id"] if quiet else f"{row['id']:<{width}}  {row['state']:<12}  {row['summary']}")


@data.command()
@click.argument("dataset")
@output_options
def info(dataset: str, as_json: bool, quiet: bool) -> None:
    """Origin, licence, citation, splits and files of DATASET."""
    row = _describe(_spec(dataset))
    if as_json:
        print_json(row)
        return
    for key, value in row.items():
        if key != "files" and value:
            click.echo(f"{key:<9} {', '.join(value) if isinstance(value, tuple) else value}")
    for file in row["files"]:
        click.echo(
            f"file      {file['name']}  {file['size']:,} bytes  {'cached' if file['cached'] else 'not here'}"
        )
        for line in (
            () if quiet else (f"sha256 {file['sha256']}", *(f"from {one}" for one in file["sources"]))
        ):
            click.echo(f"            {line}")


@data.command()
@click.argument("dataset")
@output_options
def fetch(dataset: str, as_json: bool, quiet: bool) -> None:
    """Bring the files of DATASET into the cache, each checked by sha256."""
    from genai_core.files import sources

    paths = sources.fetch(_spec(dataset), lambda line: None if quiet else click.echo(line, err=True))
    _print_paths({name: str(path) for name, path in paths.items()}, as_json)


@data.command()
@click.argument("dataset")
@output_options
def path(dataset: str, as_json: bool, quiet: bool) -> None:
    """Where the files of DATASET lie; an error when they are not here."""
    from genai_core.files import sources

    _print_paths({name: str(path) for name, path in sources.cached(_spec(dataset)).items()}, as_json)


@data.command()
@click.argument("dataset")
@output_options
def remove(dataset: str, as_json: bool, quiet: bool) -> None:
    """Delete the cached files of DATASET."""
    from genai_core.files import sources

    gone = [str(path) for path in sources.remove(_spec(dataset))]
    if as_json:
        print_json({"removed": gone})
    elif not quiet:
        click.echo(f"removed {len(gone)} files")


def _spec(dataset: str) -> DatasetSpec:
    from genai_core.plugins.registry import registry

    spec: DatasetSpec = registry().find("dataset", dataset)
    return spec


def _describe(spec: DatasetSpec) -> dict[str, Any]:
    from genai_core.files import sources

    here = [sources.is_cached(file) for file in spec.files]
    names = ("id", "summary", "modality", "origin", "splits", "licence", "citation")
    described: dict[str, Any] = {name: getattr(spec, name) for name in names}
    described["state"] = spec.origin if not spec.files else "cached" if all(here) else "not fetched"
    described["files"] = [
        {
            "name": file.name,
            "size": file.size,
            "sha256": file.sha256,
            "sources": file.sources,
            "cached": cached,
        }
        for file, cached in zip(spec.files, here, strict=True)
    ]
    return described


def _print_paths(paths: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json(paths)
    elif not paths:
        click.echo("nothing to fetch: this set has no files of its own", err=True)
    else:
        for place in paths.values():
            click.echo(place)
