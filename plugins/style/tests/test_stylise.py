"""`genai run style/stylise` and `genai train style/fast` from the command line."""

from __future__ import annotations

import json

import pytest

import genai_core as genai
from genai_core.cli.main import main
from genai_media.image import Image
from genai_style.painting.sheet import GAP, SIDE
from support.pictures import photo

SMALL = ["--set", "size=48", "--set", "preset=draft"]


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def painted(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "painted"
    code = run(
        "run", "style/stylise", "--set", f"content={files / 'photo.png'}",
        "--set", f'style=["{files / "waves.png"}", "{files / "night.png"}"]', *SMALL, "-o", out,
    )  # fmt: skip
    assert code == 0
    return out


def test_each_style_gives_a_picture(painted):
    made = [Image.load(painted / f"photo-in-{style}.png") for style in ("waves", "night")]
    assert {(each.width, each.height) for each in made} == {(48, 32)}
    assert made[0] != made[1]
    assert Image.load(painted / "sheet.png").width > 3 * 384
    assert json.loads((painted / "metrics.json").read_text())["counts"]["pictures"] == 2


def test_files_say_what_they_are_and_name_no_path(painted, files):
    data = (painted / "photo-in-waves.png").read_bytes()
    assert b"compositeWithTrainedAlgorithmicMedia" in data
    record = (painted / "photo-in-waves.png.genai.json").read_text()
    assert str(files) not in record
    assert str(files).encode() not in data
    assert run("verify", painted) == 0


def test_a_picture_is_made_again_from_its_record(painted, files):
    again = run("reproduce", painted / "photo-in-waves.png", *(
        word for name in ("photo", "waves", "night") for word in ("--input", files / f"{name}.png")
    ))  # fmt: skip
    assert again == 0


def test_the_report_compares(painted):
    page = (painted / "report.html").read_text()
    assert "data-comparison" in page
    assert "2 pictures painted" in page


def test_alpha_depth_and_folders(files, tmp_path):
    import numpy as np

    folder = tmp_path / "photos"
    folder.mkdir()
    alpha = np.linspace(0, 1, 64 * 96, dtype=np.float32).reshape(64, 96)
    photo(bits=16, alpha=alpha).save(folder / "deep.png")
    photo(seed=3).save(folder / "plain.jpg")
    made = genai.run(
        "style/stylise", content=str(folder), style=str(files / "waves.png"), size=48, preset="draft",
        colour="content", out=tmp_path / "out",
    )  # fmt: skip
    assert made.counts["pictures"] == 2
    deep = Image.load(tmp_path / "out" / "deep-in-waves.png")
    assert deep.bits == 16
    assert deep.alpha is not None
    assert deep.alpha[0, 0] < 0.1 < 0.9 < deep.alpha[-1, -1]


def test_any_file_name_serves_and_no_picture_replaces_another(files, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("my café.png", "my cafe.png", "my cafe.jpg", "写真.png"):
        photo().save(folder / name)
    made = genai.run(
        "style/stylise", content=str(folder), style=str(files / "waves.png"), size=48,
        preset="draft", out=tmp_path / "out",
    )  # fmt: skip
    pictures = [name for name in made.files if "-in-waves" in name]
    named = ("my-cafe-in-waves", "my-cafe-in-waves-2", "my-caf-in-waves", "picture-in-waves")
    assert sorted(pictures) == sorted(f"{name}.png" for name in named)


def test_a_large_folder_is_painted_whole_and_shown_in_part(files, tmp_path, monkeypatch):
    monkeypatch.setattr("genai_style.pipelines.SHOWN", 2)
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(4):
        photo(seed=seed).save(folder / f"{seed}.png")
    out = tmp_path / "out"
    made = genai.run("style/stylise", content=str(folder), model="style/starry-night", size=48, out=out)
    assert made.counts["pictures"] == len(list(out.glob("*-in-*.png"))) == 4
    assert Image.load(out / "sheet.png").height == 2 * (SIDE + GAP) + GAP
    assert "The first 2 pictures." in (out / "report.html").read_text()


def test_styles_blend(files, tmp_path):
    made = genai.run(
        "style/stylise", content=str(files / "photo.png"), blend=True, weights=[3, 1], size=48,
        style=[str(files / "waves.png"), str(files / "night.png")], preset="draft", out=tmp_path / "out",
    )  # fmt: skip
    assert made.counts["pictures"] == 1
    assert (tmp_path / "out" / "photo-in-waves-night.png").exists()


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        (["content=PHOTO"], 2, "style is empty"),
        (["style=PHOTO"], 2, "content is empty"),
        (["content=none.png", "style=PHOTO"], 3, "none.png"),
        (["content=PHOTO", "style=BROKEN"], 3, "broken.png"),
        (["content=EMPTY", "style=PHOTO"], 3, "no picture in this folder"),
        (["content=PHOTO", "style=PHOTO", "weights=[1, 2]"], 2, "2 weights for 1 styles"),
        (["content=PHOTO", "style=PHOTO", "size=20"], 3, "leave less than 32"),
        (["content=PHOTO", "style=PHOTO", "presett=draft"], 2, "preset"),
        (["content=PHOTO", "model=style/fast"], 2, "ships no weights"),
    ],
)
def test_mistakes_are_named(files, tmp_path, capsys, settings, code, message):
    (tmp_path / "broken.png").write_bytes((files / "photo.png").read_bytes()[:200])
    (tmp_path / "empty").mkdir()
    names = {"PHOTO": files / "photo.png", "BROKEN": tmp_path / "broken.png", "EMPTY": tmp_path / "empty"}
    words = []
    for setting in settings:
        name = next((name for name in names if name in setting), "")
        words += ["--set", setting.replace(name, str(names.get(name, "")))]
    assert run("run", "style/stylise", *words, "-o", tmp_path / "out") == code
    assert message in capsys.readouterr().err


def test_a_style_is_learned_and_painted_with(files, tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(6):
        photo(seed=seed).save(folder / f"{seed}.png")
    trained = run(
        "train", "style/fast", "--data", "style/folder", "--set", f"data.path={folder}", "--set", "crop=32",
        "--set", f"style={files / 'waves.png'}", "--steps", 2, "--set", "training.batch=2",
        "-o", tmp_path / "run",
    )  # fmt: skip
    assert trained == 0
    assert "genai sample" not in capsys.readouterr().err  # it paints, it does not sample
    done = run(
        "run", "style/stylise", "--set", f"content={files / 'photo.png'}",
        "--set", f"model={tmp_path / 'run'}", "--set", "size=0", "-o", tmp_path / "out",
    )  # fmt: skip
    assert done == 0
    assert Image.load(tmp_path / "out" / "photo-in-waves.png").width == 96
