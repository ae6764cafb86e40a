"""Everything genai promises its users about a plugin, checked for style."""

from __future__ import annotations

import tempfile
from pathlib import Path

from genai_core.testing import contract_suite
from support.pictures import painting, photo

PLACE = Path(tempfile.mkdtemp(prefix="genai-style-"))
FOLDER = PLACE / "photos"
FOLDER.mkdir()
for seed in range(60):  # the split `test`, every tenth, is large enough for an interval
    photo(48, 40, seed).save(FOLDER / f"{seed:02}.png")
painting().save(PLACE / "waves.png")

PHOTO, STYLE = str(FOLDER / "00.png"), str(PLACE / "waves.png")

TestContract = contract_suite(
    "style",
    configs={
        "fast": {"style": STYLE, "crop": 32, "width": 8, "blocks": 1},
        "folder": {"path": str(FOLDER)},
        "stylise": {"content": [PHOTO], "style": [STYLE], "size": 40, "preset": "draft"},
        "metrics": {"photo": [PHOTO], "style": [STYLE], "size": 64, "resamples": 100},
    },
    datasets={"fast": "style/sample", "metrics": "style/folder"},
)
