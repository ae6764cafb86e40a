"""Galleries made of made-up packages."""

from __future__ import annotations

import numpy as np
import pytest

from genai_core.errors import BadInput, ResourceError
from genai_core.files.sources import path_of
from genai_media.image import Image
from genai_style.config import FolderConfig
from genai_style.data import folder, shrunk
from genai_style.data_spec import PAINTINGS, PHOTOS
from genai_style.sets import paintings, photos
from genai_style.sets.gallery import Credit, Work, gallery, keep, kept, spdx
from genai_style.sets.gcompris import assembled, credits
from genai_style.sets.sample import sample
from support.pictures import painting, photo
from support.qt import collection

HERE = "gcompris/src/activities/any/resource/"
README = """Copyright: Ada Able
License: CC-BY-SA 4.0
Source: https://example.org/cat
Files:
cat.webp
Dog.webp

Files: bird.webp
License: Public domain
Copyright:
  1999 Ben Bold
  2003 Cy Clear
Comment: based on another

License: CC0-1.0
Files:
owl.webp
"""


def webp(image: Image) -> bytes:
    return image.encode(".webp", None)


def activity(files: dict[str, bytes]) -> bytes:
    return collection({HERE + name: data for name, data in files.items()}, packed=True)


def puzzle(name: str, image: Image, x: float = 351, y: float = 257) -> dict[str, bytes]:
    """A board and two halves of a picture whose centre is at (x, y) of the board."""
    half = image.width // 2
    files, entries = {}, []
    for side, place, at in (
        ("a1", slice(0, half), x - half / 2),
        ("b1", slice(half, None), x + (image.width - half) / 2),
    ):
        files[f"image/{name}_{side}.webp"] = webp(Image(image.pixels[:, place]))
        entries.append(
            f'{{"pixmapfile" : "image/{name}_{side}.webp", "x" : "{at / 702}", "y" : "{y / 515}"}}'
        )
    background = '{"pixmapfile" : "image/bg.svg", "width": 702, "height": 515}'
    return files | {f"board/{name}.qml": f"levels: [{background}, {','.join(entries)}]".encode()}


@pytest.fixture
def package(monkeypatch, tmp_path):
    """The files of both sets, in the cache under their own hashes."""
    monkeypatch.setenv("GENAI_CACHE", str(tmp_path))
    monkeypatch.setattr(
        "genai_style.sets.paintings.cached", lambda spec: {f.name: path_of(f) for f in spec.files}
    )
    monkeypatch.setattr(
        "genai_style.sets.photos.cached", lambda spec: {f.name: path_of(f) for f in spec.files}
    )
    small = webp(photo(24, 20, seed=3))
    licence = "Copyright: Ada\nLicense: Public domain\nFiles:\n"
    works = [*paintings.TRAIN, *paintings.TEST]
    puzzles, details = {}, {"image/Castle_background.webp": small, "image/Castle_1.webp": small}
    for seed, work in enumerate(works):
        if work.source.startswith(("Vincent", "Gogh", "Eglise", "Portrait", "Van")):
            details[f"image/{work.source}_background.webp"] = webp(painting(40, 30, seed))
        elif "." not in work.source:
            puzzles |= puzzle(work.source, painting(60, 50, seed))
    contents = {
        "paintings.rcc": puzzles,
        "details.rcc": details,
        "categorization.rcc": {"images/numbers/numbers.webp": small, "images/fishes/fish1.webp": small},
    }
    for spec in (PAINTINGS, PHOTOS):
        for seed, file in enumerate(spec.files):
            path = path_of(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            if file.name.endswith(".rcc"):
                files = contents.get(file.name, {f"animals/{seed}.webp": webp(photo(24, 20, seed))})
                folders = {name.rpartition("/")[0] for name in files if name.endswith(".webp")}
                names = {f: [n for n in files if n.startswith(f"{f}/")] for f in folders}
                readmes = {
                    f"{folder}/README": (licence + "\n".join(n.rpartition("/")[2] for n in inside)).encode()
                    for folder, inside in names.items()
                }
                path.write_bytes(activity(files | readmes))
            else:
                suffix = path.suffix
                path.write_bytes(photo(900, 30, seed).encode(suffix, None))
    return tmp_path


def test_paintings_are_put_together(package):
    data = paintings.paintings()
    assert (len(data), len(data.split("test"))) == (20, 10)
    assert data.credits[0] == Credit(
        "The Great Wave off Kanagawa", "Katsushika Hokusai", "LicenseRef-public-domain",
        "gcompris-qt-data 3.1, paintings.rcc",
    )  # fmt: skip
    wave = painting(60, 50, 0).pixels[1:-1, 1:-1]  # 2 % less on each side
    assert data[0].pixels.shape == wave.shape
    assert np.abs(data[0].pixels.astype(int) - wave).mean() < 1
    assert {path.suffix for path in data.paths} == {".png"}
    assert data.split("test").credits[-1].source.endswith("details.rcc")
    assert not {*data.paths} & {*data.split("test").paths}


def test_photos_are_small_and_credited(package):
    data = photos.photos()
    everything = [*data, *data.split("test")]
    names = [path.stem for path in (*data.paths, *data.split("test").paths)]
    assert len(names) == len(set(names)) == len(data) + len(data.split("test")) == 5 + 1 + 1 + 12 + 4
    assert max(max(image.width, image.height) for image in everything) == photos.SIDE
    assert "details-image-castle-background" in names
    assert "categorization-images-numbers-numbers" not in names
    assert {"chelsea", "coffee", "astronaut", "rocket"} <= {path.stem for path in data.split("test").paths}
    held = dict(
        zip(data.paths + data.split("test").paths, data.credits + data.split("test").credits, strict=True)
    )
    licences = {path.stem: credit.licence for path, credit in held.items()}
    assert licences["chelsea"] == "CC0-1.0"
    assert licences["rocket"] == "LicenseRef-public-domain"
    assert licences["aqua"] == "GPL-2.0-or-later"


def test_a_set_that_was_not_fetched_says_how(monkeypatch, tmp_path):
    monkeypatch.setenv("GENAI_CACHE", str(tmp_path))
    for make, name in ((paintings.paintings, "paintings"), (photos.photos, "photos")):
        with pytest.raises(ResourceError) as caught:
            make()
        assert caught.value.hint == f"genai data fetch style/{name}"


def works(*seeds):
    for seed in seeds:
        credit = Credit(f"No. {seed}", "Ada", "CC0-1.0", "")
        yield Work(
            f"{seed}.png", "test" if seed == 1 else "train", painting(seed=seed).encode(".png", None), credit
        )


def test_a_gallery_is_made_once_and_mended(tmp_path):
    calls = []

    def make(files):
        calls.append(files)
        return works(0, 1, 2)

    files = {"a": tmp_path / "a"}
    first = gallery(files, "things-1", make)
    assert [credit.title for credit in first.credits] == ["No. 0", "No. 2"]
    assert [credit.title for credit in first.split("test").credits] == ["No. 1"]
    assert gallery(files, "things-1", make).fingerprint() == first.fingerprint()
    assert len(calls) == 1
    first.paths[0].write_bytes(b"damaged")
    assert gallery(files, "things-1", make).fingerprint() == first.fingerprint()
    (tmp_path / "things-1" / "index.json").write_text("[{}]")
    assert gallery(files, "things-1", make).fingerprint() == first.fingerprint()
    assert len(calls) == 3
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "things-1"}


def test_a_gallery_that_cannot_be_made_leaves_nothing(tmp_path):
    def make(files):
        yield from works(0)
        raise BadInput("x", "damaged")

    with pytest.raises(BadInput):
        gallery({"a": tmp_path / "a"}, "things-1", make)
    assert {path.name for path in tmp_path.iterdir()} == {".lock"}
    with pytest.raises(BadInput, match="safe file name"):
        gallery(
            {"a": tmp_path / "a"}, "b", lambda files: [Work("../x.png", "train", b"", Credit("", "", "", ""))]
        )


def test_the_sample_is_free_small_and_whole():
    data, test = sample(), sample().split("test")
    assert (len(data), len(test)) == (48, 8)
    assert {credit.licence for credit in [*data.credits, *test.credits]} == {
        "CC0-1.0", "LicenseRef-public-domain",
    }  # fmt: skip
    assert all(credit.author and credit.source for credit in data.credits)
    paths = [*data.paths, *test.paths]
    assert {max(image.width, image.height) for image in (*data, *test)} == {224}
    assert sum(path.stat().st_size for path in paths) <= 600_000
    here = {path.name for path in paths[0].parent.iterdir()}
    assert here == {path.name for path in paths} | {"CARD.md", "index.json"}
    card = (paths[0].parent / "CARD.md").read_text(encoding="utf-8")
    assert all(f"| {path.name} | " in card for path in paths)


def test_damage_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"index\.json: damaged or not there"):
        kept(tmp_path)
    keep(works(0, 1), tmp_path)
    assert (len(kept(tmp_path)), len(kept(tmp_path).split("test"))) == (1, 1)
    (tmp_path / "1.png").write_bytes(b"x")
    with pytest.raises(BadInput, match=r"1\.png: damaged"):
        kept(tmp_path)


def test_credits_are_read_from_the_readme():
    files = dict.fromkeys(
        ["animals/cat.webp", "animals/dog.webp", "animals/bird.webp", "animals/owl.webp"], b""
    )
    files |= {"other/cat.webp": b"", "animals/README": README.encode()}
    found = credits(files)
    assert found == {
        "animals/cat.webp": Credit("cat", "Ada Able", "CC-BY-SA-4.0", "https://example.org/cat"),
        "animals/dog.webp": Credit("dog", "Ada Able", "CC-BY-SA-4.0", "https://example.org/cat"),
        "animals/bird.webp": Credit(
            "bird", "1999 Ben Bold 2003 Cy Clear", "LicenseRef-public-domain", "based on another"
        ),
    }


@pytest.mark.parametrize("middle", [(351, 257), (16, 10), (700, 500)])
def test_a_puzzle_is_put_together_also_at_the_edge(middle):
    files = puzzle("Sea", painting(60, 40), *middle)
    image, pieces = assembled(files, "Sea")
    assert pieces == ["image/Sea_a1.webp", "image/Sea_b1.webp"]
    if middle == (351, 257):
        assert np.abs(image.pixels.astype(int) - painting(60, 40).pixels).mean() < 1
    else:
        assert image.width < 60
        assert image.height <= 40


def test_pieces_with_soft_edges_leave_no_seam():
    """Two pieces fade into each other: where both are half there, the colour is still theirs."""
    alpha = np.ones((30, 40), np.float32)
    alpha[:, 30:] = np.linspace(0.9, 0.1, 10)
    left = Image.from_float(np.full((30, 40, 3), 0.4, np.float32), alpha)
    right = Image(np.ascontiguousarray(left.pixels[:, ::-1]))
    entry = '{{"pixmapfile" : "image/Sea_{}.webp", "x" : "{}", "y" : "0.5"}}'
    board = entry.format(1, 300 / 702) + "," + entry.format(2, 330 / 702)
    image, _ = assembled(
        {"board/1.qml": board.encode(), "image/Sea_1.webp": webp(left), "image/Sea_2.webp": webp(right)},
        "Sea",
    )
    assert image.width == 70
    assert np.abs(image.pixels.astype(int) - 102).max() <= 1


def test_no_such_puzzle():
    with pytest.raises(BadInput, match="no such puzzle"):
        assembled({}, "Sea")


def test_large_pictures_of_a_folder_are_shrunk(tmp_path):
    photo(1200, 90).save(tmp_path / "a.png")
    photo(1200, 90, seed=1, bits=16).save(tmp_path / "b.png")
    photo(40, 30, bits=16).save(tmp_path / "c.png")
    data = folder(FolderConfig(path=str(tmp_path)))
    assert [(image.width, image.bits) for image in data] == [(1024, 8), (40, 16)]
    assert [image.width for image in data.split("test")] == [1024]


def test_shrunk():
    small = shrunk(photo(1000, 400, bits=16), 500)
    assert (small.width, small.height, small.bits) == (500, 200, 8)
    assert shrunk(photo(30, 20), 500) == photo(30, 20)
    clear = shrunk(photo(8, 8, alpha=np.zeros((8, 8))), 500)
    assert clear.alpha is None
    assert clear.pixels.min() == 255


@pytest.mark.parametrize(
    ("written", "licence"),
    [
        ("CC-BY-SA 4.0", "CC-BY-SA-4.0"),
        ("CC0-1.0", "CC0-1.0"),
        ("Public Domain", "LicenseRef-public-domain"),
        ("GPLv2+", "GPL-2.0-or-later"),
        ("GPLv3 or later", "GPL-3.0-or-later"),
        ("GPLv3", "GPL-3.0-only"),
    ],
)
def test_licences_in_the_words_of_spdx(written, licence):
    assert spdx(written) == licence


def test_the_specs_name_sources_of_every_file():
    for spec in (PAINTINGS, PHOTOS):
        for file in spec.files:
            assert len(file.sha256) == 64
            assert len(file.sources) == 2
            assert all(source.endswith(f"/{file.name}") for source in file.sources)


@pytest.mark.network
@pytest.mark.slow
def test_the_real_sets(monkeypatch, tmp_path):
    from genai_core.files.sources import fetch
    from genai_core.plugins.registry import registry

    monkeypatch.setenv("GENAI_CACHE", str(tmp_path))
    for name, make, counts in (
        ("style/paintings", paintings.paintings, (20, 10)),
        ("style/photos", photos.photos, (250, 32)),
    ):
        fetch(registry().find("dataset", name))
        assert (len(make()), len(make().split("test"))) == counts
