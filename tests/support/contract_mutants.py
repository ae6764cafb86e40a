"""Reads good_plugin/mutants.txt: one broken promise each, as what is replaced in which file, by what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("good_plugin") / "mutants.txt"


@dataclass(frozen=True)
class Mutant:
    """The good plugin with `old` replaced by `new` in `file`."""

    name: str
    file: str
    old: str
    new: str


def read_mutants(text: str) -> list[Mutant]:
    """The mutants of a table; every one has a name of its own and changes something."""
    mutants = []
    for section in text.split("\n@@ ")[1:]:
        head, *lines = section.split("\n")
        file, _, name = head.partition(": ")
        old = "\n".join(line[1:] for line in lines if line.startswith("-"))
        new = "\n".join(line[1:] for line in lines if line.startswith("+"))
        assert old, head
        assert old != new, head
        mutants.append(Mutant(name, file, old, new))
    assert len({(m.file, m.name) for m in mutants}) == len(mutants)
    return mutants


MUTANTS = read_mutants(TABLE.read_text(encoding="utf-8"))
