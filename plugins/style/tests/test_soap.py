"""The optimizer that networks learn their style with."""

from __future__ import annotations

import pytest
import torch

from genai_core.running.state import read_state, write_state
from genai_style.painting import soap
from genai_style.painting.soap import SOAP


def wells(seed=0):
    """A weight, and a quadratic loss of it whose axes are turned and of very different steepness."""
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator))[0]
    steep = turn @ torch.diag(10.0 ** torch.linspace(0, -3, 6)) @ turn.T
    weight = torch.randn(6, 4, 1, 1, generator=generator).requires_grad_()

    def loss():
        columns = weight.flatten(1)
        return (columns * (steep @ columns)).sum()

    return weight, loss


def descend(optimizer, loss, steps, peak=None):
    """The loss after so many steps, with a learning rate that falls from `peak`, or stays."""
    for step in range(steps):
        if peak:
            optimizer.param_groups[0]["lr"] = peak * (1 - step / steps)
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return float(loss().detach())


def test_it_is_faster_than_adam_where_the_axes_are_turned():
    reached = {}
    for kind in (SOAP, torch.optim.Adam):
        found = []
        for peak in (0.03, 0.1, 0.3):
            weight, loss = wells()
            found.append(descend(kind([weight], lr=peak), loss, 100, peak))
        reached[kind] = min(found)
    assert reached[SOAP] < reached[torch.optim.Adam] / 2, reached


def test_a_step_is_as_long_as_the_learning_rate_in_every_direction():
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(n, 3, generator=generator).double())[0] for n in (5, 3))
    weight = torch.zeros(5, 3, dtype=torch.float64, requires_grad=True)
    optimizer = SOAP([weight], lr=0.1)
    for _ in range(2):  # the first only looks
        weight.grad = left @ torch.diag(torch.tensor([3, 1, 0.3]).double()) @ right.T
        optimizer.step()
    assert torch.allclose(weight.detach(), -0.1 * left @ right.T, atol=1e-5)


def test_it_goes_on_to_the_bit_from_its_saved_state(tmp_path):
    weight, loss = wells()
    optimizer = SOAP([weight], lr=0.05)
    descend(optimizer, loss, 13)
    write_state(tmp_path, {"weight": weight.detach(), "optimizer": optimizer.state_dict()})
    descend(optimizer, loss, 20)

    saved = read_state(tmp_path)
    again, its_loss = wells()
    other = SOAP([again], lr=0.05)
    with torch.no_grad():
        again.copy_(saved["weight"])
    other.load_state_dict(saved["optimizer"])
    descend(other, its_loss, 20)
    assert torch.equal(again, weight)


@pytest.mark.parametrize("longest", [0, 5, 1200])
def test_sides_too_long_for_a_basis_are_left_as_they_are(monkeypatch, longest):
    monkeypatch.setattr(soap, "_LONGEST", longest)
    weight, loss = wells()
    before = float(loss().detach())
    assert descend(SOAP([weight], lr=0.05), loss, 60) < before / 3


def test_weights_of_any_shape_learn_and_those_without_gradient_stay():
    flat, still = torch.ones(7, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = SOAP([flat, still], lr=0.1)
    assert descend(optimizer, lambda: flat.square().sum(), 30) < 0.1
    assert torch.equal(still.detach(), torch.ones(2))
