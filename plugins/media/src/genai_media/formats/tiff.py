"""TIFF (revision 6.0) and BigTIFF: what photo programs and scanners write, as far as OpenCV gets it right.

A file is written anew for the decoder, with the tags that pixels need and no other, and for the user, with
the directory before the pixels.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from genai_core.errors import BadInput
from genai_media.exif import orientation_in
from genai_media.formats import MAX_PROFILE, Cursor, Scan, check_size
from genai_media.ifd import SHORT, UNDEFINED, Directory, build, directories

if TYPE_CHECKING:
    from genai_core.files.safeio import Limits

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, SAMPLES, ROWS = 256, 257, 258, 259, 262, 273, 277, 278
STRIP_SIZES, PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_SIZES = 279, 284, 317, 322, 323, 324, 325
EXTRA, FORMAT, XMP, ICC = 338, 339, 700, 34675
# Besides those above: fill order, options of fax, colour map, tables of JPEG, geometry of YCbCr.
_KEPT = (WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, 266, SAMPLES, ROWS, PLANAR, 292, 293, PREDICTOR, 320,
         TILE_WIDTH, TILE_HEIGHT, FORMAT, 347, 529, 530, 531, 532)  # fmt: skip
_LARGEST_TAG = 1 << 20  # bytes
_COMPRESSIONS = {1: "none", 2: "fax", 3: "fax", 4: "fax", 5: "LZW", 7: "JPEG", 8: "deflate",
                 32773: "PackBits", 32946: "deflate"}  # fmt: skip
_KINDS = {0: "grey, white is 0", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
# What OpenCV reads rightly: photometric interpretation and samples to bits.
_READ = {(0, 1): (1, 8, 16), (1, 1): (1, 8, 16), (0, 2): (8, 16), (1, 2): (8, 16), (2, 3): (8, 16),
         (2, 4): (8, 16), (3, 1): (4, 8), (5, 4): (8,), (6, 3): (8,)}  # fmt: skip
_NONE, _ASSOCIATED = 0, 1  # extra samples: something else than alpha, alpha that colours are multiplied with


def scan(data: bytes, name: str, limits: Limits) -> Scan:
    """Check a TIFF file: that it is one picture of a kind that is read, its size, and that all is there."""
    page = _only_page(data, name)
    width, height = page.number(WIDTH, 0), page.number(HEIGHT, 0)
    check_size(width, height, name, limits)
    kind, samples = page.number(PHOTOMETRIC, -1), page.number(SAMPLES, 1)
    bits = page.numbers(BITS, (1,))
    _check_kind(page, kind, samples, bits, name)
    places, blocks = _blocks(page, width, height, name, limits)
    for tag in _KEPT:
        if tag in page.entries and page.entries[tag].size > _LARGEST_TAG:
            raise BadInput(name, f"damaged: tag {tag} has {page.entries[tag].size:,} bytes")
    tags = {tag: (page.entries[tag].kind, page.raw(tag)) for tag in _KEPT if tag in page.entries}
    extra = page.numbers(EXTRA, (2,))[0]
    finish = _Finish(samples, _NONE if kind == 5 else extra, inverted=kind == 0 and bits[0] == 16)
    if samples == 4 and kind == 2:
        # libtiff would multiply the colours with their alpha; told that they are, it leaves them alone.
        tags[EXTRA] = (SHORT, _short(page, _ASSOCIATED))
    if samples == 2:
        # OpenCV drops the alpha of grey pictures, so it sees one sample a column in twice as many columns.
        finish.inverted = kind == 0
        for tag in (WIDTH, TILE_WIDTH):
            if tag in page.entries:
                tags[tag] = (4, struct.pack(page.order + "I", 2 * page.number(tag, 0)))
        tags |= {SAMPLES: (SHORT, _short(page, 1)), BITS: (SHORT, _short(page, bits[0]))}
        tags |= {PHOTOMETRIC: (SHORT, _short(page, 1))}
        tags.pop(FORMAT, None)
    icc = page.raw(ICC) if ICC in page.entries and page.entries[ICC].size <= MAX_PROFILE else None
    payload = build(page.order, tags, blocks, places)
    return Scan(width, height, payload, orientation_in(page), icc, finish)


def embed(data: bytes, icc: bytes | None, xmp: bytes | None) -> bytes:
    """A TIFF of OpenCV with profile, XMP packet and the meaning of its fourth sample."""
    page = next(directories(data, "TIFF"))
    tags = {tag: (entry.kind, page.raw(tag)) for tag, entry in page.entries.items()}
    if page.number(SAMPLES, 1) == 4:
        tags[EXTRA] = (SHORT, _short(page, 2))
    if xmp is not None:
        tags[XMP] = (1, xmp)
    if icc is not None:
        tags[ICC] = (UNDEFINED, icc)
    sizes = page.numbers(STRIP_SIZES)
    blocks = [data[at : at + size] for at, size in zip(page.numbers(STRIPS), sizes, strict=True)]
    return build(page.order, tags, blocks, STRIPS)


class _Finish:
    """What OpenCV leaves to do.

    Args:
        samples: Samples a pixel in the file.
        extra: Meaning of the last one, where there are 2 or 4; ink has no alpha.
        inverted: Whether white is 0 here.
    """

    def __init__(self, samples: int, extra: int, *, inverted: bool) -> None:
        self.samples, self.extra, self.inverted = samples, extra, inverted

    def __call__(self, pixels: Any) -> Any:
        import numpy as np

        largest = np.iinfo(pixels.dtype).max
        if self.samples == 2:
            grey, alpha = pixels[:, 0::2], pixels[:, 1::2]
            grey = largest - grey if self.inverted else grey
            pixels = np.dstack([grey, grey, grey, alpha])
        elif self.inverted:
            pixels = largest - pixels
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            if self.samples not in (2, 4) or self.extra == _NONE:
                return pixels[..., :3]
            if self.extra == _ASSOCIATED:
                alpha = np.maximum(pixels[..., 3:].astype(np.float64), 1)
                colours = np.rint(pixels[..., :3] * (largest / alpha)).clip(0, largest)
                return np.dstack([colours.astype(pixels.dtype), pixels[..., 3]])
        return pixels


def _only_page(data: bytes, name: str) -> Directory:
    """The picture among the directories: small copies and masks are passed over."""
    pages = [page for page in directories(data, name) if not page.number(254, 0) & 5]
    if not pages:
        raise BadInput(name, "a TIFF without a picture")
    if len(pages) > 1:
        raise BadInput(
            name, f"a TIFF of {len(pages)} pages", hint="save the page you mean as a file of its own"
        )
    return pages[0]


def _check_kind(page: Directory, kind: int, samples: int, bits: tuple[int, ...], name: str) -> None:
    """Refuse what OpenCV would refuse less clearly, or get wrong."""
    what = f"{_KINDS.get(kind, f'colours of kind {kind}')}, {samples} samples of {bits[0]} bits"
    same = len(bits) in (1, samples) and len(set(bits)) == 1
    known = bits[0] in _READ.get((kind, samples), ()) and same
    planes = page.number(PLANAR, 1) == 2 and samples > 1
    packed = page.number(COMPRESSION, 1)
    if set(page.numbers(FORMAT, (1,))) != {1}:
        known, what = False, what.replace("bits", "bits that are not unsigned whole numbers")
    elif planes and (bits[0], samples) != (8, 3):
        known, what = False, f"{what}, a plane each"
    elif packed not in _COMPRESSIONS:
        known, what = False, f"{what}, compression {packed}"
    elif samples == 2 and (packed == 7 or page.number(PREDICTOR, 1) != 1):
        known, what = False, f"{what}, compressed by differences or as JPEG"
    if not known:
        raise BadInput(
            name, f"a TIFF of a kind that is not read: {what}", hint="save it as RGB, 8 or 16 bits"
        )


def _blocks(page: Directory, width: int, height: int, name: str, limits: Limits) -> tuple[int, list[bytes]]:
    """Strips or tiles, and the tag that says where they are."""
    tiled = TILES in page.entries
    wide = page.number(TILE_WIDTH, 0) if tiled else width
    high = page.number(TILE_HEIGHT, 0) if tiled else min(page.number(ROWS, height), height)
    check_size(wide, high, name, limits)
    planes = page.number(SAMPLES, 1) if page.number(PLANAR, 1) == 2 else 1
    wanted = -(-width // wide) * -(-height // high) * planes
    places, sizes = (
        page.numbers(TILES if tiled else STRIPS),
        page.numbers(TILE_SIZES if tiled else STRIP_SIZES),
    )
    if not len(places) == len(sizes) == wanted:
        raise BadInput(name, f"damaged: {len(places)} of {wanted} pieces of the picture are there")
    if sum(sizes) > len(page.data):  # pieces lie over each other: more than the file holds
        raise BadInput(name, "damaged: its pieces are larger than the file")
    blocks = [Cursor(page.data, name, at).take(size) for at, size in zip(places, sizes, strict=True)]
    return TILES if tiled else STRIPS, blocks


def _short(page: Directory, value: int) -> bytes:
    return struct.pack(page.order + "H", value)
