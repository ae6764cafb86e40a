"""Layer 1 of provenance: the record that says how a file was made.

A record is plain JSON, the same for the same call on any machine with the same packages: it names plugin,
model, weights, config, seed, shard and versions, and never a path, a user, a host or a time. It stands
beside every file as ``NAME.genai.json`` (there with the sha256 of the content and of itself) and inside
the file where the format has a place for it. Its `recipe` is enough for `genai reproduce`.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from genai_core.errors import BadInput, ResourceError
from genai_core.files import signing
from genai_core.files.artifacts import split_suffix
from genai_core.files.atomic import atomic_write, sha256_bytes, sha256_file
from genai_core.files.versions import packages
from genai_core.plugins.registry import registry

Record = dict[str, Any]
SCHEMA = "genai-record/1"
SUFFIX = ".genai.json"
MAX_BYTES = 4 << 20
UNRECORDED = "path:unrecorded"
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# "$" sorts before every letter, so canonical text starts with this wherever a format holds it.
_START = b'{"$schema":"genai-record/'
_PRIVATE = re.compile(r"^(/home/|/root/|/Users/|[A-Za-z]:[\\/])")
_PATH = re.compile(r"[/\\\\]|^~|\.[A-Za-z0-9]{1,8}$")


def make_record(
    recipe: Mapping[str, Any],
    *,
    config: Mapping[str, Any],
    modality: str,
    model: Any = None,
    source_type: str = "trainedAlgorithmicMedia",
) -> Record:
    """The record of one generated file, before its bytes are known.

    Args:
        recipe: How to make it again: ``{"kind": "sample", "model", "weights_sha256", "n", "seed",
            "shard_size", "shard", "options"}`` (shard None: all of them in one file) or
            ``{"kind": "pipeline", "pipeline", "config", "seed", "output"}``.
        config: Resolved configuration of the model or pipeline.
        modality: Name of the artifact.
        model: The `Loaded` model that made it: its weights, training data and device are recorded.
        source_type: Last part of an IPTC digitalSourceType URI.

    Raises:
        BadInput: A value is not JSON, or a field is not of the form above.
    """
    spec_id = str(recipe.get("model") or recipe.get("pipeline"))
    plugin = spec_id.partition("/")[0]
    recipe = {"device": model.device.partition(":")[0] if model else None, **recipe}
    try:
        kept = without_paths(config)
        settings = json.dumps(kept, sort_keys=True, separators=(",", ":"))
        record = {
            "$schema": SCHEMA,
            "digital_source_type": IPTC + source_type,
            "modality": modality,
            "generator": {"id": spec_id, "version": registry().version(plugin)},
            "weights_sha256": model and model.weights_sha256,
            "config": kept,
            # As `Config.hash`, but the same wherever the files lie that are named in it.
            "config_hash": sha256_bytes(settings.encode())[:16],
            "data_fingerprint": model and model.data_fingerprint,
            "packages": packages(plugin),
            "recipe": {k: without_paths(v) if k in ("config", "options") else v for k, v in recipe.items()},
        }
        text = to_text(record)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput("record", f"cannot be written as JSON: {error}") from None
    return parse_record(text.encode(), "record")


def to_text(record: Mapping[str, Any]) -> str:
    """Canonical JSON: the same record gives the same text, in ASCII and without any white space.

    Blanks inside strings are written as escapes, so no format that folds or trims can change the text.
    """
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace(" ", "\\u0020")


def record_path(path: Path) -> Path:
    """Where the record of `path` stands."""
    return path.with_name(path.name + SUFFIX)


def write_recorded(path: Path, data: bytes, record: Mapping[str, Any]) -> Path:
    """Write a generated file, and before it the record beside it: a kill in between leaves no unknown file.

    Formats that carry content credentials are signed when ``genai-core[provenance]`` is installed; the record
    holds the hash of the bytes before (``content``, what `genai reproduce` makes again) and of the file as it
    stands (``file``).

    Returns:
        `path`.
    """
    form, packed = split_suffix(path)
    full = unsealed(record) | {"content": _digest(data) | {"suffix": form + ".gz" * packed}}
    if path.suffix.lower() in signing.MEDIA:
        sign = partial(signing.sign_bytes, data, form, to_text(full), full["digital_source_type"])
        data = _signed(path.name, sign) or data
    full["file"] = _digest(data)
    full["record_sha256"] = checksum(full)
    text = json.dumps(full, sort_keys=True, indent=1, ensure_ascii=True, allow_nan=False)
    atomic_write(record_path(path), f"{text}\n".encode())
    return atomic_write(path, data)


def intact(path: Path) -> bool:
    """Whether a file is there and is what the record beside it says."""
    try:
        return bool(read_record(path)["file"]["sha256"] == sha256_file(path))
    except (BadInput, OSError):
        return False


def sign_folder(folder: Path, names: Iterable[str]) -> Path | None:
    """Sign the records of these files of a run together, in ``credentials.zip``.

    Returns:
        Its path; None where signing is off or, after a warning, not possible.
    """
    sealed = _signed(folder, lambda: signing.seal_records({n: read_record(folder / n) for n in names}))
    return atomic_write(folder / signing.CREDENTIALS, sealed) if sealed else None


def _signed(what: object, sign: Callable[[], bytes]) -> bytes | None:
    """What `sign` returns; None where signing is off or, after a warning, not possible."""
    try:
        return sign() if signing.active() else None
    except ResourceError as error:
        # The result is worth more than its signature; `genai verify` will say that there is none.
        warnings.warn(f"{what} is not signed: {error}", stacklevel=3)
        return None


def unsealed(record: Mapping[str, Any]) -> Record:
    """A record as it is before its file is written: what stands inside files, without any hash of them."""
    return {key: value for key, value in record.items() if key not in ("content", "file", "record_sha256")}


def checksum(record: Mapping[str, Any]) -> str:
    """sha256 of the canonical text of a record without its own checksum."""
    return sha256_bytes(to_text({k: v for k, v in record.items() if k != "record_sha256"}).encode())


def read_record(path: Path) -> Record:
    """The record beside `path` (or `path` itself, when it is a record), checked for form and for edits.

    Raises:
        BadInput: There is none, it is too large, too deep, not of the schema, or was edited.
    """
    place = path if path.name.endswith(SUFFIX) else record_path(path)
    try:
        if not place.is_file():
            raise BadInput(path, "has no record", hint=f"keep {place.name} beside it")
        with place.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(place, f"cannot be read: {error.strerror}") from None
    record = parse_record(data, place)
    if "file" not in record or record.get("record_sha256") != checksum(record):
        raise BadInput(place, "the record was edited: its own checksum does not fit")
    return record


def embedded_record(data: bytes) -> Record | None:
    """The first record that stands inside a file as canonical text, None where there is none to be read.

    Works on the raw bytes of SDF properties, PNG text, WAV comments: no decoder is run.
    """
    start = data.find(_START)
    if start < 0:
        return None
    text = data[start : start + MAX_BYTES].split(b"\n", 1)[0].decode("latin-1")
    try:
        record, _ = json.JSONDecoder().raw_decode(text)
        return parse_record(to_text(record).encode(), "embedded record")
    except (ValueError, RecursionError, BadInput):
        return None


def parse_record(data: bytes, name: object) -> Record:
    """JSON from anywhere as a record; `BadInput` names the first field that is not as in the schema."""
    from pydantic import ValidationError

    from genai_core.files.schema import RecordForm

    if len(data) > MAX_BYTES:
        raise BadInput(name, f"a record larger than {MAX_BYTES >> 20} MiB")
    try:
        RecordForm.model_validate_json(data)
        record: Record = json.loads(data, object_pairs_hook=_unique)
        to_text(record)  # refuses NaN
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        reason = f"{'.'.join(map(str, first['loc']))!a}: {first['msg']}"
        raise BadInput(name, f"not a record: {reason}", hint="a newer genai may have written it") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(name, f"not a record: {error}") from None
    return record


def _digest(data: bytes) -> dict[str, Any]:
    return {"sha256": sha256_bytes(data), "size": len(data)}


def without_paths(value: Any) -> Any:
    """`value` with what names a file or folder of this machine replaced by the hash of its content.

    A file and a folder with a model become ``"sha256:HEX"``, which `genai reproduce` can look for; any other
    folder or path into a home folder becomes ``"path:unrecorded"``, which it cannot.
    """
    return each_leaf(value, _without_path)


def each_leaf(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with everything in its mappings and lists replaced by what `change` makes of it."""
    if isinstance(value, Mapping):
        return {key: each_leaf(below, change) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [each_leaf(below, change) for below in value]
    return change(value)


def _without_path(value: Any) -> Any:
    if not isinstance(value, Path) and not (isinstance(value, str) and _PATH.search(value)):
        return value
    try:
        place = Path(value).expanduser()
        for file in (place, place / "weights.safetensors", place / "model" / "weights.safetensors"):
            if file.is_file():
                return f"sha256:{sha256_file(file)}"
        inner = place.is_absolute() and (place.is_dir() or place.is_relative_to(Path.home()))
    except (OSError, ValueError, RuntimeError):
        return str(value)
    return UNRECORDED if inner or _PRIVATE.search(str(value)) else str(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice")
    return fields
