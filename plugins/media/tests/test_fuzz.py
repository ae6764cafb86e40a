"""Five thousand damaged pictures: a picture or `BadInput`; no other error, no crash, no word on stderr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("fuzz_child.py")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "count"), [("PNG", 1_200), ("JPEG", 1_200), ("WEBP", 800), ("TIFF", 1_200), ("AVIF", 600)]
)
def test_damaged_pictures(kind, count):
    run = subprocess.run(
        [sys.executable, str(CHILD), kind, "1", str(count)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    last = run.stdout.rsplit("\n", 2)[-2:-1]
    assert run.returncode == 0, f"input {last}, exit {run.returncode}: {run.stderr[-3000:]}"
    assert last == [str(count - 1)]
    assert run.stderr.startswith("pictures: "), run.stderr[-3000:]  # the child's own count, nothing before it
    assert 0 < int(run.stderr.split()[1]) < count
    assert len(run.stderr.splitlines()) == 1
