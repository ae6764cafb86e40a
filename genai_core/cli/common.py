"""Options and output shared by the commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import click


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


class Command(click.Command):
    """A command with ``--json`` and ``-q/--quiet``, which its function is handed together as ``printer``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(["--json", "as_json"], is_flag=True, help="Print JSON for programs."),
            click.Option(["-q", "--quiet"], is_flag=True, help="Print results only."),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """See `click.Command.invoke`."""
        ctx.params["printer"] = Printer(ctx.params.pop("as_json"), ctx.params.pop("quiet"))
        return super().invoke(ctx)


class ConfigCommand(Command):
    """A command with ``--config FILE`` and repeated ``--set key=value``, handed together as ``values``.

    An option it does not know is one of the config: ``--style a.jpg`` is ``--set style=a.jpg``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        file = click.Path(dir_okay=False)
        self.params += [
            click.Option(["--config", "file"], type=file, help="TOML file of options."),
            click.Option(["--set", "settings"], multiple=True, metavar="KEY=VALUE", help="Set one option."),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """See `click.Command.invoke`."""
        from pathlib import Path

        from genai_core.config import merge, parse_settings, read_toml

        file, settings = ctx.params.pop("file"), ctx.params.pop("settings")
        ctx.params["values"] = merge(read_toml(Path(file)) if file else {}, parse_settings(settings))
        return super().invoke(ctx)

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


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines, each cell but the last padded to the width of its column, at most 60."""
    widths = [min(60, max(map(len, column))) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
