"""Options and output shared by the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from typing import Any

import click

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Printer:
    """How a command answers: results on stdout, remarks on stderr.

    Attributes:
        as_json: Print one JSON document for programs instead of text.
        quiet: Print results only.
    """

    as_json: bool = False
    quiet: bool = False

    def result(self, document: object, text: Iterable[str] = ()) -> None:
        """Print `document` when JSON is asked for, else the lines of `text`."""
        if self.as_json:
            import json

            text = [json.dumps(document, indent=2, ensure_ascii=False, default=str)]
        for line in text:
            click.echo(line)

    def note(self, line: str) -> None:
        """Print a remark, unless quiet."""
        if not self.quiet:
            click.echo(line, err=True)


class ConfigCommand(click.Command):
    """Takes an option it does not know for one of the config: ``--style a.jpg`` is ``--set style=a.jpg``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command.parse_args`."""
        known = {"--help", *(name for parameter in self.params for name in parameter.opts)}
        words, understood = iter(args), list[str]()
        for word in words:
            name, given, value = word.partition("=")
            if not name.startswith("--") or name == "--" or name in known:
                understood.append(word)
                continue
            value = value if given else next(words, "--")
            if value.startswith("--"):
                raise click.NoSuchOption(name, possibilities=get_close_matches(name, known), ctx=ctx)
            understood += ["--set", f"{name[2:].replace('-', '_')}={value}"]
        return super().parse_args(ctx, understood)


def output_options(command: Command) -> Command:
    """Add ``--json`` and ``-q/--quiet``, passed together as ``printer``."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
    @click.option("-q", "--quiet", is_flag=True, help="Print results only.")
    @wraps(command)
    def with_printer(*, as_json: bool, quiet: bool, **options: Any) -> Any:
        return command(printer=Printer(as_json, quiet), **options)

    return with_printer


def config_options(command: Command) -> Command:
    """Add ``--config FILE`` and repeated ``--set key=value``; what they give is passed as ``values``."""

    @click.option("--config", "config_file", type=click.Path(dir_okay=False), help="TOML file of options.")
    @click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Set one option.")
    @wraps(command)
    def with_values(*, config_file: str | None, settings: tuple[str, ...], **options: Any) -> Any:
        from pathlib import Path

        from genai_core.config import merge, parse_settings, read_toml

        base = read_toml(Path(config_file)) if config_file else {}
        return command(values=merge(base, parse_settings(settings)), **options)

    return with_values


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines, each cell but the last padded to the width of its column, at most 60."""
    widths = [min(60, max(map(len, column))) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
