"""Pictures in the package gcompris-qt-data: its collections, puzzles and credits.

Each activity of GCompris is a resource collection with its pictures. Beside them lies a ``README``, of which
each paragraph names author, licence and source of some files. A puzzle is a ``board``: pieces, each with the
place of its centre as a share of a board of 702 x 515 pixels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genai_core.errors import BadInput
from genai_core.files.safeio import limits_for, read_bytes
from genai_media.image import Image
from genai_style.sets.gallery import Credit, spdx
from genai_style.sets.rcc import files_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

WIDTH, HEIGHT = 702, 515
_FIELD = re.compile(r"^(Copyright|License|Source|Comments?):[ \t]*(.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_PIECE = re.compile(r'"pixmapfile"\s*:\s*"image/([^"]+)",\s*"x"\s*:\s*"([0-9.]+)",\s*"y"\s*:\s*"([0-9.]+)"')


def activity(path: Path) -> dict[str, bytes]:
    """The files of an activity by their path in its folder ``resource``."""
    data = read_bytes(path, limits_for("image"))
    return {name.rpartition("/resource/")[2]: content for name, content in files_in(data, path.name)}


def picture(files: Mapping[str, bytes], name: str) -> Image:
    """A picture among the files of an activity."""
    return Image.decode(files[name], ".webp", name=name, limits=limits_for("image"))


def credits(files: Mapping[str, bytes]) -> dict[str, Credit]:
    """Whose the pictures of an activity are, by path; those of which it does not say so are left out."""
    found = {}
    lower = {name.lower(): name for name in files}
    for readme in (name for name in files if name.endswith("README")):
        for paragraph in re.split(r"\n\s*\n", files[readme].decode("utf-8", "replace")):
            fields = {key: " ".join(value.split()) for key, value in _FIELD.findall(paragraph)}
            if not {"Copyright", "License"} <= fields.keys():
                continue
            source = fields.get("Source") or fields.get("Comment", "")
            for file in re.findall(r"[\w.-][\w./-]*\.webp", _FIELD.sub("", paragraph)):
                name = lower.get(f"{readme.removesuffix('README')}{file}".lower())
                if name:
                    title = name.rpartition("/")[2].removesuffix(".webp")
                    found[name] = Credit(title, fields["Copyright"], spdx(fields["License"]), source)
    return found


def assembled(files: Mapping[str, bytes], title: str) -> tuple[Image, list[str]]:
    """The picture of the puzzle whose pieces are called ``image/TITLE....webp``, and their names."""
    import numpy as np

    board = np.zeros((HEIGHT, WIDTH, 4), np.float32)  # colours weighed with alpha
    boards = b"".join(text for name, text in files.items() if name.startswith("board/"))
    of_title = re.compile(rf"{re.escape(title)}[_-][a-z]?\d+\.webp")
    placed = _PIECE.findall(boards.decode("utf-8", "replace"))
    pieces = [piece for piece in placed if of_title.fullmatch(piece[0])]
    for name, x, y in pieces:
        _lay(board, picture(files, f"image/{name}"), float(x) * WIDTH, float(y) * HEIGHT)
    opaque = board[..., 3] > 0.5
    if not opaque.any():
        raise BadInput(title, "no such puzzle in the activity")
    rows, columns = (np.flatnonzero(opaque.any(axis)) for axis in (1, 0))
    part = board[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    image = Image.from_float(part[..., :3] / np.maximum(part[..., 3:], 1e-3))
    return image, [f"image/{name}" for name, _, _ in pieces]


def _lay(board: NDArray[np.float32], piece: Image, x: float, y: float) -> None:
    """Lay a piece over the board, its centre at (x, y); what is beyond the edge is cut."""
    import numpy as np

    top, left = round(y - piece.height / 2), round(x - piece.width / 2)
    place = board[max(top, 0) : top + piece.height, max(left, 0) : left + piece.width]
    rows, columns = (
        slice(max(-top, 0), max(-top, 0) + place.shape[0]),
        slice(max(-left, 0), max(-left, 0) + place.shape[1]),
    )
    alpha = piece.alpha
    opacity = np.ones((piece.height, piece.width), np.float32) if alpha is None else alpha
    colours = np.dstack([piece.to_float(), np.ones_like(opacity)]) * opacity[..., None]
    place *= 1 - opacity[rows, columns, None]
    place += colours[rows, columns]
