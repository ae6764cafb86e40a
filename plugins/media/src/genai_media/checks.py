"""Health checks for `genai doctor`."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from genai_core.errors import MissingDependency
from genai_core.plugins.doctor import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def opencv() -> Iterator[Finding]:
    """OpenCV loads, and only one of its builds is installed: they overwrite each other's files."""
    builds = [f"{name} {version}" for name in BUILDS if (version := _version(name))]
    if len(builds) > 1:
        fix = f"pip uninstall -y {' '.join(BUILDS)}, then install one of them again"
        yield Finding("warning", "opencv", f"{' and '.join(builds)} overwrite each other's files", fix)
    try:
        from genai_media.opencv import cv2
    except MissingDependency as error:
        yield Finding("error", "opencv", error.message, error.hint)
    else:
        yield Finding("ok", "opencv", f"{cv2.__version__}, from {', '.join(builds) or 'no known build'}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
