"""A clean environment for a plugin under test, and commands in it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

TIMEOUT = 600


class Environment:
    """A new virtual environment that has one thing more than this one: what `install` puts there.

    torch alone is hundreds of megabytes, so nothing is downloaded: a ``.pth`` file lets the environment see
    the libraries of the one that runs the tests. `site.addsitedir` is what makes this work for libraries
    that are themselves there through a ``.pth`` file, such as genai-core in a checkout. What is installed
    here is built as a wheel and is invisible to the parent, so its entry points are really read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False)
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = folder / scripts / "python"
        own = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
        parent = sysconfig.get_path("purelib")
        (own / "parent.pth").write_text(f"import site; site.addsitedir({parent!r})\n", encoding="utf-8")

    def install(self, project: Path) -> None:
        """Build the wheel of `project` and install it, with nothing from outside."""
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(self.python)]
        done = subprocess.run(
            [*pip, "install", *options, str(project)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def genai(self, *arguments: str, cwd: Path, code: int = 0) -> str:
        """Run ``genai arguments...``; see `run`."""
        return self.run(
            "-c", "from genai_core.cli.main import entry; entry()", *arguments, cwd=cwd, code=code
        )

    def run(self, *arguments: str, cwd: Path, code: int = 0) -> str:
        """Run ``python arguments...`` and return its stdout; the exit code must be `code`."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("GENAI_", "PYTEST_"))}
        done = subprocess.run(
            [str(self.python), *arguments], cwd=cwd, env=kept | {"NO_COLOR": "1"},
            capture_output=True, text=True, timeout=TIMEOUT, check=False,
        )  # fmt: skip
        shown = f"$ {' '.join(arguments)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        assert done.returncode == code, f"exit {done.returncode} instead of {code}\n{shown}"
        return done.stdout
