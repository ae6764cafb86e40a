"""What a check is: a plain function whose docstring is the promise it holds a plugin to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from genai_core.errors import GenaiError


class Broken(AssertionError):
    """A promise is not kept; the message says how."""


class NotApplicable(Exception):
    """The check has nothing to say about this spec, or cannot be done here; the message says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise.

    Attributes:
        name: Name of the function.
        kind: Kind of spec it is about, or ``plugin`` for the plugin as a whole.
        promise: First line of the function's docstring.
        run: ``run(bench, spec)``; raises `Broken` or `NotApplicable`.
        applies: Whether it is about this spec at all.
        process: It starts another Python process, which costs seconds.
    """

    name: str
    kind: str
    promise: str
    run: Callable[[Any, Any], None]
    applies: Callable[[Any], bool]
    process: bool


CHECKS: list[Check] = []
CheckFunction = Callable[[Any, Any], None]


def promise(
    *kinds: str, when: Callable[[Any], bool] = lambda spec: True, process: bool = False
) -> Callable[[CheckFunction], CheckFunction]:
    """Add a function to the suite, once for each kind of spec it is about."""

    def add(function: CheckFunction) -> CheckFunction:
        first = (function.__doc__ or "").strip().splitlines()[0]
        CHECKS.extend(Check(function.__name__, kind, first, function, when, process) for kind in kinds)
        return function

    return add


def can(*capabilities: str) -> Callable[[Any], bool]:
    """For `when`: models that declare any of these capabilities."""
    return lambda spec: bool(spec.capabilities & set(capabilities))


def expect(condition: object, message: str) -> None:
    """Raise `Broken` with `message` unless `condition` holds."""
    if not condition:
        raise Broken(message)


def expect_error(
    kinds: type[Exception] | tuple[type[Exception], ...],
    doing: str,
    call: Callable[..., object],
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Call and return the error it raises; `Broken` when there is none or it is of another class."""
    names = " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
    try:
        result = call(*args, **kwargs)
    except kinds as error:
        return error
    except Exception as error:
        raise Broken(f"{doing} raised {type(error).__name__} ({error}), not {names}") from error
    raise Broken(f"{doing} returned {str(result)[:80]!r}; it should raise {names}")


def expect_ok(doing: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call and return the result; `Broken` names what was being done when it raises."""
    try:
        return call(*args, **kwargs)
    except (Broken, NotApplicable):
        raise
    except Exception as error:
        hint = f" (hint: {error.hint})" if isinstance(error, GenaiError) and error.hint else ""
        raise Broken(f"{doing} raised {type(error).__name__}: {error}{hint}") from error
