"""The same bytes again, from a file's record alone; or which hash, version or device differs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_core.errors import BadInput, ResourceError, UsageError, VerificationError
from genai_core.files import signing
from genai_core.files.artifacts import pack, split_suffix
from genai_core.files.atomic import atomic_write, inside, sha256_bytes, sha256_file
from genai_core.files.provenance import (
    UNRECORDED,
    Record,
    embedded_record,
    packages,
    parse_record,
    read_record,
    record_path,
    unsealed,
    write_record,
)

_HEAD = 1 << 20
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
        intact: Whether the file itself still has the bytes its record gives; None when it is gone.
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
    record = find_record(file)
    expected = record["content"]["sha256"] if "content" in record else sha256_file(file)
    intact = sha256_file(file) == record["file"]["sha256"] if "file" in record and file.is_file() else None
    again = _sample_again if record["recipe"]["kind"] == "sample" else _run_again
    candidates, differences = again(record, file, _Inputs(where, inputs))
    data = next((data for data in candidates if sha256_bytes(data) == expected), candidates[0])
    digest = sha256_bytes(data)
    if out is not None:
        write_record(atomic_write(out, data), record)
    return Outcome(
        digest == expected, digest, expected, len(data), (*differences, *_versions(record)), intact
    )


def find_record(file: Path) -> Record:
    """The record beside `file`, or else the one in its signature or inside it."""
    if record_path(file).exists() or not file.is_file():
        return read_record(file)
    with file.open("rb") as stream:
        credential = signing.check(stream, file.suffix.lower())
        if credential.state == "trusted" and credential.text is not None:
            return parse_record(credential.text.encode(), file)
        stream.seek(0)
        record = embedded_record(stream.read(_HEAD))
    if record is None:
        raise BadInput(file, "has no record beside it or inside it, so nothing says how it was made")
    return record


def _sample_again(record: Record, file: Path, given: _Inputs) -> tuple[list[bytes], list[str]]:
    from genai_core.running.models import load_model
    from genai_core.running.shards import Plan, sample_all, sample_shard

    recipe = record["recipe"]
    plan, shard = Plan(recipe["n"], recipe["seed"], recipe["shard_size"], recipe["options"]), recipe["shard"]
    if shard is not None and shard >= plan.shards:
        raise BadInput(file, f"its record names shard {shard} of {plan.shards}")
    items, size = plan.n if shard is None else plan.count(shard), record.get("content", {}).get("size")
    if size is not None and items > size * _ITEMS_A_BYTE:
        raise BadInput(file, f"its record claims {items:,} items in {size:,} bytes")
    device, differences = _device(recipe["device"] if recipe.get("device") else record["stack"]["device"])
    loaded = load_model(given.weights(recipe["weights_sha256"], recipe["model"]), device)
    if shard is not None:
        artifacts = sample_shard(loaded, plan, shard)
    else:
        whole = sample_all(loaded, plan)
        artifacts = whole if isinstance(whole, list) else [whole]
    suffix = record["content"]["suffix"] if "content" in record else _suffix(file)
    form, packed = suffix.removesuffix(".gz"), suffix.endswith(".gz")
    if form not in artifacts[0].suffixes:
        raise BadInput(file, f"{type(artifacts[0]).__name__} is not written as {form!r}")
    # The record inside a file is part of its bytes: the old one, not one with the versions of today.
    written = [artifact.encode(form, unsealed(record)) for artifact in artifacts]
    trained_on = loaded.about.get("data", {}).get("fingerprint")
    differences += _differ("training data", record["data_fingerprint"], trained_on)
    differences += _differ("config", record["config_hash"], loaded.model.config.hash())
    return [pack(data) if packed else data for data in written], differences


def _run_again(record: Record, file: Path, given: _Inputs) -> tuple[list[bytes], list[str]]:
    from genai_core.results.pipelines import run_pipeline

    recipe = record["recipe"]
    device, differences = _device(recipe.get("device") or record["stack"]["device"])
    values = given.resolve(recipe["config"])
    with tempfile.TemporaryDirectory(prefix="genai-") as folder, signing.paused():
        out = Path(folder) / "out"
        run_pipeline(recipe["pipeline"], values, seed=recipe["seed"], out=out, device=device)
        made = inside(out, recipe["output"])
        if not made.is_file():
            raise VerificationError(f"{recipe['pipeline']} no longer writes {recipe['output']}")
        fresh = read_record(made)
        data = made.read_bytes()
    differences += _differ("weights", record["weights_sha256"], fresh["weights_sha256"])
    differences += _differ("training data", record["data_fingerprint"], fresh["data_fingerprint"])
    differences += _differ("config", record["config_hash"], fresh["config_hash"])
    return [data], differences


class _Inputs:
    """Finds weights and files by their hash: in what the user named, what plugins ship, and ``./runs``."""

    def __init__(self, where: Path | None, files: Sequence[Path]) -> None:
        self.where, self.files = where, files

    def weights(self, wanted: str | None, model: str | None) -> Path:
        """The model folder whose weights have the hash `wanted`."""
        from genai_core.running.models import WEIGHTS

        seen = []
        for folder in self._model_folders(model):
            found = sha256_file(folder / WEIGHTS)
            if wanted in (None, found):
                return folder
            seen.append(found)
        if seen:
            here = ", ".join(digest[:16] for digest in seen[:4])
            raise VerificationError(
                f"other weights: the record names {str(wanted)[:16]}, here are {here}",
                hint="name the run or model folder that made the file with --run",
            )
        raise UsageError(
            f"the weights with sha256 {str(wanted)[:16]} are neither shipped nor under ./runs",
            hint="name the run or model folder with --run",
        )

    def resolve(self, value: Any) -> Any:
        """`value` with every ``"sha256:HEX"`` replaced by the path of what has this hash."""
        if isinstance(value, dict):
            return {key: self.resolve(below) for key, below in value.items()}
        if isinstance(value, list):
            return [self.resolve(below) for below in value]
        if value == UNRECORDED:
            raise UsageError("the record does not say which file or folder was used", hint="run it anew")
        if not isinstance(value, str) or not value.startswith("sha256:"):
            return value
        wanted = value.removeprefix("sha256:")
        for file in self.files:
            if file.is_file() and sha256_file(file) == wanted:
                return str(file)
        return str(self.weights(wanted, None))

    def _model_folders(self, model: str | None) -> Iterator[Path]:
        from genai_core.running.models import WEIGHTS, find_model

        if self.where is not None:
            yield find_model(self.where)
            return
        if model is not None:
            with suppress(UsageError):  # not installed, or ships no weights
                yield find_model(model)
        yield from (file.parent for file in sorted(Path("runs").glob(f"*/model/{WEIGHTS}")))


def _suffix(file: Path) -> str:
    form, packed = split_suffix(file)
    return f"{form}.gz" if packed else form


def _device(wanted: str | None) -> tuple[str, list[str]]:
    from genai_core.running.device import pick_device

    try:
        return pick_device(wanted or "cpu"), []
    except (ResourceError, UsageError):
        device = pick_device("auto")
        return device, [f"device: {wanted} there, {device} here"]


def _versions(record: Record) -> list[str]:
    """Packages, by name, that are another version here."""
    plugin = record["generator"]["id"].partition("/")[0]
    here = packages(plugin)
    names = sorted({*here, *record["packages"]})
    lines = [_differ(name, record["packages"].get(name), here.get(name)) for name in names]
    return [line for found in lines for line in found]


def _differ(what: str, there: object, here: object) -> list[str]:
    if there == here:
        return []
    return [f"{what}: {str(there or 'none')[:16]} there, {str(here or 'none')[:16]} here"]
