"""How a molecule that is being written can be finished."""

from __future__ import annotations

from genai_molecules import grammar as g
from genai_molecules.grammar import AROMATIC_CARBON, CARBON, CLOSE, RING_TOKENS, Walk


def finish(walk: Walk) -> list[int]:  # noqa: PLR0912 - one branch a thing that may be open
    """The tokens, without `END`, that finish the molecule from here."""
    walk, script = walk.copy(), []

    def write(*tokens: int) -> None:
        for token in tokens:
            assert walk.push(token), "a state that was accepted cannot be finished"  # noqa: S101
            script.append(token)

    if walk.phase == g.BRACKET:
        write(*([] if walk.bracket.symbol else [CARBON]))
        write(*([g.ONE] if walk.bracket.unmapped else []), g.RIGHT)
    elif walk.phase in (g.START, g.OPENED, g.BOND, g.BRANCH_BOND):
        write(walk.filler())
    if walk.phase == g.MUST_RING:
        write(RING_TOKENS[min(set(RING_TOKENS) - set(walk.rings))])
    while (walk.rings or walk.loose) and not walk.extends(walk.cur):
        write(CLOSE)
    while walk.short(walk.cur) and walk.free[walk.cur] > 1:
        write(g.OPEN, CARBON, CLOSE)
    if walk.rings and walk.kinds[walk.cur].mend == "third" and walk.free[walk.cur] == 1:
        write(CARBON)  # with three neighbours it needs no double bond
    for number, ring in sorted(walk.rings.items(), key=lambda item: item[1].atom):
        if walk.kekule.single(walk.cur):
            write(AROMATIC_CARBON)
        elif walk.cur == ring.atom:
            write(CARBON)
        write(AROMATIC_CARBON if ring.order == 0 and walk.kekule.single(ring.atom) else CARBON)
        write(RING_TOKENS[number])
    while True:
        if walk.kekule.single(walk.cur):
            write(*((g.DOUBLE, g.OXYGEN) if walk.kinds[walk.cur].mend == "exo" else (CARBON,)))
        elif walk.short(walk.cur):
            write(CARBON)
        if not walk.stack:
            return script
        write(CLOSE)


def finish_bound(walk: Walk) -> int:
    """An upper bound of the length of `finish` that costs nothing."""
    return 13 + 3 * (len(walk.rings) + len(walk.stack))
