"""Run what may kill the process in a process of its own, and say how it ended."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Work = Callable[..., Iterator[Any]]


def probe(work: Work, *arguments: Any, timeout: float) -> tuple[list[Any], str]:
    """Run a generator in a child process.

    Args:
        work: A function of a module. It yields JSON values and dataclasses of them; what it prints is lost.
        *arguments: For `work`.
        timeout: Seconds of silence after which it counts as hanging.

    Returns:
        What it yielded, and what happened to the process; empty when `work` came to its end.
    """
    answers, theirs = Pipe(duplex=False)
    child = get_context("spawn").Process(target=_serve, args=(work, arguments, theirs))
    child.start()
    theirs.close()
    told: list[Any] = []
    ended = False
    try:
        while not ended and answers.poll(timeout):
            ended, value = json.loads(answers.recv_bytes())
            told += [] if ended else [value]
    except (EOFError, OSError):  # the child is gone, or has closed what it found open
        child.join(timeout)
    code = child.exitcode
    if hasattr(os, "killpg"):  # what the child started must not outlive it
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid or 0, signal.SIGKILL)
    child.kill()
    child.join()
    return told, "" if ended else _ending(code, timeout)


def _ending(code: int | None, timeout: float) -> str:
    if code is None:
        return f"it gives no answer within {timeout:g} s"
    if code >= 0:
        return f"it ends the process with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    why = " (perhaps out of memory)" if name == "SIGKILL" else ""
    return f"it crashes the process: {name}{why}"


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def _serve(work: Work, arguments: tuple[Any, ...], answers: Connection) -> None:
    """In the child: send each value that `work` yields, then that it has ended."""
    if hasattr(os, "setsid"):
        os.setsid()
    os.environ.pop("GENAI_STRICT", None)  # faults are findings here
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        for value in work(*arguments):
            answers.send_bytes(json.dumps([False, value], default=_plain).encode())
        answers.send_bytes(b"[true, null]")
        os._exit(0)  # threads and exit handlers of what was imported are not waited for
