"""`style/sample`: the few photos that come with the plugin, so that a style can be learned offline."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from genai_style.sets.gallery import kept

if TYPE_CHECKING:
    from genai_core.config import Config
    from genai_style.data import Photos


def sample(config: Config | None = None) -> Photos:
    """48 photos of `style/photos` to learn on and 8 to test with, all of them free of rights."""
    return kept(Path(str(files("genai_style") / "sample")))
