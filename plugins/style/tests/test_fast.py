"""What a network that learns a style is shown, and what counts as an error."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import genai_core as genai
from genai_media.image import Image

CROP = 32


@pytest.fixture
def painting(tmp_path):
    """A picture whose every pixel says where it lies: red its row, green its column."""
    rows, columns = np.meshgrid(np.arange(512), np.arange(256), indexing="ij")
    pixels = np.stack([rows // 2, columns, np.full_like(rows, 90)], -1).astype(np.uint8)
    Image(pixels).save(tmp_path / "painting.png")
    return tmp_path / "painting.png"


def learner(style, **settings):
    return genai.model("style/fast", style=str(style), crop=CROP, width=4, blocks=1, **settings)


def photos(count):
    generator = np.random.default_rng(0)
    return [Image(generator.integers(0, 256, (48, 64, 3), dtype=np.uint8)) for _ in range(count)]


def test_every_four_photos_come_with_a_part_of_the_painting_at_its_own_size(painting):
    model = learner(painting)
    batch = model.collate(photos(30), np.random.default_rng(1))
    assert batch["pictures"].shape == (30, 3, CROP, CROP)
    assert batch["places"].shape == (30, 3)
    assert all(len(four.unique(dim=0)) == 1 for four in batch["places"].split(4))
    red, green = (parts(model, batch)[:, channel] * 255 for channel in (0, 1))
    assert torch.allclose(red.diff(dim=1).mean((1, 2)), torch.tensor(0.5), atol=0.02)  # not resized
    steps = green.diff(dim=2).mean((1, 2)).round()
    assert set(steps.tolist()) == {-1.0, 1.0}  # mirrored or not
    assert len({float(value) for value in red[:, 0, 0]}) > 4  # from many places


def test_a_painting_smaller_than_a_part_is_continued(tmp_path):
    Image(np.full((300, 3, 3), 77, np.uint8)).save(tmp_path / "line.png")
    model = learner(tmp_path / "line.png")
    own = parts(model, model.collate(photos(2), np.random.default_rng(1)))
    assert own.shape == (1, 3, 2 * CROP, 2 * CROP)
    assert torch.allclose(own, torch.tensor(77 / 255), atol=1e-3)


def test_leaving_the_painting_as_it_is_costs_nothing_and_changing_it_does(painting):
    model = learner(painting, identity=2.0)
    batch = model.collate(photos(3), np.random.default_rng(1))
    without = learner(painting, identity=0.0)
    without.net = model.net = torch.nn.Identity()
    assert torch.equal(model.loss(batch, "main"), without.loss(batch, "main"))
    model.net = without.net = Grey()
    more = model.loss(batch, "main") - without.loss(batch, "main")
    whole = torch.from_numpy(Image.load(painting).to_float()).var((0, 1)).mean()
    # A part painted in its mean colour is wrong by its own variance.
    assert torch.allclose(more, 2 * parts(model, batch).var((2, 3), correction=0).mean(1) / whole, rtol=1e-3)


def parts(model, batch):
    """What the net sees of the painting, through a net that shows it: (parts, 3, side, side)."""
    seen = []
    net, model.net = model.net, torch.nn.Identity()
    model.net.register_forward_hook(lambda module, inputs, output: seen.append(output))
    model._changed(batch["places"])
    model.net = net
    return seen[0]


class Grey(torch.nn.Module):
    """Paints the mean colour."""

    def forward(self, x):
        return x.mean((2, 3), keepdim=True).expand_as(x)
