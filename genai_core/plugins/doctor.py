"""What is broken, why, and the command that mends it.

The fast part imports no plugin code beyond what `genai list` imports, and no torch. The deep part imports
every reference of every spec. All of it runs in another process, so a plugin can crash, hang or leave
without ending the examination.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from genai_core.errors import GenaiError, PluginError
from genai_core.plugins.faults import say
from genai_core.plugins.probe import probe
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
        if self.level not in get_args(Level):
            raise ValueError(f"a finding has no level {self.level!r}")


IMPORT = "every command that lists plugins suffers; import"
ITSELF = Finding("error", "doctor", "the examination itself", "pip install --force-reinstall genai-core")


def run_checks(deep: bool = False, *, timeout: float | None = None) -> list[Finding]:
    """Examine plugins, packages and machine, in a process of its own.

    When something ends that process or keeps it from going on, another process examines all the rest.

    Args:
        deep: Also import what every spec refers to, and try the devices; takes seconds to minutes.
        timeout: Seconds of silence after which something counts as hanging; None: 20, or 120 when deep.

    Returns:
        Findings, plugins first; one of level ``ok`` for what is in order.
    """
    patience = timeout or (PATIENCE_DEEP if deep else PATIENCE_FAST)
    killers: dict[Finding, Finding] = {}  # by what was tried
    while True:
        told, ending = probe(examine, deep, frozenset(killers), timeout=patience)
        found, last = list(killers.values()), ITSELF
        for kind, about in told:
            if kind == "found":
                found.append(Finding(**about))
            else:
                last = Finding(**about)
        if not ending:
            return found
        killers[last] = replace(last, message=f"{last.message}: {ending}")
        if last is ITSELF:
            return list(killers.values())


def examine(
    deep: bool, killers: Collection[Finding] = ()
) -> Iterator[tuple[Literal["trying", "found"], Finding]]:
    """Examine in this process.

    Args:
        deep: See `run_checks`.
        killers: What was tried before and ended the process; it is left out.

    Yields:
        ``"trying"`` with the finding that holds if this process ends now; ``"found"`` with a finding.
    """
    registry = Registry.from_environment()
    registry.deny |= {step.subject.removeprefix("plugin ") for step in killers if step.message == IMPORT}
    for name in registry.discovery():
        off = f"GENAI_DISABLE_PLUGINS={name} switches it off"
        yield "trying", Finding("error", f"plugin {name}", IMPORT, off)
    yield from (("found", finding) for finding in _plugins(registry))
    steps = [(spec, "") for spec in registry.specs("check") if deep or spec.cost == "fast"]
    for plugin in registry.plugins.values() if deep else ():
        steps += [(spec, field) for spec in plugin.specs for field in spec.references if getattr(spec, field)]
    for spec, field in steps:
        what = _reference(spec, field) if field else f"the check {spec.id} is broken"
        distribution = registry.plugins[spec.plugin].source.distribution
        fix = f"pip install --upgrade {distribution}, or GENAI_DISABLE_PLUGINS={spec.plugin} to switch it off"
        step = Finding("error", f"plugin {spec.plugin}", what, fix)
        if step in killers:
            continue
        yield "trying", step
        try:
            found = _import(registry, spec, field) if field else registry.load(spec)()
            findings = [Finding(**asdict(finding)) for finding in found]
        except BaseException as error:
            cause = error.__cause__ if isinstance(error, GenaiError) and error.__cause__ else error
            findings = [replace(step, message=f"{what}: {type(cause).__name__}: {say(cause)}")]
        yield from (("found", finding) for finding in findings)


def _plugins(registry: Registry) -> Iterator[Finding]:
    for fault in registry.faults:
        source = fault.source
        where = f"{source.distribution} {source.version}, {fault.stage}: {fault.error}"
        message = f"{where}\n{fault.traceback}".rstrip()
        yield Finding(fault.severity, f"plugin {source.plugin}", message, fault.hint)
    for name, plugin in registry.plugins.items():
        who = f"{plugin.source.distribution} {plugin.source.version}"
        about = f"{who}, {len(plugin.specs)} specs, {plugin.import_ms:.1f} ms"
        slow = plugin.import_ms > SLOW_IMPORT_MS
        fix = "import heavy modules where they are used, not in the plugin module" if slow else None
        yield Finding("warning" if slow else "ok", f"plugin {name}", about, fix)
    if registry.off:
        yield Finding("ok", "switches", f"switched off: {', '.join(registry.off)}")


def _import(registry: Registry, spec: Spec, field: str) -> tuple[Finding, ...]:
    """Import what `field` refers to; there is nothing to find when that works."""
    if field != "factory":
        registry.config_class(spec, field)
    elif not callable(registry.load(spec)):
        raise PluginError(f"{_reference(spec, field)} cannot be called")
    return ()


def _reference(spec: Spec, field: str) -> str:
    return f"{spec.id}: {field} {getattr(spec, field)!r}"
