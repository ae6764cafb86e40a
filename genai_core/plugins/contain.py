"""A fence around a plugin's import: what it changes in the process is put back and told."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
    path, entries = sys.path, list(sys.path)
    environment, names = dict(os.environ), dict(vars(builtins))
    folder = _folder()
    before = HEAVY & sys.modules.keys()
    stdout, sys.stdout = sys.stdout, (printed := _Sink())
    try:
        yield misdeeds
    finally:
        if sys.stdout is not printed:
            misdeeds.append("it replaces sys.stdout")
        sys.stdout = stdout
        if getattr(sys, "path", None) is not path or path != entries:
            sys.path, path[:] = path, entries
            misdeeds.append("it changes sys.path")
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
            misdeeds.append("it changes the environment")
        now = vars(builtins)
        if now != names:
            now.clear()
            now.update(names)
            misdeeds.append("it changes builtins")
        if folder and _folder() != folder:
            os.chdir(folder)
            misdeeds.append("it changes the working directory")
        if printed.getvalue():
            misdeeds.append(f"it prints to stdout: {printed.getvalue()[:60]!r}")
        if heavy := (HEAVY & sys.modules.keys()) - before:
            named = ", ".join(sorted(heavy))
            misdeeds.append(f"it imports {named} just to be listed, which slows every command")


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib would be one more import at start-up
    except OSError:
        return None
