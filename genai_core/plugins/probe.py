"""Try what may kill the process in a process of its own, and say how it ended.

The child works through a list of tasks and writes a line before and after each; when it dies or hangs the
parent knows at which task, and starts another child with the rest. As a program: ``python -m
genai_core.plugins.probe FOLDER``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

TASKS, LOG, PRINTED = "tasks.json", "log.jsonl", "printed.txt"
TICK = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one task ended.

    Attributes:
        end: ``error``: it raised; ``crash``: a signal ended the process; ``exit``: it left by itself;
            ``hang``: no answer in time.
        message: One line; empty when ``ok``.
        printed: What it wrote to stdout, the first 200 characters.
        found: Findings, of a check.
        seconds: Wall time.
    """

    end: Literal["ok", "error", "crash", "exit", "hang"]
    message: str = ""
    printed: str = ""
    found: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


def admission(plugin: str) -> dict[str, str]:
    """Task: load one plugin as the registry does."""
    return {"do": "admit", "plugin": plugin}


def reference(plugin: str, name: str, field: str) -> dict[str, str]:
    """Task: resolve the import string in `field` of the spec with id `name`."""
    return {"do": "resolve", "plugin": plugin, "id": name, "field": field}


def check(plugin: str, name: str) -> dict[str, str]:
    """Task: run the health check with id `name`."""
    return {"do": "check", "plugin": plugin, "id": name}


def probe(tasks: Sequence[Mapping[str, str]], timeout: float) -> list[Outcome]:
    """Run `tasks` in child processes; `timeout` is seconds of silence at one task."""
    outcomes: list[Outcome] = []
    while len(outcomes) < len(tasks):
        outcomes += _one_child(tasks[len(outcomes) :], timeout)
    return outcomes


def _one_child(tasks: Sequence[Mapping[str, str]], timeout: float) -> list[Outcome]:
    """The outcomes up to and with the task that ended the child; at least one."""
    with tempfile.TemporaryDirectory(prefix="genai-probe-") as name:
        folder = Path(name)
        (folder / TASKS).write_text(json.dumps(list(tasks)), encoding="utf-8")
        (folder / LOG).touch()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment.pop("GENAI_STRICT", None)
        with (folder / PRINTED).open("wb") as printed:
            child = subprocess.Popen(
                [sys.executable, "-m", "genai_core.plugins.probe", name],
                stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.DEVNULL, env=environment,
                start_new_session=True,
            )  # fmt: skip
        try:
            hung = _wait(child, folder / LOG, timeout)
        finally:
            _end(child)
        outcomes = [Outcome(**line) for line in _lines(folder / LOG)]
        if len(outcomes) < len(tasks):
            outcomes.append(_verdict(child.returncode, hung, timeout))
        return outcomes


def _wait(child: subprocess.Popen[bytes], log: Path, timeout: float) -> bool:
    """Wait for the child; True when its log did not grow for `timeout` seconds."""
    size, since = -1, time.monotonic()
    while child.poll() is None:
        now = log.stat().st_size
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > timeout:
            return True
        time.sleep(TICK)
    return False


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child's whole session: what it started must not outlive it."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()


def _lines(log: Path) -> list[dict[str, Any]]:
    text = log.read_text(encoding="utf-8", errors="replace")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _verdict(code: int, hung: bool, timeout: float) -> Outcome:
    if hung:
        return Outcome("hang", f"it gives no answer within {timeout:g} s", seconds=timeout)
    if code >= 0:
        return Outcome("exit", f"it ends the process with exit code {code}")
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    why = " (perhaps out of memory)" if name == "SIGKILL" else ""
    return Outcome("crash", f"it crashes the process: {name}{why}")


def _serve(folder: Path) -> None:
    """Work through the tasks; one line of the log each."""
    tasks = json.loads((folder / TASKS).read_text(encoding="utf-8"))
    leave, printed = os._exit, folder / PRINTED
    with (folder / LOG).open("a", encoding="utf-8") as log:
        for task in tasks:
            before, start = printed.stat().st_size, time.monotonic()
            outcome = _attempt(task)
            sys.stdout.flush()
            with printed.open("rb") as file:
                file.seek(before)
                text = file.read(200).decode("utf-8", "replace")
            done = asdict(outcome) | {"printed": text, "seconds": round(time.monotonic() - start, 3)}
            log.write(json.dumps(done) + "\n")
            log.flush()
    leave(0)  # threads and exit handlers of what was imported are not waited for


def _attempt(task: Mapping[str, str]) -> Outcome:
    from genai_core.errors import GenaiError, PluginError
    from genai_core.plugins.faults import say
    from genai_core.plugins.registry import Registry

    try:
        registry = Registry(allow=[task["plugin"]]).discover()
        if task["do"] == "admit":
            return Outcome("ok")
        spec = registry.find_any(task["id"])
        if task["do"] == "check":
            return Outcome("ok", found=[asdict(finding) for finding in registry.load(spec)()])
        if task["field"] == "factory":
            if not callable(registry.load(spec)):
                raise PluginError(f"{spec.id}: factory {spec.factory!r} cannot be called")
        else:
            registry.config_class(spec, task["field"])
    except GenaiError as error:
        cause = error.__cause__
        return Outcome("error", error.message if cause is None else f"{type(cause).__name__}: {say(cause)}")
    except BaseException as error:
        return Outcome("error", f"{type(error).__name__}: {say(error)}")
    return Outcome("ok")


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
