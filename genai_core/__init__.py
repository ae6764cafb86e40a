"""genai: a plugin suite for generative AI in science and media.

The public names are those of `__init__.pyi`. Each is imported when it is first used, so that
``import genai_core`` costs nothing.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_IMPORT = re.compile(r"^from (\S+) import (\w+)", re.MULTILINE)
with open(f"{__file__}i", encoding="utf-8") as _stub:  # noqa: PTH123 - pathlib would be 5 ms of start-up
    _HOME = {name: module for module, name in _IMPORT.findall(_stub.read())}
__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'genai_core' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
