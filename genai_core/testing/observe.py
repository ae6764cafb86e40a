"""Watches a block of plugin code: what it prints, whom it calls, and what it leaves changed."""

from __future__ import annotations

import io
import logging
import os
import random
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Effects = dict[str, str]


@contextmanager
def observed(effects: Effects) -> Iterator[None]:
    """Note in `effects`, by kind, what the block does beside its work; network calls fail inside it.

    The kinds are ``network``, ``output``, and the keys of `_globals`. The first note of a kind is kept.
    """
    before = _globals()
    with _no_network(effects), _captured(effects):
        yield
    after = _globals()
    for kind, value in before.items():
        if after.get(kind) != value:
            effects.setdefault(kind, _difference(value, after.get(kind)))


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread inside the block: the last bits of a sum may depend on how many share it."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _globals() -> dict[str, Any]:
    """What belongs to the whole process; comparable with ``==``."""
    state: dict[str, Any] = {
        "python random state": random.getstate(),
        "working directory": str(Path.cwd()),
        "files in the working directory": sorted(path.name for path in Path.cwd().iterdir()),
        "environment": dict(os.environ),
        "sys.path": list(sys.path),
        "signal handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "logging": (logging.root.level, list(logging.root.handlers)),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "umask": _umask(),
    }
    if numpy := sys.modules.get("numpy"):
        kind, keys, *rest = numpy.random.get_state()
        state["numpy random state"] = (kind, keys.tobytes(), *rest)
        state["numpy print options"] = repr(numpy.get_printoptions())
        state["numpy error handling"] = numpy.geterr()
    if torch := sys.modules.get("torch"):
        state["torch random state"] = bytes(torch.get_rng_state().numpy())
        state["torch threads"] = torch.get_num_threads()
        state["torch default dtype"] = torch.get_default_dtype()
        state["torch gradient mode"] = torch.is_grad_enabled()
        state["torch deterministic mode"] = torch.are_deterministic_algorithms_enabled()
    return state


def _umask() -> int:
    mask = os.umask(0o77)
    os.umask(mask)
    return mask


def _difference(before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        changed = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
        return "changed " + ", ".join(map(str, changed))
    if isinstance(before, list) and isinstance(after, list) and before != after:
        return f"was {before[:6]}, is {after[:6]}"
    text = f"was {before!r}, is {after!r}"
    return text if len(text) < 200 else "changed"


@contextmanager
def _no_network(effects: Effects) -> Iterator[None]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        effects.setdefault("network", f"tried to reach {args[-1] if args else 'a host'}")
        raise OSError("the network is closed while the contract suite runs")

    places: list[tuple[Any, str]] = [
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (socket, "getaddrinfo"),
        (socket, "create_connection"),
    ]
    originals: list[Callable[..., Any]] = [getattr(owner, name) for owner, name in places]
    for owner, name in places:
        setattr(owner, name, refuse)
    try:
        yield
    finally:
        for (owner, name), original in zip(places, originals, strict=True):
            setattr(owner, name, original)


@contextmanager
def _captured(effects: Effects) -> Iterator[None]:
    """Collect what is written to stdout and stderr, by Python or by native code."""
    python, kept = io.StringIO(), (sys.stdout, sys.stderr)
    for stream in kept:
        stream.flush()
    with tempfile.TemporaryFile() as native:
        saved = [os.dup(number) for number in (1, 2)]
        try:
            sys.stdout = sys.stderr = python
            for number in (1, 2):
                os.dup2(native.fileno(), number)
            yield
        finally:
            sys.stdout, sys.stderr = kept
            for number, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, number)
                os.close(copy)
        native.seek(0)
        text = python.getvalue() + native.read().decode(errors="replace")
    if text.strip():
        effects.setdefault("output", f"wrote {text.strip()[:200]!r}")
