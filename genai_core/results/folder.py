"""A folder that belongs to one run, and in which nothing else is ever replaced."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genai_core.errors import UsageError
from genai_core.files.atomic import TEMPORARY, atomic_write, inside, locked, make_folder
from genai_core.files.provenance import SUFFIX, intact, record_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST = "manifest.json"
_ELSEWHERE = "choose another folder with -o"


class OutputFolder:
    """A folder with a manifest.json that says whose it is.

    The owner may come again, after a kill or to make the same once more: it replaces files that have their
    record beside them, unless somebody changed them since. A folder of another owner, or with anything in it
    and no manifest, is refused before anything is touched.

    Args:
        folder: Made when missing.
        owner: JSON values that tell this run from others: ``spec``, ``config_hash``, ``seed``.
    """

    def __init__(self, folder: Path, owner: dict[str, Any]) -> None:
        self.folder, self.owner = folder, owner

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder for this run; refuse it when it holds anything else."""
        with locked(make_folder(self.folder)):
            self._check()
            self._write("running")
            try:
                yield
            except BaseException:
                if not self._records():  # nothing came of it: leave the folder to whoever comes next
                    (self.folder / MANIFEST).unlink(missing_ok=True)
                raise
            self._write("done")

    def place(self, name: str) -> Path:
        """Where to write the file `name`, which may be there from an earlier time."""
        path = inside(self.folder, name)
        if path.exists() and not record_path(path).exists():
            raise UsageError(f"{path} is there and was not made by this run", hint=_ELSEWHERE)
        return path

    def _records(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def _check(self) -> None:
        place = self.folder / MANIFEST
        if not place.exists():
            if any(not child.name.startswith(TEMPORARY) for child in self.folder.iterdir()):
                raise UsageError(f"{self.folder} is not empty and not of this pipeline", hint=_ELSEWHERE)
            return
        try:
            owner = dict(json.loads(place.read_text(encoding="utf-8"))["run"])
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
        for record in self._records():
            path = record.with_name(record.name.removesuffix(SUFFIX))
            if path.exists() and not intact(path):
                raise UsageError(
                    f"{path} was changed since it was made", hint=f"move it away, or {_ELSEWHERE}"
                )

    def _write(self, status: str) -> None:
        text = json.dumps({"format": 1, "status": status, "run": self.owner}, indent=1)
        atomic_write(self.folder / MANIFEST, f"{text}\n".encode())
