"""Everything genai promises its users about a plugin, checked for style."""

from __future__ import annotations

import tempfile
from pathlib import Path

from genai_core.testing import contract_suite
from support.pictures import painting, photo

FOLDER = Path(tempfile.mkdtemp(prefix="genai-style-"))
for seed in range(8):
    photo(48, 40, seed).save(FOLDER / f"{seed}.png")
painting().save(FOLDER / "waves.png")

PHOTO, STYLE = str(FOLDER / "0.png"), str(FOLDER / "waves.png")

TestContract = contract_suite(
    "style",
    configs={
        "fast": {"style": STYLE, "crop": 32, "width": 8, "blocks": 1},
        "folder": {"path": str(FOLDER)},
        "stylise": {"content": [PHOTO], "style": [STYLE], "size": 40, "preset": "draft"},
    },
    datasets={"fast": "style/folder"},
)
