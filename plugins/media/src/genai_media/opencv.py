"""OpenCV without its side effects; import ``cv2`` from here.

Its Linux wheels set ``LD_LIBRARY_PATH`` and variables of Qt when imported, for windows that are never
opened here: every program started later would load its libraries from OpenCV's folder.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from genai_core.errors import MissingDependency

# Both put their files in one folder: of two that are installed, none is whole once the other has gone.
HEADLESS = "pip uninstall -y opencv-python opencv-python-headless; pip install opencv-python-headless"
_ENVIRONMENT = dict(os.environ)

try:
    import cv2 as cv2  # noqa: PLC0414 - offered to others
except ImportError as error:  # on servers, libGL is what is missing most often
    raise MissingDependency(f"OpenCV cannot be loaded: {error}", hint=HEADLESS) from None

for _name in [name for name in os.environ if os.environ[name] != _ENVIRONMENT.get(name)]:
    if _name in _ENVIRONMENT:
        os.environ[_name] = _ENVIRONMENT[_name]
    else:
        del os.environ[_name]

# What libjpeg, libpng and FFmpeg print.
_CHATTER = re.compile(
    r"^(Corrupt JPEG|Premature end|Inconsistent prog|Invalid |Unknown Adobe|Warning: unknown|"
    r"Application transferred|libpng |OpenCV: FFMPEG|\[[^\]]* @ 0x[0-9a-f]+\]|\[ *(WARN|ERROR):)",
    re.IGNORECASE,
)
_LOCK = threading.Lock()


@contextmanager
def quiet() -> Iterator[list[str]]:
    """OpenCV and the libraries in it print nothing; what the libraries said is in the list afterwards.

    They write to the process's stderr by themselves, so it is set aside for the moment. What other threads
    wrote there meanwhile is passed on.
    """
    heard: list[str] = []
    with _LOCK, tempfile.TemporaryFile() as aside:
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            stderr = os.dup(2)
        except OSError:  # a process without stderr
            stderr = -1
        try:
            if stderr >= 0:
                os.dup2(aside.fileno(), 2)
            yield heard
        finally:
            cv2.utils.logging.setLogLevel(level)
            if stderr >= 0:
                os.dup2(stderr, 2)
                aside.seek(0)
                lines = aside.read().decode("utf-8", "replace").splitlines(keepends=True)
                heard += [line for line in lines if _CHATTER.match(line)]
                if others := "".join(line for line in lines if not _CHATTER.match(line)):
                    os.write(stderr, others.encode())
                os.close(stderr)
