"""Promises of the plugin as a whole and of each spec."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_core.testing.promises import NotApplicable, expect, expect_ok, promise

if TYPE_CHECKING:
    from genai_core.testing.bench import Bench

EVERY_KIND = ("dataset", "model", "evaluator", "pipeline", "artifact", "command", "check")
LIGHT = frozenset({"genai_core", "pluggy", "packaging"})
"""What a plugin module may bring in beside the standard library: the core and what the core is made of."""

_SPDX = re.compile(r"\(?[A-Za-z0-9][A-Za-z0-9.+-]*\)?( (AND|OR|WITH) \(?[A-Za-z0-9][A-Za-z0-9.+-]*\)?)*")


@promise("plugin")
def loads_without_faults(bench: Bench, spec: Any) -> None:
    """The plugin is installed and loads without a fault."""
    faults = [fault for fault in bench.registry.faults if fault.source.plugin == bench.plugin]
    expect(not faults, "; ".join(f"{fault.stage}: {fault.error} ({fault.hint})" for fault in faults))
    found = ", ".join(bench.registry.plugins)
    expect(
        bench.plugin in bench.registry.plugins, f"no plugin {bench.plugin!r} is installed; there are: {found}"
    )


@promise("plugin")
def offers_something(bench: Bench, spec: Any) -> None:
    """The plugin offers at least one spec."""
    expect(any(bench.specs(kind) for kind in EVERY_KIND), "none of its hooks yields anything")


@promise("plugin")
def hooks_are_repeatable(bench: Bench, spec: Any) -> None:
    """Asking a hook twice gives the same specs."""
    from genai_core.plugins.admission import OFFERS

    for hook, offer in OFFERS.items():
        function = getattr(bench.module, hook, None)
        if function is None:
            continue
        known = [spec.name for spec in bench.specs(offer.kind)]
        for _ in range(2):
            found = sorted(spec.name for spec in _specs(function()))
            expect(found == known, f"{hook} offered {known} when the plugin was loaded, and now {found}")


@promise("plugin")
def readme_names_every_id(bench: Bench, spec: Any) -> None:
    """The README of the plugin names every id."""
    readme = _readme(Path(bench.module.__file__ or ""))
    text = readme.read_text(encoding="utf-8")
    ids = [found.id for kind in ("dataset", "model", "evaluator", "pipeline") for found in bench.specs(kind)]
    missing = [name for name in ids if name not in text]
    expect(not missing, f"{readme.name} does not mention {', '.join(missing)}")


@promise("plugin", process=True)
def import_is_light(bench: Bench, spec: Any) -> None:
    """Importing the plugin module brings in nothing beyond the standard library and the core."""
    import sys

    from genai_core.testing.probe import modules_after

    package = bench.module.__name__.partition(".")[0]
    loaded = modules_after(f"import {bench.module.__name__}") - modules_after(
        "import genai_core.plugins.hookspecs"
    )
    roots = {name.partition(".")[0] for name in loaded if not name.startswith("_")}
    heavy = sorted(roots - LIGHT - {package} - set(sys.stdlib_module_names))
    expect(
        not heavy,
        f"importing {bench.module.__name__} also imports {', '.join(heavy)}; name them in import strings",
    )


@promise(*EVERY_KIND)
def references_resolve(bench: Bench, spec: Any) -> None:
    """Every import string of a spec leads to something that can be called."""
    for field in spec.references:
        if getattr(spec, field) is not None:
            found = expect_ok(f"importing {field}={getattr(spec, field)!r}", bench.load, spec, field)
            expect(callable(found), f"{field}={getattr(spec, field)!r} is a {type(found).__name__}")


@promise(*EVERY_KIND)
def fields_are_plain(bench: Bench, spec: Any) -> None:
    """A spec holds plain values: strings, tuples and sets of strings, requirements that can be read."""
    from packaging.requirements import InvalidRequirement, Requirement

    for field in ("requires", "tags", "splits", "outputs", "suffixes", "capabilities"):
        value = getattr(spec, field, ())
        ok = isinstance(value, tuple | frozenset) and all(isinstance(word, str) for word in value)
        expect(ok, f"{field}={value!r} is not a tuple or frozen set of strings")
    for requirement in spec.requires:
        try:
            Requirement(requirement)
        except InvalidRequirement as error:
            raise AssertionError(f"requires {requirement!r}: {error}") from None


@promise("dataset", "model", when=lambda spec: getattr(spec, "origin", "") != "user")
def says_its_licence(bench: Bench, spec: Any) -> None:
    """A data set and a model name their licence, as an SPDX expression."""
    expect(spec.licence, 'licence is empty; set it to an SPDX expression such as "CC0-1.0"')
    expect(_SPDX.fullmatch(spec.licence), f"licence {spec.licence!r} is not an SPDX expression")


@promise(*EVERY_KIND)
def summary_is_a_line(bench: Bench, spec: Any) -> None:
    """The summary fits a line of `genai list` and says more than the name."""
    expect(len(spec.summary) <= 100, f"the summary has {len(spec.summary)} characters; 100 fit")
    said = spec.summary.strip().rstrip(".").lower()
    expect(said not in (spec.name, spec.name.replace("-", " ")), "the summary only repeats the name")


@promise("dataset", "model", "evaluator", "pipeline")
def modality_is_known(bench: Bench, spec: Any) -> None:
    """The modality of a spec is an artifact that some installed plugin reads and writes."""
    known = sorted(found.name for found in bench.registry.specs("artifact"))
    expect(spec.modality in known, f"modality {spec.modality!r} is not one of {', '.join(known)}")


@promise("pipeline")
def pipeline_keeps_its_word(bench: Bench, spec: Any) -> None:
    """A pipeline writes the outputs it names, and the same bytes again from the same seed."""
    if not {spec.id, spec.name} & set(bench.configs):
        raise NotApplicable(f"give configs={{{spec.name!r}: {{...}}}} with settings small enough for a test")
    from genai_core.files.signing import paused
    from genai_core.results.pipelines import run_pipeline

    values = bench.configs.get(spec.id, bench.configs.get(spec.name))
    first, second = (bench.folder("pipeline") / "run" for _ in range(2))
    for folder in (first, second):
        with paused():  # no two signatures are the same
            expect_ok("running it", run_pipeline, spec.id, values, seed=5, out=folder)
    for name in spec.outputs:
        expect((first / name).is_file(), f"it names the output {name!r} and does not write it")
        same = (first / name).read_bytes() == (second / name).read_bytes()
        expect(same, f"{name} has other bytes when it is run again with the same seed")


@promise("check")
def check_gives_findings(bench: Bench, spec: Any) -> None:
    """A health check yields findings."""
    from genai_core.plugins.doctor import Finding

    found = expect_ok("the check", lambda: list(bench.load(spec)()))
    expect(all(isinstance(item, Finding) for item in found), "it yields something that is not a Finding")


@promise("command")
def command_is_a_command(bench: Bench, spec: Any) -> None:
    """A command is a click command with a help text."""
    import click

    command = bench.load(spec)
    expect(
        isinstance(command, click.Command),
        f"{spec.factory} is a {type(command).__name__}, not a click.Command",
    )
    expect(command.help, "it has no help text")


def _specs(offered: Any) -> Iterable[Any]:
    return offered if isinstance(offered, Iterable) else [offered]


def _readme(module: Path) -> Path:
    """The README of the source tree around a module; an installed wheel has none beside it."""
    for folder in list(module.resolve().parents)[:4]:
        if (folder / "pyproject.toml").is_file() or (folder / "README.md").is_file():
            if (folder / "README.md").is_file():
                return folder / "README.md"
            break
    raise NotApplicable("installed without its source tree")
