"""The versions that bits depend on, for records."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from genai_core.plugins.resolve import installed

# The core's dependencies that draw the terminal and the report and do not touch the bits.
_BYSTANDERS = {"click", "jinja2", "packaging", "pluggy", "rich"}


@cache
def packages(plugin: str | None = None) -> Mapping[str, str]:
    """Versions of Python, the core, the distribution behind `plugin` and what these declare to need."""
    entries = metadata.entry_points(group="genai_core.plugins", name=plugin) if plugin else ()
    waiting = ["genai-core", *(entry.dist.name for entry in entries if entry.dist)]
    own = set(waiting)
    found = {"python": platform.python_version()}
    while waiting:
        name = canonicalize_name(waiting.pop())
        try:
            distribution = installed(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = distribution.version
        if name in own or name.startswith("genai-"):
            needs = [Requirement(line) for line in distribution.requires or ()]
            here = [need for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
            waiting += [need.name for need in here if canonicalize_name(need.name) not in found]
    found = {name: version for name, version in found.items() if name not in _BYSTANDERS}
    return dict(sorted(found.items()))
