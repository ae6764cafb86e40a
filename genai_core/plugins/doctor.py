"""What is broken, why, and the command that mends it.

The fast part imports no plugin code beyond what `genai list` imports, and no torch. The deep part imports
every reference of every spec. Whatever is not the core's own runs in a process of its own, so a plugin
can crash, hang or leave without ending the examination.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from genai_core.errors import did_you_mean
from genai_core.plugins.discovery import candidates
from genai_core.plugins.probe import Task, attempt, probe
from genai_core.plugins.registry import Registry

if TYPE_CHECKING:
    from genai_core.plugins.specs import Spec

Level = Literal["ok", "warning", "error"]
SLOW_IMPORT_MS = 100.0
PATIENCE_FAST, PATIENCE_DEEP = 20.0, 120.0


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

    def __post_init__(self) -> None:
        if self.level not in get_args(Level) or not isinstance(self.message, str):
            raise TypeError(f"a finding of level {self.level!r} that says {self.message!r:.80}")


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
    killers = dict(_killers(registry, min(patience, PATIENCE_FAST)))
    registry.deny |= killers.keys()
    registry.discover()
    found = [*killers.values(), *_plugins(registry), *_switches(registry)]
    found += _checks(registry, deep, patience)
    if deep:
        found += _references(registry, patience)
    return found


def _killers(registry: Registry, patience: float) -> Iterator[tuple[str, Finding]]:
    """Plugins whose mere import ends or blocks the process; they are left out of what follows."""
    names = [name for name in candidates() if name != "core" and registry.wants(name)]
    for name, outcome in zip(names, probe([Task(name) for name in names], patience), strict=True):
        if outcome.problem:
            message = f"import: {outcome.problem}; every command that lists plugins suffers"
            fix = f"GENAI_DISABLE_PLUGINS={name} switches it off"
            yield name, Finding("error", f"plugin {name}", message, fix)


def _plugins(registry: Registry) -> Iterator[Finding]:
    for fault in registry.faults:
        source = fault.source
        where = f"{source.distribution} {source.version}, {fault.stage}: {fault.error}"
        message = f"{where}\n{fault.traceback}".rstrip()
        yield Finding(fault.severity, f"plugin {source.plugin}", message, fault.hint)
    for name, plugin in registry.plugins.items():
        who = f"{plugin.source.distribution} {plugin.source.version}"
        about = f"{who}, {len(plugin.specs)} specs, {plugin.import_ms:.1f} ms"
        if plugin.import_ms > SLOW_IMPORT_MS:
            fix = "import heavy modules where they are used, not in the plugin module"
            yield Finding("warning", f"plugin {name}", about, fix)
        else:
            yield Finding("ok", f"plugin {name}", about)


def _switches(registry: Registry) -> Iterator[Finding]:
    if registry.off:
        yield Finding("ok", "switches", f"switched off: {', '.join(registry.off)}")
    known = {*registry.plugins, *registry.off, *(fault.source.plugin for fault in registry.faults)}
    switches = {"GENAI_PLUGINS": registry.allow or frozenset(), "GENAI_DISABLE_PLUGINS": registry.deny}
    for variable, names in switches.items():
        for name in sorted(names - known):
            near = did_you_mean(name, known) or f"installed: {', '.join(sorted(known))}"
            yield Finding("warning", "switches", f"{variable} names {name!r}, which is not installed", near)


def _checks(registry: Registry, deep: bool, patience: float) -> Iterator[Finding]:
    """The checks that plugins supply; the core's fast ones here, all others in a process of their own."""
    specs = [spec for spec in registry.specs("check") if deep or spec.cost == "fast"]
    own = [spec for spec in specs if spec.plugin == "core" and spec.cost == "fast"]
    others = [spec for spec in specs if spec not in own]
    outcomes = [attempt(Task("core", spec.id)) for spec in own]
    outcomes += probe([Task(spec.plugin, spec.id) for spec in others], patience)
    for spec, outcome in zip([*own, *others], outcomes, strict=True):
        if outcome.problem:
            yield _broken(registry, spec, f"the check {spec.id} is broken: {outcome.problem}")
        yield from (Finding(**item) for item in outcome.found)


def _references(registry: Registry, patience: float) -> Iterator[Finding]:
    """Import what every spec of every plugin refers to."""
    for name, plugin in registry.plugins.items():
        asked = [
            (spec, field) for spec in plugin.specs for field in spec.references() if getattr(spec, field)
        ]
        outcomes = probe([Task(name, spec.id, field) for spec, field in asked], patience)
        for (spec, field), outcome in zip(asked, outcomes, strict=True):
            where = f"{spec.id}: {field} {getattr(spec, field)!r}"
            if outcome.problem:
                yield _broken(registry, spec, f"{where}: {outcome.problem}")
            elif outcome.printed:
                message = f"{where}: its import prints to stdout: {outcome.printed[:60]!r}"
                fix = "print nothing at import; stdout is for results"
                yield Finding("warning", f"plugin {name}", message, fix)
        if not any(outcome.problem for outcome in outcomes):
            yield Finding("ok", f"plugin {name}", f"all {len(asked)} references import")


def _broken(registry: Registry, spec: Spec, message: str) -> Finding:
    distribution = registry.plugins[spec.plugin].source.distribution
    fix = f"pip install --upgrade {distribution}, or GENAI_DISABLE_PLUGINS={spec.plugin} to switch it off"
    return Finding("error", f"plugin {spec.plugin}", message, fix)
