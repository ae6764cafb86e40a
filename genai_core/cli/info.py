"""``genai info`` and ``genai schema``: one id in detail."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from genai_core.cli.common import Command, Printer, columns
from genai_core.cli.listing import plain
from genai_core.config import Config
from genai_core.errors import UsageError
from genai_core.files.sources import is_cached
from genai_core.plugins.registry import registry
from genai_core.plugins.resolve import unmet

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

SHOWN = ("modality", "family", "capabilities", "splits", "origin", "needs_reference", "outputs", "suffixes",
         "media_type", "weights", "cost", "tags", "licence", "citation", "factory")  # fmt: skip
BOUNDS = {"ge": ">= ", "gt": "> ", "le": "<= ", "lt": "< ", "multiple_of": "multiple of ",
          "min_length": "length >= ", "max_length": "length <= ", "pattern": "like "}  # fmt: skip


@click.command(cls=Command)
@click.argument("id")
def info(id: str, printer: Printer) -> None:
    """Options, capabilities, licence, citation and weights of ID.

    Example: genai info molecules/rnn
    """
    found = registry()
    spec = found.find(None, id)
    about = plain(spec, found)
    states = {text: next(iter(unmet([text])), "met") for text in spec.requires}
    about["requires"] = [{"requirement": text, "state": state} for text, state in states.items()]
    about["config_options"] = _options(found.config_class(spec))
    if "options" in spec.references:
        about["sampling_options"] = _options(found.config_class(spec, "options"))
    if about.get("weights"):
        about["card"] = _card(spec.weights)
    for row, file in zip(about.get("files", ()), getattr(spec, "files", ()), strict=True):
        row["cached"] = is_cached(file)
    printer.result(about, _text(about))


@click.command(cls=Command)
@click.argument("id")
@click.option(
    "--sampling", is_flag=True, help="The sampling options of a model instead of its configuration."
)
def schema(id: str, sampling: bool, printer: Printer) -> None:
    """JSON Schema of ID's configuration, for editors and other programs."""
    found = registry()
    spec = found.find(None, id)
    if sampling and "options" not in spec.references:
        raise UsageError(
            f"{spec.id} is a {spec.kind} and has no sampling options", hint=f"genai schema {spec.id}"
        )
    config = found.config_class(spec, "options" if sampling else "config")
    Printer(as_json=True).result(config.model_json_schema())


def _options(config: type[Config], prefix: str = "") -> list[dict[str, Any]]:
    """Name, type, default, range and description of each field, nested ones with their dotted key."""
    rows = []
    for name, field in config.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Config):
            rows += _options(inner, f"{prefix}{name}.")
            continue
        needed = field.is_required()
        row = {"name": prefix + name, "type": _type(inner), "range": _range(field), "required": needed}
        row["default"] = None if needed else field.get_default(call_default_factory=True)
        rows.append(row | {"description": field.description or ""})
    return rows


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    plain_class = isinstance(annotation, type) and not get_args(annotation)
    return annotation.__name__ if plain_class else str(annotation).replace("typing.", "")


def _range(field: FieldInfo) -> str:
    found = [(sign, getattr(limit, name, None)) for limit in field.metadata for name, sign in BOUNDS.items()]
    return ", ".join(f"{sign}{bound}" for sign, bound in found if bound is not None)


def _card(weights: str) -> str:
    """What is to be known of shipped weights: their data, licence, hash and figures."""
    package, _, inner = weights.partition(":")
    card = files(package).joinpath(*inner.split("/"), "CARD.md")
    return card.read_text("utf-8") if card.is_file() else f"there is no CARD.md in {weights}"


def _text(about: dict[str, Any]) -> Iterator[str]:
    yield from (f"{about['id']}: {about['summary']}", "")
    source = f"{about['plugin']} {about['version']} ({about['distribution']})"
    rows = [("kind", about["kind"]), ("plugin", source)]
    for name in SHOWN:
        value = about.get(name)
        if value not in (None, "", (), []):
            rows.append((name, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)))
    rows += [("requires", f"{item['requirement']} ({item['state']})") for item in about["requires"]]
    for file in about.get("files", ()):
        state = "cached" if file["cached"] else "not fetched"
        rows.append(("file", f"{file['name']}  {file['size']:,} bytes  sha256 {file['sha256']}  {state}"))
        rows += [("", f"from {source}") for source in file["sources"]]
    for metric in about.get("metrics", ()):
        bounds = f" in [{metric['low']}, {metric['high']}]" if metric["low"] is not None else ""
        rows.append(("metric", f"{metric['name']}{bounds} ({metric['direction']}): {metric['summary']}"))
    yield from columns(rows)
    for title in ("config", "sampling"):
        if options := about.get(f"{title}_options"):
            yield from ("", f"{title} (--set KEY=VALUE)", *_option_lines(options))
    if card := about.get("card"):
        yield from ("", card.rstrip())


def _option_lines(options: list[dict[str, Any]]) -> Iterator[str]:
    defaults = ["needed" if option["required"] else f"= {option['default']}" for option in options]
    rows = [(f"  {o['name']}", o["type"], d, o["range"]) for o, d in zip(options, defaults, strict=True)]
    for option, line in zip(options, columns(rows), strict=True):
        yield line
        if option["description"]:
            yield textwrap.indent(textwrap.fill(option["description"], 100), " " * 6)
