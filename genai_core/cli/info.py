"""``genai info`` and ``genai schema``: one id in detail."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import click

from genai_core.cli.common import output_options, print_json
from genai_core.cli.listing import plain
from genai_core.plugins.registry import registry

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

SHOWN = ("modality", "family", "capabilities", "splits", "origin", "needs_reference", "outputs", "suffixes",
         "media_type", "cost", "tags", "licence", "citation", "factory")  # fmt: skip
BOUNDS = {"ge": ">= ", "gt": "> ", "le": "<= ", "lt": "< ", "multiple_of": "multiple of ",
          "min_length": "length >= ", "max_length": "length <= ", "pattern": "like "}  # fmt: skip


@click.command()
@click.argument("id")
@output_options
def info(id: str, as_json: bool, quiet: bool) -> None:
    """Options, capabilities, licence, citation and weights of ID.

    Example: genai info molecules/rnn
    """
    found = registry()
    spec = found.find_any(id)
    about = plain(spec, found)
    about["requires"] = _requirements(spec.requires)
    about["config_options"] = _options(found.config_class(spec))
    if "options" in spec.references():
        about["sampling_options"] = _options(found.config_class(spec, "options"))
    if about.get("weights"):
        about["weights"] = _weights(spec.weights)
    if as_json:
        print_json(about)
    else:
        click.echo("\n".join(_text(about)))


@click.command()
@click.argument("id")
@click.option(
    "--sampling", is_flag=True, help="The sampling options of a model instead of its configuration."
)
@output_options
def schema(id: str, sampling: bool, as_json: bool, quiet: bool) -> None:
    """JSON Schema of ID's configuration, for editors and other programs."""
    from genai_core.errors import UsageError

    found = registry()
    spec = found.find_any(id)
    if sampling and "options" not in spec.references():
        raise UsageError(
            f"{spec.id} is a {spec.kind} and has no sampling options", hint=f"genai schema {spec.id}"
        )
    print_json(found.config_class(spec, "options" if sampling else "config").model_json_schema())


def _options(config: type[BaseModel], prefix: str = "") -> list[dict[str, Any]]:
    """Name, type, default, range and description of each field, nested ones with their dotted key."""
    from pydantic import BaseModel

    rows = []
    for name, field in config.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            rows += _options(inner, f"{prefix}{name}.")
            continue
        needed = field.is_required()
        default = None if needed else field.get_default(call_default_factory=True)
        rows.append(
            {
                "name": prefix + name,
                "type": _type(inner),
                "default": default,
                "required": needed,
                "range": _range(field),
                "description": field.description or "",
            }
        )
    return rows


def _type(annotation: Any) -> str:
    from typing import Literal, get_args, get_origin

    if get_origin(annotation) is Literal:
        return "|".join(str(value) for value in get_args(annotation))
    if annotation is type(None):
        return "none"
    arguments = get_args(annotation)
    if str(get_origin(annotation)) in ("<class 'types.UnionType'>", "typing.Union"):
        return "|".join(_type(argument) for argument in arguments)
    return annotation.__name__ if isinstance(annotation, type) and not arguments else str(annotation)


def _range(field: FieldInfo) -> str:
    found = [(sign, getattr(limit, name, None)) for limit in field.metadata for name, sign in BOUNDS.items()]
    return ", ".join(f"{sign}{bound}" for sign, bound in found if bound is not None)


def _requirements(requires: tuple[str, ...]) -> list[dict[str, str]]:
    from genai_core.plugins.resolve import unmet

    return [{"requirement": text, "state": next(iter(unmet([text])), "met")} for text in requires]


def _weights(reference: str) -> dict[str, Any]:
    from hashlib import sha256
    from importlib.resources import files

    package, _, inner = reference.partition(":")
    folder = files(package).joinpath(*inner.split("/"))
    about: dict[str, Any] = {"folder": reference, "files": [], "card": None}
    if not folder.is_dir():
        return {**about, "problem": "the folder is not there"}
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        data = file.read_bytes()
        about["files"].append({"name": file.name, "bytes": len(data), "sha256": sha256(data).hexdigest()})
        if file.name == "CARD.md":
            about["card"] = data.decode("utf-8", "replace")
    return about


def _text(about: dict[str, Any]) -> list[str]:
    lines = [f"{about['id']}: {about['summary']}", ""]
    source = f"{about['plugin']} {about['version']} ({about['distribution']})"
    rows = [("kind", about["kind"]), ("plugin", source)]
    for name in SHOWN:
        value = about.get(name)
        if value not in (None, "", (), []):
            rows.append((name, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)))
    rows += [("requires", f"{item['requirement']} ({item['state']})") for item in about["requires"]]
    rows += [("file", _file(item)) for item in about.get("files", ())]
    for metric in about.get("metrics", ()):
        bounds = f" in [{metric['low']}, {metric['high']}]" if metric["low"] is not None else ""
        rows.append(("metric", f"{metric['name']}{bounds} ({metric['direction']}): {metric['summary']}"))
    lines += [f"{name:<15}  {value}" for name, value in rows]
    for title in ("config", "sampling"):
        if options := about.get(f"{title}_options"):
            lines += ["", f"{title} (--set KEY=VALUE)", *_option_lines(options)]
    weights = about.get("weights")
    if weights:
        lines += ["", f"weights {weights['folder']}", *(f"  {_file(item)}" for item in weights["files"])]
        lines += [f"  {weights['problem']}"] if "problem" in weights else []
        lines += ["", weights["card"].rstrip()] if weights["card"] else []
    return lines


def _file(item: dict[str, Any]) -> str:
    size = item.get("size", item.get("bytes", 0))
    return f"{item['name']}  {size:,} bytes  sha256 {item['sha256']}"


def _option_lines(options: list[dict[str, Any]]) -> list[str]:
    defaults = ["needed" if option["required"] else f"= {option['default']}" for option in options]
    cells = [(o["name"], o["type"], d, o["range"]) for o, d in zip(options, defaults, strict=True)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for option, row in zip(options, cells, strict=True):
        head = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines += [f"  {head}".rstrip(), textwrap.indent(textwrap.fill(option["description"], 100), "      ")]
    return [line for line in lines if line]
