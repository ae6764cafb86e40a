"""Try what may kill the process in a process of its own, and say how it ended.

The child works through a list of tasks and answers after each; when it dies or hangs the parent knows at
which task, and starts another child with the rest.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from genai_core.errors import GenaiError, PluginError
from genai_core.plugins.faults import say
from genai_core.plugins.registry import Registry


class Task(NamedTuple):
    """Load `plugin` as the registry does; then resolve what `field` of the spec with that id refers to.

    Without an id loading is all; without a field the spec is a health check, which is run.
    """

    plugin: str
    id: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one task ended.

    Attributes:
        problem: One line: what it raised, or how it ended the process; empty when all went well.
        printed: What it wrote to stdout, the first 200 characters.
        found: Findings, of a check.
    """

    problem: str = ""
    printed: str = ""
    found: list[dict[str, Any]] = field(default_factory=list)


def attempt(task: Task) -> Outcome:
    """Do one task in this process; whatever it raises is an outcome."""
    try:
        registry = Registry(allow=[task.plugin]).discover()
        if not task.id:
            return Outcome()
        spec = registry.find(None, task.id)
        if not task.field:
            from genai_core.plugins.doctor import Finding

            return Outcome(found=[asdict(Finding(**asdict(item))) for item in registry.load(spec)()])
        if task.field != "factory":
            registry.config_class(spec, task.field)
        elif not callable(registry.load(spec)):
            raise PluginError(f"{spec.id}: factory {spec.factory!r} cannot be called")
    except GenaiError as error:
        cause = error.__cause__
        return Outcome(error.message if cause is None else f"{type(cause).__name__}: {say(cause)}")
    except BaseException as error:
        return Outcome(f"{type(error).__name__}: {say(error)}")
    return Outcome()


def probe(tasks: Sequence[Task], timeout: float) -> list[Outcome]:
    """Run `tasks` in child processes; `timeout` is seconds of silence at one task."""
    outcomes: list[Outcome] = []
    while len(outcomes) < len(tasks):
        outcomes += _one_child(tasks[len(outcomes) :], timeout)
    return outcomes


def _one_child(tasks: Sequence[Task], timeout: float) -> list[Outcome]:
    """The outcomes up to and with the task that ended the child; at least one."""
    answers, theirs = Pipe(duplex=False)
    child = get_context("spawn").Process(target=_serve, args=(tasks, theirs))
    child.start()
    theirs.close()
    outcomes: list[Outcome] = []
    try:
        while len(outcomes) < len(tasks) and answers.poll(timeout):
            outcomes.append(Outcome(**json.loads(answers.recv_bytes())))
    except (EOFError, OSError):  # the child is gone, or has closed what it found open
        child.join(timeout)
    code = child.exitcode
    if hasattr(os, "killpg"):  # what the child started must not outlive it
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid or 0, signal.SIGKILL)
    child.kill()
    child.join()
    if len(outcomes) < len(tasks):
        hangs = f"it gives no answer within {timeout:g} s"
        outcomes.append(Outcome(hangs if code is None else _ending(code)))
    return outcomes


def _ending(code: int) -> str:
    if code >= 0:
        return f"it ends the process with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    why = " (perhaps out of memory)" if name == "SIGKILL" else ""
    return f"it crashes the process: {name}{why}"


def _serve(tasks: Sequence[Task], answers: Connection) -> None:
    """In the child: work through the tasks and answer after each."""
    if hasattr(os, "setsid"):
        os.setsid()
    os.environ.pop("GENAI_STRICT", None)
    with tempfile.TemporaryFile() as printed, Path(os.devnull).open("wb") as nowhere:
        os.dup2(printed.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        for task in tasks:
            outcome = attempt(task)
            sys.stdout.flush()
            printed.seek(0)
            text = printed.read(200).decode("utf-8", "replace")
            printed.seek(0)
            printed.truncate()
            answers.send_bytes(json.dumps(asdict(outcome) | {"printed": text}, default=str).encode())
        os._exit(0)  # threads and exit handlers of what was imported are not waited for
