"""Drawing sequences from an autoregressive network.

Every sequence has a random stream of its own, so a sample does not depend on when its neighbours end; rows
that have ended are dropped from the batch at once, which more than doubles the speed for molecules.

Under a mask whole sequences are drawn freely first, and one that the mask refuses is drawn anew: those that
are accepted follow the network's own distribution over what the mask accepts. Only after the last redraw is
a sequence mended: it goes on from its first refused token under the mask, so that every one ends accepted,
whatever the network does. A network that has just made a mistake is a poor guide out of it, so the fewer are
mended, the better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from genai_nets.autoregressive import Autoregressive


class TokenMask(Protocol):
    """Says which tokens may come next, for a batch of growing sequences.

    Sequences go by their number in the batch. A mask may be lazy: `allowed` leaves out what is cheap to rule
    out, `push` refuses the rest. A refused token is drawn again from the others: the draw follows the
    distribution restricted to what is accepted.
    """

    def follow(self, rows: Tensor, drawn: Tensor) -> Tensor:
        """Begin each of `rows` anew with `drawn`, int64 (b, T), up to its end or the first refused token.

        Returns:
            Tokens accepted of each, the end among them: int64 (b,) on the CPU.
        """
        ...

    def allowed(self, rows: Tensor) -> Tensor:
        """Boolean (b, V) on the CPU; each of `rows` (int64) allows at least one token that `push` accepts."""
        ...

    def push(self, rows: Tensor, tokens: Tensor) -> Tensor:
        """Append one token to each of `rows`; boolean (b,) on the CPU: False where it was refused."""
        ...

    def sure(self, row: int) -> int:
        """A token that `push` accepts in this row."""
        ...


def choose(
    logits: Tensor, uniform: Tensor, *, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Draw one token a row by inverting the cumulative distribution.

    Args:
        logits: (B, V); ``-inf`` where a token is forbidden.
        uniform: (B,) in [0, 1), the row's random number.
        temperature: Divides the logits; below 1 likelier tokens.
        top_k: Keep the k likeliest tokens; 0 keeps all.
        top_p: Keep the likeliest tokens whose mass reaches p (nucleus sampling, Holtzman et al. 2020).

    Returns:
        Tokens, int64 (B,); and where in its token's interval each random number fell, (B,) in [0, 1): again
        uniform, and independent of the token, so it serves to draw once more where the token is refused.
    """
    logits = logits.float()
    if temperature != 1.0:
        logits = logits / temperature
    if 0 < top_k < logits.shape[1]:
        least = logits.topk(top_k, dim=1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    probabilities = logits.softmax(1)
    if top_p < 1.0:
        ordered, order = probabilities.sort(dim=1, descending=True)
        before = ordered.cumsum(1) - ordered
        probabilities = probabilities.masked_fill((before >= top_p).gather(1, order.argsort(1)), 0.0)
    total = probabilities.cumsum(1)
    mass = total[:, -1]
    # Strictly below the total, and `right=True`: a token of probability zero spans no interval.
    point = torch.minimum(uniform * mass, torch.nextafter(mass, torch.zeros_like(mass)))[:, None]
    tokens = torch.searchsorted(total, point, right=True)
    share = probabilities.gather(1, tokens)
    rest = (point - total.gather(1, tokens) + share) / share
    return tokens[:, 0], rest[:, 0].clamp(0.0, 1.0 - 2**-24)


def generate(
    net: Autoregressive,
    count: int,
    *,
    begin: int,
    end: int,
    max_length: int,
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    mask: TokenMask | None = None,
    redraws: int = 2,
    drop: bool = True,
) -> Tensor:
    """Draw `count` sequences side by side.

    Args:
        net: The network, in eval mode.
        count: Number of sequences, B.
        begin: Token every sequence starts from.
        end: Token that ends a sequence; never the first.
        max_length: Longest sequence in tokens, without `begin` and `end`.
        generator: Source of all random numbers, on the network's device.
        temperature: See `choose`.
        top_k: See `choose`.
        top_p: See `choose`.
        mask: Restricts the tokens; must end every sequence within `max_length`.
        redraws: How often a sequence that the mask refuses is drawn anew before it is mended.
        drop: Drop finished sequences from the batch; False computes them to the end, for comparison.

    Returns:
        int64 (B, T), `end` after each sequence's last token; a sequence cut off at `max_length` has no end.
    """
    device = generator.device
    drawn = torch.full((count, max_length + 1), end, dtype=torch.int64, device=device)
    rounds = 1 if mask is None else redraws + 2  # the last one mends
    uniform = torch.rand(rounds, max_length + 1, count, generator=generator, device=device)
    options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    rows = torch.arange(count, device=device)
    known = torch.zeros(count, dtype=torch.int64, device=device)  # tokens of each sequence that are accepted
    with torch.inference_mode():
        for numbers in uniform[: max(1, rounds - 1)]:
            drawn[rows] = end
            _write(net, drawn, rows, numbers, begin, end, options, drop=drop)
            if mask is None:
                break
            known[rows] = mask.follow(rows.cpu(), drawn[rows].cpu()).to(device)
            rows = rows[known[rows] <= (drawn[rows] != end).sum(1)]
            if not len(rows):
                break
        if mask is not None and len(rows):
            drawn[torch.arange(max_length + 1, device=device) >= known[:, None]] = end
            _write(net, drawn, rows, uniform[-1], begin, end, options, (mask, known))
    longest = int((drawn != end).sum(1).max()) if count else 0
    return drawn[:, : longest + 1]


def _write(
    net: Autoregressive,
    drawn: Tensor,
    rows: Tensor,
    uniform: Tensor,
    begin: int,
    end: int,
    options: dict[str, Any],
    mending: tuple[TokenMask, Tensor] | None = None,
    *,
    drop: bool = True,
) -> None:
    """Write the sequences `rows` (b,) of `drawn` (B, T) with the random numbers `uniform` (T, B).

    With `mending`, a mask and how many tokens of each sequence it has accepted, int64 (B,), those tokens stay
    and the others are drawn under the mask.
    """
    tokens = torch.full_like(rows, begin)
    cache = None
    for time in range(len(uniform)):
        logits, cache = net(tokens[:, None], cache)
        logits = logits[:, 0]  # (b, V) of the b sequences that go on
        if time == 0:
            logits[:, end] = -torch.inf
        if mending is None:
            tokens = choose(logits, uniform[time, rows], **options)[0]
        else:
            mask, known = mending
            tokens = drawn[rows, time]
            new = (known[rows] <= time).nonzero()[:, 0]
            if len(new):
                tokens[new] = _draw_masked(logits[new], uniform[time], rows[new], mask, options)
        if not drop:
            tokens = torch.where((drawn[:, time - 1] == end) & (time > 0), end, tokens)
        drawn[rows, time] = tokens
        going = tokens != end
        if not going.any():
            return
        if drop and not going.all():
            alive = going.nonzero()[:, 0]
            rows, tokens, cache = rows[alive], tokens[alive], net.keep(cache, alive)


def _draw_masked(
    logits: Tensor, uniform: Tensor, rows: Tensor, mask: TokenMask, options: dict[str, Any]
) -> Tensor:
    """Draw one token for each of `rows` that the mask accepts, and push it: int64 (b,)."""
    device = logits.device
    logits = logits.masked_fill(~mask.allowed(rows.cpu()).to(device), -torch.inf)
    tokens, rest = choose(logits, uniform[rows], **options)
    refused = (~mask.push(rows.cpu(), tokens.cpu())).nonzero()[:, 0].to(device)
    while len(refused):
        logits[refused, tokens[refused]] = -torch.inf
        for row in refused[logits[refused].isinf().all(1)].tolist():
            logits[row, mask.sure(int(rows[row]))] = 0.0  # nothing is left of what `allowed` did not rule out
        tokens[refused], rest[refused] = choose(logits[refused], rest[refused], **options)
        pushed = mask.push(rows[refused].cpu(), tokens[refused].cpu()).to(device)
        refused = refused[~pushed]
    return tokens
