"""Promises of data sets: map-style, deterministic, split, and known by a fingerprint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from genai_core.errors import UsageError
from genai_core.protocols import Dataset
from genai_core.testing.checks_config import variants
from genai_core.testing.digests import content
from genai_core.testing.promises import Broken, NotApplicable, expect, expect_error, expect_ok, promise

if TYPE_CHECKING:
    from genai_core.testing.bench import Bench

LOOK_AT = 64
FEW = 20_000


@promise("dataset")
def is_a_dataset(bench: Bench, spec: Any) -> None:
    """A data set has a modality, a length, items, splits and a fingerprint."""
    data = bench.data(spec)
    expect(
        isinstance(data, Dataset), f"{type(data).__name__} lacks modality, len, items, split or fingerprint"
    )
    expect(
        data.modality == spec.modality, f"its modality is {data.modality!r}, its spec says {spec.modality!r}"
    )


@promise("dataset")
def has_items(bench: Bench, spec: Any) -> None:
    """A data set and each of its splits has items."""
    for name, part in _parts(bench, spec).items():
        expect(isinstance(len(part), int) and len(part) > 0, f"{name} is empty")


@promise("dataset")
def length_is_right(bench: Bench, spec: Any) -> None:
    """There are as many items as the length says: the last one is there, the next is an IndexError."""
    for name, part in _parts(bench, spec).items():
        count = len(part)
        expect_ok(f"item {count - 1} of {count} of {name}", part.__getitem__, count - 1)
        for index in (count, count + 10):
            expect_error(IndexError, f"item {index} of {count} of {name}", part.__getitem__, index)


@promise("dataset")
def negative_index_counts_from_the_end(bench: Bench, spec: Any) -> None:
    """A negative index counts from the end or is an IndexError; it never means something else."""
    data = bench.data(spec)
    try:
        last = data[-1]
    except IndexError:
        return
    expect(content(last) == content(data[len(data) - 1]), "data[-1] is not the last item")
    expect_error(IndexError, "data[-len - 1]", data.__getitem__, -len(data) - 1)


@promise("dataset")
def iteration_follows_the_index(bench: Bench, spec: Any) -> None:
    """Iterating gives the items in the order of their index."""
    data = bench.data(spec)
    for index, item in zip(range(min(LOOK_AT, len(data))), data, strict=False):
        expect(content(item) == content(data[index]), f"iteration and index differ at item {index}")


@promise("dataset")
def items_repeat(bench: Bench, spec: Any) -> None:
    """An index gives the same item again, in any order of asking, and from a second build."""
    data, again = bench.data(spec), bench.build(spec)
    count = min(LOOK_AT, len(data))
    first = [content(data[index]) for index in range(count)]
    backwards = [content(data[index]) for index in reversed(range(count))][::-1]
    expect(first == backwards, "asked in another order, the items are others")
    expect(len(again) == len(data), f"built again, it has {len(again)} items, not {len(data)}")
    expect(first == [content(again[index]) for index in range(count)], "built again, the items are others")


@promise("dataset")
def items_cannot_be_changed(bench: Bench, spec: Any) -> None:
    """Changing an item that was handed out does not change the data set."""
    data = bench.data(spec)
    before = content(data[0])
    if not _change(data[0]):
        raise NotApplicable("its items cannot be changed")
    expect(content(data[0]) == before, "an item that was changed by its reader stays changed")


@promise("dataset")
def splits_are_as_declared(bench: Bench, spec: Any) -> None:
    """Every declared split is there, named once, and of the same modality."""
    data = bench.data(spec)
    for name in spec.splits:
        part = expect_ok(f"split({name!r})", data.split, name)
        expect(isinstance(part, Dataset), f"split({name!r}) is a {type(part).__name__}, not a data set")
        expect(part.modality == spec.modality, f"split({name!r}) has modality {part.modality!r}")
    expect(len(set(spec.splits)) == len(spec.splits), f"splits {spec.splits} repeat a name")


@promise("dataset")
def splits_are_disjoint(bench: Bench, spec: Any) -> None:
    """No item of one split is in another."""
    data = bench.data(spec)
    seen: dict[str, str] = {}
    for name in spec.splits:
        part = data.split(name)
        for index in range(min(2000, len(part))):
            key = content(part[index])
            other = seen.setdefault(key, name)
            expect(other == name, f"item {index} of {name!r} is also in {other!r}: {str(part[index])[:60]}")


@promise("dataset")
def training_sees_no_test_item(bench: Bench, spec: Any) -> None:
    """The data set itself, on which models are trained, holds no item of a split other than `train`."""
    data = bench.data(spec)
    known = {content(data[index]) for index in range(len(data) if len(data) < FEW else LOOK_AT)}
    for name in spec.splits:
        part = data.split(name)
        if name != "train" and len(spec.splits) > 1:
            seen = [i for i in range(min(2000, len(part))) if content(part[i]) in known]
            expect(not seen, f"items {seen[:5]} of split {name!r} are also in the data set itself")


@promise("dataset")
def unknown_split_is_explained(bench: Bench, spec: Any) -> None:
    """An unknown split is a `UsageError` that says which there are."""
    error = expect_error(UsageError, 'split("no-such-part")', bench.data(spec).split, "no-such-part")
    said = f"{error.message} {error.hint or ''}"
    expect(any(name in said for name in spec.splits), f"the error does not name the splits: {said}")


@promise("dataset")
def fingerprint_is_a_sha256(bench: Bench, spec: Any) -> None:
    """The fingerprint is 64 hex digits and the same from a second build."""
    found = bench.data(spec).fingerprint()
    expect(isinstance(found, str) and re.fullmatch(r"[0-9a-f]{64}", found), f"the fingerprint is {found!r}")
    expect(bench.build(spec).fingerprint() == found, "built again, it has another fingerprint")


@promise("dataset")
def fingerprint_knows_the_split(bench: Bench, spec: Any) -> None:
    """Each split has a fingerprint of its own."""
    found = {name: bench.data(spec).split(name).fingerprint() for name in spec.splits}
    expect(len(set(found.values())) == len(found), f"splits share a fingerprint: {found}")


@promise("dataset", when=lambda spec: spec.config is not None)
def fingerprint_knows_the_config(bench: Bench, spec: Any) -> None:
    """A configuration that gives other items gives another fingerprint."""
    data = bench.data(spec)
    others = variants(bench.config(spec))
    if not others:
        raise NotApplicable("its config has no number or switch to change")
    for config in others:
        other = bench.build(spec, config)
        if _items(other) != _items(data):
            same = other.fingerprint() == data.fingerprint()
            expect(not same, f"the items of {config!r} are others, and the fingerprint is the same")


@promise("dataset", process=True)
def same_in_another_process(bench: Bench, spec: Any) -> None:
    """Another process, with another hash seed, finds the same items and the same fingerprint."""
    from genai_core.testing.probe import data_digest, probe

    here = data_digest(bench.data(spec))
    there = probe(bench).get(spec.id)
    if here != there:
        raise Broken("another process finds other items or another fingerprint; is a set or hash() at work?")


def _items(data: Any) -> tuple[int, list[str]]:
    return len(data), [content(data[index]) for index in range(min(LOOK_AT, len(data)))]


def _parts(bench: Bench, spec: Any) -> dict[str, Any]:
    data = bench.data(spec)
    return {"the data set": data, **{f"split {name!r}": data.split(name) for name in spec.splits}}


def _change(item: Any) -> bool:
    """Change a value in place where its type allows it; False where it does not."""
    if isinstance(item, dict):
        item["changed"] = 1
        return True
    if isinstance(item, list):
        item.append(item[-1] if item else 0)
        return True
    if isinstance(item, tuple):
        return any(_change(value) for value in item)
    if hasattr(item, "dtype") and hasattr(item, "__setitem__"):
        try:
            item[...] = 1 - item
        except (ValueError, RuntimeError):  # marked as not writeable
            return False
        return True
    return False
