"""Promises of artifacts: validated, written whole, read safely, shown, and equal by content."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_core.errors import BadInput, GenaiError
from genai_core.files.artifacts import Artifact
from genai_core.testing.digests import content
from genai_core.testing.examples import example
from genai_core.testing.promises import Broken, NotApplicable, expect, expect_error, expect_ok, promise

if TYPE_CHECKING:
    from genai_core.testing.bench import Bench

GARBAGE = bytes(range(256)) * 4


@promise("artifact")
def is_an_artifact(bench: Bench, spec: Any) -> None:
    """The codec is an `Artifact` with the modality and suffixes of its spec."""
    kind = bench.load(spec)
    expect(isinstance(kind, type) and issubclass(kind, Artifact), f"{spec.factory} is not an Artifact class")
    expect(kind.modality == spec.name, f"its modality is {kind.modality!r}, its spec is named {spec.name!r}")
    expect(tuple(kind.suffixes) == spec.suffixes, f"it has {kind.suffixes}, its spec says {spec.suffixes}")
    ok = all(suffix.startswith(".") and suffix == suffix.lower() for suffix in spec.suffixes)
    expect(ok and spec.suffixes, f"suffixes {spec.suffixes} are not lower case with a dot")


@promise("artifact")
def survives_the_disk(bench: Bench, spec: Any) -> None:
    """What is saved and loaded in any of its formats is equal to what it was."""
    artifact = example(bench, spec)
    for suffix in spec.suffixes:
        for packed in ("", ".gz"):
            path = bench.folder("artifact") / f"example{suffix}{packed}"
            with bench.watched(spec, "saving and loading"):
                expect_ok(f"saving {path.name}", artifact.save, path)
                again = expect_ok(f"loading {path.name}", type(artifact).load, path)
            expect(again == artifact, f"{path.name}: what is read back is not equal to what was saved")
            expect(len(again) == len(artifact), f"{path.name}: {len(artifact)} items became {len(again)}")


@promise("artifact")
def equal_by_content(bench: Bench, spec: Any) -> None:
    """Two artifacts are equal when their content is, not when they are the same object."""
    artifact = example(bench, spec)
    suffix = spec.suffixes[0]
    twin = _decode(artifact, artifact.encode(suffix, None), suffix)
    expect(
        artifact == twin and hash(artifact) == hash(twin), "two artifacts of the same content are not equal"
    )
    other = _another(bench, spec)
    expect(artifact != other, "two artifacts of different content are equal")


@promise("artifact")
def same_content_same_bytes(bench: Bench, spec: Any) -> None:
    """The same content is written as the same bytes, wherever it is saved."""
    artifact = example(bench, spec)
    for suffix in spec.suffixes:
        first, second = (artifact.save(bench.folder("bytes") / f"{name}{suffix}") for name in ("one", "two"))
        expect(first.read_bytes() == second.read_bytes(), f"{suffix}: saved twice, the bytes differ")
        twin = _decode(artifact, first.read_bytes(), suffix)
        same = twin.encode(suffix, None) == first.read_bytes()
        expect(same, f"{suffix}: read and written again, the bytes differ")


@promise("artifact")
def save_leaves_no_debris(bench: Bench, spec: Any) -> None:
    """Saving leaves the file and, for what was generated, its record beside it; nothing else."""
    from genai_core.files.provenance import record_path

    artifact = _decode_again(bench, spec)
    for suffix in spec.suffixes:
        folder = bench.folder("record")
        path = folder / f"example{suffix}"
        artifact.record = None
        artifact.save(path)
        expect(
            [p.name for p in folder.iterdir()] == [path.name],
            f"saving left {[p.name for p in folder.iterdir()]}",
        )
        artifact.record = _record(bench, artifact)
        expect_ok(f"saving {path.name} with a record", artifact.save, path)
        found = sorted(p.name for p in folder.iterdir())
        expect(found == sorted([path.name, record_path(path).name]), f"saving with a record left {found}")
        again = expect_ok("loading a file with a record inside", type(artifact).load, path)
        expect(again == artifact, f"{suffix}: with its record inside, the file has another content")


@promise("artifact")
def other_suffix_is_refused(bench: Bench, spec: Any) -> None:
    """A suffix that is not its own is a clear error, and no file is left."""
    artifact = example(bench, spec)
    path = bench.folder("suffix") / "example.no-such-format"
    expect_error(GenaiError, f"saving {path.name}", artifact.save, path)
    expect(not path.exists(), f"{path.name} was written all the same")


@promise("artifact")
def missing_file_is_refused(bench: Bench, spec: Any) -> None:
    """A file that is not there is a `BadInput`."""
    kind, path = bench.load(spec), bench.folder("missing") / f"none{spec.suffixes[0]}"
    expect_error(BadInput, "loading a missing file", kind.load, path)


@promise("artifact")
def damaged_files_are_refused(bench: Bench, spec: Any) -> None:
    """A binary file that is none of its own is a `BadInput`; a cut one never is another error."""
    artifact = example(bench, spec)
    for suffix in spec.suffixes:
        path = bench.folder("damaged") / f"example{suffix}"
        path.write_bytes(GARBAGE)
        with bench.watched(spec, "loading damaged files"):
            expect_error(BadInput, f"loading garbage as {suffix}", type(artifact).load, path)
            data = artifact.encode(suffix, None)
            for damaged in _damaged(data):
                path.write_bytes(damaged)
                _load_or_refuse(type(artifact), path, f"a damaged {suffix} file of {len(damaged)} bytes")


@promise("artifact")
def limits_are_kept(bench: Bench, spec: Any) -> None:
    """A file larger than the limits of its modality is a `BadInput`."""
    from genai_core.files.safeio import limits_for

    artifact = example(bench, spec)
    for suffix in spec.suffixes:
        path = bench.folder("limits") / f"example{suffix}"
        artifact.save(path)
        limits = limits_for(spec.name, bytes=max(1, path.stat().st_size - 1))
        expect_error(BadInput, "a file over the limit of bytes", type(artifact).load, path, limits)
    if len(artifact) > 1:
        tight = limits_for(spec.name, items=len(artifact) - 1)
        expect_error(BadInput, "a file over the limit of items", type(artifact).load, path, tight)


@promise("artifact")
def can_be_looked_at(bench: Bench, spec: Any) -> None:
    """A preview shows items, each with a text for who cannot see it, and no more than asked."""
    artifact = example(bench, spec)
    with bench.watched(spec, "preview"):
        shown = expect_ok("preview()", artifact.preview)
    expect(shown, "preview() shows nothing")
    for preview in shown:
        expect(preview.data, "a preview is empty")
        expect(preview.alt.strip() or not str(preview.data).strip(), "a preview has no alt text")
        text = preview.kind in ("svg", "text")
        expect(
            isinstance(preview.data, str if text else bytes),
            f"a {preview.kind} preview is a {type(preview.data).__name__}",
        )
    expect(len(artifact.preview(limit=1)) <= 1, "preview(limit=1) shows more than one")


@promise("artifact")
def joins_in_order(bench: Bench, spec: Any) -> None:
    """Collections can be joined: all items, in order."""
    artifact = example(bench, spec)
    joined, alone = type(artifact).concat([artifact, artifact]), type(artifact).concat([artifact])
    if joined is None or alone is None:
        raise NotApplicable("its artifacts hold one item each")
    expect(len(joined) == 2 * len(artifact), f"twice {len(artifact)} items were joined to {len(joined)}")
    expect(content(alone) == content(artifact), "one part joined is not that part")
    item = getattr(artifact, "__getitem__", None)
    if item is not None:
        items = [content(item(index)) for index in range(len(artifact))]
        found = [content(joined[index]) for index in range(len(joined))]  # type: ignore[index]  # as above
        expect(found == items * 2, "the items are not in the order of the parts")


@promise("artifact")
def validation_looks_inside(bench: Bench, spec: Any) -> None:
    """`validate` accepts what is right and changes nothing."""
    artifact = example(bench, spec)
    before = content(artifact)
    with bench.watched(spec, "validate"):
        expect_ok("validate()", artifact.validate)
    expect(content(artifact) == before, "validate() changed the content")


def _decode(artifact: Artifact, data: bytes, suffix: str) -> Artifact:
    from genai_core.files.safeio import limits_for

    limits = limits_for(artifact.modality)
    found: Artifact = expect_ok(
        f"decoding {suffix}",
        type(artifact).decode,
        data,
        suffix,
        name=f"example{suffix}",
        limits=limits,
    )
    return found


def _decode_again(bench: Bench, spec: Any) -> Artifact:
    artifact = example(bench, spec)
    return _decode(artifact, artifact.encode(spec.suffixes[0], None), spec.suffixes[0])


def _record(bench: Bench, artifact: Artifact) -> dict[str, Any]:
    from genai_core.files.provenance import make_record

    recipe = {"kind": "pipeline", "pipeline": "x/example", "config": {}, "seed": 7, "output": "example"}
    return make_record(recipe, config={}, modality=artifact.modality)


def _another(bench: Bench, spec: Any) -> Artifact:
    """An artifact of other content: an other sample, or the items twice."""
    artifact = example(bench, spec)
    for model in bench.specs("model"):
        if model.modality == spec.name and "sample" in model.capabilities:
            for seed in range(50, 60):
                other = bench.sample(model, 3, seed=seed)
                if content(other[0]) != content(bench.sample(model, 3)[0]):
                    return other[0]
    if twice := type(artifact).concat([artifact, artifact]):
        return twice
    raise NotApplicable("no second example")


def _damaged(data: bytes) -> list[bytes]:
    half = len(data) // 2
    flipped = bytearray(data)
    for place in range(0, len(flipped), max(1, len(flipped) // 7)):
        flipped[place] ^= 0xFF
    return [b"", data[:half], data[: len(data) - 1], data[half:], bytes(flipped), data[:half] + GARBAGE]


def _load_or_refuse(kind: type[Artifact], path: Path, what: str) -> None:
    try:
        kind.load(path)
    except BadInput:
        return
    except Exception as error:
        raise Broken(f"loading {what} raised {type(error).__name__} ({error}), not BadInput") from error
