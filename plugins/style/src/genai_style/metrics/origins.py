"""Which photo and which styles a painted picture was made from.

Files are offered by the user; the record of a painted picture says by hash which of them are its own, and
its name, ``PHOTO-in-STYLE``, says it where there is no record or where the record names several.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_core.errors import BadInput, UsageError
from genai_core.files.atomic import sha256_file
from genai_core.files.provenance import embedded_record, read_record
from genai_media.image import Image
from genai_style.config import OptimiseOptions
from genai_style.files import file_word, pictures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from genai_style.metrics_config import MetricsConfig

_HINT = "--set photo=photo.jpg --set style=painting.jpg, or folders of them"


@dataclass(frozen=True)
class Work:
    """A painted picture and what it was made from.

    Attributes:
        name: What messages call it.
        painted: The picture.
        photo: What it shows.
        styles: What it is painted like, each with its share; the shares sum to 1. Empty: unknown.
        stroke: Longer side of the styles beside the picture's.
    """

    name: str
    painted: Image
    photo: Image
    styles: tuple[tuple[Image, float], ...] = ()
    stroke: float = 1.0


def origins(painted: Iterable[Image], config: MetricsConfig) -> Iterator[Work]:
    """The works that pictures are, with photos and styles from the files and folders of the configuration.

    Raises:
        UsageError: No photo is given.
        BadInput: A picture is of none of the photos or styles, or may be of several.
    """
    if not config.photo:
        raise UsageError("style/metrics compares with the photo that was painted", hint=_HINT)
    photos, styles = (_Files(pictures(paths)) for paths in (config.photo, config.style))
    for number, picture in enumerate(painted, start=1):
        yield _work(number, picture, photos, styles, config)


def _work(number: int, picture: Image, photos: _Files, styles: _Files, config: MetricsConfig) -> Work:
    name = str(picture.source or f"picture {number}")
    made, stem = _made(picture)
    photo = _only(photos.recorded(made.get("content"), name), name, stem, "{}-in-.*")
    own, weights = styles.recorded(made.get("style"), name), made.get("weights", ())
    if own and not made.get("blend"):
        # The pipeline numbers names that are taken.
        own, weights = [_only(own, name, stem, ".*-in-{}", ".*-in-{}-[0-9]+")], ()
    values = {"style": own, "weights": weights, "stroke": config.stroke or made.get("stroke", 1.0)}
    options = OptimiseOptions.parse(values, where=name)  # a record is from outside
    shares = options.weights or (1.0,) * len(own)
    blend = ((styles.load(path), share / sum(shares)) for path, share in zip(own, shares, strict=True))
    return Work(name, picture, photos.load(photo), tuple(blend), options.stroke)


class _Files:
    """Files that the user offers."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self.load = lru_cache(maxsize=32)(Image.load)
        self._known: dict[str, str] = {}

    def recorded(self, hashes: Sequence[str] | None, name: str) -> list[str]:
        """Those whose hashes a record names, in its order; all of them where it names none."""
        if not hashes or not self.paths:
            return list(self.paths)
        if not self._known:
            self._known = {f"sha256:{sha256_file(Path(path))}": path for path in self.paths}
        found = [self._known[each] for each in hashes if each in self._known]
        if not found:
            raise BadInput(name, "its record names other files than the given ones", hint=_HINT)
        return found


def _only(files: Sequence[str], name: str, stem: str, *patterns: str) -> str:
    """The only file there is, or the only one whose word, put into a pattern, gives the picture's name."""
    for pattern in (".*", *patterns):
        words = [re.escape(file_word(Path(path).stem)) for path in files]
        found = [p for p, w in zip(files, words, strict=True) if re.fullmatch(pattern.format(w), stem)]
        if len(found) == 1:
            return found[0]
    some = ", ".join(Path(path).name for path in files[:3]) + (", ..." if len(files) > 3 else "")
    raise BadInput(
        name,
        f"may be made from any of {len(files)} files: {some}",
        hint="name it PHOTO-in-STYLE, keep its record beside it, or give one photo and one style",
    )


def _made(picture: Image) -> tuple[Mapping[str, Any], str]:
    """The settings that the pipeline's record of a picture names, if any, and the stem of its name."""
    if picture.source is None:
        return {}, ""
    record = None
    with suppress(BadInput):
        record = read_record(picture.source)
    record = record or embedded_record(picture.source.read_bytes())
    if record is None or record["recipe"].get("pipeline") != "style/stylise":
        return {}, picture.source.stem
    return record["recipe"]["config"], Path(record["recipe"]["output"]).stem
