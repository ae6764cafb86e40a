"""The core's own checks for `genai doctor`: Python, packages, disk, folders, GPU.

Each is a function that takes nothing and yields findings. The fast ones read metadata and import no torch.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

from genai_core.files.sources import cache_dir
from genai_core.plugins.discovery import candidates
from genai_core.plugins.doctor import Finding, Level
from genai_core.plugins.resolve import unmet

CPU_INDEX = "--index-url https://download.pytorch.org/whl/cpu"
LITTLE, TOO_LITTLE = 2**30, 100 * 2**20
KNOWN_BAD = Path(__file__).with_name("known_bad.toml")
STEALERS = "uninstall it, and change every password and key this machine has seen"
TORCH_FAMILY = ("torch", "torchvision", "torchaudio")


def machine() -> Iterator[Finding]:
    """Python, platform, cores and memory."""
    memory = ""
    if hasattr(os, "sysconf"):
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB memory"
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{memory}"
    yield Finding("ok", "python", f"{platform.python_version()}, {system}")


def packages() -> Iterator[Finding]:
    """What the core, the plugins and torch ask for is there, and nothing installed is known to be bad."""
    names = {claim.distribution for claims in candidates().values() for claim in claims}.union(TORCH_FAMILY)
    here = sorted(filter(_version, names))
    conflicts = [(name, *each) for name in here for each in unmet(metadata.requires(name) or ()).items()]
    for name, problem, requirement in conflicts:
        yield Finding("error", name, f"it needs {problem}", f'pip install "{requirement}"')
    if not conflicts:
        yield Finding("ok", "packages", f"the requirements of {len(here)} distributions are met")
    for bad in tomllib.loads(KNOWN_BAD.read_text(encoding="utf-8"))["release"]:
        name, version = bad["name"], _version(bad["name"])
        if version and SpecifierSet(bad["versions"]).contains(version, prereleases=True):
            fix = f'pip install "{name}{bad["good"]}"' + (f"; {STEALERS}" if bad.get("stole") else "")
            yield Finding(bad["level"], name, f"{version}: {bad['why']}", fix)


def torch_builds() -> Iterator[Finding]:
    """The torch family has one build: torchaudio for CUDA beside a torch for the CPU does not import."""
    version, cuda = _version("torch"), torch_cuda()
    if version is None:
        yield Finding("error", "torch", "it is not installed", f"pip install torch {CPU_INDEX}")
        return
    yield Finding("ok", "torch", f"{version}, built for {f'CUDA {cuda}' if cuda else 'the CPU'}")
    for name in TORCH_FAMILY[1:]:
        libraries = () if cuda else _located(name, name).rglob("*.so")
        if any(b"libtorch_cuda.so" in library.read_bytes() for library in libraries):
            why = f"{_version(name)} is built for CUDA (libtorch_cuda) and torch {version} for the CPU"
            fix = f"pip install --force-reinstall --no-deps {name} {CPU_INDEX}, or pip uninstall {name}"
            yield Finding("error", name, f"{why}; importing it fails", fix)


def disk() -> Iterator[Finding]:
    """Room and permission where runs, downloads and temporary files go."""
    elsewhere = "set {} to another folder"
    places = (
        ("working folder", Path.cwd(), "change to another folder, or name one with -o"),
        ("cache", cache_dir(), elsewhere.format("GENAI_CACHE")),
        ("temporary files", Path(tempfile.gettempdir()), elsewhere.format("TMPDIR")),
    )
    for what, place, fix in places:
        folder = next(parent for parent in (place, *place.parents) if parent.exists())
        free = shutil.disk_usage(folder).free
        amount = f"{free / 2**30:.1f} GiB free for {what} in {place}"
        if not os.access(folder, os.W_OK):
            yield Finding("error", "disk", f"{folder} cannot be written ({what})", fix)
        elif free < LITTLE:
            level: Level = "error" if free < TOO_LITTLE else "warning"
            yield Finding(level, "disk", amount, f"free some space, or {fix}")
        else:
            yield Finding("ok", "disk", amount)


def gpu() -> Iterator[Finding]:
    """GPU and driver, seen without torch; and whether the installed torch can use them."""
    names, driver = _nvidia()
    cuda, other = torch_cuda(), "none found; the CPU is used"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        other = "Apple silicon (mps)"
    elif Path("/dev/kfd").exists():
        other = "AMD (ROCm); genai doctor --deep tries it"
    yield Finding("ok", "gpu", f"{', '.join(names)}; driver {driver}" if names else other)
    if not names and Path("/proc/driver/nvidia/version").exists():
        fix = "nvidia-smi shows the reason; reinstall the driver's tools"
        yield Finding("warning", "gpu", "the NVIDIA driver is loaded and nvidia-smi does not answer", fix)
    if names and _version("torch") and not cuda:
        fix = "pip install --force-reinstall torch"
        yield Finding("warning", "gpu", "torch is built for the CPU and leaves the GPU idle", fix)
    needed = {"11": 450, "12": 525, "13": 580}.get((cuda or "").partition(".")[0], 0)
    if driver[:3].isdigit() and int(driver[:3]) < needed:
        fix = "update the NVIDIA driver, or install a torch build for an older CUDA"
        old = f"driver {driver} is too old for CUDA {cuda}, which needs {needed}"
        yield Finding("error", "gpu", old, fix)


def devices() -> Iterator[Finding]:
    """Deep: one operation on every device torch offers."""
    import torch

    from genai_core.running.device import problem_of

    kind = torch.accelerator.current_accelerator()
    for name in ("cpu", *(f"{kind}:{i}" for i in range(torch.accelerator.device_count()))):
        if problem := problem_of(name):
            yield Finding("error", f"device {name}", problem, "--device cpu works around it")
        else:
            yield Finding("ok", f"device {name}", "works")


def torch_cuda() -> str | None:
    """CUDA version the installed torch was built for, read from its version file; None: a CPU build."""
    file = _located("torch", "torch/version.py")
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    found = re.search(r"^cuda\b[^=]*=\s*['\"]([\d.]+)['\"]", text, re.MULTILINE)
    return found[1] if found else None


def _located(distribution: str, path: str) -> Path:
    """Where a file of a distribution lies; a path that is not there when it is not installed."""
    try:
        return Path(str(metadata.distribution(distribution).locate_file(path)))
    except metadata.PackageNotFoundError:
        return Path(os.devnull, path)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except Exception:  # absent, or its metadata cannot be read, which the registry tells of
        return None


def _nvidia() -> tuple[list[str], str]:
    """Names of the NVIDIA GPUs and the driver's version; none when nvidia-smi does not answer."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return [], ""
    rows = [line.split(", ") for line in told.splitlines() if line.count(", ") == 2]
    return [f"{name} ({memory})" for name, memory, _ in rows], rows[0][2] if rows else ""
