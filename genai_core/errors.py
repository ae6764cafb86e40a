"""The errors a user can meet: what went wrong, where, and what to do next.

Every error the suite raises on purpose is a `GenaiError`. The command line turns it into two lines on
stderr and the exit code below; no traceback. Anything else that escapes is a bug.

| code | meaning | raised as |
|---|---|---|
| 1 | failed | `GenaiError`, `PluginError`, `MissingDependency` |
| 2 | used wrongly | `UsageError`, `UnknownId`, `ConfigError` |
| 3 | bad input | `BadInput` |
| 4 | out of a resource | `ResourceError` |
| 5 | verification failed | `VerificationError` |
| 75 | interrupted, saved, can be resumed | `Interrupted` |
"""

from __future__ import annotations

from collections.abc import Iterable


class GenaiError(Exception):
    """Base of every deliberate error.

    Args:
        message: What is wrong and where (plugin, id, file), in one sentence.
        hint: What to do next, as a command where there is one.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class PluginError(GenaiError):
    """A plugin broke its contract; the message names the plugin and the reference."""


class MissingDependency(GenaiError):
    """A spec needs a distribution that is absent or too old."""


class UsageError(GenaiError):
    """The call itself is wrong: an option, a combination, a number out of range."""

    exit_code = 2


class UnknownId(UsageError):
    """No dataset, model, evaluator or pipeline has this id."""


class ConfigError(UsageError):
    """A configuration key or value is not accepted."""


class BadInput(GenaiError):
    """A file or value from outside cannot be used.

    Args:
        file: The file's name as the user gave it, or what stands for it (`"<stdin>"`).
        reason: What is wrong with it.
        offset: Where: a line number for text, a byte offset for binary data.
    """

    exit_code = 3

    def __init__(
        self, file: object, reason: str, offset: int | None = None, *, hint: str | None = None
    ) -> None:
        where = f"{file}" if offset is None else f"{file}:{offset}"
        super().__init__(f"{where}: {reason}", hint=hint)
        self.file = str(file)
        self.reason = reason
        self.offset = offset


class ResourceError(GenaiError):
    """Disk, memory, device or lock is not to be had."""

    exit_code = 4


class VerificationError(GenaiError):
    """A file is not what its record says."""

    exit_code = 5


class Interrupted(GenaiError):
    """Stopped on request after the state was saved; the hint says how to go on."""

    exit_code = 75


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A phrase such as ``did you mean "molecules/rnn"?``, or None when nothing is near."""
    from difflib import get_close_matches

    near = [f'"{name}"' for name in get_close_matches(word, sorted(known), n=3, cutoff=0.6)]
    return f"did you mean {' or '.join(near)}?" if near else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory, the computer's or the device's, is exhausted.

    Python and numpy have an exception for that; torch and C++ libraries raise a RuntimeError.
    """
    told = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "could not create a ")
    exhausted = isinstance(error, RuntimeError) and any(words in str(error) for words in told)
    return exhausted or isinstance(error, MemoryError)
