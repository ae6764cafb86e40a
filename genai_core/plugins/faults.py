"""What went wrong with a plugin, told in one line on stderr and in full by `genai doctor`."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genai_core import __version__
from genai_core.errors import did_you_mean
from genai_core.plugins.discovery import Candidate, official
from genai_core.plugins.hookspecs import API_VERSION

if TYPE_CHECKING:
    from genai_core.plugins.specs import Spec


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing a plugin did wrong.

    Attributes:
        plugin: Name of the plugin.
        distribution: What was installed to get it; ``"?"`` when unknown.
        version: Version of the distribution.
        stage: Where loading stood: ``metadata``, ``import``, ``api``, ``hooks``, ``specs`` or ``event``.
        error: One line, the exception's class first when there is one.
        traceback: The plugin's own frames; empty when no code of it ran.
        hint: What to do.
        severity: ``error``: skipped as a whole (or the one hook or spec named); ``warning``: it works.
    """

    plugin: str
    distribution: str
    version: str
    stage: str
    error: str
    traceback: str
    hint: str
    severity: Literal["error", "warning"] = "error"

    @property
    def line(self) -> str:
        """The fault in one line."""
        verb = "was skipped" if self.severity == "error" and self.stage != "event" else "misbehaves"
        who = f"plugin {self.plugin!r} ({self.distribution} {self.version}) {verb}"
        return f"{who}, {self.stage}: {self.error} Try: {self.hint}"


class Refused(Exception):
    """The registry's own verdict on a plugin; its text stands for itself.

    Args:
        message: What is wrong.
        hint: What to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def describe(candidate: Candidate, stage: str, error: BaseException, *, warning: bool = False) -> Fault:
    """The fault behind `error`, whatever `error` is."""
    own = isinstance(error, Refused) or error is candidate.problem
    text = say(error)
    message = text if own else f"{type(error).__name__}: {text}" if text else type(error).__name__
    return Fault(
        plugin=candidate.plugin,
        distribution=candidate.distribution,
        version=candidate.version,
        stage=stage,
        error=" ".join(message.split())[:400].rstrip(".") + ".",
        traceback="" if own else _frames(error),
        hint=error.hint if isinstance(error, Refused) else _hint(candidate, stage, error),
        severity="warning" if warning else "error",
    )


def say(error: BaseException) -> str:
    """``str(error)`` of an exception that may have a broken ``__str__``."""
    try:
        return str(error)
    except BaseException:
        return "(its message cannot be shown)"


def _frames(error: BaseException) -> str:
    """The traceback from the first frame outside this package and importlib; at most 8,000 characters."""
    trace = error.__traceback__
    while trace and trace.tb_next and _is_machinery(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    try:
        return "".join(traceback.format_exception(type(error), error, trace))[-8000:]
    except BaseException:
        return "(its traceback cannot be shown)"


def _is_machinery(filename: str) -> bool:
    return "genai_core" in filename or "importlib" in filename


def _hint(candidate: Candidate, stage: str, error: BaseException) -> str:
    distribution, plugin = candidate.distribution, candidate.plugin
    off = f"or GENAI_DISABLE_PLUGINS={plugin} to switch it off"
    if isinstance(error, ModuleNotFoundError) and error.name:
        missing = error.name.partition(".")[0]
        if missing == candidate.value.partition(":")[0].partition(".")[0]:
            return f"pip install --force-reinstall {distribution}"
        return f"pip install {missing}, {off}"
    if stage == "metadata":
        return f"pip install --force-reinstall {distribution}"
    if isinstance(error, SyntaxError):
        return f"pip install --upgrade {distribution} (it may want another Python), {off}"
    if stage == "event":
        return f"report it to the author of {distribution}, {off}"
    return f"pip install --upgrade {distribution}, {off}"


def wrong_name(candidate: Candidate) -> Refused:
    """The name would make no id."""
    message = f"the plugin name {_show(candidate.plugin)} is not lower-case words joined by hyphens"
    return Refused(message, f"rename the entry point of {candidate.distribution}")


def wrong_value(candidate: Candidate) -> Refused:
    """The entry point names no module."""
    message = f"the entry point's value {_show(candidate.value)} is not 'package.module'"
    return Refused(message, f"correct the entry point of {candidate.distribution}")


def wrong_core(candidate: Candidate, requirement: str, sign: str) -> Refused:
    """The plugin is made for a newer core (the bound ``>=`` is not met) or an older one."""
    older = "genai-core" if sign == ">=" else candidate.distribution
    message = f"it needs {requirement}, and genai-core is {__version__}"
    return Refused(message, f"pip install --upgrade {older}")


def wrong_api(candidate: Candidate, api: object) -> Refused:
    """``GENAI_API`` is missing, no number, or another core's."""
    write = f"write GENAI_API = {API_VERSION} into {candidate.value}"
    if api is None:
        return Refused("GENAI_API is missing", write)
    if type(api) is not int:
        return Refused(f"GENAI_API is {_show(api)}, not a plain number", write)
    older = "genai-core" if api > API_VERSION else candidate.distribution
    return Refused(f"GENAI_API is {api}, this core speaks {API_VERSION}", f"pip install --upgrade {older}")


def claimed(claim: Candidate, claims: list[Candidate]) -> Refused:
    """The name of the plugin is reserved for, or also claimed by, another distribution."""
    owner = official(claim.plugin)
    if owner:
        return Refused(f"the name is reserved for {owner}", f"pip uninstall {claim.distribution}")
    others = sorted({f"{other.distribution} {other.version}" for other in claims if other is not claim})
    return Refused(
        f"{' and '.join(others)} claims the name too, so neither is loaded",
        f"pip uninstall {claim.distribution}",
    )


def same_module(candidate: Candidate, other: str) -> Refused:
    """Two entry points lead to one module."""
    return Refused(f"{candidate.value} is the plugin {other!r} already", "remove one of the two entry points")


def duplicate(spec: Spec) -> Refused:
    """Two specs of one plugin have one name."""
    return Refused(
        f"the name {spec.name!r} is used twice; the second one, a {spec.kind}, is left out",
        "give it another name",
    )


def misdeed(what: str) -> Refused:
    """The import of the plugin's module had a side effect."""
    return Refused(f"{what} while it is loaded", "keep plugin modules free of side effects and heavy imports")


def unknown_hook(name: str, known: Iterable[str]) -> Refused:
    """A ``genai_*`` function is no hook."""
    near = did_you_mean(name, known) or f"the hooks are {', '.join(sorted(known))}"
    return Refused(f"{name} is no hook; it is left out", f"rename it; {near}")


def unmarked_hook(name: str) -> Refused:
    """A hook without its decorator."""
    return Refused(f"{name} is not marked as a hook; it is left out", "put @hookimpl above it")


def wrapper(name: str) -> Refused:
    """A pluggy wrapper, which would see other plugins' results."""
    return Refused(f"{name} is a wrapper, and hooks here are called one by one", "write a plain @hookimpl")


def no_hook(candidate: Candidate) -> Refused:
    """A module without any hook."""
    return Refused(
        f"{candidate.value} implements no hook", "point the entry point at the module with the @hookimpls"
    )


def not_specs(hook: str, offer: type[Spec], item: object) -> Refused:
    """A hook gave something else than its specs; a subclass counts as something else."""
    return Refused(
        f"{hook} gives {_show(item)} where a {offer.__name__} belongs", f"yield {offer.__name__}(...) from it"
    )


def too_many(hook: str, limit: int) -> Refused:
    """A generator that does not end."""
    return Refused(f"{hook} yields more than {limit} specs", "end the generator")


def _show(value: object) -> str:
    """Type and, where that is safe and short, value."""
    shown = repr(value) if isinstance(value, str | int | float | bool | None) else "an object"
    return f"{shown[:40]} ({type(value).__name__})"
