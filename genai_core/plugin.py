"""The core's own specs, offered through the same hooks as everybody's."""

from __future__ import annotations

from collections.abc import Iterable

from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import ArtifactSpec, CheckSpec

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


@hookimpl
def genai_checks() -> Iterable[CheckSpec]:
    """The machine and what is installed on it."""
    health = "genai_core.running.health"
    yield CheckSpec(name="machine", summary="Python, platform and memory", factory=f"{health}:machine")
    yield CheckSpec(name="packages", summary="Conflicts and known-bad releases", factory=f"{health}:packages")
    yield CheckSpec(name="torch", summary="torch and its family match", factory=f"{health}:torch_builds")
    yield CheckSpec(name="disk", summary="Room and permission to write", factory=f"{health}:disk")
    yield CheckSpec(name="gpu", summary="GPU and driver", factory=f"{health}:gpu")
    yield CheckSpec(name="devices", summary="Every device computes", factory=f"{health}:devices", cost="deep")
