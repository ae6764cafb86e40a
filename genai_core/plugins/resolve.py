"""From a spec to the code behind it; imported when something is used, not when it is listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from genai_core.errors import GenaiError, MissingDependency, PluginError, UnknownId, did_you_mean
from genai_core.plugins.discovery import OFFICIAL, RUN_TIME

if TYPE_CHECKING:
    from genai_core.config import Config
    from genai_core.plugins.registry import Registry
    from genai_core.plugins.specs import Spec


def load(registry: Registry, spec: Spec, field: str) -> Any:
    """See `Registry.load`."""
    reference = getattr(spec, field)
    source = registry.plugins[spec.plugin].source if spec.plugin in registry.plugins else None
    distribution = source.distribution if source else spec.plugin
    if field == "factory":
        problems = unmet(spec.requires)
        if problems:
            raise MissingDependency(
                f"{spec.id} needs {'; '.join(problems)}",
                hint="pip install " + " ".join(f'"{requirement}"' for requirement in problems.values()),
            )
    where = f"{spec.id}: {field} {reference!r} (plugin {spec.plugin!r}, {distribution})"
    module, _, attributes = reference.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except (GenaiError, KeyboardInterrupt):
        raise
    except ModuleNotFoundError as error:
        if error.name and not f"{module}.".startswith(f"{error.name}."):
            raise MissingDependency(
                f"{where} needs the module {error.name!r}, which is not installed",
                hint=f"pip install --upgrade {distribution}, or pip install {error.name.partition('.')[0]}",
            ) from error
        raise PluginError(f"{where}: there is no module {error.name!r}", hint=_mend(distribution)) from error
    except BaseException as error:
        from genai_core.plugins.faults import say

        raise PluginError(
            f"{where} cannot be imported: {type(error).__name__}: {say(error)}", hint=_mend(distribution)
        ) from error
    return found


def config_class(registry: Registry, spec: Spec, field: str) -> type[Config]:
    """See `Registry.config_class`."""
    from genai_core.config import Config, EmptyConfig

    if getattr(spec, field) is None:
        return EmptyConfig
    found = load(registry, spec, field)
    if not (isinstance(found, type) and issubclass(found, Config)):
        raise PluginError(
            f"{spec.id}: {field} {getattr(spec, field)!r} is no subclass of genai_core.Config",
            hint="derive it from genai_core.Config",
        )
    return found


def build(registry: Registry, spec: Spec, values: Mapping[str, Any] | Config | None) -> Any:
    """See `Registry.build`."""
    wanted = config_class(registry, spec, "config")
    if isinstance(values, wanted):
        config = values
    else:
        given = values if isinstance(values, Mapping) else values.model_dump() if values is not None else {}
        config = wanted.parse(given, where=spec.id)
    return load(registry, spec, "factory")(config)


def unmet(requirements: Iterable[str]) -> dict[str, str]:
    """What to say of each requirement that installed metadata does not meet -> the requirement itself."""
    problems: dict[str, str] = {}
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            problems[f"{text!r}, which is no valid requirement"] = text
            continue
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        wanted = text.partition(";")[0].strip()
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            problems[f"{wanted}, which is not installed"] = wanted
        except Exception:  # whatever a broken METADATA makes of the e-mail parser
            problems[f"{wanted}, whose metadata cannot be read"] = wanted
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                problems[f"{wanted}, and {version} is installed"] = wanted
    return problems


def unknown(registry: Registry, name: str, kinds: tuple[str, ...], found: list[Spec]) -> UnknownId:
    """The error for a name that means nothing, or several things: what it could be, or what to install."""
    what = kinds[0] if len(kinds) == 1 else "id"
    if found:
        ids = sorted({spec.id for spec in found})
        return UnknownId(f"{name!r} is in {len(ids)} plugins", hint="write " + " or ".join(ids))
    plugin = name.partition("/")[0]
    if plugin in registry.off:
        return UnknownId(
            f"{name!r}: plugin {plugin!r} is switched off", hint="unset GENAI_DISABLE_PLUGINS, GENAI_PLUGINS"
        )
    for fault in registry.faults:
        if fault.plugin == plugin and plugin not in registry.plugins:
            return UnknownId(f"{name!r}: plugin {plugin!r} did not load: {fault.error}", hint=fault.hint)
    if plugin in OFFICIAL and plugin not in registry.plugins:
        return UnknownId(f"{name!r}: plugin {plugin!r} is not installed", hint=f"pip install genai-{plugin}")
    others = [
        spec for other in registry.plugins.values() for spec in other.specs if name in (spec.id, spec.name)
    ]
    if others:
        return UnknownId(
            f"{others[0].id} is of kind {others[0].kind}, not {what}", hint=f"genai list --kind {what}"
        )
    ids = [spec.id for kind in kinds for spec in registry.specs(kind)]
    near = did_you_mean(name, {*ids, *(identifier.partition("/")[2] for identifier in ids)})
    listing = "genai list" if what == "id" else f"genai list --kind {what}"
    return UnknownId(
        f"there is no {what} {name!r}" if what != "id" else f"there is no id {name!r}", hint=near or listing
    )


def _mend(distribution: str) -> str:
    if distribution == RUN_TIME:
        return "correct what was registered"
    return f"pip install --upgrade {distribution}; genai doctor --deep examines every reference"
