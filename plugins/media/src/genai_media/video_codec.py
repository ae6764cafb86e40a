"""Frames of a film, one at a time: FFmpeg inside OpenCV, with our own checks around it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from genai_core.errors import BadInput, UsageError
from genai_core.files.safeio import Limits, limits_for
from genai_media.opencv import cv2, quiet
from genai_media.video_container import settled

if TYPE_CHECKING:
    from genai_media.formats import Pixels

# VP9 plays in browsers and FFV1 keeps every pixel; OpenCV's wheels have no encoder of H.264.
ENCODERS = {".mp4": "vp09", ".webm": "VP90", ".mkv": "FFV1", ".avi": "MJPG", ".mov": "jpeg"}
_FASTEST = 120.0  # frames a second that are written
_WHOLE = 0.9  # share of the frames that must be decoded


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a film before its frames are decoded.

    Attributes:
        width: Pixels of a row, the film turned upright.
        height: Rows.
        fps: Frames a second, the mean where it varies.
        times: When each frame is shown, seconds from the first, ascending.
    """

    width: int
    height: int
    fps: float
    times: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Duration, the last frame shown as long as the mean."""
        return self.times[-1] + 1 / self.fps


def probe(data: bytes, name: str, limits: Limits) -> Header:
    """Size and times of a film whose container was checked; of its frames only the first is decoded.

    Args:
        data: The whole file.
        name: What messages call it.
        limits: ``pixels`` are those of all frames together; one frame may have as many as a picture.

    Raises:
        BadInput: It has no frames that can be decoded, or is larger than the limits.
    """
    with _capture(data, name) as capture:
        width, height = (
            round(capture.get(prop)) for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        fps, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        _check(
            "image.pixels", width * height, limits_for("image").pixels, f"frames of {width} x {height}", name
        )
        _check_length(width, height, count, count / fps if fps > 0 else 0, limits, name)
        _grab(capture, name, "its first frame cannot be decoded")
    times: list[float] = []
    with _capture(data, name, packets=True) as capture:
        while _read(capture) is not None:
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            _check_length(width, height, len(times), 0, limits, name)
    ordered = _ascending(times, fps)
    _check_length(width, height, len(ordered), ordered[-1], limits, name)
    if not 0 < fps <= 1000:
        fps = (len(ordered) - 1) / ordered[-1] if len(ordered) > 1 else 25.0
    return Header(width, height, fps, ordered)


def decode(data: bytes, header: Header, name: str, start: int = 0) -> Iterator[Pixels]:
    """The frames from `start`, (H, W, 3) RGB of 8 bits, upright.

    A few at the end may be missing, as decoders leave out what they cannot begin with.

    Raises:
        BadInput: Decoding ends well before the film does.
    """
    done, total = 0, len(header.times)
    with _capture(data, name) as capture:
        while done < total:
            if done < start:
                if not _next(capture):
                    break
            else:
                frame = _read(capture)
                if frame is None:
                    break
                if frame.shape != (header.height, header.width, 3):
                    raise BadInput(name, f"damaged: frame {done + 1} has another size")
                yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            done += 1
    if done < _WHOLE * total:
        raise BadInput(name, f"damaged: of {total:,} frames only the first {done:,} can be decoded")


def encode(frames: Iterable[Pixels], fps: float, suffix: str) -> bytes:
    """A film of constant frame rate, the same bytes for the same frames and version of OpenCV.

    Args:
        frames: (H, W, 3) RGB of 8 bits, at least one; all of one size with even sides.
        fps: Frames a second.
        suffix: One of `ENCODERS`.

    Raises:
        UsageError: There are no frames, or they cannot be written so.
    """
    writer, size = None, (0, 0)
    with tempfile.TemporaryDirectory(prefix="genai-film-") as folder:
        path = Path(folder) / f"film{suffix}"
        try:
            for frame in frames:
                if writer is None:
                    size = frame.shape[:2]
                    writer = _writer(path, size, fps, suffix)
                if frame.shape[:2] != size:
                    raise UsageError(f"frames of a film have one size: {frame.shape[:2]} follows {size}")
                with quiet():
                    writer.write(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2BGR))
        finally:
            if writer is not None:
                with quiet():
                    writer.release()
        if writer is None:
            raise UsageError("a film has at least one frame")
        data = path.read_bytes()
    return settled(data) if suffix in (".mkv", ".webm") else data


def rate(header: Header) -> float:
    """The constant frame rate at which every frame of a film has a place of its own, near its time.

    That of the film where it is constant, else a low multiple of its mean or its usual rate, at most 120.
    """
    if len(header.times) < 2:
        return header.fps
    apart, crowded = len(set(header.times)), 1.5 * len(header.times) / header.times[-1]
    usual = 1 / (median(b - a for a, b in pairwise(header.times)) or 1 / _FASTEST)
    for slowest in (header.fps, usual):
        times = 1
        while (fps := slowest * times) <= max(_FASTEST, min(slowest, crowded)):
            if len(set(places(header.times, fps))) == apart:
                return fps
            times += 1
    return _FASTEST


def places(times: Iterable[float], fps: float) -> list[int]:
    """The place of each frame in a film of constant frame rate."""
    return [round(time * fps) for time in times]


def spread(frames: Iterable[Pixels], slots: Iterable[int]) -> Iterator[Pixels]:
    """Each frame as often as it is shown until the next one is."""
    shown, filled = None, 0
    for frame, slot in zip(frames, slots, strict=False):
        while shown is not None and filled < slot:
            yield shown
            filled += 1
        shown = frame
    if shown is not None:
        yield shown


def _writer(path: Path, size: tuple[int, int], fps: float, suffix: str) -> Any:
    height, width = size
    if height % 2 or width % 2 or not height * width:
        raise UsageError(f"a film has even sides, not {width} x {height}")
    if not 0 < fps <= 1000:
        raise UsageError(f"a film has between 0 and 1,000 frames a second, not {fps:g}")
    code = cv2.VideoWriter.fourcc(*ENCODERS[suffix])
    with quiet():
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, (width, height))
    if not writer.isOpened():
        raise UsageError(f"this OpenCV cannot write {suffix} films", hint="pip install -U opencv-python")
    return writer


@contextmanager
def _capture(data: bytes, name: str, *, packets: bool = False) -> Iterator[Any]:
    """A film open for reading: its frames, or its packets, which say when each frame is shown."""
    options = [cv2.CAP_PROP_FORMAT, -1] if packets else []
    # FFmpeg reads a file that nobody else knows, alone in its folder: there is nothing it could refer to.
    with tempfile.TemporaryDirectory(prefix="genai-film-") as folder:
        path = Path(folder) / "film"
        path.write_bytes(data)
        with quiet():
            capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, options)
        try:
            if not capture.isOpened():
                raise BadInput(name, "no film that can be decoded is in it: damaged, or of an unknown codec")
            yield capture
        finally:
            with quiet():
                capture.release()


def _next(capture: Any) -> bool:
    with quiet():
        try:
            return bool(capture.grab())
        except cv2.error:
            return False


def _read(capture: Any) -> Any:
    with quiet():
        try:
            return capture.read()[1]
        except cv2.error:
            return None


def _grab(capture: Any, name: str, what: str) -> None:
    if not _next(capture):
        raise BadInput(name, what, hint="a film has at least one frame")


def _ascending(times: list[float], fps: float) -> tuple[float, ...]:
    """When frames are shown, from the first; by their number where the packets do not say."""
    ordered = sorted(times)
    if len(set(ordered)) > len(ordered) / 2:
        return tuple(round(time - ordered[0], 6) for time in ordered)
    step = 1 / fps if fps > 0 else 0.04
    return tuple(round(number * step, 6) for number in range(len(ordered)))


def _check_length(width: int, height: int, frames: float, seconds: float, limits: Limits, name: str) -> None:
    size = f"{frames:,.0f} frames of {width} x {height}"
    _check("video.pixels", width * height * max(0.0, frames), limits.pixels, size, name)
    _check("video.seconds", seconds, limits.seconds, f"{seconds:,.0f} seconds", name)


def _check(limit: str, value: float, most: int, what: str, name: str) -> None:
    if value > most:
        hint = f'if you trust it, raise the limit: GENAI_LIMITS="{limit}={int(value) + 1}"'
        raise BadInput(
            name, f"{what} are more than the limit of {most:,} {limit.partition('.')[2]}", hint=hint
        )
