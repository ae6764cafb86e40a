"""Adam along the directions in which the gradients of a weight are least correlated.

SOAP (Vyas et al., ICLR 2025): each weight is seen as a matrix, the products of its gradients' rows and of
their columns are averaged (the preconditioner of Shampoo, Gupta et al., ICML 2018), and Adam works in their
eigenbases. A small network whose every step takes a second, as that of a style, gets there in half as many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

_MEAN, _SQUARE = 0.9, 0.95  # share that averages of gradients and of their products keep, each step
_EVERY = 5  # steps from one turn of the bases to the next
_LONGEST = 1200  # rows or columns; beyond, a basis would take more time than it saves


class SOAP(torch.optim.Optimizer):
    """Steps of `lr` in each direction, as those of Adam.

    Args:
        params: What to train.
        lr: Learning rate; three to four times that of Adam serves well.
    """

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override] # it evaluates nothing itself
        """Move every weight that has a gradient; the first call only looks at the gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad.reshape(len(weight), -1), group["lr"])

    def _move(self, weight: Tensor, gradient: Tensor, lr: float) -> None:
        """Move a weight; its gradient is an (m, n) matrix."""
        state = self.state[weight]
        if not state:
            products = _products(gradient)
            bases = [None if each is None else _eigenvectors(each) for each in products]
            mean, square = torch.zeros_like(gradient), torch.zeros_like(gradient)
            state.update(step=0, products=products, bases=bases, mean=mean, square=square)
            return
        state["step"] += 1
        state["mean"].lerp_(gradient, 1 - _MEAN)
        turned = _turned(gradient, state["bases"])
        state["square"].mul_(_SQUARE).addcmul_(turned, turned, value=1 - _SQUARE)
        # Both averages begin at 0, so they are divided by how much they have seen.
        way = _turned(state["mean"] / (1 - _MEAN ** state["step"]), state["bases"])
        way /= (state["square"] / (1 - _SQUARE ** state["step"])).sqrt_().add_(1e-8)
        weight.sub_(_turned(way, state["bases"], back=True).view_as(weight), alpha=lr)
        for product, latest in zip(state["products"], _products(gradient), strict=True):
            if product is not None:
                product.lerp_(latest, 1 - _SQUARE)
        if state["step"] % _EVERY == 0:
            pairs = zip(state["products"], state["bases"], strict=True)
            # A power iteration: the bases follow the averages, and the averages of squares stay theirs.
            state["bases"] = [
                None if product is None else torch.linalg.qr(product @ basis)[0].contiguous()
                for product, basis in pairs
            ]


def _products(gradient: Tensor) -> list[Tensor | None]:
    """Of its rows and of its columns with each other, (m, m) and (n, n); None where there are too many."""
    return [side @ side.T if side.shape[0] <= _LONGEST else None for side in (gradient, gradient.T)]


def _eigenvectors(product: Tensor) -> Tensor:
    """In columns, the strongest first."""
    vectors: Tensor = torch.linalg.eigh(product).eigenvectors
    return vectors.flip(1).contiguous()


def _turned(x: Tensor, bases: list[Tensor | None], *, back: bool = False) -> Tensor:
    """(m, n) seen along the bases of its rows and columns, or back from there."""
    left, right = bases
    if left is not None:
        x = (left if back else left.T) @ x
    if right is not None:
        x = x @ (right.T if back else right)
    return x
