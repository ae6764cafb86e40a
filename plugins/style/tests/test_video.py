"""Films that are painted steadily: flow, what is kept, cuts, and a kill at any moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import genai_core as genai
from genai_core.cli.main import main
from genai_core.errors import UsageError
from genai_core.running.models import save_model
from genai_media.image import Image
from genai_media.video import Video
from genai_style.painting import store as stores
from genai_style.painting.flow import consistent, flow, flows, warp, warp_error
from genai_style.painting.store import FrameStore
from genai_style.painting.video import Painted, Painter, paint_frames
from support.pictures import painting, photo

WIDTH, HEIGHT = 64, 48

INVERT = Painter(lambda frame, start: 255 - frame)


def texture(seed=0, width=WIDTH + 64, height=HEIGHT):
    """Detail to follow, without repetition."""
    from genai_media.opencv import cv2

    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return ((smooth - smooth.min()) / np.ptp(smooth) * 220 + 15).astype(np.uint8)


def pan(count, step=2, seed=0):
    """A camera that moves to the right."""
    wide = texture(seed)
    return [wide[:, step * i : step * i + WIDTH].copy() for i in range(count)]


def walk(count, noise=1.5, seed=0):
    """A still scene with a noisy camera, and a square that walks through its upper half."""
    rng = np.random.default_rng(seed)
    scene, figure = texture(seed)[:, :WIDTH], texture(seed + 1)[:12, :12]
    for i in range(count):
        frame = scene.copy()
        frame[4:16, i % (WIDTH - 12) : i % (WIDTH - 12) + 12] = figure
        yield (frame + rng.normal(0, noise, frame.shape)).clip(0, 255).round().astype(np.uint8)


def flickering(seed=0):
    """A painter that inverts, and is never the same twice."""
    rng = np.random.default_rng(seed)

    def paint(frame, start):
        return (255 - frame + rng.normal(0, 12, frame.shape)).clip(0, 255).astype(np.uint8)

    return paint


def test_flow_finds_what_moved():
    before, after = pan(2, step=3)
    found = flow(after, before)[8:-8, 8:-8]
    assert np.median(found[..., 0]) == pytest.approx(3, abs=0.2)
    assert np.median(found[..., 1]) == pytest.approx(0, abs=0.2)


def test_warp_draws_what_moved_where_it_is():
    before, after = pan(2, step=3)
    back, visible = flows(after, before)
    error = np.abs(warp(before, back).astype(int) - after)
    assert error[visible].mean() < 3
    still = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    assert (warp(before, still, cubic=True) == before).all()


def test_what_was_hidden_is_not_consistent():
    before, after = pan(2, step=4)
    _, visible = flows(before, after)  # what was at the left is not seen any more
    assert visible[:, :2].mean() < 0.2
    assert visible[:, 12:].mean() > 0.9
    nothing = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    assert consistent(nothing, nothing).all()
    assert not consistent(nothing + 100, nothing - 100).any()


def test_the_warp_error_is_that_of_flicker():
    frames = pan(5)
    assert warp_error(frames, frames) < 2e-4
    painter = flickering()
    assert warp_error([painter(frame, None) for frame in frames], frames) == pytest.approx(0.0044, rel=0.3)
    with pytest.raises(UsageError, match="two frames"):
        warp_error(frames[:1], frames[:1])


def test_a_still_background_is_the_same_to_the_bit_after_300_frames():
    painted = [each.picture for each in paint_frames(walk(300), Painter(flickering()))]
    # Below the path, well away from it: what surrounds a figure is painted anew while it is near.
    assert all((frame[30:] == painted[0][30:]).all() for frame in painted)
    alone = flickering()
    sources = list(walk(50))
    flicker = warp_error([alone(frame, None) for frame in sources], sources)
    assert warp_error(painted[:50], sources) < 0.3 * flicker


def test_nothing_of_a_figure_stays_behind():
    sources = [*walk(20, noise=0)] + [texture()[:, :WIDTH]] * 30
    final = [each.picture for each in paint_frames(sources, INVERT)][-1]
    left = np.abs(final.astype(int) - (255 - sources[-1]))
    assert left.max() <= 20
    assert left.mean() < 0.5


def test_a_slow_fade_is_followed():
    scene = texture()[:, :WIDTH] // 2
    sources = [scene + np.uint8(step) for step in range(100)]
    for painted, source in zip(paint_frames(sources, INVERT), sources, strict=True):
        assert np.abs(painted.picture.astype(int) - (255 - source)).mean() < 8


def test_moving_pictures_are_steadier_than_alone():
    sources, painter = pan(12), flickering()
    alone = [painter(frame, None) for frame in sources]
    steady = [each.picture for each in paint_frames(sources, Painter(flickering(1)))]
    assert warp_error(steady, sources) < 0.4 * warp_error(alone, sources)


def test_a_cut_starts_anew():
    sources = pan(3, seed=0) + pan(3, seed=5)
    begun = []

    def paint(frame, start):
        begun.append(start is None)
        return 255 - frame

    painted = list(paint_frames(sources, Painter(paint)))
    assert [each.cut for each in painted] == [True, False, False, True, False, False]
    assert begun == [each.cut for each in painted]
    assert (painted[3].picture == 255 - sources[3]).all()


def test_going_on_is_as_if_never_stopped():
    sources = list(walk(8))
    whole = list(paint_frames(sources, INVERT))
    rest = list(paint_frames(sources[5:], INVERT, (sources[4], whole[4])))
    for one, other in zip(whole[5:], rest, strict=True):
        assert (one.picture == other.picture).all()
        assert (one.shown == other.shown).all()


def test_frames_are_kept_whole(tmp_path):
    frames = [Painted(picture, 255 - picture, cut=i == 0) for i, picture in enumerate(pan(3))]
    store = FrameStore(tmp_path, {"film": "a"})
    for frame in frames:
        store.add(frame)
    again = FrameStore(tmp_path, {"film": "a"})
    assert len(again) == 3
    assert again.cuts == [0]
    assert all((one == other.picture).all() for one, other in zip(again, frames, strict=True))
    assert (again.last().shown == frames[2].shown).all()
    assert len(list(tmp_path.glob("shown-*"))) == 1
    assert len(FrameStore(tmp_path, {"film": "b"})) == 0
    assert not list(tmp_path.glob("*.png"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A film of six frames with a cut, a painting, and a network that has learned nothing."""
    folder = tmp_path_factory.mktemp("films")
    Video.from_frames(pan(3) + pan(3, seed=5), 12).save(folder / "film.mp4")
    painting().save(folder / "waves.png")
    photo().save(folder / "photo.png")
    net = genai.model("style/fast", style=str(folder / "waves.png"), width=4, blocks=1)
    net.prepare([], genai.Context(seed=3))
    save_model(folder / "net", net, "style/fast", about={})
    return folder


def run(place, out, *settings):
    values = {"content": place / "film.mp4", "model": place / "net", "size": 0}
    values |= dict(setting.split("=", 1) for setting in settings)
    words = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    return main(["run", "style/clip", *map(str, words), "-o", str(out), "-q"])


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "credentials.zip"}


@pytest.fixture(scope="module")
def painted(place, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "clip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENAI_SIGN", "0")
        assert run(place, out) == 0
    return out


def test_a_clip_has_its_frames_sheet_and_report(painted):
    film = Video.load(painted / "film-in-waves.mp4")
    assert (film.width, film.height, len(film.times)) == (WIDTH, HEIGHT, 6)
    assert film.fps == pytest.approx(12)
    counts = json.loads((painted / "metrics.json").read_text())["counts"]
    assert (counts["frames"], counts["cuts"]) == (6, 1)
    assert 0 < counts["warp_error"] < 0.1
    assert Image.load(painted / "sheet.png").width > 5 * 64
    page = (painted / "report.html").read_text()
    assert page.count("data:video/mp4") == 2
    assert "data-comparison" in page
    assert b"compositeWithTrainedAlgorithmicMedia" in (painted / "film-in-waves.mp4").read_bytes()
    assert not list(painted.glob(".tmp-*"))
    assert main(["verify", str(painted), "-q"]) == 0


@pytest.mark.parametrize("moment", [1, 3, 6, 14])
def test_killed_at_any_write_and_run_again_it_gives_the_same_bytes(
    place, painted, tmp_path, monkeypatch, moment
):
    monkeypatch.setenv("GENAI_SIGN", "0")
    writes, plain = [], stores.atomic_write

    def dying(path, data):
        writes.append(path.name)
        if len(writes) == moment:
            raise KeyboardInterrupt
        return plain(path, data)

    monkeypatch.setattr(stores, "atomic_write", dying)
    assert run(place, tmp_path / "clip") != 0
    before = len(writes)
    monkeypatch.setattr(
        stores, "atomic_write", lambda path, data: writes.append(path.name) or plain(path, data)
    )
    assert run(place, tmp_path / "clip") == 0
    assert len(writes) - before < 15 or moment < 3
    assert files(tmp_path / "clip") == files(painted)


@pytest.mark.slow
def test_a_process_that_is_killed_goes_on_where_it_was(place, tmp_path):
    Video.from_frames(list(walk(80)), 12).save(tmp_path / "long.mp4")
    settings = {"content": tmp_path / "long.mp4", "model": place / "net"}
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    entry = "from genai_core.cli.main import entry; entry()"
    command = [sys.executable, "-c", entry, "run", "style/clip", *words, "-q", "-o"]
    environment = os.environ | {"GENAI_SIGN": "0"}
    with subprocess.Popen([*command, tmp_path / "killed"], env=environment) as process:
        while len(list((tmp_path / "killed").rglob("00*.png"))) < 2:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.kill()
    kept = len(list((tmp_path / "killed").rglob("00*.png")))
    assert not (tmp_path / "killed" / "report.html").exists()
    for name in ("killed", "whole"):
        subprocess.run([*command, tmp_path / name], env=environment, check=True)
    assert 2 <= kept <= 80
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_the_first_interrupt_finishes_the_frame(place, painted, tmp_path, monkeypatch, capsys):
    import signal

    monkeypatch.setenv("GENAI_SIGN", "0")
    plain = FrameStore.add

    def interrupted(store, frame):
        plain(store, frame)
        if len(store) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(FrameStore, "add", interrupted)
    assert run(place, tmp_path / "clip") == 75
    assert "stopped after 2 of 6 frames" in capsys.readouterr().err
    monkeypatch.setattr(FrameStore, "add", plain)
    assert run(place, tmp_path / "clip") == 0
    assert files(tmp_path / "clip") == files(painted)


def test_frames_of_another_film_are_not_taken(place, tmp_path, monkeypatch):
    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Video, "from_frames", killed)  # all frames are painted, none is written
    film = tmp_path / "film.mp4"
    film.write_bytes((place / "film.mp4").read_bytes())
    assert run(place, tmp_path / "clip", f"content={film}", "frames=2") != 0
    (key,) = tmp_path.glob("clip/.tmp-frames/key.json")
    before = key.read_bytes()
    monkeypatch.undo()
    Video.from_frames(pan(3, seed=9), 12).save(film)
    assert run(place, tmp_path / "clip", f"content={film}", "frames=2") == 0
    assert str(tmp_path).encode() not in before
    assert Video.load(tmp_path / "clip" / "film-in-waves.mp4").width == WIDTH


@pytest.mark.parametrize("colour", ["style", "luminance"])
def test_optimised_frames_go_on_from_the_last(place, tmp_path, colour):
    made = genai.run(
        "style/clip", content=str(place / "film.mp4"), style=str(place / "waves.png"), size=64, frames=3,
        preset="draft", steps=2, colour=colour, out=tmp_path / "out",
    )  # fmt: skip
    assert made.counts["frames"] == 3
    assert made.counts["warp_error"] < 0.01


def test_the_model_paints_films_too(place):
    from genai_style.video_config import VideoOptions

    film = Video.load(place / "film.mp4")
    options = VideoOptions(model=str(place / "net"), size=0)
    model = genai.model("style/video")
    made = [next(model.transform([film], genai.Context(seed=1, options=options))) for _ in range(2)]
    assert made[0] == made[1]
    assert len(made[0].times) == 6


def test_sound_stays_or_its_loss_is_told(place, tmp_path, monkeypatch, capsys):
    import sys

    av = pytest.importorskip("av")
    silent, path = Video.load(place / "film.mp4"), tmp_path / "sound.mp4"
    with av.open(str(path), "w") as target:
        video, audio = target.add_stream("mpeg4", rate=12), target.add_stream("aac", rate=8000, layout="mono")
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for pixels in silent.frames():
            target.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        tone = (8000 * np.sin(np.arange(4000) / 5)).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        sound.sample_rate, sound.pts = 8000, 0
        target.mux(audio.encode(sound))
        target.mux(video.encode(None))
        target.mux(audio.encode(None))
    assert run(place, tmp_path / "loud", f"content={path}") == 0
    assert Video.load(tmp_path / "loud" / "sound-in-waves.mp4").has_sound
    assert main(["verify", str(tmp_path / "loud"), "-q"]) == 0
    monkeypatch.setitem(sys.modules, "av", None)
    assert run(place, tmp_path / "mute", f"content={path}") == 0
    assert not Video.load(tmp_path / "mute" / "sound-in-waves.mp4").has_sound
    assert "without sound" in capsys.readouterr().err
    assert "genai-media[audio]" in (tmp_path / "mute" / "report.html").read_text()


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        (["content="], 2, "content is empty"),
        (["content=none.mp4"], 3, "none.mp4"),
        (["content=PLACE/photo.png"], 2, "photo.png"),
        (["content=PLACE/broken.mp4"], 3, "truncated"),
        (["content=PLACE/noise.mp4"], 3, "not a film"),
        (["size=30"], 3, "leave less than 32"),
        (["style=PLACE/waves.png"], 2, "has learned"),
        (["colour=luminance"], 2, "has learned"),
        (["model=style/optimise"], 2, "a style is needed"),
        (["model=style/optimise", "style=PLACE/waves.png", "colour=palette"], 2, "flicker"),
        (["format=.gif"], 2, "format"),
    ],
)
def test_mistakes_are_named(place, tmp_path, capsys, settings, code, message):
    (place / "broken.mp4").write_bytes((place / "film.mp4").read_bytes()[:-500])
    (place / "noise.mp4").write_bytes(bytes(range(256)) * 9)
    found = run(place, tmp_path / "out", *(setting.replace("PLACE", str(place)) for setting in settings))
    err = capsys.readouterr().err
    assert message in err
    assert found == code
