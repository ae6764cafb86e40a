"""Configurations of painting films; nothing heavy is imported here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from genai_style.config import OptimiseOptions


class VideoOptions(OptimiseOptions):
    """How a film is painted."""

    model: str = Field(
        default="style/optimise",
        description="style/optimise, or a network that has learned a style: its id, run or folder",
    )
    steps: int = Field(
        default=8, ge=1, le=200, description="steps of style/optimise for each frame after the first"
    )


class ClipConfig(VideoOptions):
    """A film in the style of pictures."""

    content: str = Field(default="", description="the film to paint")
    frames: int = Field(default=0, ge=0, description="how many frames of it, from the first; 0: all")
    format: Literal[".mp4", ".webm", ".mkv", ".avi", ".mov"] = Field(
        default=".mp4", description="format of the painted film; .mkv keeps every pixel"
    )
