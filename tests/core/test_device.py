"""What a chip can do, and what its errors mean."""

from __future__ import annotations

import pytest
import torch

from genai_core.cli.main import main
from genai_core.errors import is_out_of_memory
from genai_core.running import device
from genai_core.running.device import has_bf16


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("could not create a primitive"), True),  # oneDNN
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("can't allocate memory"), False),
    ],
)
def test_exhausted_memory_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) is expected


def test_an_allocation_that_cannot_be_met_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert is_out_of_memory(caught.value)


def test_the_command_line_says_so_without_a_traceback(monkeypatch, capsys):
    def exhausted(*words, **options):
        raise MemoryError

    monkeypatch.setattr("genai_core.plugins.registry.Registry.specs", exhausted)
    assert main(["list"]) == 4
    assert "out of memory" in capsys.readouterr().err


def test_a_chip_is_asked_for_bf16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert has_bf16("cpu")
    assert not has_bf16("cuda:0")
    assert not has_bf16("mps")


@pytest.mark.parametrize("library", [OSError, TypeError, object])
def test_a_c_library_without_mallopt_is_no_problem(monkeypatch, library):
    def load(name):
        if issubclass(library, Exception):
            raise library
        return library()

    monkeypatch.setattr(device.ctypes, "CDLL", load)
    assert device.pick_device("cpu") == "cpu"
