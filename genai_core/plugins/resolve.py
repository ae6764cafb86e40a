"""What a spec asks for, and what to say when it cannot be had; imported when something is used."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from genai_core.errors import MissingDependency, UnknownId, did_you_mean
from genai_core.plugins.discovery import official

if TYPE_CHECKING:
    from genai_core.plugins.registry import Registry
    from genai_core.plugins.specs import Spec


def check_requirements(spec: Spec) -> None:
    """Raise `MissingDependency` when something that the spec requires is absent or too old."""
    if problems := unmet(spec.requires):
        wanted = " ".join(f'"{requirement}"' for requirement in problems.values())
        raise MissingDependency(f"{spec.id} needs {'; '.join(problems)}", hint=f"pip install {wanted}")


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
            version = installed(requirement.name).version
        except metadata.PackageNotFoundError:
            problems[f"{wanted}, which is not installed"] = wanted
        except Exception:  # whatever a broken METADATA makes of the e-mail parser
            problems[f"{wanted}, whose metadata cannot be read"] = wanted
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                problems[f"{wanted}, and {version} is installed"] = wanted
    return problems


def installed(name: str) -> metadata.Distribution:
    """The distribution of that name, or its build for servers, ``name-headless``, which serves as well.

    Raises:
        PackageNotFoundError: Neither is there.
    """
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return metadata.distribution(f"{name}-headless")


def unknown(registry: Registry, name: str, kinds: tuple[str, ...], found: list[Spec]) -> UnknownId:
    """The error for a name that means nothing, or several things: what it could be, or what to install."""
    what = kinds[0] if len(kinds) == 1 else "id"
    listing = "genai list" if what == "id" else f"genai list --kind {what}"
    if found:
        ids = sorted({spec.id for spec in found})
        return UnknownId(f"{name!r} is in {len(ids)} plugins", hint="write " + " or ".join(ids))
    plugin = name.partition("/")[0]
    if plugin not in registry.plugins:
        where = f"{name!r}: plugin {plugin!r}"
        if plugin in registry.off:
            return UnknownId(f"{where} is switched off", hint="unset GENAI_DISABLE_PLUGINS, GENAI_PLUGINS")
        for fault in registry.faults:
            if fault.source.plugin == plugin:
                return UnknownId(f"{where} did not load: {fault.error}", hint=fault.hint)
        if owner := official(plugin):
            return UnknownId(f"{where} is not installed", hint=f"pip install {owner}")
    every = [spec for other in registry.plugins.values() for spec in other.specs]
    for spec in every:
        if name in (spec.id, spec.name):
            return UnknownId(f"{spec.id} is of kind {spec.kind}, not {what}", hint=listing)
    names = {each for spec in every if spec.kind in kinds for each in (spec.id, spec.name)}
    return UnknownId(f"there is no {what} {name!r}", hint=did_you_mean(name, names) or listing)
