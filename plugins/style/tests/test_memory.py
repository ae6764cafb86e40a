"""Memory that painting keeps meanwhile."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from genai_style.painting.memory import kept_memory


def fake(monkeypatch, library):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)


def test_the_allocator_is_as_before_afterwards(monkeypatch):
    calls = []
    library = SimpleNamespace(mallopt=lambda *option: calls.append(option), malloc_trim=calls.append)
    fake(monkeypatch, library)

    def work():
        with kept_memory():
            assert calls == [(-4, 0), (-1, -1)]
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert calls[2:] == [(-4, 65536), (-1, 1 << 25), (-3, 1 << 25), 0]


def test_other_c_libraries_are_left_alone(monkeypatch):
    fake(monkeypatch, object())
    with kept_memory():
        pass
