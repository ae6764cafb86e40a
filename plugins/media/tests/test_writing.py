"""Files that we write, read by others: Pillow, exiftool, the reader of credentials, `genai verify`."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from genai_core.errors import UsageError
from genai_core.files.provenance import embedded_record, make_record, unsealed
from genai_core.files.safeio import limits_for
from genai_core.files.signing import MEDIA, active
from genai_core.files.verify import verify
from genai_media.image import Image

RNG = np.random.default_rng(3)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXACT = (".png", ".webp", ".tif", ".tiff", ".avif")
CREDENTIALED = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".tiff": "image/tiff",
}
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"


def picture(channels=3, kind=np.uint8):
    """Smooth, so that JPEG keeps it nearly, with some noise."""
    y, x = np.mgrid[0:48, 0:64]
    ramp = np.stack([x * 4, y * 5, x + y, 255 - x * 3], axis=-1)[..., :channels]
    pixels = (ramp + RNG.integers(0, 3, ramp.shape)).clip(0, 255)
    return Image((pixels * (257 if kind == np.uint16 else 1)).astype(kind), PROFILE)


def record(**config):
    return make_record(
        {"kind": "pipeline", "pipeline": "style/stylise", "config": {}, "seed": 7, "output": "a"},
        config={"title": 'a <b> & "c" ]]> é', **config},
        modality="image",
        source_type=COMPOSITE,
    )


def opened(data):
    return Pillow.open(io.BytesIO(data))


@pytest.mark.parametrize("suffix", EXACT)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("marked", [False, True])
def test_pillow_reads_exact_formats(suffix, channels, marked):
    image = picture(channels)
    with opened(image.encode(suffix, record() if marked else None)) as other:
        assert other.mode == ("RGBA" if channels == 4 else "RGB")
        assert np.array_equal(np.asarray(other), image.pixels)
        assert other.info["icc_profile"] == PROFILE


@pytest.mark.parametrize("channels", [3, 4])
def test_pillow_reads_jpeg(channels):
    image = picture(channels)
    with opened(image.encode(".jpg", record())) as other:
        assert other.info["icc_profile"] == PROFILE
        assert [component[1:3] for component in other.layer] == [(1, 1)] * 3  # colour as fine as brightness
        found = np.asarray(other).astype(float)
    wanted = image.pixels[..., :3].astype(float)
    if channels == 4:
        alpha = image.pixels[..., 3:] / 255
        wanted = wanted * alpha + 255 * (1 - alpha)
    assert np.abs(found - wanted).max() < 10
    assert np.abs(found - wanted).mean() < 1.5


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bits_survive(suffix, channels):
    image = picture(channels, np.uint16)
    again = Image.decode(image.encode(suffix, None), suffix, name="x", limits=limits_for("image"))
    assert again.bits == 16
    assert again == image


@pytest.mark.parametrize("suffix", [".webp", ".avif"])
def test_16_bits_are_rounded_to_8(suffix):
    deep = Image(np.array([[[0, 127, 128], [129, 385, 386], [65_535, 65_407, 65_406]]], np.uint16))
    again = Image.decode(deep.encode(suffix, None), suffix, name="x", limits=limits_for("image"))
    assert again.pixels.tolist() == [[[0, 0, 0], [1, 1, 2], [255, 255, 254]]]


@pytest.mark.parametrize("suffix", Image.suffixes)
def test_the_record_is_inside(suffix):
    data = picture().encode(suffix, record())
    assert embedded_record(data) == record()
    plain = picture().encode(suffix, None)
    assert embedded_record(plain) is None
    assert b"Iptc4xmpExt" not in plain


@pytest.mark.parametrize("suffix", Image.suffixes)
def test_pillow_finds_the_packet(suffix):
    with opened(picture().encode(suffix, record())) as other:
        info = other.info
        packet = info.get("xmp") or info.get("XML:com.adobe.xmp") or other.tag_v2[700]
    packet = packet if isinstance(packet, bytes) else packet.encode()
    packet = packet[packet.index(b"<x:xmpmeta") :]
    described = ET.fromstring(packet[: packet.index(b"<?xpacket end")])[0][0]
    fields = {item.tag.partition("}")[2]: item.text for item in described}
    assert fields["DigitalSourceType"].endswith("/" + COMPOSITE)
    assert fields["CreatorTool"].startswith("style/stylise ")
    assert json.loads(fields["record"]) == record()


def test_a_record_that_is_too_long_for_jpeg_stays_out():
    data = picture().encode(".jpg", record(long="x" * 70_000))
    assert embedded_record(data) is None
    assert COMPOSITE.encode() in data
    assert Image.decode(data, ".jpg", name="x", limits=limits_for("image")).width == 64


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("suffix", Image.suffixes)
def test_exiftool_reads_the_source_type(suffix, tmp_path):
    image = picture(4)
    image.record = record()
    path = image.save(tmp_path / f"made{suffix}")
    command = ["exiftool", "-j", "-n", "-validate", "-warning", "-error", "-all", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (found,) = json.loads(done.stdout)
    assert found["DigitalSourceType"].endswith("/" + COMPOSITE)
    assert found["CreatorTool"].startswith("style/stylise ")
    assert (found["ImageWidth"], found["ImageHeight"]) == (64, 48)
    assert "Error" not in found
    assert found["ProfileDescription"]


@pytest.mark.parametrize("suffix", Image.suffixes)
def test_verify_knows_the_file_and_finds_a_changed_byte(suffix, tmp_path):
    image = picture()
    image.record = record()
    path = image.save(tmp_path / f"made{suffix}")
    (verdict,) = verify(path)
    assert verdict.status == "ok", verdict
    assert {"beside", "inside"} <= set(verdict.layers)
    assert ("signed" in verdict.layers) == (suffix in MEDIA and active())
    assert Image.load(path) == image or suffix in (".jpg", ".jpeg")

    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    path.write_bytes(data)
    (verdict,) = verify(path)
    assert verdict.status == "changed", verdict


@pytest.mark.parametrize("suffix", CREDENTIALED)
def test_the_reader_of_content_credentials(suffix, tmp_path):
    c2pa = pytest.importorskip("c2pa")
    image = picture()
    image.record = record()
    path = image.save(tmp_path / f"made{suffix}")
    with path.open("rb") as file, c2pa.Reader(CREDENTIALED[suffix], file) as reader:
        report = json.loads(reader.json())
    manifest = report["manifests"][report["active_manifest"]]
    (actions,) = (a["data"] for a in manifest["assertions"] if a["label"].startswith("c2pa.actions"))
    assert actions["actions"][0]["digitalSourceType"].endswith("/" + COMPOSITE)
    (text,) = (a["data"]["text"] for a in manifest["assertions"] if a["label"] == "org.genai.record")
    assert {**json.loads(text), "content": None} == {**unsealed(record()), "content": None}


@pytest.mark.parametrize(("suffix", "longest"), [(".jpg", 65_500), (".webp", 16_383), (".avif", 65_535)])
def test_pictures_that_a_format_cannot_hold(suffix, longest, tmp_path):
    with pytest.raises(UsageError, match="pixels a side"):
        Image(np.zeros((1, longest + 1, 3), np.uint8)).save(tmp_path / f"long{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("channels", [3, 4])
def test_previews_are_small(channels):
    big = Image(np.zeros((700, 3_000, channels), np.uint8), PROFILE)
    (shown,) = big.preview()
    with opened(shown.data) as other:
        assert other.size == (1_024, 239)
        assert other.format.lower() == shown.kind == ("png" if channels == 4 else "jpeg")
        assert other.info["icc_profile"] == PROFILE
    assert "3000 x 700" in shown.alt
    assert big.preview(limit=0) == []
