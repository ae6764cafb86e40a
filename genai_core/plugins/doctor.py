"""What is broken, why, and the command that mends it.

The fast part imports no plugin code beyond what `genai list` imports, and no torch. The deep part imports
every reference of every spec. Whatever is not the core's own runs in a process of its own, so a plugin
can crash, hang or leave without ending the examination.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from genai_core.errors import did_you_mean
from genai_core.plugins.discovery import candidates
from genai_core.plugins.faults import say
from genai_core.plugins.probe import Outcome, admission, check, probe, reference
from genai_core.plugins.registry import Registry

if TYPE_CHECKING:
    from genai_core.plugins.specs import Spec

Level = Literal["ok", "warning", "error"]
SLOW_IMPORT_MS = 100.0
PATIENCE_FAST, PATIENCE_DEEP = 20.0, 120.0
LEVELS = ("ok", "warning", "error")


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of the examination.

    Attributes:
        level: ``error`` makes `genai doctor` exit with 1.
        subject: What it is about: ``"plugin music"``, ``"torch"``, ``"disk"``.
        message: What was found, in one sentence.
        fix: The command or step that mends it.
    """

    level: Level
    subject: str
    message: str
    fix: str | None = None


def run_checks(deep: bool = False, *, timeout: float | None = None) -> list[Finding]:
    """Examine plugins, packages and machine.

    Args:
        deep: Also import what every spec refers to, and try the devices; takes seconds to minutes.
        timeout: Seconds of silence after which a plugin counts as hanging; None: 20, or 120 when deep.

    Returns:
        Findings, plugins first; one of level ``ok`` for what is in order.
    """
    patience = timeout or (PATIENCE_DEEP if deep else PATIENCE_FAST)
    registry = Registry.from_environment()
    registry.strict = False
    killers = list(_killers(registry, min(patience, PATIENCE_FAST)))
    registry.deny |= {finding.subject.removeprefix("plugin ") for finding in killers}
    registry.discover()
    found = [*killers, *_plugins(registry), *_switches(registry)]
    found += _checks(registry, deep, patience)
    if deep:
        found += _references(registry, patience)
    return found


def _killers(registry: Registry, patience: float) -> Iterator[Finding]:
    """Plugins whose mere import ends or blocks the process; they are left out of what follows."""
    names = [name for name in candidates() if name != "core" and registry.wants(name)]
    for name, outcome in zip(names, probe([admission(name) for name in names], patience), strict=True):
        if outcome.end != "ok":
            yield Finding(
                "error",
                f"plugin {name}",
                f"import: {outcome.message}; every command that lists plugins suffers",
                f"GENAI_DISABLE_PLUGINS={name} switches it off",
            )


def _plugins(registry: Registry) -> Iterator[Finding]:
    for fault in registry.faults:
        where = f"{fault.distribution} {fault.version}, {fault.stage}: {fault.error}"
        message = f"{where}\n{fault.traceback.rstrip()}" if fault.traceback else where
        yield Finding(fault.severity, f"plugin {fault.plugin}", message, fault.hint)
    for name, plugin in registry.plugins.items():
        source = plugin.source
        about = (
            f"{source.distribution} {source.version}, {len(plugin.specs)} specs, {plugin.import_ms:.1f} ms"
        )
        slow = plugin.import_ms > SLOW_IMPORT_MS
        yield Finding(
            "warning" if slow else "ok",
            f"plugin {name}",
            about,
            "import heavy modules where they are used, not in the plugin module" if slow else None,
        )


def _switches(registry: Registry) -> Iterator[Finding]:
    if registry.off:
        yield Finding("ok", "switches", f"switched off: {', '.join(registry.off)}")
    known = [*registry.plugins, *registry.off, *(fault.plugin for fault in registry.faults)]
    for variable, names in (
        ("GENAI_PLUGINS", registry.allow or ()),
        ("GENAI_DISABLE_PLUGINS", registry.deny),
    ):
        for name in sorted(set(names) - set(known)):
            near = did_you_mean(name, known) or f"installed: {', '.join(known)}"
            yield Finding("warning", "switches", f"{variable} names {name!r}, which is not installed", near)


def _checks(registry: Registry, deep: bool, patience: float) -> Iterator[Finding]:
    """The checks that plugins supply; the core's fast ones here, all others in a process of their own."""
    outside: list[Spec] = []
    for spec in registry.specs("check"):
        if spec.cost == "deep" and not deep:
            continue
        if spec.plugin == "core" and spec.cost == "fast":
            yield from _run_here(registry, spec)
        else:
            outside.append(spec)
    outcomes = probe([check(spec.plugin, spec.id) for spec in outside], patience)
    for spec, outcome in zip(outside, outcomes, strict=True):
        if outcome.end != "ok":
            yield _broken(spec, f"the check {spec.id} is broken: {outcome.message}")
            continue
        for item in outcome.found:
            level = item["level"] if item.get("level") in LEVELS else "error"
            yield Finding(cast("Level", level), str(item["subject"]), str(item["message"]), item.get("fix"))


def _run_here(registry: Registry, spec: Spec) -> Iterable[Finding]:
    try:
        return list(registry.load(spec)())
    except Exception as error:
        return [_broken(spec, f"the check {spec.id} is broken: {type(error).__name__}: {say(error)}")]


def _references(registry: Registry, patience: float) -> Iterator[Finding]:
    """Import what every spec of every plugin refers to."""
    for name, plugin in registry.plugins.items():
        asked = [
            (spec, field) for spec in plugin.specs for field in spec.references() if getattr(spec, field)
        ]
        outcomes = probe([reference(name, spec.id, field) for spec, field in asked], patience)
        good = 0
        for (spec, field), outcome in zip(asked, outcomes, strict=True):
            where = f"{spec.id}: {field} {getattr(spec, field)!r}"
            if outcome.end != "ok":
                yield _broken(spec, f"{where}: {outcome.message}", plugin.source.distribution)
                continue
            good += 1
            if outcome.printed:
                yield _noisy(spec, where, outcome)
        if good == len(asked):
            yield Finding("ok", f"plugin {name}", f"all {good} references import")


def _broken(spec: Spec, message: str, distribution: str | None = None) -> Finding:
    distribution = distribution or f"genai-{spec.plugin}"
    fix = f"pip install --upgrade {distribution}, or GENAI_DISABLE_PLUGINS={spec.plugin} to switch it off"
    return Finding("error", f"plugin {spec.plugin}", message, fix)


def _noisy(spec: Spec, where: str, outcome: Outcome) -> Finding:
    message = f"{where}: its import prints to stdout: {outcome.printed[:60]!r}"
    return Finding(
        "warning", f"plugin {spec.plugin}", message, "print nothing at import; stdout is for results"
    )
