"""Pictures to learn on: the user's own, and what the galleries of `genai_style.sets` are made of."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from genai_core.errors import BadInput, UsageError, did_you_mean
from genai_core.files.atomic import sha256_file
from genai_media.codec import over_white, to_8_bits
from genai_media.image import Image
from genai_style.painting.sheet import fitted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genai_style.config import FolderConfig
    from genai_style.sets.gallery import Credit

SIDE = 1024  # pixels: larger pictures are shrunk, the crops to learn on are smaller still
_KEPT = 256  # pictures held decoded


class Photos:
    """Pictures on disk, read when they are asked for, at most `SIDE` pixels wide and high.

    Args:
        paths: The files of each split by its name; the data set itself is the first.
        credits: Whose the pictures are, where that is known.
    """

    modality = "image"

    def __init__(
        self, paths: Mapping[str, Sequence[Path]], credits: Mapping[Path, Credit] | None = None
    ) -> None:
        self._parts = paths
        self._credits = credits or {}
        self.paths = next(iter(paths.values()))

    @property
    def credits(self) -> list[Credit | None]:
        """Whose each picture is."""
        return [self._credits.get(path) for path in self.paths]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int, /) -> Image:
        return _read(self.paths[index])

    def split(self, name: str) -> Photos:
        """The part called `name`."""
        if name not in self._parts:
            hint = did_you_mean(name, self._parts) or "splits: " + ", ".join(self._parts)
            raise UsageError(f"no split {name!r}", hint=hint)
        return Photos({name: self._parts[name]}, self._credits)

    def fingerprint(self) -> str:
        """Hex sha256 over the files in order."""
        state = hashlib.sha256()
        for name, paths in self._parts.items():
            state.update("\n".join([name, *map(sha256_file, paths)]).encode())
        return state.hexdigest()


def folder(config: FolderConfig) -> Photos:
    """The pictures of a folder and of the folders in it; every tenth is the split ``test``."""
    if not config.path:
        raise UsageError("style/folder needs a folder", hint="--set data.path=FOLDER")
    place = Path(config.path)
    if not place.is_dir():
        raise BadInput(config.path, "no such folder")
    files = sorted(path for path in place.rglob("*") if path.suffix.lower() in Image.suffixes)
    if len(files) < 2:
        raise BadInput(config.path, f"{len(files)} pictures: one to learn on and one to test are the least")
    return Photos({"train": [p for i, p in enumerate(files) if i % 10], "test": files[::10]})


def shrunk(picture: Image, side: int) -> Image:
    """The picture without alpha and with 8 bits a channel, its longer side at most `side` pixels."""
    return Image(fitted(over_white(to_8_bits(picture.pixels)), side))


@lru_cache(maxsize=_KEPT)
def _read(path: Path) -> Image:
    picture = Image.load(path)
    return shrunk(picture, SIDE) if max(picture.width, picture.height) > SIDE else picture
