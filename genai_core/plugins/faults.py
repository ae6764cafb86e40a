"""What went wrong with a plugin, told in one line on stderr and in full by `genai doctor`."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Literal

from genai_core.errors import PluginError
from genai_core.plugins.discovery import RUN_TIME, Candidate


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing a plugin did wrong.

    Attributes:
        source: The plugin and the distribution it came in.
        stage: Where loading stood: ``metadata``, ``import``, ``api``, ``hooks``, ``specs`` or ``event``.
        error: One line, the exception's class first when there is one.
        traceback: The plugin's own frames; empty when no code of it ran.
        hint: What to do.
        severity: ``error``: skipped as a whole (or the one hook or spec named); ``warning``: it works.
    """

    source: Candidate
    stage: str
    error: str
    traceback: str
    hint: str
    severity: Literal["error", "warning"] = "error"

    @property
    def line(self) -> str:
        """The fault in one line."""
        verb = "was skipped" if self.severity == "error" and self.stage != "event" else "misbehaves"
        who = f"plugin {self.source.plugin!r} ({self.source.distribution} {self.source.version})"
        return f"{who} {verb}, {self.stage}: {self.error} Try: {self.hint}"


def describe(source: Candidate, stage: str, error: BaseException, *, warning: bool = False) -> Fault:
    """The fault behind `error`, whatever that is; a `PluginError` is our verdict and speaks for itself."""
    own = type(error) is PluginError
    text = say(error)
    message = text if own else f"{type(error).__name__}: {text}" if text else type(error).__name__
    return Fault(
        source=source,
        stage=stage,
        error=" ".join(message.split())[:400].rstrip(".") + ".",
        traceback="" if own else _frames(error),
        hint=(error.hint if isinstance(error, PluginError) else None) or _hint(source, stage, error),
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


def _hint(source: Candidate, stage: str, error: BaseException) -> str:
    if source.distribution == RUN_TIME:
        return "correct what was registered"
    off = f"or GENAI_DISABLE_PLUGINS={source.plugin} to switch it off"
    if isinstance(error, ModuleNotFoundError) and error.name:
        missing = error.name.partition(".")[0]
        if missing == source.value.partition(":")[0].partition(".")[0]:
            return f"pip install --force-reinstall {source.distribution}"
        return f"pip install {missing}, {off}"
    if isinstance(error, SyntaxError):
        return f"pip install --upgrade {source.distribution} (it may want another Python), {off}"
    if stage == "event":
        return f"report it to the author of {source.distribution}, {off}"
    return f"pip install --upgrade {source.distribution}, {off}"
