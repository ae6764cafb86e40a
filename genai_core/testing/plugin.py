"""The pytest plugin of the contract suite; light, because pytest loads it in every project that has genai."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, so that ``--strict-markers`` accepts them in a third party's project."""
    config.addinivalue_line("markers", "gpu: needs an accelerator")
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
