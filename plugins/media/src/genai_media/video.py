"""The artifact ``video``: one film."""

from __future__ import annotations

import hashlib
import struct
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from genai_core.errors import BadInput, GenaiError, UsageError
from genai_core.files.artifacts import Artifact, Preview
from genai_core.files.safeio import limits_for

if TYPE_CHECKING:
    from genai_core.files.safeio import Limits
    from genai_media.formats import Pixels

_EMBEDDED = 4_000_000  # bytes of a film that a report holds as it is
_SMALL, _SHORT = 360, 4.0  # longer side and seconds of what it holds of a larger one


class Video(Artifact):
    """One film: frames of 8 bits, each with its time, and sound where there is some.

    It holds the file, compressed as it is; frames are decoded one at a time when they are asked for.

    Args:
        data: A whole MP4, QuickTime, WebM, Matroska or AVI file.
        name: What messages call it.
        limits: Those of the modality, unless others are given.

    Attributes:
        data: The file, without what it says of how it was generated.
        width: Pixels of a row.
        height: Rows.
        fps: Frames a second, the mean where it varies.
        times: When each frame is shown, seconds from the first one.
        seconds: Duration.

    Raises:
        BadInput: Not a film of at least one frame within the limits.

    Example:
        >>> ramp = np.arange(64, dtype=np.uint8).repeat(48).reshape(64, 48, 1)
        >>> film = Video.from_frames((np.roll(ramp, step, 0).repeat(3, 2) for step in range(10)), fps=5)
        >>> film, sum(1 for frame in film.frames())
        (Video(48 x 64, 10 frames, 2.0 s), 10)
    """

    modality = "video"
    suffixes = (".mp4", ".webm", ".mkv", ".avi", ".mov")

    def __init__(self, data: bytes, name: str = "video", limits: Limits | None = None) -> None:
        from genai_media.video_codec import probe
        from genai_media.video_container import has_sound, kind_of, without_xmp

        self.name, limits = name, limits or limits_for("video")
        if len(data) > limits.bytes:
            hint = f'if you trust it, raise the limit: GENAI_LIMITS="video.bytes={len(data)}"'
            raise BadInput(name, f"larger than the limit of {limits.bytes} bytes", hint=hint)
        self._kind = kind_of(data, name)
        self._header = probe(data, name, limits)
        self.data = without_xmp(data, self._kind)
        self.has_sound = has_sound(data, self._kind)
        self.width, self.height = self._header.width, self._header.height
        self.fps, self.times, self.seconds = self._header.fps, self._header.times, self._header.seconds

    @classmethod
    def from_frames(
        cls,
        frames: Iterable[Pixels],
        fps: float = 25.0,
        *,
        times: Sequence[float] | None = None,
        suffix: str = ".mp4",
    ) -> Self:
        """A film of frames, encoded as they come; see `encode` for the formats.

        Args:
            frames: (H, W, 3) RGB of 8 bits, at least one; all of one size with even sides.
            fps: Frames a second.
            times: When each frame is shown where the rate varies, seconds from the first, ascending. The
                film has `fps` frames a second all the same, each frame repeated until the next one is due:
                take `steady_fps` of the film that the times are from.
            suffix: One of `suffixes`.

        Raises:
            UsageError: The frames do not make a film.
        """
        from genai_media.video_codec import encode, places, spread

        if suffix not in cls.suffixes:
            raise UsageError(
                f"films are not written as {suffix}", hint="use one of " + ", ".join(cls.suffixes)
            )
        return cls(encode(frames if times is None else spread(frames, places(times, fps)), fps, suffix))

    def frames(self, start: int = 0) -> Iterator[Pixels]:
        """The frames from number `start`, (H, W, 3) RGB uint8, upright; each is decoded when it is due.

        A decoder may leave out a few that it cannot begin with: then there are fewer than `times`.

        Raises:
            BadInput: Decoding ends well before the film does.
        """
        from genai_media.video_codec import decode

        return decode(self.data, self._header, self.name, start)

    @property
    def steady_fps(self) -> float:
        """The constant rate at which every frame has a place near its time: `fps` where that is constant."""
        from genai_media.video_codec import rate

        return rate(self._header)

    def with_sound(self, film: Video, suffix: str = ".mp4") -> Video:
        """These frames with the sound of another film, not coded anew; needs ``genai-media[audio]``.

        Args:
            film: Starts where this one does; without sound nothing changes.
            suffix: The format of the result.

        Raises:
            MissingDependency: PyAV is not installed.
            UsageError: Files of this suffix do not hold such sound.
        """
        from genai_media.video_sound import joined

        if not film.has_sound:
            return self
        return type(self)(joined(self._as(suffix), film.data, suffix), self.name)

    def __repr__(self) -> str:
        sound = ", with sound" if self.has_sound else ""
        return f"Video({self.width} x {self.height}, {len(self.times):,} frames, {self.seconds:.1f} s{sound})"

    def validate(self) -> None:
        """Nothing is left to check: what was no film could not be made one."""

    def content(self) -> bytes:
        """A hash of every frame, and their times to a millisecond, which is what Matroska keeps."""
        pixels = hashlib.sha256()
        for frame in self.frames():
            pixels.update(frame.data)
        times = [round(1000 * time) for time in self.times]
        return struct.pack(f"<{len(times) + 2}Q", self.width, self.height, *times) + pixels.digest()

    def encode(self, suffix: str, record: Mapping[str, Any] | None) -> bytes:
        """See `Artifact.encode`. A film that is in this format already is written as it is.

        Else ``.mp4`` and ``.webm`` get VP9, ``.avi`` and ``.mov`` motion JPEG, ``.mkv`` FFV1, without any
        loss. With a `record`, MP4, QuickTime and AVI say in XMP that they were generated, how, and by what.
        """
        from genai_media.video_container import embed, kind_of
        from genai_media.xmp import packet

        data = self._as(suffix)
        return data if record is None else embed(data, kind_of(data, self.name), packet(record))

    @classmethod
    def decode(cls, data: bytes, suffix: str, *, name: str, limits: Limits) -> Self:
        """See `Artifact.decode`. The first bytes say what a file is, whatever its suffix."""
        return cls(data, name, limits)

    def preview(self, limit: int = 24) -> list[Preview]:
        """The film itself if it is small and browsers play it, else the start of it, smaller; no sound."""
        if limit < 1:
            return []
        alt = f"Film of {self.width} x {self.height} pixels, {self.seconds:.1f} seconds"
        plays = self._kind == "mp4" and b"vp09" in self.data and len(self.data) <= _EMBEDDED
        return [Preview(kind="video", data=self.data if plays else self._start().data, alt=alt)]

    def _start(self) -> Video:
        """The first seconds at a small size."""
        from genai_media.opencv import cv2

        scale = min(1.0, _SMALL / max(self.width, self.height))
        size = tuple(max(2, 2 * round(side * scale / 2)) for side in (self.width, self.height))
        times = [time for time in self.times if time <= _SHORT]
        small = (cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in self.frames())
        frames = (frame for frame, _ in zip(small, times, strict=False))
        return self.from_frames(frames, min(self.steady_fps, 30.0), times=times)

    def _as(self, suffix: str) -> bytes:
        """The file in the format of a suffix."""
        from genai_media.video_codec import encode, places, spread

        same = {"mp4": (".mp4", ".mov")}.get(self._kind, (f".{self._kind}",))
        if suffix in same:
            return self.data
        fps = self.steady_fps
        data = encode(spread(self.frames(), places(self.times, fps)), fps, suffix)
        if not self.has_sound:
            return data
        try:
            from genai_media.video_sound import joined

            return joined(data, self.data, suffix)
        except GenaiError as error:
            warnings.warn(f"{self.name} is written without its sound: {error}", stacklevel=4)
            return data
