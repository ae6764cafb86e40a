"""`genai new`: the skeleton of a plugin whose contract suite is green at once."""

from __future__ import annotations

from pathlib import Path

import click

from genai_core import __version__
from genai_core.cli.common import Command, Printer
from genai_core.errors import UsageError
from genai_core.files.atomic import atomic_dir
from genai_core.plugins.discovery import official
from genai_core.plugins.registry import registry
from genai_core.plugins.specs import NAME


@click.command(cls=Command)
@click.argument("name")
@click.option(
    "--into", type=click.Path(file_okay=False), default=".", show_default=True, help="Folder to put it in."
)
def new(name: str, into: str, printer: Printer) -> None:
    """Write the skeleton of a plugin called NAME: lower-case words joined by hyphens.

    Its package is genai-NAME, its ids begin with NAME/. It holds a small data set and a model that already
    pass the contract suite; replace them by your own.
    """
    check_name(name)
    folder = Path(into) / f"genai-{name}"
    files = write_skeleton(name, folder)
    printer.result({"folder": str(folder), "files": files}, [str(folder)])
    printer.note(f'now: pip install -e "{folder}[test]" && pytest {folder}')


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a new plugin.

    Raises:
        UsageError: Not lower-case words joined by hyphens, already prefixed, or the name of another plugin.
    """
    if not NAME.fullmatch(name) or len(name) > 50:
        wrong = f"{name[:60]!r} is not lower-case words joined by hyphens"
        raise UsageError(wrong, hint="e.g. genai new protein-folds")
    if name.startswith("genai-"):
        raise UsageError(f"{name!r}: the prefix is added for you", hint=f"genai new {name[6:]}")
    if official(name) or name in registry().plugins:
        raise UsageError(f"the plugin name {name!r} is taken", hint="choose another name")


def write_skeleton(name: str, folder: Path) -> list[str]:
    """Write the files of the skeleton into the new `folder`, all or none, and return their names.

    Raises:
        UsageError: `folder` is there already.
        ResourceError: It cannot be written.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    if folder.exists() or folder.is_symlink():
        wrong = f"{folder} is there already; nothing was written"
        raise UsageError(wrong, hint="choose another name or --into")
    package = "genai_" + name.replace("-", "_")
    values = {"name": name, "package": package, "distribution": f"genai-{name}", "core": __version__}
    loader = PackageLoader("genai_core", "templates/plugin")
    # Source code, not HTML: nothing is escaped, and the only values are a checked name and our version.
    texts = Environment(
        loader=loader,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
    written = []
    with atomic_dir(folder) as temporary:
        for source in texts.list_templates(["j2"]):
            relative = source.removesuffix(".j2").replace("src/package/", f"src/{package}/")
            target = temporary / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(texts.get_template(source).render(values), encoding="utf-8")
            written.append(relative)
    return written
