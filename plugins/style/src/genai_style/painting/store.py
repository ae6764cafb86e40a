"""Painted frames on disk, each whole or not at all, so that painting a film can be killed at any moment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genai_core.errors import ResourceError
from genai_core.files.atomic import atomic_write
from genai_media.opencv import cv2, quiet
from genai_style.painting.video import Painted

if TYPE_CHECKING:
    from genai_style.painting.flow import Pixels

_KEY, _CUT = "key.json", "cut-"


class FrameStore:
    """The frames of one film in one folder, as PNG files of full quality.

    A frame is two files: what it was painted from is written first and kept for the last frame only, its
    picture commits it.

    Args:
        folder: Holds nothing else.
        key: JSON values that say what is painted how; frames of anything else are thrown away.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        self.folder = folder
        text = json.dumps(key, sort_keys=True).encode()
        place = folder / _KEY
        if not place.is_file() or place.read_bytes() != text:
            for path in folder.iterdir():
                path.unlink()
            atomic_write(place, text)
        self._done = 0
        while self._picture(self._done).is_file():
            self._done += 1
        if self._done and not self._shown(self._done - 1).is_file():
            self._done = 0

    def __len__(self) -> int:
        """Frames that are painted."""
        return self._done

    def add(self, painted: Painted) -> None:
        """Keep the next frame."""
        _write(self._shown(self._done), painted.shown)
        if painted.cut:
            atomic_write(self.folder / f"{_CUT}{self._done:06d}", b"")
        _write(self._picture(self._done), painted.picture)
        if self._done:
            self._shown(self._done - 1).unlink(missing_ok=True)
        self._done += 1

    @property
    def cuts(self) -> list[int]:
        """The frames that were painted from nothing, the first among them."""
        return sorted(int(path.name.removeprefix(_CUT)) for path in self.folder.glob(f"{_CUT}*"))

    def last(self) -> Painted:
        """The frame painted last."""
        return Painted(self[self._done - 1], _read(self._shown(self._done - 1)))

    def __getitem__(self, number: int) -> Pixels:
        """The picture of a frame."""
        return _read(self._picture(number))

    def __iter__(self) -> Iterator[Pixels]:
        """The pictures, each read when it is due."""
        return (self[number] for number in range(self._done))

    def _picture(self, number: int) -> Path:
        return self.folder / f"{number:06d}.png"

    def _shown(self, number: int) -> Path:
        return self.folder / f"shown-{number:06d}.png"


def _write(path: Path, picture: Pixels) -> None:
    data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
    atomic_write(path, data.tobytes())


def _read(path: Path) -> Pixels:
    with quiet():
        found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise ResourceError(
            f"{path} was damaged since it was painted", hint=f"remove {path.parent} and run again"
        )
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)
