"""What this plugin offers. Imports nothing but the core's light modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import ArtifactSpec, CheckSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

GENAI_API = 1


@hookimpl
def genai_artifacts() -> Iterable[ArtifactSpec]:
    """Pictures and films."""
    yield ArtifactSpec(
        name="image",
        summary="A picture, 8 or 16 bits a channel, with transparency and colour profile",
        suffixes=(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif"),
        media_type="image/png",
        factory="genai_media.image:Image",
    )
    yield ArtifactSpec(
        name="video",
        summary="A film: frames decoded one at a time, each with its time, and its sound",
        suffixes=(".mp4", ".webm", ".mkv", ".avi", ".mov"),
        media_type="video/mp4",
        factory="genai_media.video:Video",
    )


@hookimpl
def genai_checks() -> Iterable[CheckSpec]:
    """Whether OpenCV loads."""
    yield CheckSpec(
        name="opencv", summary="OpenCV loads, and is installed once", factory="genai_media.checks:opencv"
    )
