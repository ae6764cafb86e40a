"""Style and content losses: relative, zero for the thing itself, and blind to what they should not see."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_style.painting.losses import CONTENT_LAYER, STYLE_LAYERS, Content, Style, style_of
from genai_style.painting.sliced import Sliced
from genai_style.painting.statistics import weights_of

KINDS = ("moments", "gram", "sliced")


def features(seed=0, size=(12, 10)):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(1, 6, *size, generator=generator) * (layer + 1)
        for layer, name in enumerate((*STYLE_LAYERS, CONTENT_LAYER))
    }


def shuffled(found):
    """The same activations at other places."""
    order = torch.randperm(120, generator=torch.Generator().manual_seed(3))
    return {name: x.flatten(2)[..., order].view_as(x) for name, x in found.items()}


def style(found, kind, **options):
    return Style(style_of(found, kind, torch.Generator().manual_seed(0)), **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_style_has_no_error_against_itself_wherever_its_strokes_are(kind):
    own = style(features(), kind)
    assert float(own.loss(features())) == pytest.approx(0, abs=1e-5)
    assert float(own.loss(shuffled(features()))) == pytest.approx(0, abs=1e-5)
    assert float(own.loss(features(1))) > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_relative(kind):
    """Activations a thousand times as large give the same error."""
    here, there = features(), features(1)
    larger = [{name: 1000 * x for name, x in found.items()} for found in (here, there)]
    small, large = style(here, kind).loss(there), style(larger[0], kind).loss(larger[1])
    assert float(large) == pytest.approx(float(small), rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_outside_its_mask_a_style_sees_nothing(kind):
    mask = torch.zeros(12, 10)
    mask[:6] = 1
    found, changed = features(), features()
    for name in STYLE_LAYERS:
        changed[name][:, :, 6:] = 9
    own = style_of({name: x[:, :, :6] for name, x in found.items()}, kind, torch.Generator().manual_seed(0))
    masked = Style(own, mask=mask)
    assert float(masked.loss(changed)) == pytest.approx(float(masked.loss(found)), abs=1e-6)
    assert float(masked.loss(found)) < 1e-3
    assert float(Style(own).loss(changed)) > 0.1


def test_the_gram_matrix_is_the_mean_product_of_channels():
    x = features()["conv3_1"]
    expected = torch.einsum("cij,dij->cd", x[0], x[0]) / 120
    found = style(features(), "gram").layers["conv3_1"]
    assert torch.allclose(found.products, expected, atol=1e-5)


def test_moments_are_mean_and_standard_deviation():
    x = features()["conv2_1"]
    found = style(features(), "moments").layers["conv2_1"]
    assert torch.allclose(found.mean, x.mean((0, 2, 3)))
    assert torch.allclose(found.std, x.std((0, 2, 3), correction=0), atol=1e-4)


def test_sliced_directions_have_length_one_and_quantiles_rise():
    found = style(features(), "sliced").layers["conv2_1"]
    assert torch.allclose(found.directions.norm(dim=0), torch.ones(Sliced.COUNT))
    assert (found.quantiles.diff(dim=1) >= 0).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4))
def test_mask_weights_sum_to_one(values):
    mask = torch.tensor(values).view(2, 2)
    weights = weights_of(mask, (4, 6))
    assert weights.shape == (4, 6)
    assert (weights >= 0).all()
    if max(values) > 1e-3:
        assert float(weights.sum()) == pytest.approx(1, rel=1e-4)


def test_content_is_where_things_are():
    found = features()
    content = Content(found[CONTENT_LAYER])
    assert float(content.loss(found)) == 0
    assert float(content.loss(shuffled(found))) > 0.1


def test_content_counts_where_its_map_is_white():
    found, changed = features(), features()
    changed[CONTENT_LAYER][..., :5] = 0
    right = torch.zeros(12, 10)
    right[:, 5:] = 1
    assert float(Content(found[CONTENT_LAYER], right).loss(changed)) == 0
    assert float(Content(found[CONTENT_LAYER], 1 - right).loss(changed)) > 0.1
