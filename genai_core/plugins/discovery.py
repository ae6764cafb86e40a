"""Which distributions offer a plugin, read from metadata alone.

importlib.metadata would take a third of the time of `genai list` to import, gives up when one file on the
path is broken, and hides a second claim to a name. So the metadata folders on the path are read here, one
by one, and nothing is imported. Distributions inside zip files are not seen.
"""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from genai_core.errors import PluginError
from genai_core.plugins.hookspecs import ENTRY_POINT_GROUP

RUN_TIME = "run time"  # stands for the distribution of what `register` was handed
OFFICIAL = frozenset({"anomaly", "core", "images", "molecules", "music", "nets", "speech", "style", "tables",
                      "text", "video"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """One claim: distribution so-and-so has a plugin called `plugin` in module `value`.

    Attributes:
        problem: Why it cannot be loaded, known from metadata alone.
    """

    plugin: str
    value: str
    distribution: str = "?"
    version: str = "0"
    problem: PluginError | None = None


def official(plugin: str) -> str | None:
    """The distribution a reserved plugin name belongs to, ``"genai-music"``; None for any other name."""
    return f"genai-{plugin}" if plugin in OFFICIAL else None


def candidates() -> dict[str, list[Candidate]]:
    """All claims by plugin name, sorted; of two copies of a distribution the first on the path counts."""
    claims: dict[str, list[Candidate]] = defaultdict(list)
    seen: set[str] = set()
    for folder in _metadata_folders():
        found = _read(folder)
        if found and found[0].distribution not in seen:
            seen.add(found[0].distribution)
            for candidate in found:
                claims[candidate.plugin].append(candidate)
    if not any(claim.distribution == "genai-core" for claim in claims["core"]):  # a checkout, not installed
        from genai_core import __version__

        claims["core"].append(Candidate("core", "genai_core.plugin", "genai-core", __version__))
    return {plugin: claims[plugin] for plugin in sorted(claims)}


def _metadata_folders() -> Iterator[str]:
    for place in sys.path:
        try:
            with os.scandir(place or ".") as entries:
                yield from sorted(e.path for e in entries if e.name.endswith((".dist-info", ".egg-info")))
        except OSError:
            continue  # a zip file, or a folder that is not there


def _read(folder: str) -> list[Candidate]:
    """The claims of one distribution; most have none."""
    try:
        points = _bytes(folder, "entry_points.txt")
    except OSError:
        return []  # unreadable for this user, so not ours to run
    if ENTRY_POINT_GROUP.encode() not in points:
        return []
    name, version = [*folder.rpartition(os.sep)[2].rpartition(".")[0].split("-"), "0"][:2]
    pairs = [(_normal(name), "")]  # the distribution stands for its plugins until they are known
    try:
        pairs = list(_entry_points(points.decode()))
        header = (_bytes(folder, "METADATA") or _bytes(folder, "PKG-INFO")).decode().split("\n\n")[0]
        fields = dict(re.findall(r"^(Name|Version):[ \t]*(.*?)\s*$", header, re.MULTILINE))
        if len(fields) < 2:
            raise ValueError("no Name or Version in METADATA")
        name, version = fields["Name"], fields["Version"]
    except (OSError, ValueError) as error:
        mend = f"pip install --force-reinstall {_normal(name)}"
        broken = PluginError(f"its metadata cannot be read: {error}", hint=mend)
        return [Candidate(plugin, value, _normal(name), version, problem=broken) for plugin, value in pairs]
    return [Candidate(plugin, value, _normal(name), version) for plugin, value in pairs]


def _bytes(folder: str, name: str) -> bytes:
    try:
        with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123 - pathlib would be 5 ms of start-up
            return file.read()
    except FileNotFoundError:
        return b""


def _entry_points(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == ENTRY_POINT_GROUP and line[0] not in "#;":
            name, equals, value = line.partition("=")
            if not equals:
                raise ValueError(f"entry_points.txt: {line[:60]!r} is not of the form name = module")
            yield name.strip(), value.strip()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
