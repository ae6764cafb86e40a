"""Memory that a painting process keeps for the next step."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genai_core.running.device import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

# Options of malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_USUAL_MAPS = 65536


@contextmanager
def kept_memory() -> Iterator[None]:
    """Meanwhile, the process keeps all the memory that it frees.

    A step takes and frees activations of more than 32 MiB each. glibc maps such blocks anew every time, page
    by page, which takes a seventh of the step. Where blocks are of ever other sizes, as those of tiles, holes
    between them would add up: this is for steps that take the same again. Other C libraries are left as they
    are.
    """
    try:
        libc = ctypes.CDLL(None)
        mallopt, trim = libc.mallopt, libc.malloc_trim
    except (OSError, TypeError, AttributeError):
        yield
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        mallopt(_MMAP_MAX, _USUAL_MAPS)
        keep_freed_memory()
        trim(0)
