"""A folder that belongs to one run, and in which nothing else is ever replaced."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genai_core.errors import UsageError
from genai_core.files.atomic import (
    TEMPORARY,
    atomic_write,
    inside,
    locked,
    make_folder,
    safe_name,
    sha256_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST = "manifest.json"
_ELSEWHERE = "choose another folder with -o"


class OutputFolder:
    """A folder with a manifest.json that says whose it is and which files in it are ours.

    The owner may come again, after a kill or to make the same once more: it replaces the files it made
    itself, unless somebody changed them since. A folder of another owner, or with anything in it and no
    manifest, is refused before anything is touched.

    A file is listed (null) before it is written and gets its sha256 after, so that a kill in between leaves
    no file of which we do not know that it is ours.

    Args:
        folder: Made when missing.
        owner: JSON values that tell this run from others: ``spec``, ``config_hash``, ``seed``.
    """

    def __init__(self, folder: Path, owner: dict[str, Any]) -> None:
        self.folder, self.owner = folder, owner
        self.files: dict[str, str | None] = {}

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder for this run; refuse it when it holds anything else."""
        with locked(make_folder(self.folder)):
            self._check()
            self._write("running")
            try:
                yield
            except BaseException:
                if not self.files:  # nothing came of it: leave the folder to whoever comes next
                    (self.folder / MANIFEST).unlink(missing_ok=True)
                raise
            self._write("done")

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Around the writing of the file `name`."""
        path = inside(self.folder, name)
        if name not in self.files and path.exists():
            raise UsageError(f"{path} is there and was not made by this run", hint=_ELSEWHERE)
        self.files[name] = None
        self._write("running")
        yield path
        self.files[name] = sha256_file(path)
        self._write("running")

    def _check(self) -> None:
        place = self.folder / MANIFEST
        if not place.exists():
            if any(not child.name.startswith(TEMPORARY) for child in self.folder.iterdir()):
                raise UsageError(f"{self.folder} is not empty and not of this pipeline", hint=_ELSEWHERE)
            return
        try:
            there = json.loads(place.read_text(encoding="utf-8"))
            owner, files = there["run"], dict(there["files"])
        except (OSError, ValueError, KeyError, TypeError):
            raise UsageError(
                f"{self.folder} holds something else: its {MANIFEST} is not ours", hint=_ELSEWHERE
            ) from None
        if owner != self.owner:
            same = owner.get("config_hash") == self.owner["config_hash"]
            raise UsageError(
                f"{self.folder} holds a run of {owner.get('spec')} with seed {owner.get('seed')} and "
                f"{'the same' if same else 'other'} settings",
                hint=_ELSEWHERE,
            )
        for name, sha256 in files.items():
            path = inside(self.folder, safe_name(name))
            if sha256 is not None and path.exists() and sha256_file(path) != sha256:
                raise UsageError(
                    f"{path} was changed since it was made", hint=f"move it away, or {_ELSEWHERE}"
                )
        self.files = files

    def _write(self, status: str) -> None:
        value = {"format": 1, "status": status, "run": self.owner, "files": self.files}
        atomic_write(self.folder / MANIFEST, (json.dumps(value, indent=1) + "\n").encode())
