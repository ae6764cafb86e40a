"""Keeps tests off the user's folders and off the network, and skips what the machine cannot do.

`GENAI_TEST_CACHE` names a folder of fetched data sets that tests may reuse. `GENAI_TEST_NETWORK=1` runs the
tests marked `network`, which alone may connect to anything but this machine.
"""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
_LOCAL_HOSTS = {"localhost", "localhost.localdomain", "::1", "0.0.0.0", "", None}

# The machine is shared, so no example has a deadline; CI repeats the same examples.
settings.register_profile("genai", deadline=None, derandomize=_CI)
settings.load_profile("genai")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Give this process, and what it starts, folders of its own."""
    factory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    home: Path = factory.mktemp("home")
    pip_config = Path.home() / ".config/pip/pip.conf"
    if pip_config.exists():
        os.environ.setdefault("PIP_CONFIG_FILE", str(pip_config))
    for name in [name for name in os.environ if name.startswith("GENAI_") and "TEST" not in name]:
        del os.environ[name]
    os.environ |= {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "GENAI_CACHE": os.environ.get("GENAI_TEST_CACHE") or str(home / "cache/genai"),
        "GENAI_CONFIG_HOME": str(home / "config/genai"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("network") and os.environ.get("GENAI_TEST_NETWORK") != "1":
        pytest.skip("needs a package registry: set GENAI_TEST_NETWORK=1")
    if item.get_closest_marker("gpu") and not _accelerator():
        pytest.skip("no accelerator")
    if item.get_closest_marker("browser") and CHROMIUM is None:
        if _CI:
            pytest.fail("no Chromium on the PATH", pytrace=False)
        pytest.skip("no Chromium on the PATH")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser; for tests marked `browser`."""
    assert CHROMIUM is not None
    return CHROMIUM


@pytest.fixture(autouse=True)
def _only_this_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections and name look-ups that would leave this machine."""
    if request.node.get_closest_marker("network"):
        return
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens: what tests start stays here too
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "localhost,127.0.0.1,::1")
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host: Any) -> None:
        if isinstance(host, bytes):
            host = host.decode()
        if host not in _LOCAL_HOSTS and not str(host).startswith("127."):
            raise OSError(f"a test tried to reach {host!r}; mark it `network` if it must")

    def check_address(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            check(address[0])

    monkeypatch.setattr(
        socket.socket,
        "connect",
        lambda self, address: (check_address(self, address), connect(self, address))[1],
    )
    monkeypatch.setattr(
        socket.socket,
        "connect_ex",
        lambda self, address: (check_address(self, address), connect_ex(self, address))[1],
    )
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **kwargs: (check(host), getaddrinfo(host, *args, **kwargs))[1],
    )


def _accelerator() -> bool:
    import torch

    return torch.accelerator.is_available()
