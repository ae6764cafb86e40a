"""The same bytes again, from a file's record alone; or which hash, version or device differs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_core.errors import BadInput, ResourceError, UsageError, VerificationError
from genai_core.files import signing
from genai_core.files.artifacts import pack, split_suffix
from genai_core.files.atomic import inside, sha256_bytes, sha256_file
from genai_core.files.provenance import UNRECORDED, Record, each_leaf, read_record, unsealed, write_recorded
from genai_core.files.verify import examine

_ITEMS_A_BYTE = 1100  # deflate packs at most 1,032 to one


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reproduction went.

    Attributes:
        same: The bytes made again have the hash the record gives.
        sha256: Hash of the bytes made again, before any signature.
        expected: Hash the record gives.
        size: Bytes made again.
        differences: What is not as the record says, worst suspects first; may be empty either way.
        intact: Whether the file itself still has the bytes its record gives; None when it is gone or nothing
            tells.
    """

    same: bool
    sha256: str
    expected: str
    size: int
    differences: tuple[str, ...]
    intact: bool | None


def reproduce(
    file: Path, *, where: Path | None = None, inputs: Sequence[Path] = (), out: Path | None = None
) -> Outcome:
    """Make `file` again.

    Args:
        file: A generated file; it may be gone as long as its record is there.
        where: Run or model folder with the weights. Default: the shipped weights, then ``./runs``, whichever
            has the hash in the record.
        inputs: Files the configuration names by hash.
        out: Where to write what was made; nothing is kept without it.

    Raises:
        BadInput: There is no record, or it is not sound.
        UsageError: The weights or an input are nowhere to be found.
        VerificationError: The weights at `where` are others.
    """
    if out is not None and out.is_dir():
        out = out / file.name
    if out is not None and out.exists():
        raise UsageError(f"{out} exists", hint="choose another name with -o")
    verdict = examine(file)
    record = verdict.record
    if record is None:
        raise BadInput(file, verdict.detail or "has no record beside it or inside it to make it again from")
    expected = record["content"]["sha256"] if "content" in record else sha256_file(verdict.file)
    if record["recipe"]["kind"] == "sample":
        candidates, fresh = _sample_again(record, verdict.file, where)
    else:
        candidates, fresh = _run_again(record, where, inputs)
    data = next((data for data in candidates if sha256_bytes(data) == expected), candidates[0])
    digest = sha256_bytes(data)
    if out is not None:
        write_recorded(out, data, record)
    intact = {"ok": True, "changed": False}.get(verdict.status)
    return Outcome(digest == expected, digest, expected, len(data), _differences(record, fresh), intact)


def _sample_again(record: Record, file: Path, where: Path | None) -> tuple[list[bytes], Record]:
    """What the file may have held, one candidate for each item of a shard, and the record it has now."""
    from genai_core.running.models import load_model
    from genai_core.running.shards import Plan, sample_all, sample_shard

    recipe = record["recipe"]
    plan, shard = Plan(recipe["n"], recipe["seed"], recipe["shard_size"], recipe["options"]), recipe["shard"]
    if shard is not None and shard >= plan.shards:
        raise BadInput(file, f"its record names shard {shard} of {plan.shards}")
    items, size = plan.n if shard is None else plan.count(shard), record.get("content", {}).get("size")
    if size is not None and items > size * _ITEMS_A_BYTE:
        raise BadInput(file, f"its record claims {items:,} items in {size:,} bytes")
    folder = _model_folder(recipe["weights_sha256"], where, recipe["model"])
    loaded = load_model(folder, _device(recipe.get("device")))
    made = sample_all(loaded, plan) if shard is None else sample_shard(loaded, plan, shard)
    artifacts = made if isinstance(made, list) else [made]
    form, packed = split_suffix(f"file{record['content']['suffix']}" if "content" in record else file)
    if form not in artifacts[0].suffixes:
        raise BadInput(file, f"{type(artifacts[0]).__name__} is not written as {form!r}")
    # The record inside a file is part of its bytes: the old one, not one with the versions of today.
    written = [artifact.encode(form, unsealed(record)) for artifact in artifacts]
    return [pack(data) if packed else data for data in written], dict(artifacts[0].record or {})


def _run_again(record: Record, where: Path | None, inputs: Sequence[Path]) -> tuple[list[bytes], Record]:
    """What the pipeline writes now, and the record of it."""
    from genai_core.results.pipelines import run_pipeline

    def found(value: Any) -> Any:
        """The path of what has the hash in ``"sha256:HEX"``; any other value as it is."""
        if value == UNRECORDED:
            raise UsageError("the record does not say which file or folder was used", hint="run it anew")
        if not isinstance(value, str) or not value.startswith("sha256:"):
            return value
        wanted = value.removeprefix("sha256:")
        files = (file for file in inputs if file.is_file() and sha256_file(file) == wanted)
        return str(next(files, None) or _model_folder(wanted, where))

    recipe = record["recipe"]
    values, device = each_leaf(recipe["config"], found), _device(recipe.get("device"))
    with tempfile.TemporaryDirectory(prefix="genai-") as folder, signing.paused():
        out = Path(folder) / "out"
        run_pipeline(recipe["pipeline"], values, seed=recipe["seed"], out=out, device=device)
        made = inside(out, recipe["output"])
        if not made.is_file():
            raise VerificationError(f"{recipe['pipeline']} no longer writes {recipe['output']}")
        return [made.read_bytes()], read_record(made)


def _model_folder(wanted: str | None, where: Path | None, model: str | None = None) -> Path:
    """The model folder whose weights have the hash `wanted`: `where`, what plugins ship, or in ``./runs``."""
    from genai_core.running.models import WEIGHTS, find_model

    folders = []
    if where is not None:
        folders.append(find_model(where))
    else:
        with suppress(UsageError):  # not installed, or ships no weights
            folders += [find_model(model)] if model else []
        folders += [file.parent for file in sorted(Path("runs").glob(f"*/model/{WEIGHTS}"))]
    seen = []
    for folder in folders:
        seen.append(sha256_file(folder / WEIGHTS))
        if wanted in (None, seen[-1]):
            return folder
    hint = "name the run or model folder that made the file with --run"
    if seen:
        here = ", ".join(digest[:16] for digest in seen[:4])
        raise VerificationError(
            f"other weights: the record names {str(wanted)[:16]}, here are {here}", hint=hint
        )
    raise UsageError(
        f"the weights with sha256 {str(wanted)[:16]} are neither shipped nor under ./runs", hint=hint
    )


def _device(wanted: str | None) -> str:
    from genai_core.running.device import pick_device

    try:
        return pick_device(wanted or "cpu")
    except (ResourceError, UsageError):
        return pick_device("auto")


def _differences(there: Record, here: Record) -> tuple[str, ...]:
    """What two records of the same file disagree on, beside the seed."""

    def facts(record: Record) -> dict[str, str | None]:
        named = {"device": record["recipe"].get("device"), "weights": record["weights_sha256"]}
        named |= {"training data": record["data_fingerprint"], "config": record["config_hash"]}
        return {**named, **dict(sorted(record["packages"].items()))}

    old, new = facts(there), facts(here)
    return tuple(
        f"{what}: {str(old.get(what) or 'none')[:16]} there, {str(new.get(what) or 'none')[:16]} here"
        for what in {**old, **new}
        if old.get(what) != new.get(what)
    )
