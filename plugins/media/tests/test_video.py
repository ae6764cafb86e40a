"""Films: read with care, written again, their times and sound kept."""

from __future__ import annotations

import io
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_core.errors import BadInput, MissingDependency, UsageError
from genai_core.files.safeio import limits_for
from genai_media.video import Video
from genai_media.video_codec import Header, places, rate, spread
from genai_media.video_container import embed, has_sound, kind_of, settled, without_xmp

SUFFIXES = Video.suffixes


def scene(count=12, width=64, height=48):
    """A light square that moves over a ramp."""
    ramp = np.linspace(0, 160, width).astype(np.uint8)
    for step in range(count):
        frame = np.repeat(np.broadcast_to(ramp, (height, width))[..., None], 3, axis=2)
        frame = np.ascontiguousarray(frame)
        frame[8:24, 2 * step : 2 * step + 16] = (250, 200, 40)
        yield frame


@pytest.fixture(scope="module")
def films():
    return {suffix: Video.from_frames(scene(), 10, suffix=suffix) for suffix in SUFFIXES}


def with_sound(tmp_path, variable=False):
    """A film with a tone, by PyAV; of variable rate where that is asked for."""
    av = pytest.importorskip("av")
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as target:
        video, audio = target.add_stream("mpeg4", rate=10), target.add_stream("aac", rate=8000, layout="mono")
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = Fraction(1, 100)
        for number, pixels in enumerate(scene()):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number * 10 + (15 if variable and number > 5 else 0)
            frame.time_base = video.codec_context.time_base
            target.mux(video.encode(frame))
        tone = (8000 * np.sin(np.arange(8000) / 5)).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        sound.sample_rate, sound.pts = 8000, 0
        target.mux(audio.encode(sound))
        target.mux(video.encode(None))
        target.mux(audio.encode(None))
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frames_come_back(films, suffix):
    film = films[suffix]
    assert (film.width, film.height, len(film.times), film.has_sound) == (64, 48, 12, False)
    assert film.fps == pytest.approx(10)
    assert film.seconds == pytest.approx(1.2, abs=0.01)
    error = [np.abs(a.astype(int) - b).mean() for a, b in zip(film.frames(), scene(), strict=True)]
    assert max(error) < (0.1 if suffix == ".mkv" else 6)


def test_mkv_keeps_every_pixel(films):
    assert all((a == b).all() for a, b in zip(films[".mkv"].frames(), scene(), strict=True))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_frames_give_the_same_bytes(films, suffix):
    assert Video.from_frames(scene(), 10, suffix=suffix).data == films[suffix].data


def test_frames_can_start_later(films):
    whole = list(films[".mp4"].frames())
    assert all((a == b).all() for a, b in zip(films[".mp4"].frames(7), whole[7:], strict=True))


def test_frames_are_not_held():
    """A generator is asked for the next frame only when the one before it was taken."""
    alive = []

    def counted():
        for frame in scene(6):
            alive.append(1)
            yield frame

    film = Video.from_frames(counted(), 10)
    assert len(alive) == 6
    frames = film.frames()
    next(frames)
    frames.close()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cut_file_is_told(films, suffix):
    data = films[suffix].data
    for share in (0.1, 0.5, 0.9, 0.99):
        with pytest.raises(BadInput, match=r"truncated|damaged|not a film"):
            Video(data[: int(share * len(data))], "cut")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "an empty file"),
        (b"#EXTM3U\nhttp://example.org/film.ts\n", "not a film"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a film"),
        (bytes(200), "not a film"),
        (b"\0\0\0\x08ftyp" + b"\0\0\0\x10mdat12345678", "without its index"),
        (b"\0\0\0\x08ftyp" + b"\0\0\0\x10moov12345678", "no film that can be decoded"),
        (b"RIFF\x20\0\0\0AVI " + bytes(28), "no film that can be decoded"),
        (b"\x1a\x45\xdf\xa3\x80", "without content"),
    ],
)
def test_what_is_no_film_is_refused(data, message):
    with pytest.raises(BadInput, match=message):
        Video(data, "clip.mp4")


def test_a_film_without_frames_is_refused(films):
    """The packets of an AVI renamed: its header says that there are frames, and there are none."""
    with pytest.raises(BadInput, match="frame"):
        Video(films[".avi"].data.replace(b"00dc", b"JUNK"), "clip.avi")


def test_limits_are_kept_and_can_be_raised(films, monkeypatch):
    data = films[".mp4"].data
    for limit, wanted in (("video.bytes", 500), ("video.pixels", 64 * 48 * 11), ("video.seconds", 1)):
        monkeypatch.setenv("GENAI_LIMITS", f"{limit}={wanted}")
        with pytest.raises(BadInput) as refused:
            Video(data, "clip.mp4")
        assert f"{limit}=" in refused.value.hint
    monkeypatch.setenv("GENAI_LIMITS", "image.pixels=1000")
    with pytest.raises(BadInput, match="64 x 48"):
        Video(data, "clip.mp4")
    monkeypatch.delenv("GENAI_LIMITS")
    assert Video(data, limits=limits_for("video", seconds=2)).seconds < 2


def test_bytes_of_another_kind_of_film_are_kept(films, tmp_path):
    path = films[".webm"].save(tmp_path / "a.webm")
    assert path.read_bytes() == films[".webm"].data
    assert Video.load(path) == films[".webm"]
    lossless = Video.load(films[".webm"].save(tmp_path / "a.mkv"))
    assert lossless == films[".webm"]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "at least one frame"),
        ([np.zeros((47, 64, 3), np.uint8)], "even sides"),
        ([np.zeros((48, 64, 3), np.uint8), np.zeros((48, 66, 3), np.uint8)], "one size"),
    ],
)
def test_what_makes_no_film_is_told(frames, message):
    with pytest.raises(UsageError, match=message):
        Video.from_frames(frames)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), 5000])
def test_odd_rates_are_told(fps):
    with pytest.raises(UsageError, match="frames a second"):
        Video.from_frames(scene(), fps)


def test_a_preview_plays_in_a_browser(films):
    for film in films.values():
        (shown,) = film.preview()
        assert shown.kind == "video"
        assert b"vp09" in shown.data[:4000] + shown.data[-4000:]
        assert shown.alt
    assert films[".mp4"].preview(0) == []


def test_variable_rate_keeps_the_times(tmp_path):
    film = Video.load(with_sound(tmp_path, variable=True))
    gaps = np.diff(film.times)
    assert gaps.max() == pytest.approx(0.25, abs=0.002)
    assert np.median(gaps) == pytest.approx(0.1, abs=0.002)
    steady = film.steady_fps
    again = Video.from_frames(film.frames(), steady, times=film.times)
    assert again.times[-1] == pytest.approx(film.times[-1], abs=0.5 / steady)
    slots = places(film.times, steady)
    frames = list(again.frames())
    for slot, frame in zip(slots, film.frames(), strict=True):
        assert np.abs(frames[slot].astype(int) - frame).mean() < 6


def test_sound_is_kept(films, tmp_path):
    source = Video.load(with_sound(tmp_path))
    assert source.has_sound
    for suffix in (".mp4", ".mkv"):
        film = films[".mp4"].with_sound(source, suffix)
        assert film.has_sound
        assert len(film.times) == 12
        assert film.data == films[".mp4"].with_sound(source, suffix).data
        assert packets(film.data) == packets(source.data)
    assert films[".mp4"].with_sound(films[".avi"]) is films[".mp4"]
    with pytest.raises(UsageError, match=r"does not go into \.webm"):
        films[".mp4"].with_sound(source, ".webm")


def test_without_pyav_the_loss_of_sound_is_told(films, tmp_path, monkeypatch):
    source = Video.load(with_sound(tmp_path))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependency, match="PyAV"):
        films[".mp4"].with_sound(source)
    with pytest.warns(UserWarning, match="without its sound"):
        source.save(tmp_path / "silent.avi")


def packets(data):
    import av

    with av.open(io.BytesIO(data)) as film:
        return [bytes(packet) for packet in film.demux(film.streams.audio[0]) if packet.size]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_goes_in_comes_out(films, suffix):
    data = films[suffix].data
    kind = kind_of(data, "film")
    for xmp in (b"", b"<x>odd</x>", b"<x>even</x>!"):
        marked = embed(data, kind, xmp)
        assert kind_of(marked, "film") == kind
        assert without_xmp(marked, kind) == data
    assert not has_sound(data, kind)
    assert suffix not in (".mkv", ".webm") or settled(data) == data


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8), st.integers(0, 100_000))
def test_no_damage_breaks_the_reading_of_containers(films, changes, cut):
    for film in films.values():
        data = bytearray(film.data[: max(12, cut)])
        for place, value in changes:
            data[place % len(data)] = value
        try:
            kind = kind_of(bytes(data), "damaged")
        except BadInput:
            continue
        has_sound(bytes(data), kind)
        without_xmp(bytes(data), kind)
        settled(bytes(data))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=40), st.floats(1, 60))
def test_a_steady_rate_has_a_place_for_every_frame(gaps, fps):
    times = tuple(np.cumsum([0, *gaps]) / 60)
    steady = rate(Header(64, 48, fps, times))
    slots = places(times, steady)
    assert len(set(slots)) == len(slots)
    shown = list(spread(range(len(times)), slots))
    assert [shown[slot] for slot in slots] == list(range(len(times)))
    assert len(shown) == slots[-1] + 1
