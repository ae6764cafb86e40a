"""The sound of a film, carried over into another by packets: PyAV, the extra ``genai-media[audio]``."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from genai_core.errors import MissingDependency, UsageError
from genai_media.video_container import settled

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMATS = {".mp4": "mp4", ".mov": "mov", ".avi": "avi", ".webm": "webm", ".mkv": "matroska"}

_RUN_UP = 0.25  # seconds that coders of sound begin early


def joined(pictures: bytes, sound: bytes, suffix: str) -> bytes:
    """The frames of one film with the sound of another, both as they are.

    Args:
        pictures: A film of this suffix.
        sound: A film with sound, starting where the first one does; where that ends, the sound does.
        suffix: One of those of `Video`.

    Raises:
        MissingDependency: PyAV is not installed.
        UsageError: The sound is coded in a way that files of this suffix do not hold.
    """
    av = _library()
    out, options = io.BytesIO(), {"fflags": "+bitexact"}
    try:
        with (
            av.open(io.BytesIO(pictures)) as film,
            av.open(io.BytesIO(sound)) as other,
            av.open(out, "w", format=_FORMATS[suffix], options=options) as target,
        ):
            video, spoken = film.streams.video[0], other.streams.audio[0]
            first = _start(other)
            copies = {stream: target.add_stream_from_template(stream) for stream in (video, spoken)}
            last = float(film.duration / av.time_base) if film.duration else math.inf
            for stream, packet in _merged(_packets(film, video, 0.0), _packets(other, spoken, first, last)):
                packet.stream = copies[stream]
                target.mux(packet)
    except (av.FFmpegError, ValueError) as error:
        raise UsageError(
            f"its sound does not go into {suffix}: {error}",
            hint="choose another format: .mkv holds all kinds",
        ) from None
    data = out.getvalue()
    return settled(data) if suffix in (".mkv", ".webm") else data


def _library() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingDependency(
            f"sound is kept by PyAV, which cannot be loaded: {error}", hint="pip install 'genai-media[audio]'"
        ) from None
    return av


def _start(film: Any) -> float:
    """When the frames of a film start, seconds."""
    stream = film.streams.video[0]
    return float((stream.start_time or 0) * stream.time_base)


def _packets(
    film: Any, stream: Any, first: float, last: float = math.inf
) -> Iterator[tuple[float, Any, Any]]:
    """Packets with the second at which each is due, counted from `first`, until `last`."""
    shift = round(first / stream.time_base)
    for packet in film.demux(stream):
        if packet.dts is None:  # the mark of the end
            continue
        packet.dts -= shift
        if packet.pts is not None:
            packet.pts -= shift
        due = float(packet.dts * stream.time_base)
        if -_RUN_UP < due < last:
            yield due, stream, packet


def _merged(*sources: Iterator[tuple[float, Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """The packets of all in the order in which they are due."""
    from heapq import merge

    for _, stream, packet in merge(*sources, key=lambda item: item[0]):
        yield stream, packet
