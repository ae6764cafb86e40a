"""Reads the commands, programs and files out of a Markdown page, so that tests can run them.

Authors write plain Markdown. Every ```` ```console ```` block is run line by line (lines that begin with
``$ ``; a trailing backslash continues a line; other lines show output and are not compared), every
```` ```python ```` block as a program of its own, all blocks of a page in order in one folder that
holds nothing but the repository's ``data``. An HTML comment on the line above a fence changes that:

    <!-- not run: reason -->    leave the block out
    <!-- exit: 5 -->            its last command ends with this code instead of 0
    <!-- file: my/plugin.py --> write the block to that file instead of running it

Lines that install or build (`pip`, `make`, `git`, `apt`) are never run here; other tests cover them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+)(?P<language>\w*)[^\n`]*$")
MARK = re.compile(r"^ *<!-- (?P<kind>not run|exit|file): (?P<value>.+?) -->$")
NEVER_RUN = re.compile(r"(?:\w+=\S+ )*(?:\.?\S*/)?(?:pip|make|git|apt-get|apt|sudo|cd|source)\b")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    line: int
    marks: dict[str, str] = field(default_factory=dict)

    def commands(self) -> Iterator[str]:
        """The commands of a console block."""
        lines = iter(self.text.splitlines())
        for line in lines:
            if not line.startswith("$ "):
                continue
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines, "")
            if not NEVER_RUN.match(command):
                yield command


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of `page` in order, with the marks above them."""
    marks: dict[str, str] = {}
    lines = enumerate(page.splitlines(), 1)
    for number, line in lines:
        if mark := MARK.match(line):
            marks[mark["kind"]] = mark["value"]
        elif fence := FENCE.match(line):
            body = []
            for _, inner in lines:
                if inner.strip() == fence["ticks"]:
                    break
                body.append(inner.removeprefix(fence["indent"]))
            else:
                raise ValueError(f"line {number}: a fence is never closed")
            yield Block(fence["language"], "\n".join(body) + "\n", number, marks)
            marks = {}
        elif line.strip() and marks:
            raise ValueError(f"line {number}: {marks} stands above no fence")
