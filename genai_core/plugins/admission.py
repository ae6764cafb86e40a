"""Import one plugin, check it against the contract, and keep all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from time import perf_counter
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType
from typing import TYPE_CHECKING, Any, Protocol

from genai_core import __version__
from genai_core.plugins import specs
from genai_core.plugins.contain import contained
from genai_core.plugins.hookspecs import API_VERSION
from genai_core.plugins.specs import Spec

if TYPE_CHECKING:
    import pluggy

    from genai_core.plugins.discovery import Candidate

OFFERS: Mapping[str, type[Spec]] = MappingProxyType(
    {
        "genai_datasets": specs.DatasetSpec,
        "genai_models": specs.ModelSpec,
        "genai_evaluators": specs.EvaluatorSpec,
        "genai_pipelines": specs.PipelineSpec,
        "genai_artifacts": specs.ArtifactSpec,
        "genai_commands": specs.CommandSpec,
        "genai_checks": specs.CheckSpec,
    }
)
EVENTS = ("genai_run_started", "genai_metrics", "genai_run_finished")
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)
MODULE = re.compile(r"\w+(\.\w+)*(:\w+(\.\w+)*)?\s*(\[.*\])?")
CORE = re.compile(r"genai[-_.]core([^;\[]*)", re.IGNORECASE)
TOO_MANY = 10_000  # specs of one hook; a generator that never ends stops here


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plugin that passed: where it came from, what it offers, how long its import and hooks took."""

    source: Candidate
    module: object
    specs: tuple[Spec, ...]
    import_ms: float


class Report(Protocol):
    """Takes note of what went wrong at a stage; with ``warning`` the plugin is kept."""

    def __call__(
        self, source: Candidate, stage: str, error: BaseException, warning: bool = False
    ) -> None: ...


def admit(manager: pluggy.PluginManager, source: Candidate, module: object, report: Report) -> Loaded | None:
    """The plugin behind `source`, registered; None when it was reported and nothing of it is kept.

    Args:
        manager: Holds the hooks.
        source: What its metadata says.
        module: The module or object itself when it is at hand; None: import it.
        report: Called with each fault.
    """
    stage, start = "metadata", perf_counter()
    offered: dict[str, Spec] = {}
    repeated: list[Spec] = []
    try:
        with contained() as misdeeds:
            if source.problem:
                raise source.problem
            _check_metadata(source)
            stage = "import"
            module = _import(source.value) if module is None else module
            stage = "api"
            api = getattr(module, "GENAI_API", None)
            if type(api) is not int or api != API_VERSION:
                raise _refused("wrong_api", source, api)
            stage = "hooks"
            if other := manager.get_name(module):
                raise _refused("same_module", source, other)
            manager.register(module, source.plugin)
            for error in _passed_over(manager, source, module):
                report(source, stage, error, warning=True)
            stage = "specs"
            for hook, offer in OFFERS.items():
                impl = impls_of(manager, hook).get(source.plugin)
                for spec in _ask(hook, offer, impl.function) if impl else ():
                    if spec.name in offered:
                        repeated.append(spec)
                    offered.setdefault(spec.name, replace(spec, plugin=source.plugin))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if manager.has_plugin(source.plugin):
            manager.unregister(name=source.plugin)
        report(source, stage, error)
        return None
    for spec in repeated:
        report(source, "specs", _refused("duplicate", spec), warning=True)
    for misdeed in misdeeds:
        report(source, "import", _refused("misdeed", misdeed), warning=True)
    return Loaded(source, module, tuple(offered.values()), (perf_counter() - start) * 1000)


def impls_of(manager: pluggy.PluginManager, hook: str) -> dict[str, pluggy.HookImpl]:
    """Who implements `hook`, by plugin name."""
    return {impl.plugin_name: impl for impl in getattr(manager.hook, hook).get_hookimpls()}


def _check_metadata(source: Candidate) -> None:
    """Refuse before any code runs: a malformed name or value, or a plugin for another core."""
    if not specs.NAME.fullmatch(source.plugin):
        raise _refused("wrong_name", source)
    if not MODULE.fullmatch(source.value):
        raise _refused("wrong_value", source)
    for requirement in source.requires:
        match = CORE.match(requirement.replace(" ", "").replace("(", ""))
        for sign, bound in re.findall(r"(>=|<(?!=))(\d[\d.]*)", match[1] if match else ""):
            if (_release(__version__) >= _release(bound)) != (sign == ">="):
                raise _refused("wrong_core", source, requirement, sign)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _import(value: str) -> object:
    module, _, attributes = value.partition("[")[0].strip().partition(":")
    found: object = import_module(module)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    return found


def _passed_over(manager: pluggy.PluginManager, source: Candidate, module: object) -> Iterator[Exception]:
    """``genai_*`` functions that pluggy passes over in silence; a wrapper, or no hook at all, is raised."""
    known = {*OFFERS, *EVENTS}
    for name in dir(module):
        if name.startswith("genai_") and isinstance(getattr(module, name), FUNCTIONS):
            marks = manager.parse_hookimpl_opts(module, name)
            if ((marks and marks.get("specname")) or name) not in known:
                yield _refused("unknown_hook", name, known)
            elif marks is None:
                yield _refused("unmarked_hook", name)
            elif marks["hookwrapper"] or marks["wrapper"]:
                raise _refused("wrapper", name)
    if not any(source.plugin in impls_of(manager, hook) for hook in known):
        raise _refused("no_hook", source)


def _ask(hook: str, offer: type[Spec], function: Callable[[], Any]) -> Iterator[Spec]:
    """Call one hook of one plugin and check what comes, item by item."""
    items = function()
    if items is None or isinstance(items, str | Spec) or not hasattr(items, "__iter__"):
        raise _refused("not_specs", hook, offer, items)
    for number, item in enumerate(items):
        if type(item) is not offer:
            raise _refused("not_specs", hook, offer, item)
        if number >= TOO_MANY:
            raise _refused("too_many", hook, TOO_MANY)
        yield item


def _refused(why: str, *about: Any) -> Exception:
    """The `faults.Refused` of that name; the sentences are imported when they are needed."""
    from genai_core.plugins import faults

    refused: Exception = getattr(faults, why)(*about)
    return refused
