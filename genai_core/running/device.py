"""Choosing where to compute, and with which precision and how many threads."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

import torch

from genai_core.errors import ResourceError, UsageError

_KINDS = ("cuda", "mps", "xpu", "cpu")


def pick_device(name: str = "auto") -> str:
    """The torch device to use.

    Args:
        name: ``auto`` (first of cuda, mps, xpu, cpu that passes a one-operation probe), or
            ``cpu``, ``cuda``, ``cuda:1``, ``mps``, ``xpu``.

    Raises:
        UsageError: Not a device name.
        ResourceError: The named device does not work here.
    """
    keep_freed_memory()
    if name == "auto":
        return next(kind for kind in _KINDS if not problem_of(kind))
    kind, _, index = name.partition(":")
    if kind not in _KINDS or (index and not index.isdigit()):
        raise UsageError(f"device {name!r} is not one of auto, cpu, cuda, cuda:N, mps, xpu")
    if problem := problem_of(name):
        raise ResourceError(f"device {name!r} does not work here: {problem}", hint="choose --device auto")
    return name


def keep_freed_memory() -> None:
    """Let the process keep blocks of up to 32 MiB that it frees: the next step needs as many again.

    glibc hands them back to the system and gets them anew page by page, a seventh of the time that sampling
    from a small network takes.
    """
    with suppress(OSError, TypeError, AttributeError):  # other C libraries have no mallopt
        for option in (-1, -3):  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
            ctypes.CDLL(None).mallopt(option, 1 << 25)


def pick_precision(name: str, device: str) -> torch.dtype | None:
    """Autocast dtype for ``auto``, ``bf16`` or ``fp32``; None means plain fp32.

    ``auto`` takes bf16 on CUDA chips that have it (compute capability 8.0 and later) and fp32 elsewhere.
    """
    fast = name == "bf16" or (name == "auto" and device.startswith("cuda") and has_bf16(device))
    return torch.bfloat16 if fast else None


def has_bf16(device: str) -> bool:
    """Whether the chip itself multiplies bf16 matrices, which is then about twice as fast as fp32."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_capability(device)[0] >= 8
    return device == "cpu" and bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def set_threads(count: int = 0) -> int:
    """Set torch's intra-op threads and return the number in force.

    Args:
        count: 0 takes ``OMP_NUM_THREADS`` where it is set, else the cores this process may use that are
            idle by the load average, at least one: more threads than idle cores spin and slow each other.
    """
    if count == 0 and not os.environ.get("OMP_NUM_THREADS"):
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        count = max(1, min(usable, 8, round(usable - load)))
    if count > 0:
        torch.set_num_threads(count)
    return torch.get_num_threads()


def seed_device(seed: int, device: str) -> None:
    """Seed the global generators that work on `device` draws from: the CPU's and the device's own.

    `torch.manual_seed` would do, but also queues a call with its stack for every device there is not,
    which costs half a millisecond each time.
    """
    torch.default_generator.manual_seed(seed)
    kind = device.partition(":")[0]
    if kind != "cpu":
        getattr(torch, kind).manual_seed(seed)


def peak_memory_mb(device: str) -> float:
    """Peak memory of this process so far: device memory on CUDA, resident memory elsewhere."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource
        import sys
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def problem_of(device: str) -> str | None:
    """Why one small operation on `device` fails, in a line; None when it works."""
    try:
        right = float((torch.ones(2, device=device) * 2).sum()) == 4.0
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return None if right else "it computes 2 * 1 + 2 * 1 wrongly"
