"""Everything genai promises its users about a plugin, checked for style."""

from __future__ import annotations

import tempfile
from pathlib import Path

from genai_core.testing import contract_suite
from genai_media.video import Video
from support.pictures import painting, photo

PLACE = Path(tempfile.mkdtemp(prefix="genai-style-"))
FOLDER = PLACE / "photos"
FOLDER.mkdir()
for seed in range(60):  # the split `test`, every tenth, is large enough for an interval
    photo(48, 40, seed).save(FOLDER / f"{seed:02}.png")
painting().save(PLACE / "waves.png")
CLIP = Video.from_frames([photo(48, 40, seed).pixels for seed in (1, 1, 2)], 5)
CLIP.save(PLACE / "film.mp4")

PHOTO, STYLE = str(FOLDER / "00.png"), str(PLACE / "waves.png")
FILM = str(PLACE / "film.mp4")

TestContract = contract_suite(
    "style",
    configs={
        "fast": {"style": STYLE, "crop": 32, "width": 8, "blocks": 1},
        "folder": {"path": str(FOLDER)},
        "stylise": {"content": [PHOTO], "style": [STYLE], "size": 40, "preset": "draft"},
        "clip": {"content": FILM, "style": [STYLE], "size": 40, "preset": "draft", "steps": 1},
        "metrics": {"photo": [PHOTO], "style": [STYLE], "size": 64, "resamples": 100},
    },
    artifacts={"video": CLIP},
    options={"video": {"style": [STYLE], "size": 40, "preset": "draft", "steps": 1}},
    datasets={"fast": "style/sample", "metrics": "style/folder"},
)
