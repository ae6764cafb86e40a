"""stub"""

from __future__ import annotations
from collections.abc import Mapping
from typing import Any


def can_sign(suffix: str) -> bool:
    return False


def sign_bytes(data: bytes, suffix: str, record: Mapping[str, Any]) -> bytes:
    return data
