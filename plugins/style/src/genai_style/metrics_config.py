"""Options of the evaluators."""

from __future__ import annotations

from pydantic import Field

from genai_core.config import Config
from genai_style.config import Paths


class MetricsConfig(Config):
    """What painted pictures are compared with, and at which size."""

    photo: Paths = Field(
        default=(), description="the photos that were painted, or folders of them; needed to measure"
    )
    style: Paths = Field(
        default=(), description="the styles they were painted in, or folders of them; none: photos alone"
    )
    stroke: float | None = Field(
        default=None,
        gt=0,
        le=8,
        description="size of the style beside the picture; if not given that of its record, else 1",
    )
    size: int = Field(
        default=512, ge=64, le=2048, description="pixels of the longer side that pictures are reduced to"
    )
    resamples: int = Field(
        default=1000, ge=100, le=100_000, description="bootstrap resamples of the intervals"
    )


class FilmMetricsConfig(Config):
    """What a painted film is compared with, and at which size."""

    film: str = Field(default="", description="the film that was painted; needed to measure")
    style: str | None = Field(default=None, description="the style it was painted in")
    stroke: float = Field(default=1.0, gt=0, le=8, description="size of the style beside the frames")
    size: int = Field(
        default=512, ge=64, le=2048, description="pixels of the longer side that frames are reduced to"
    )
    frames: int = Field(
        default=5, ge=1, le=1000, description="how many frames are held against style and film"
    )
