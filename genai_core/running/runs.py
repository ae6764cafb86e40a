"""The run directory: what was asked, what happened, and what is needed to go on.

::

    runs/20261121-0350-molecules-rnn-7f3a/
      manifest.json   ids, versions, hashes, seeds, device, times, status, final metrics
      config.toml     everything resolved        metrics.jsonl   one line a record, append-only
      checkpoints/step-00001000/                 best/           the best weights, where early stop is on
      model/          what `load_model` reads     run.lock        held by the one process that works here
"""

from __future__ import annotations

import json
import platform
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from genai_core.errors import BadInput, Interrupted, UsageError
from genai_core.files.atomic import append_line, atomic_dir, atomic_write, locked, make_folder, safe_name
from genai_core.plugins.registry import registry
from genai_core.protocols import RunInfo

Close = Callable[[str, BaseException | None], None]
MANIFEST = "manifest.json"
_STEP = "step-"


class Run:
    """One run directory; see the module for its layout. Make one with `create` or `open`."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.checkpoints = Checkpoints(path / "checkpoints")
        self.best = Checkpoints(path / "best")

    @classmethod
    def create(cls, root: Path, kind: str, spec_id: str, *, path: Path | None = None) -> Run:
        """A new run directory under `root`, or exactly at `path`.

        Raises:
            UsageError: `path` already holds a run.
            ResourceError: The folder cannot be written.
        """
        if path is None:
            stamp = time.strftime("%Y%m%d-%H%M")
            path = root / safe_name(f"{stamp}-{spec_id.replace('/', '-')}-{secrets.token_hex(2)}")
        if (path / MANIFEST).exists():
            raise UsageError(f"{path} already holds a run", hint=f"genai resume {path}, or another folder")
        make_folder(path)
        run = cls(path, {})
        run.update(
            format=1,
            id=path.name,
            kind=kind,
            spec=spec_id,
            status="created",
            created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            python=platform.python_version(),
        )
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """Open an existing run; `BadInput` when there is none or its manifest is damaged."""
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            if not isinstance(manifest, dict) or manifest["format"] != 1:
                raise BadInput(path / MANIFEST, "was written by another version")
        except FileNotFoundError:
            raise BadInput(path, f"not a run: it has no {MANIFEST}") from None
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(path / MANIFEST, f"cannot be read: {error}") from None
        return cls(path, manifest)

    @property
    def info(self) -> RunInfo:
        """What event hooks are told."""
        known = self.manifest
        return RunInfo(id=known["id"], kind=known["kind"], spec_id=known["spec"], path=self.path)

    def update(self, **values: Any) -> None:
        """Merge `values` into the manifest and write it."""
        self.manifest.update(values)
        text = json.dumps(self.manifest, indent=2, ensure_ascii=False) + "\n"
        atomic_write(self.path / MANIFEST, text.encode())

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append one record to metrics.jsonl."""
        append_line(self.path / "metrics.jsonl", json.dumps({"step": step, **metrics}))

    def history(self) -> list[dict[str, float]]:
        """The records of metrics.jsonl; where a resumed run measured a step again, the last one counts."""
        records: dict[int, dict[str, float]] = {}
        path = self.path / "metrics.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                record = json.loads(line)
                records[record["step"]] = {**records.get(record["step"], {}), **record}
            except (ValueError, KeyError, TypeError):
                continue  # the torn last line of a killed run
        return [records[step] for step in sorted(records)]

    def lock(self) -> AbstractContextManager[None]:
        """Hold the run for this process; `ResourceError` when another process works on it."""
        return locked(self.path / "run.lock")


@contextmanager
def announced(info: RunInfo, close: Close = lambda status, error: None) -> Iterator[None]:
    """Tell plugins that a run starts and, after `close` was told the same, how it ended."""
    registry().notify("genai_run_started", run=info)
    status: str = "done"
    failure: BaseException | None = None
    try:
        yield
    except BaseException as error:
        status = "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed"
        failure = error
        raise
    finally:
        close(status, failure)
        registry().notify("genai_run_finished", run=info, status=status, error=failure)


class Checkpoints:
    """The checkpoints of a run, newest last; a rename commits one, damaged ones are passed over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: list[str] = []

    def steps(self) -> list[int]:
        """Steps that have a checkpoint, ascending; half-written ones have no such name."""
        names = (path.name.removeprefix(_STEP) for path in self.folder.glob(f"{_STEP}*"))
        return sorted(int(name) for name in names if name.isdigit())

    def save(self, step: int, tree: Any, *, keep: int = 2) -> Path:
        """Write the checkpoint of `step` and drop all but the newest `keep`."""
        from genai_core.running.state import write_state

        path = self.folder / f"{_STEP}{step:08d}"
        with atomic_dir(path) as temporary:
            write_state(temporary, tree)
        for old in self.steps()[:-keep]:
            shutil.rmtree(self.folder / f"{_STEP}{old:08d}", ignore_errors=True)
        for debris in self.folder.glob(".tmp-*"):
            shutil.rmtree(debris, ignore_errors=True)
        return path

    def latest(self) -> tuple[int, Any] | None:
        """Step and tree of the newest intact checkpoint; None when there is none.

        Damaged ones are listed in `damaged` with their reason.
        """
        from genai_core.running.state import read_state

        for step in reversed(self.steps()):
            try:
                return step, read_state(self.folder / f"{_STEP}{step:08d}")
            except BadInput as error:
                self.damaged.append(error.message)
        return None
