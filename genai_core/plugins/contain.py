"""A fence around a plugin's import: what it changes in the process is put back and told."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

HEAVY = frozenset({"cv2", "jax", "matplotlib", "numpy", "pandas", "pydantic", "rdkit", "scipy", "tensorflow",
                   "torch", "torchaudio", "torchvision", "transformers"})  # fmt: skip


class _Sink(io.StringIO):
    def close(self) -> None:
        """A plugin that closes stdout closes nothing."""


@contextmanager
def contained() -> Iterator[list[str]]:
    """Yield a list that holds, after the block, one sentence for each thing the block should not have done.

    stdout belongs to results, so what is printed goes nowhere. ``sys.path``, the environment, the working
    directory and the builtins are restored.
    """
    misdeeds: list[str] = []
    path, before, heavy = sys.path, _surroundings(), HEAVY & sys.modules.keys()
    stdout, sys.stdout = sys.stdout, (printed := _Sink())
    try:
        yield misdeeds
    finally:
        if sys.stdout is not printed:
            misdeeds.append("it replaces sys.stdout")
        sys.stdout = stdout
        if (after := _surroundings()) != before:
            misdeeds += [f"it changes {what}" for what in before if after[what] != before[what]]
            for space, what in ((vars(builtins), "builtins"), (os.environ, "the environment")):
                space.clear()
                space.update(before[what])
            sys.path, path[:] = path, before["sys.path"]
            os.chdir(before["the working directory"] or ".")
        if printed.getvalue():
            misdeeds.append(f"it prints to stdout: {printed.getvalue()[:60]!r}")
        if named := ", ".join(sorted((HEAVY & sys.modules.keys()) - heavy)):
            misdeeds.append(f"it imports {named} just to be listed, which slows every command")


def _surroundings() -> dict[str, Any]:
    """What belongs to everybody in the process."""
    try:
        folder = os.getcwd()  # noqa: PTH109 - pathlib would be one more import at start-up
    except OSError:
        folder = None
    entries = [*getattr(sys, "path", ())]
    spaces = {"the environment": dict(os.environ), "builtins": dict(vars(builtins))}
    return {"sys.path": entries, **spaces, "the working directory": folder}
