"""What `genai doctor` says of OpenCV, on planted installations."""

from __future__ import annotations

import importlib
import sys

import pytest

from genai_core.plugins.resolve import unmet
from genai_media import checks

NO_LIBGL = "libGL.so.1: cannot open shared object file: No such file or directory"


@pytest.fixture
def install(monkeypatch):
    """Only these distributions are installed, as far as metadata say."""

    def plant(*names):
        def version(name):
            if name not in names:
                raise importlib.metadata.PackageNotFoundError(name)
            return "5.0.0.93"

        monkeypatch.setattr(checks.metadata, "version", version)

    return plant


@pytest.fixture
def no_libgl(monkeypatch, tmp_path):
    """A cv2 as it is on a server without libGL."""
    (tmp_path / "cv2.py").write_text(f"raise ImportError({NO_LIBGL!r})")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "cv2"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "genai_media.opencv", raising=False)
    monkeypatch.delattr("genai_media.opencv", raising=False)


def told():
    return [(finding.level, finding.message, finding.fix) for finding in checks.opencv()]


@pytest.mark.parametrize("name", ["opencv-python", "opencv-python-headless"])
def test_one_build_is_in_order(install, name):
    install(name)
    ((level, message, _),) = told()
    assert level == "ok"
    assert message.endswith(f"from {name} 5.0.0.93")


def test_two_builds_overwrite_each_other(install):
    install("opencv-python", "opencv-python-headless")
    (level, message, fix), (other, _, _) = told()
    assert (level, other) == ("warning", "ok")
    assert (
        message == "opencv-python 5.0.0.93 and opencv-python-headless 5.0.0.93 overwrite each other's files"
    )
    assert fix.startswith("pip uninstall -y opencv-python opencv-python-headless ")


def test_the_fix_is_named_where_libgl_is_missing(install, no_libgl):
    install("opencv-python")
    ((level, message, fix),) = told()
    assert level == "error"
    assert message == f"OpenCV cannot be loaded: {NO_LIBGL}"
    assert fix.endswith("pip install opencv-python-headless")


def test_what_media_needs_is_met_without_windows(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert list(unmet(["opencv-python>=4.14"])) == ["opencv-python>=4.14, which is not installed"]
    info = tmp_path / "opencv_python_headless-5.0.0.93.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: opencv-python-headless\nVersion: 5.0.0.93\n")
    importlib.invalidate_caches()
    assert unmet(["opencv-python>=4.14"]) == {}
