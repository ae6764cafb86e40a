"""The solver that paints."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_style.painting.lbfgs import LBFGS, smoothed
from genai_style.painting.resize import resize

SIZE = (24, 17)


def noise(seed, size=SIZE):
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed))


def solve(loss, steps, start):
    """Losses of all pictures that were tried, and the last picture."""
    solver, picture, losses = LBFGS(start.shape[2:]), start, []
    for _ in range(steps):
        seen = picture.clone().requires_grad_()
        value = loss(seen)
        (gradient,) = torch.autograd.grad(value, seen)
        losses.append(float(value.detach()))
        picture = solver.step(picture, losses[-1], gradient)
        assert 0 <= picture.min() <= picture.max() <= 1
    return [*losses, float(loss(picture))], picture


def test_a_steep_valley_is_followed_to_its_end():
    """Curvatures from 1 to 100, place by place, where gradient descent takes hundreds of steps."""
    goal = 0.25 + 0.5 * noise(1)
    curvature = torch.logspace(0, 2, SIZE[0] * SIZE[1] * 3).view(1, 3, *SIZE)
    losses, found = solve(lambda x: (curvature * (x - goal).square()).mean(), 80, torch.full_like(goal, 0.5))
    assert losses[-1] < 1e-5 * losses[0]
    assert (found - goal).abs().max() < 0.01


def test_a_goal_beyond_the_range_is_met_at_its_edge():
    _, found = solve(lambda x: (x - 1.5).square().mean(), 20, noise(2))
    assert found.min() > 0.99


@pytest.mark.parametrize("turned", [-1, 1])
def test_a_step_too_far_is_taken_back(turned):
    """Whether the gradient beyond says something of the curvature (it has turned round) or nothing."""
    start, gradient = torch.full((1, 3, *SIZE), 0.5), noise(5) - 0.5
    solver = LBFGS(SIZE)
    far = solver.step(start, 1.0, gradient) - start
    back = solver.step(start + far, 2.0, turned * gradient) - start
    assert float((back * far).sum() / (far * far).sum()) == pytest.approx(
        0.375 if turned < 0 else 0.5, rel=0.05
    )


def test_at_the_least_loss_it_stays():
    start = noise(3)
    losses, found = solve(lambda x: (x - start).square().mean(), 4, start)
    assert torch.equal(found, start)
    assert max(losses) == 0


def test_large_pictures_have_fewer_pairs():
    assert [LBFGS((side, side))._pairs.maxlen for side in (64, 2048, 4096)] == [12, 10, 2]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_smoothing_is_symmetric_and_positive(height, width, seed):
    a, b = (noise(seed + index, (height, width)) - 0.5 for index in range(2))
    assert (a * smoothed(a)).sum() > 0
    nearly = 0.05 * float(a.norm() * b.norm())  # at the edges of odd sizes
    assert float((a * smoothed(b)).sum()) == pytest.approx(float((smoothed(a) * b).sum()), abs=nearly)


def test_smoothing_favours_what_is_wide():
    column = torch.arange(64).float().view(1, 1, 1, 64).expand(1, 3, 64, 64)
    gains = []
    for period in (2.5, 5, 10, 20, 40):
        wave = torch.sin(column * (2 * torch.pi / period))
        gains.append(float(smoothed(wave).norm() / wave.norm()))
    assert all(1.5 < wide / fine < 3 for fine, wide in pairwise(gains))


def test_resizing_to_the_same_size_changes_nothing():
    picture = noise(4)
    assert resize(picture, SIZE) is picture
    assert resize(picture, (12, 9)).shape == (1, 3, 12, 9)
