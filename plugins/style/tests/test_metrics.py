"""`style/metrics`: distances that mean what they say, and the right photo and style for every picture."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import genai_core as genai
from genai_core.cli.main import main
from genai_core.errors import BadInput, UsageError
from genai_core.protocols import Context
from genai_media.image import Image
from genai_media.video import Video
from genai_style.metrics.evaluator import StyleMetrics
from genai_style.metrics.film import FilmMetrics
from genai_style.metrics.measures import frechet, normal, palette, palette_distance, ssim
from genai_style.metrics.origins import origins
from genai_style.metrics_config import FilmMetricsConfig, MetricsConfig
from genai_style.metrics_spec import EXTRACTOR, STYLE_METRICS
from genai_style.painting.vgg import SHA256
from support.pictures import painting, photo

STYLE, SIFID, PALETTE, CONTENT, STRUCTURE = (spec.name for spec in STYLE_METRICS.metrics)


def evaluate(pictures, **config):
    return StyleMetrics(MetricsConfig(**config)).evaluate(pictures, None, Context())


@pytest.fixture(scope="module")
def painted(files, tmp_path_factory):
    """A photo in two styles, as the pipeline writes it."""
    out = tmp_path_factory.mktemp("metrics") / "painted"
    genai.run(
        "style/stylise", content=str(files / "photo.png"), size=64, preset="draft", out=out,
        style=[str(files / "waves.png"), str(files / "night.png")],
    )  # fmt: skip
    return out


def reference_ssim(one, two):
    """Wang et al. (2004), window by window, as it is written there."""
    ticks = np.arange(-5, 6)
    window = np.exp(-(ticks[:, None] ** 2 + ticks**2) / (2 * 1.5**2))
    window /= window.sum()
    found = []
    for top in range(one.shape[0] - 10):
        for left in range(one.shape[1] - 10):
            x, y = (picture[top : top + 11, left : left + 11] for picture in (one, two))
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            both = (window * (x - mx) * (y - my)).sum()
            found.append(
                (2 * mx * my + 1e-4) * (2 * both + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
            )
    return np.mean(found)


def test_structure_is_ssim_as_published():
    rng = np.random.default_rng(0)
    one = rng.random((20, 26))
    for two in (rng.random((20, 26)), one * 0.7, 1 - one, one + 0.05 * rng.standard_normal((20, 26))):
        assert ssim(one, two) == pytest.approx(reference_ssim(one, two), abs=1e-9)
    assert ssim(one, one) == pytest.approx(1)


def test_structure_agrees_with_scikit_image():
    """`structural_similarity` of scikit-image 0.26 with the settings of Wang et al., on the same numbers."""
    y, x = np.mgrid[:40, :50] / 50.0
    one, two = 0.5 + 0.4 * np.sin(20 * x) * np.cos(9 * y), 0.5 + 0.3 * np.sin(20 * x + y) + 0.1 * y
    assert ssim(one, two) == pytest.approx(-0.07122797632217708, abs=1e-9)


def test_a_shift_of_all_colours_is_its_own_size():
    grey = np.full((8, 8, 3), 0.5, np.float32)
    lighter = np.full((8, 8, 3), 0.6, np.float32)
    luminance = [((value + 0.055) / 1.055) ** 2.4 for value in (0.5, 0.6)]
    shift = 116 * (luminance[1] ** (1 / 3) - luminance[0] ** (1 / 3))
    assert palette_distance(palette(grey), palette(lighter)) == pytest.approx(shift, rel=0.02)
    assert palette_distance(palette(grey), palette(grey)) == 0


def test_a_palette_does_not_see_where_colours_are():
    pixels = painting().to_float()
    mixed = np.random.default_rng(0).permutation(pixels.reshape(-1, 3)).reshape(pixels.shape)
    assert palette_distance(palette(pixels), palette(mixed)) == pytest.approx(0, abs=1e-4)
    assert palette_distance(palette(pixels), palette(1 - pixels)) > 5


def test_the_frechet_distance_of_known_normals():
    """With diagonal covariances: the squared distance of means, and of deviations."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((3, 2000))
    rows -= rows.mean(1, keepdims=True)
    white = (np.linalg.inv(np.linalg.cholesky(np.cov(rows, bias=True))) @ rows).reshape(3, 40, 50)
    moved = white * np.array([1, 2, 5])[:, None, None] + np.array([3, 0, 4])[:, None, None]
    assert frechet(normal(white), normal(moved)) == pytest.approx(9 + 16 + 1 + 16)
    assert frechet(normal(moved), normal(moved)) == pytest.approx(0, abs=1e-9)


def test_names_carry_the_extractor_and_the_hash_of_its_file():
    assert f"VGG19-{SHA256[:8]}" == EXTRACTOR
    assert [name.endswith(f"[{EXTRACTOR}]") for name in (STYLE, SIFID, CONTENT)] == [True] * 3


def test_the_photo_and_the_style_are_the_ends_of_every_scale(files):
    """Unpainted, a photo has all of its content and the baseline of the style; a style the reverse."""
    sources = {"photo": str(files / "photo.png"), "style": str(files / "waves.png")}
    unpainted = evaluate(Image.load(files / "photo.png"), **sources)
    for name in (STYLE, SIFID, PALETTE):
        assert unpainted[name].value == pytest.approx(unpainted[name].baseline)
        assert 0 <= unpainted[name].floor < unpainted[name].baseline
    assert unpainted[CONTENT].value == unpainted[CONTENT].floor == 0
    assert unpainted[STRUCTURE].value == pytest.approx(1)
    square = Image(painting().pixels[:64])
    square.save(files / "cut.png")
    itself = evaluate(square, photo=str(files / "cut.png"), style=str(files / "cut.png"))
    assert [itself[name].value for name in (STYLE, PALETTE)] == pytest.approx([0, 0], abs=1e-5)
    assert itself[SIFID].value == pytest.approx(0, abs=1e-3)


def test_painting_brings_style_and_costs_content(painted, files):
    report = evaluate(
        [Image.load(painted / "photo-in-waves.png")],
        photo=str(files / "photo.png"), style=str(files / "waves.png"),
    )  # fmt: skip
    for name in (STYLE, SIFID, PALETTE):
        assert report[name].value < report[name].baseline
    assert 0 < report[CONTENT].value < report[CONTENT].baseline
    assert report[STRUCTURE].baseline < report[STRUCTURE].value < 1


def test_the_residuals_are_those_of_painting(files):
    """The evaluator, which works from files, and the losses, with which pictures are painted, agree."""
    from genai_style.painting.losses import CONTENT_LAYER, STYLE_LAYERS, Content, Style, style_of
    from genai_style.painting.vgg import load_vgg

    first, second, vgg = photo(64, 64), painting(64, 64), load_vgg()
    first.save(files / "first.png")
    second.save(files / "second.png")
    seen = [
        vgg(torch.from_numpy(each.to_float()).permute(2, 0, 1)[None], (*STYLE_LAYERS, CONTENT_LAYER))
        for each in (first, second)
    ]
    report = evaluate(second, photo=str(files / "first.png"), style=str(files / "first.png"))
    style = Style(style_of(seen[0], "moments", torch.Generator()))
    assert report[STYLE].value == pytest.approx(float(style.loss(seen[1])), rel=1e-4)
    content = Content(seen[0][CONTENT_LAYER])
    assert report[CONTENT].value == pytest.approx(float(content.loss(seen[1])), rel=1e-4)


def test_records_and_names_lead_to_the_sources(painted, files, tmp_path):
    works = list(origins(
        [Image.load(painted / f"photo-in-{style}.png") for style in ("waves", "night")],
        MetricsConfig(photo=str(files), style=str(files)),
    ))  # fmt: skip
    assert [work.photo for work in works] == [Image.load(files / "photo.png")] * 2
    assert [work.styles for work in works] == [
        ((Image.load(files / f"{style}.png"), 1.0),) for style in ("waves", "night")
    ]
    # Renamed and alone, the record inside still says from which files; under its own name it needs none.
    moved = tmp_path / "x.png"
    moved.write_bytes((painted / "photo-in-night.png").read_bytes())
    (moved_work,) = origins([Image.load(moved)], MetricsConfig(photo=str(files), style=str(files)))
    assert moved_work.styles == works[1].styles
    plain = Image(works[1].painted.pixels).save(tmp_path / "photo-in-night-2.png")
    (plain_work,) = origins([Image.load(plain)], MetricsConfig(photo=str(files), style=str(files)))
    assert plain_work.styles == works[1].styles


def test_blended_styles_count_by_their_weights(files, tmp_path):
    blended = genai.run(
        "style/stylise", content=str(files / "photo.png"), blend=True, weights=[3, 1], size=48, stroke=0.5,
        style=[str(files / "waves.png"), str(files / "night.png")], preset="draft", out=tmp_path / "out",
    )  # fmt: skip
    picture = Image.load(tmp_path / "out" / "photo-in-waves-night.png")
    (work,) = origins([picture], MetricsConfig(photo=str(files), style=str(files)))
    assert [share for _, share in work.styles] == [0.75, 0.25]
    assert work.styles[0][0] == Image.load(files / "waves.png")
    assert work.stroke == 0.5
    alone = [
        evaluate(
            Image(picture.pixels),
            photo=str(files / "photo.png"),
            style=str(files / f"{name}.png"),
            stroke=0.5,
        )
        for name in ("waves", "night")
    ]
    both = json.loads((blended.path / "metrics.json").read_text())["reports"][0]["metrics"][0]["value"]
    assert both == pytest.approx(0.75 * alone[0][STYLE].value + 0.25 * alone[1][STYLE].value, rel=1e-5)


def test_without_a_style_the_photo_is_compared_alone(files):
    report = evaluate(painting(96, 64), photo=str(files / "photo.png"))
    assert not report[STYLE].available
    assert "a style is not at hand" in report[STYLE].reason
    assert report[CONTENT].value > 0


def test_intervals_come_with_enough_pictures(files):
    few = [Image.load(files / "photo.png")] * 5
    source = {"photo": str(files / "photo.png"), "style": str(files / "waves.png")}
    report = evaluate(few, **source)
    assert all(metric.low is None for metric in report)
    assert any("5 pictures" in note for note in report.notes)
    report = evaluate([*few, photo(seed=4)], **source)
    assert report[STYLE].low < report[STYLE].value < report[STYLE].high


def test_the_report_of_the_pipeline_shows_them(painted):
    (report,) = json.loads((painted / "metrics.json").read_text())["reports"]
    assert [metric["name"] for metric in report["metrics"]] == [STYLE, SIFID, PALETTE, CONTENT, STRUCTURE]
    page = (painted / "report.html").read_text()
    assert STYLE in page
    assert "baseline" in page


def test_the_command_measures_what_the_pipeline_measured(painted, files, capsys):
    names = [str(painted / f"photo-in-{style}.png") for style in ("waves", "night")]
    sources = ["--set", f"photo={files / 'photo.png'}", "--set", f"style={files}"]
    assert main(["evaluate", *names, "--with", "style/metrics", *sources, "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)["metrics"]
    expected = json.loads((painted / "metrics.json").read_text())["reports"][0]["metrics"]
    for one, other in zip(found, expected, strict=True):
        assert one["value"] == pytest.approx(other["value"], rel=1e-6)
        assert one["floor"] == pytest.approx(other["floor"], rel=1e-6, abs=1e-12)


class TestFilms:
    """A film of a photo that slides by; painted steadily, or each frame with noise of its own."""

    @staticmethod
    def film(tmp_path, name, noise=0.0):
        rng, wide = np.random.default_rng(0), photo(160, 64).to_float()
        frames = [wide[:, 2 * step : 2 * step + 96] for step in range(6)]
        frames = [Image.from_float(each + noise * rng.standard_normal(each.shape)).pixels for each in frames]
        return Video.from_frames(frames, 10, suffix=".mkv").save(tmp_path / name)

    def evaluate(self, tmp_path, painted, **config):
        config = FilmMetricsConfig(film=str(tmp_path / "film.mkv"), frames=2, **config)
        return FilmMetrics(config).evaluate(Video.load(painted), None, Context())

    def test_flicker_is_measured_beside_the_film_itself(self, files, tmp_path):
        source = self.film(tmp_path, "film.mkv")
        still = self.evaluate(tmp_path, source)
        assert still["warp-error"].value == still["warp-error"].floor < 1e-4
        assert still[STRUCTURE].value == pytest.approx(1)
        noisy = self.evaluate(tmp_path, self.film(tmp_path, "noisy.mkv", 0.1), style=str(files / "waves.png"))
        # Two frames of independent noise, one of them smoothed a little where it is warped.
        assert 0.01 < noisy["warp-error"].value < 0.02
        assert (noisy["warp-error"].n, noisy[STYLE].n) == (5, 2)
        assert noisy[STYLE].value > 0

    def test_mistakes(self, tmp_path):
        source = self.film(tmp_path, "film.mkv")
        short = Video.from_frames(list(Video.load(source).frames())[:4], 10, suffix=".mkv")
        with pytest.raises(BadInput, match="4 frames of 6"):
            self.evaluate(tmp_path, short.save(tmp_path / "short.mkv"))
        with pytest.raises(UsageError, match="compares with the film"):
            FilmMetrics(FilmMetricsConfig()).evaluate(short, None, Context())


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({}, UsageError, "compares with the photo"),
        ({"photo": "waves.png"}, BadInput, "not of the shape of its photo"),
        ({"photo": "none.png"}, BadInput, "none.png"),
        ({"photo": "."}, BadInput, "may be made from any of"),
        ({"photo": "photo.png", "style": "."}, BadInput, "may be made from any of"),
    ],
)
def test_mistakes_are_named(files, config, error, message):
    values = {name: str(files / value) for name, value in config.items()}
    with pytest.raises(error, match=message):
        evaluate(photo(), **values)


def test_a_picture_of_another_photo_is_refused(painted, files):
    with pytest.raises(BadInput, match="its record names other files"):
        evaluate([Image.load(painted / "photo-in-waves.png")], photo=str(files / "night.png"))
