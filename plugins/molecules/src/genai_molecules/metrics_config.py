"""Options of the evaluators."""

from __future__ import annotations

from pydantic import Field

from genai_core.config import Config


class MetricsConfig(Config):
    """How a set of molecules is measured."""

    fcd: bool = Field(default=True, description="measure the FCD, which takes 40 % of the time; needs fcd")
    resamples: int = Field(
        default=1000, ge=100, le=100_000, description="bootstrap resamples of the intervals"
    )
