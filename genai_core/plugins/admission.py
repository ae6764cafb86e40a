"""Import one plugin, check it against the contract, and keep all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from time import perf_counter
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType
from typing import TYPE_CHECKING, Any

from genai_core.errors import PluginError, did_you_mean
from genai_core.plugins import hookspecs, specs
from genai_core.plugins.contain import contained
from genai_core.plugins.specs import Spec

if TYPE_CHECKING:
    import pluggy

    from genai_core.plugins.discovery import Candidate

_OFFERED = (specs.DatasetSpec, specs.ModelSpec, specs.EvaluatorSpec, specs.PipelineSpec, specs.ArtifactSpec,
            specs.CommandSpec, specs.CheckSpec)  # fmt: skip
OFFERS: Mapping[str, type[Spec]] = MappingProxyType({f"genai_{offer.kind}s": offer for offer in _OFFERED})
HOOKS = frozenset(name for name in vars(hookspecs) if name.startswith("genai_"))
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)
MODULE = re.compile(r"\w+(\.\w+)*(:\w+(\.\w+)*)?\s*(\[.*\])?")
TOO_MANY = 10_000  # specs of one hook; a generator that never ends stops here


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plugin that passed: where it came from, what it offers, how long its import and hooks took."""

    source: Candidate
    module: object
    specs: tuple[Spec, ...]
    import_ms: float


def admit(
    manager: pluggy.PluginManager, source: Candidate, module: object, report: Callable[..., None]
) -> Loaded | None:
    """The plugin behind `source`, registered; None when it was reported and nothing of it is kept.

    Args:
        manager: Holds the hooks.
        source: What its metadata says.
        module: The module or object itself when it is at hand; None: import it.
        report: Called with source, stage and error of each fault; with ``warning=True`` the plugin is kept.
    """
    stage, start = "metadata", perf_counter()
    offered: dict[str, Spec] = {}
    try:
        with contained() as misdeeds:
            _check_metadata(source)
            stage = "import"
            module = import_object(source.value.partition("[")[0].strip()) if module is None else module
            stage = "api"
            _check_api(source, getattr(module, "GENAI_API", None))
            stage = "hooks"
            if other := manager.get_name(module):
                wrong = f"{source.value} is the plugin {other!r} already"
                raise PluginError(wrong, hint="remove one of the two entry points")
            manager.register(module, source.plugin)
            for error in _passed_over(manager, source, module):
                report(source, stage, error, warning=True)
            stage = "specs"
            for hook, offer in OFFERS.items():
                impl = impls_of(manager, hook).get(source.plugin)
                for spec in _ask(hook, offer, impl.function) if impl else ():
                    if spec.name in offered:
                        twice = f"the name {spec.name!r} is used twice; this {spec.kind} is left out"
                        report(source, stage, PluginError(twice, hint="give it another name"), warning=True)
                    offered.setdefault(spec.name, replace(spec, plugin=source.plugin))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if manager.has_plugin(source.plugin):
            manager.unregister(name=source.plugin)
        report(source, stage, error)
        return None
    for misdeed in misdeeds:
        clean = "keep plugin modules free of side effects and heavy imports"
        report(source, "import", PluginError(f"{misdeed} while it is loaded", hint=clean), warning=True)
    return Loaded(source, module, tuple(offered.values()), (perf_counter() - start) * 1000)


def impls_of(manager: pluggy.PluginManager, hook: str) -> dict[str, pluggy.HookImpl]:
    """Who implements `hook`, by plugin name."""
    return {impl.plugin_name: impl for impl in getattr(manager.hook, hook).get_hookimpls()}


def import_object(reference: str) -> Any:
    """What ``module`` or ``module:attribute.attribute`` names."""
    module, _, attributes = reference.partition(":")
    found: Any = import_module(module)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    return found


def _check_metadata(source: Candidate) -> None:
    """Refuse a malformed name or value before any code runs."""
    if source.problem:
        raise source.problem
    entry = f"the entry point of {source.distribution}"
    if not specs.NAME.fullmatch(source.plugin):
        wrong = f"the plugin name {_show(source.plugin)} is not lower-case words joined by hyphens"
        raise PluginError(wrong, hint=f"rename {entry}")
    if not MODULE.fullmatch(source.value):
        wrong = f"the entry point's value {_show(source.value)} is not 'package.module'"
        raise PluginError(wrong, hint=f"correct {entry}")


def _check_api(source: Candidate, api: object) -> None:
    """Refuse a ``GENAI_API`` that is missing, no number, or another core's."""
    if type(api) is not int:
        wrong = "missing" if api is None else f"{_show(api)}, not a plain number"
        write = f"write GENAI_API = {hookspecs.API_VERSION} into {source.value}"
        raise PluginError(f"GENAI_API is {wrong}", hint=write)
    if api != hookspecs.API_VERSION:
        older = "genai-core" if api > hookspecs.API_VERSION else source.distribution
        wrong = f"GENAI_API is {api}, this core speaks {hookspecs.API_VERSION}"
        raise PluginError(wrong, hint=f"pip install --upgrade {older}")


def _passed_over(manager: pluggy.PluginManager, source: Candidate, module: object) -> Iterator[PluginError]:
    """``genai_*`` functions that pluggy passes over in silence; a wrapper, or no hook at all, is raised."""
    for name in dir(module):
        if name.startswith("genai_") and isinstance(getattr(module, name), FUNCTIONS):
            marks = manager.parse_hookimpl_opts(module, name)
            if ((marks and marks.get("specname")) or name) not in HOOKS:
                near = did_you_mean(name, HOOKS) or f"the hooks are {', '.join(sorted(HOOKS))}"
                yield PluginError(f"{name} is no hook; it is left out", hint=f"rename it; {near}")
            elif marks is None:
                unmarked = f"{name} is not marked as a hook; it is left out"
                yield PluginError(unmarked, hint="put @hookimpl above it")
            elif marks["hookwrapper"] or marks["wrapper"]:  # it would see other plugins' results
                wrapper = f"{name} is a wrapper, and hooks here are called one by one"
                raise PluginError(wrapper, hint="write a plain @hookimpl")
    if not any(source.plugin in impls_of(manager, hook) for hook in HOOKS):
        point = "point the entry point at the module with the @hookimpls"
        raise PluginError(f"{source.value} implements no hook", hint=point)


def _ask(hook: str, offer: type[Spec], function: Callable[[], Any]) -> Iterator[Spec]:
    """Call one hook of one plugin and check what comes, item by item; not even a subclass is let through."""
    items = function()
    if items is None or isinstance(items, str | Spec) or not hasattr(items, "__iter__"):
        raise _not_specs(hook, offer, items)
    for number, item in enumerate(items):
        if type(item) is not offer:
            raise _not_specs(hook, offer, item)
        if number >= TOO_MANY:
            raise PluginError(f"{hook} yields more than {TOO_MANY} specs", hint="end the generator")
        yield item


def _not_specs(hook: str, offer: type[Spec], item: object) -> PluginError:
    wrong = f"{hook} gives {_show(item)} where a {offer.__name__} belongs"
    return PluginError(wrong, hint=f"yield {offer.__name__}(...) from it")


def _show(value: object) -> str:
    """Type and, where that is safe and short, value."""
    shown = repr(value) if isinstance(value, str | int | float | bool | None) else "an object"
    return f"{shown[:40]} ({type(value).__name__})"
