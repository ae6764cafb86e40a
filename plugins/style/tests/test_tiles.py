"""A picture worked in strips is the picture worked whole."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from genai_style.painting.nets import Painter
from genai_style.painting.tiles import IN_MEMORY, STRIP, paint


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Painter().eval()
        with torch.no_grad():  # strong contrasts, so that a seam would show
            for name, parameter in made.named_parameters():
                parameter.add_(0.3 * torch.randn_like(parameter)) if "norm" in name else parameter.mul_(1.5)
    return made


def picture(height, width):
    generator = torch.Generator().manual_seed(height)
    coarse = torch.rand(1, 3, 9, 9, generator=generator)
    fine = torch.rand(1, 3, height, width, generator=generator)
    return (0.8 * F.interpolate(coarse, (height, width), mode="bicubic") + 0.2 * fine).clamp(0, 1)


@pytest.mark.parametrize("size", [(103, 151), (64, 64), (130, 4), (5, 200), (1, 1)])
@pytest.mark.parametrize(("strip", "limit"), [(1 << 12, IN_MEMORY), (1 << 15, 1000), (STRIP, IN_MEMORY)])
def test_strips_equal_the_whole(net, size, strip, limit):
    x = picture(*size)
    with torch.inference_mode():
        whole = net(F.pad(x, (0, -size[1] % 4, 0, -size[0] % 4), mode="replicate"))
    painted = paint(net, x, strip=strip, limit=limit)
    assert painted.shape == x.shape
    assert (painted - whole[:, :, : size[0], : size[1]]).abs().max() < 1 / 255


@pytest.mark.gpu
def test_an_accelerator_paints_the_same(net):
    x = picture(203, 151)
    on_device = copy.deepcopy(net).to("cuda")
    assert (paint(on_device, x, strip=1 << 14) - paint(net, x)).abs().max() < 1 / 255


def test_the_net_is_small():
    assert sum(parameter.numel() for parameter in Painter().parameters()) == 347_859
