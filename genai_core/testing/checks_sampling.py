"""Promises of models at work: samples, scores, codes, transformed and predicted artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from genai_core.errors import GenaiError
from genai_core.files.artifacts import Artifact
from genai_core.testing.bench import MANY, SEED, Bench
from genai_core.testing.checks_model import saved
from genai_core.testing.digests import content, state_digest
from genai_core.testing.examples import example
from genai_core.testing.promises import NotApplicable, can, expect, expect_ok, promise

A_FEW = 7


def _count(artifacts: list[Artifact]) -> int:
    return sum(len(artifact) for artifact in artifacts)


@promise("model", when=can("sample"))
def gives_as_many_as_asked(bench: Bench, spec: Any) -> None:
    """`sample(n)` yields artifacts with n items in all."""
    for n in (1, A_FEW):
        found = _count(bench.sample(spec, n))
        expect(found == n, f"sample({n}) gave {found} items")
    expect(_count(bench.drawn(spec)) == MANY, f"sample({MANY}) gave {_count(bench.drawn(spec))} items")


@promise("model", when=can("sample"))
def gives_artifacts_of_its_modality(bench: Bench, spec: Any) -> None:
    """Samples are artifacts of the model's modality, and an iterator yields them."""
    stream = bench.model(spec).sample(2, bench.context(spec))
    expect(isinstance(stream, Iterator), f"sample returns a {type(stream).__name__}, not an iterator")
    for artifact in bench.sample(spec, A_FEW):
        expect(isinstance(artifact, Artifact), f"it yields a {type(artifact).__name__}, not an artifact")
        expect(
            artifact.modality == spec.modality,
            f"it yields {artifact.modality!r}, its spec says {spec.modality!r}",
        )


@promise("model", when=can("sample"))
def samples_are_valid(bench: Bench, spec: Any) -> None:
    """Every sample passes the validation of its artifact."""
    for artifact in bench.drawn(spec):
        expect_ok("validate() of a sample", artifact.validate)


@promise("model", when=can("sample"))
def same_seed_same_sample(bench: Bench, spec: Any) -> None:
    """The same seed gives the same sample, whatever was sampled in between."""
    first = content(bench.sample(spec, A_FEW))
    bench.sample(spec, 3, seed=99)
    expect(content(bench.sample(spec, A_FEW)) == first, "the second sample of the same seed is another")


@promise("model", when=can("sample"))
def other_seed_other_sample(bench: Bench, spec: Any) -> None:
    """Other seeds give other samples."""
    first = content(bench.drawn(spec))
    differs = any(content(bench.drawn(spec, seed)) != first for seed in range(3))
    expect(differs, f"four seeds gave the same {MANY} items; is ctx.seed used?")


@promise("model", when=can("sample"))
def nothing_from_nothing(bench: Bench, spec: Any) -> None:
    """`sample(0)` yields nothing, or is refused with a clear error."""
    try:
        found = list(islice(bench.model(spec).sample(0, bench.context(spec)), 1000))
    except GenaiError:
        return
    except Exception as error:
        raise AssertionError(f"sample(0) raised {type(error).__name__}: {error}") from error
    expect(_count(found) == 0, f"sample(0) gave {_count(found)} items")


@promise("model", when=can("sample"))
def sampling_changes_nothing(bench: Bench, spec: Any) -> None:
    """Sampling leaves the model as it was."""
    before = state_digest(bench.model(spec))
    bench.sample(spec, A_FEW)
    expect(state_digest(bench.model(spec)) == before, "the state is another after sampling")


@promise("model", when=can("sample"))
def shards_make_the_whole(bench: Bench, spec: Any) -> None:
    """The shards of a sample, in any order and apart, are the sample made in one go."""
    from genai_core.running.shards import make_plan, sample_shard

    expect(_count(bench.sample(spec, 4)) == 4, "it does not give as many items as asked")  # or never ends
    loaded = bench.keep(("saved", spec.id), saved, bench, spec)[1]
    plan = make_plan(loaded, 10, seed=SEED, shard_size=4, options=bench.sampling(spec))
    whole: dict[int, str] = {}
    apart: dict[int, str] = {}
    for found, order in ((whole, (0, 1, 2)), (apart, (2, 0, 1))):
        for shard in order:
            found[shard] = content(expect_ok(f"shard {shard}", sample_shard, loaded, plan, shard))
    expect(whole == apart, "a shard depends on what was sampled before it")
    expect(
        len(set(whole.values())) == 3 or other_is_rare(bench, spec), "different shards hold the same items"
    )


def other_is_rare(bench: Bench, spec: Any) -> bool:
    """Whether the model knows so few items that two small shards may well be equal."""
    return len({content(bench.sample(spec, 4, seed=seed)) for seed in range(6)}) < 4


@promise("model", when=can("sample"))
def progress_is_told(bench: Bench, spec: Any) -> None:
    """What is told to `ctx.progress` are whole numbers that rise to at most n."""
    from dataclasses import replace

    told: list[int] = []
    ctx = replace(bench.context(spec), progress=told.append)
    list(islice(bench.model(spec).sample(A_FEW, ctx), 1000))
    ok = all(isinstance(done, int) and 0 <= done <= A_FEW for done in told) and told == sorted(told)
    expect(ok, f"for {A_FEW} items it told {told}")


@promise("model", when=can("score"))
def one_score_an_item(bench: Bench, spec: Any) -> None:
    """`score` gives one finite number an item, whatever the other items are."""
    import numpy as np

    model, items, ctx = bench.model(spec), bench.items(spec, count=A_FEW), bench.context(spec)
    with bench.watched(spec, "score"):
        scores = expect_ok("score(items)", lambda: np.asarray(model.score(items, ctx)))
        backwards = np.asarray(model.score(items[::-1], ctx))[::-1]
        alone = np.asarray(model.score(items[:1], ctx))
    expect(scores.shape == (len(items),), f"the shape is {scores.shape} for {len(items)} items")
    expect(np.isfinite(scores).all(), f"the scores are {scores}")
    expect(np.allclose(scores, backwards, rtol=1e-4, atol=1e-4), "in another order the scores are others")
    expect(np.allclose(scores[:1], alone, rtol=1e-4, atol=1e-4), "alone, an item has another score")


@promise("model", when=can("encode"))
def codes_are_rows(bench: Bench, spec: Any) -> None:
    """`encode` gives one row an item, and `decode` gives one item a row."""
    import numpy as np

    model, items, ctx = bench.model(spec), bench.items(spec, count=A_FEW), bench.context(spec)
    with bench.watched(spec, "encode and decode"):
        codes = expect_ok("encode(items)", lambda: np.asarray(model.encode(items, ctx)))
        expect(
            codes.ndim == 2 and len(codes) == len(items), f"the shape is {codes.shape} for {len(items)} items"
        )
        found = expect_ok("decode(codes)", lambda: _count(list(model.decode(codes, ctx))))
    expect(found == len(items), f"{len(items)} rows were decoded to {found} items")


@promise("model", when=can("transform"))
def one_out_for_each_in(bench: Bench, spec: Any) -> None:
    """`transform` gives one artifact for each artifact, the same again from the same seed."""
    model, ctx = bench.model(spec), bench.context(spec)
    given = _given(bench, spec)
    with bench.watched(spec, "transform"):
        first, second = (
            expect_ok("transform", lambda: list(model.transform([given, given], ctx))) for _ in range(2)
        )
    expect(len(first) == 2, f"two artifacts gave {len(first)}")
    expect(content(first) == content(second), "the same seed gave another result")


@promise("model", when=can("predict"))
def predicts_as_far_as_asked(bench: Bench, spec: Any) -> None:
    """`predict(past, horizon)` gives artifacts, the same again from the same seed."""
    model, ctx = bench.model(spec), bench.context(spec)
    given = _given(bench, spec)
    with bench.watched(spec, "predict"):
        first, second = (
            expect_ok("predict", lambda: list(islice(model.predict(given, 3, ctx), 100))) for _ in range(2)
        )
    expect(first, "nothing was predicted")
    expect(content(first) == content(second), "the same seed gave another prediction")


def _given(bench: Bench, spec: Any) -> Artifact:
    codec = [found for found in bench.registry.specs("artifact") if found.name == spec.modality]
    if not codec:
        raise NotApplicable(f"modality {spec.modality!r} has no codec")
    return example(bench, codec[0])
