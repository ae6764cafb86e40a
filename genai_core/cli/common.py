"""Options and output shared by the commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def output_options(command: F) -> F:
    """Add ``--json`` and ``-q/--quiet``, passed as ``as_json`` and ``quiet``."""
    command = click.option("-q", "--quiet", is_flag=True, help="Print results only.")(command)
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def config_options(command: F) -> F:
    """Add ``--config FILE`` and repeated ``--set key=value``, passed as ``config_file`` and ``settings``."""
    command = click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Set one option.")(
        command
    )
    return click.option(
        "--config", "config_file", type=click.Path(dir_okay=False), help="TOML file of options."
    )(command)


def config_values(config_file: str | None, settings: tuple[str, ...]) -> dict[str, Any]:
    """The values of ``--config`` with those of ``--set`` over them."""
    from pathlib import Path

    from genai_core.config import merge, parse_settings, read_toml

    base = read_toml(Path(config_file)) if config_file else {}
    return merge(base, parse_settings(settings))


def print_json(value: object) -> None:
    """Write one JSON document to stdout."""
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
