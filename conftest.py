"""What every test of this repository lives under; the parts are in `tests/support`."""

from __future__ import annotations

pytest_plugins = ["pytester", "support.isolation", "support.pickle_watch"]
