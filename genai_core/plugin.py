"""The core's own specs, offered through the same hooks as everybody's."""

from __future__ import annotations

from collections.abc import Iterable

from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import ArtifactSpec

GENAI_API = 1


@hookimpl
def genai_artifacts() -> Iterable[ArtifactSpec]:
    """Plain text, one item a line."""
    yield ArtifactSpec(
        name="text",
        summary="Text, one item a line",
        suffixes=(".txt",),
        media_type="text/plain",
        factory="genai_core.files.artifacts:Text",
    )
