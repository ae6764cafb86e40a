"""Which distributions offer a plugin, read from metadata alone.

importlib.metadata's own `entry_points` gives up when one file on the path is broken and hides a second
claim to a name, so every distribution is read by itself here, and nothing is imported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from importlib import metadata

from genai_core.plugins.hookspecs import ENTRY_POINT_GROUP

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MODULE = re.compile(r"\w+(\.\w+)*(:\w+(\.\w+)*)?\s*(\[.*\])?")
OFFICIAL = {
    "anomaly": "find defects in pictures and signals",
    "core": "the core itself",
    "images": "pictures from noise",
    "molecules": "new drug-like molecules",
    "music": "new scores",
    "nets": "the model families",
    "speech": "speech and voices",
    "style": "one picture in the style of another",
    "tables": "synthetic tables",
    "text": "text",
    "video": "the next frames of a video",
}


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
    requires: tuple[str, ...] = ()
    problem: Exception | None = None


def official(plugin: str) -> str | None:
    """The distribution a reserved plugin name belongs to, ``"genai-music"``; None for any other name."""
    return f"genai-{plugin}" if plugin in OFFICIAL else None


def candidates() -> dict[str, list[Candidate]]:
    """All claims by plugin name, sorted; of two copies of a distribution the first on the path counts."""
    claims: dict[str, list[Candidate]] = defaultdict(list)
    seen: set[str] = set()
    for distribution in metadata.distributions():
        found = _read(distribution)
        if found and found[0].distribution not in seen:
            seen.add(found[0].distribution)
            for candidate in found:
                claims[candidate.plugin].append(candidate)
    if not any(claim.distribution == "genai-core" for claim in claims["core"]):  # a checkout, not installed
        from genai_core import __version__

        claims["core"].append(Candidate("core", "genai_core.plugin", "genai-core", __version__))
    return {plugin: claims[plugin] for plugin in sorted(claims)}


def unfit(candidate: Candidate) -> Exception | None:
    """Why a candidate should not even be imported: a malformed name or value, or it needs another core."""
    from genai_core import __version__

    if not NAME.fullmatch(candidate.plugin):
        return ValueError(f"the plugin name {candidate.plugin!r} is not lower-case words joined by hyphens")
    if not MODULE.fullmatch(candidate.value):
        return ValueError(f"the entry point's value {candidate.value!r} is not 'package.module'")
    for requirement in candidate.requires:
        name, _, bounds = re.sub(r"[\s()]", "", requirement.partition(";")[0]).partition("core")
        if name.lower().replace("_", "-").replace(".", "-") == "genai-":
            for sign, bound in re.findall(r"(>=|<(?!=))(\d[\d.]*)", bounds):
                if (_release(__version__) >= _release(bound)) != (sign == ">="):
                    return ImportError(f"it needs {requirement}, and genai-core is {__version__}")
    return None


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _read(distribution: metadata.Distribution) -> list[Candidate]:
    try:
        text = distribution.read_text("entry_points.txt")
    except UnicodeDecodeError as error:
        text = error.object.decode("latin-1")
    except OSError:
        return []  # unreadable for this user, so not ours to run
    if text is None or ENTRY_POINT_GROUP not in text:
        return []
    folder = getattr(getattr(distribution, "_path", None), "name", "?")
    name, version = [*folder.partition(".dist-info")[0].split("-"), "0"][:2]
    try:
        header = (distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "").split(
            "\n\n"
        )[0]
        fields = re.findall(r"^(Name|Version|Requires-Dist):[ \t]*(.*?)\s*$", header, re.MULTILINE)
        single = dict(fields)
        name, version = single["Name"], single["Version"]
        requires = tuple(value for field, value in fields if field == "Requires-Dist")
        points = [(p.name, p.value) for p in distribution.entry_points if p.group == ENTRY_POINT_GROUP]
    except Exception as error:
        broken = Exception(f"its metadata cannot be read ({type(error).__name__}: {error})")
        return [Candidate(_normal(name), "", _normal(name), version, problem=broken)]
    return [Candidate(plugin, value, _normal(name), version, requires) for plugin, value in points]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
