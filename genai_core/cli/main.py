"""Entry point of the `genai` command: a table of commands, each imported when it is called.

`genai --help` imports click and this file, nothing else; plugin commands are looked up only when a
name is not in the table.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from genai_core import __version__
from genai_core.errors import (
    GenaiError,
    PluginError,
    ResourceError,
    UnknownId,
    did_you_mean,
    is_out_of_memory,
)

COMMANDS = {
    "list": ("genai_core.cli.listing:list_", "What is installed: datasets, models, evaluators, pipelines."),
    "info": ("genai_core.cli.info:info", "Options, capabilities, licence, citation and weights of one id."),
    "schema": ("genai_core.cli.info:schema", "JSON Schema of one id's configuration."),
    "run": ("genai_core.cli.run:run", "Run a pipeline: artifacts, metrics.json and report.html."),
    "train": ("genai_core.cli.train:train", "Train a model on a data set."),
    "resume": ("genai_core.cli.train:resume", "Go on with a training run exactly where it stopped."),
    "sample": ("genai_core.cli.sample:sample", "Sample from a run or a shipped model, in shards."),
    "evaluate": ("genai_core.cli.evaluate:evaluate", "Measure a file, each number beside its floor."),
    "data": ("genai_core.cli.data:data", "Fetch the full public data sets."),
    "verify": ("genai_core.cli.verify:verify", "Was this file generated, by what, is it unchanged?"),
    "reproduce": ("genai_core.cli.verify:reproduce", "Make the same bytes again from a file's record."),
    "doctor": ("genai_core.cli.doctor:doctor", "What is broken, why, and the command that mends it."),
    "new": ("genai_core.cli.new:new", "Write the skeleton of a plugin that passes the contract suite."),
}


class LazyGroup(click.Group):
    """Resolves commands from `COMMANDS`, then from plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            module, _, attribute = COMMANDS[name][0].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        from genai_core.plugins.registry import registry

        near = did_you_mean(name, [*COMMANDS, *(spec.name for spec in registry().specs("command"))])
        try:
            spec = registry().find("command", name)
        except UnknownId as error:
            hint = near or error.hint or ""
            raise click.UsageError(f"No such command {name!r}; {hint}", ctx=ctx) from None
        loaded = registry().load(spec)
        if not isinstance(loaded, click.Command):
            raise PluginError(
                f"{spec.id}: {spec.factory!r} is no click.Command", hint="decorate it with @click.command()"
            )
        return loaded


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Plugins add commands of their own: genai list --kind command.",
)
@click.version_option(__version__, prog_name="genai")
@click.option("--no-plugins", is_flag=True, help="Load no plugin but the core.")
def cli(no_plugins: bool) -> None:
    """Generative AI for science and media: molecules, music, speech, video, style, anomalies."""
    if no_plugins:
        os.environ["GENAI_PLUGINS"] = ""


def main(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake never shows a traceback."""
    if "_GENAI_COMPLETE" in os.environ:  # the shell asks for completions
        cli.main(prog_name="genai")
    try:
        # Not cli.main: it answers a broken pipe itself, with exit code 1.
        with cli.make_context("genai", sys.argv[1:] if args is None else list(args)) as context:
            code = cli.invoke(context)
        sys.stdout.flush()  # a reader that went away shows here, not in the interpreter's last breath
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except GenaiError as error:
        click.echo(f"genai: {error.message}", err=True)
        if error.hint:
            lead = "" if error.hint.startswith("did you mean") else "try: "
            click.echo(f"  {lead}{error.hint}", err=True)
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        click.echo("genai: out of memory\n  try: a smaller task, or a computer with more memory", err=True)
        return ResourceError.exit_code
    except BrokenPipeError:
        # The reader of our stdout went away (`| head`); what is left to flush would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


def entry() -> None:
    """Console script."""
    sys.exit(main())
