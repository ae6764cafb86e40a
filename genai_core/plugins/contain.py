"""A fence around a plugin's import: what it prints goes nowhere, and that and what it imports is told."""

from __future__ import annotations

import io
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

    stdout belongs to results, so what is printed goes nowhere.
    """
    misdeeds: list[str] = []
    heavy = HEAVY & sys.modules.keys()
    stdout, sys.stdout = sys.stdout, (printed := _Sink())
    try:
        yield misdeeds
    finally:
        if sys.stdout is not printed:
            misdeeds.append("it replaces sys.stdout")
        sys.stdout = stdout
        if printed.getvalue():
            misdeeds.append(f"it prints to stdout: {printed.getvalue()[:60]!r}")
        if named := ", ".join(sorted((HEAVY & sys.modules.keys()) - heavy)):
            misdeeds.append(f"it imports {named} just to be listed, which slows every command")
