"""Tests stay in folders of their own and on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest


def test_home_is_not_the_users(tmp_path_factory: pytest.TempPathFactory) -> None:
    ours = tmp_path_factory.getbasetemp()
    assert Path.home().is_relative_to(ours)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "GENAI_CONFIG_HOME"):
        assert Path(os.environ[name]).is_relative_to(ours)
    assert "GENAI_PLUGINS" not in os.environ


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.invalid", 80)])
def test_no_connection_leaves_the_machine(address: tuple[str, int]) -> None:
    with pytest.raises(OSError, match="mark it `network`"):
        socket.create_connection(address, timeout=1)


def test_no_subprocess_leaves_the_machine() -> None:
    code = "import urllib.request; urllib.request.urlopen('http://192.0.2.1/', timeout=5)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Connection refused" in done.stderr


def test_this_machine_can_be_reached() -> None:
    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/", timeout=10) as answer:
            assert answer.read() == b"hello"
