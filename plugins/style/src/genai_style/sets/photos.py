"""`style/photos`: photos to learn on, of animals, buildings, things and nature."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from genai_core.files.sources import cached
from genai_media.image import Image
from genai_style.data import shrunk
from genai_style.sets.gallery import Credit, Work, gallery, spdx
from genai_style.sets.gcompris import activity, credits, picture
from genai_style.sets.paintings import TEST, TRAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from genai_core.config import Config
    from genai_style.data import Photos

SIDE = 640  # pixels of the longer side: enough for crops of 256, and quickly read
_AUTHORS = {  # of the files that lie in their packages as they are
    "Aqua.jpg": "Charles Barbin",
    "Blinds.jpg": "Lennart Poettering and Andrea Cimitan",
    "Dune.jpg": "Marco Cogoni and Hylke Bons",
    "FreshFlower.jpg": "Jens Ansorg",
    "Garden.jpg": "Charles Barbin",
    "GreenMeadow.jpg": "Timothy Schellhase and Lapo Calamandrei",
    "LadyBird.jpg": "Charles Barbin",
    "RainDrops.jpg": "blackcombwhistler07",
    "Storm.jpg": "Sergey Nazarov",
    "TwoWings.jpg": "Charles Barbin and Hylke Bons",
    "Wood.jpg": "Jean-François Fortin Tam",
    "YellowFlower.jpg": "Charles Barbin",
    "astronaut.png": "NASA",
    "chelsea.png": "Stefan van der Walt",
    "coffee.png": "Rachel Michetti",
    "rocket.jpg": "SpaceX",
}
_DRAWN = {"images/alphabets/alphabets.webp", "images/numbers/numbers.webp"}
_SKIMAGE = "scikit-image 0.26.0"  # known from many examples: not to be learnt
_CC0 = {"chelsea.png", "coffee.png"}


def photos(config: Config | None = None) -> Photos:
    """Photos of which their package says whose they are; every tenth and scikit-image's are for tests."""
    from genai_style.data_spec import PHOTOS

    return gallery(cached(replace(PHOTOS, plugin="style")), "photos-1", _works)


def _works(files: Mapping[str, Path]) -> Iterator[Work]:
    for index, (name, image, credit) in enumerate(_pictures(files)):
        split = "train" if index % 10 and credit.source != _SKIMAGE else "test"
        yield Work(f"{name}.jpg", split, shrunk(image, SIDE).encode(".jpg", None), credit)


def _pictures(files: Mapping[str, Path]) -> Iterator[tuple[str, Image, Credit]]:
    """Name, picture and credit, by package and name."""
    left_out = {f"image/{work.source}_background.webp" for work in (*TRAIN, *TEST)} | _DRAWN
    for file, path in files.items():
        if not file.endswith(".rcc"):
            mate = file[0].isupper()
            licence = "CC0-1.0" if file in _CC0 else spdx("public domain")
            about = ("GPL-2.0-or-later", "mate-backgrounds 1.26.0") if mate else (licence, _SKIMAGE)
            yield path.stem.lower(), Image.load(path), Credit(path.stem, _AUTHORS[file], *about)
            continue
        contents = activity(path)
        for name, credit in sorted(credits(contents).items()):
            if name not in left_out and (file != "details.rcc" or name.endswith("_background.webp")):
                words = re.findall(r"[A-Za-z0-9]+", f"{path.stem}/{name.removesuffix('.webp')}")
                yield "-".join(words).lower(), picture(contents, name), credit
