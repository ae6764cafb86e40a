"""Promises of models: what they can do, how they are saved and known again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genai_core.errors import GenaiError
from genai_core.protocols import CAPABILITY_PROTOCOLS
from genai_core.testing.digests import content, state_digest
from genai_core.testing.promises import Broken, can, expect, expect_ok, promise

if TYPE_CHECKING:
    from genai_core.testing.bench import Bench

PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


@promise("model")
def capabilities_are_true(bench: Bench, spec: Any) -> None:
    """A model can do what its spec declares, and declares what it can do."""
    model = bench.build(spec)
    able = {name for name, protocol in CAPABILITY_PROTOCOLS.items() if isinstance(model, protocol)}
    lacking, silent = sorted(spec.capabilities - able), sorted(able - spec.capabilities)
    expect(not lacking, f"it declares {lacking} and lacks the methods")
    expect(not silent, f"it has the methods of {silent} and does not declare it")


@promise("model")
def can_be_had(bench: Bench, spec: Any) -> None:
    """A model has a way to its weights: it trains, it fits, it ships them, or it needs none."""
    learns = spec.capabilities & {"train", "fit"} or spec.weights
    expect(learns or not bench.build(spec).modules(), "it has networks, but neither trains nor ships weights")


@promise("model")
def state_needs_no_pickle(bench: Bench, spec: Any) -> None:
    """The state is made of tensors, arrays and plain values, and holds what was learned."""
    model = bench.model(spec)
    state_digest(model)
    if spec.capabilities & {"train", "fit"}:
        expect(model.state(), "state() is empty although the model has learned")
        expect(state_digest(model) != _untaught(bench, spec), "learning does not show in state()")


@promise("model")
def state_survives_the_disk(bench: Bench, spec: Any) -> None:
    """A new model that loads the written state has the same state, without being prepared or fitted."""
    from genai_core.running.state import read_state, write_state

    model, folder = bench.model(spec), bench.folder("state")
    write_state(folder, model.state())
    again = bench.build(spec)
    with bench.watched(spec, "load_state"):
        expect_ok("load_state on a new model", again.load_state, read_state(folder))
    expect(state_digest(again) == state_digest(model), "the state is another after saving and loading")


@promise("model", when=can("sample", "score", "encode"))
def saved_model_works_the_same(bench: Bench, spec: Any) -> None:
    """A model that was saved and loaded samples and scores exactly as before."""
    again = bench.keep(("saved", spec.id), saved, bench, spec)[1].model
    model = bench.model(spec)
    if "sample" in spec.capabilities:
        before, after = (content(bench.sample(spec, 5, model=m)) for m in (model, again))
        expect(before == after, "after saving and loading, the same seed gives another sample")
    if "score" in spec.capabilities:
        before, after = (
            content(m.score(bench.items(spec, count=5), bench.context(spec))) for m in (model, again)
        )
        expect(before == after, "after saving and loading, the scores are others")
    if "encode" in spec.capabilities:
        before, after = (
            content(m.encode(bench.items(spec, count=5), bench.context(spec))) for m in (model, again)
        )
        expect(before == after, "after saving and loading, the codes are others")


@promise("model")
def no_pickle_is_written(bench: Bench, spec: Any) -> None:
    """No file that is written for a model is a pickle or an archive that may hold one."""
    folder, _ = bench.keep(("saved", spec.id), saved, bench, spec)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        expect(
            path.suffix not in {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy"}, f"it writes {path.name}"
        )
        expect(not path.read_bytes().startswith(PICKLE_STARTS), f"{path.name} is a pickle or a ZIP")


@promise("model", when=lambda spec: spec.weights is not None)
def shipped_weights_work(bench: Bench, spec: Any) -> None:
    """Shipped weights load, belong to this model, have a card, and can be used."""
    from genai_core.running.models import CARD, find_model, load_model

    loaded = expect_ok("loading the shipped weights", load_model, spec.id)
    expect(loaded.spec.id == spec.id, f"they belong to {loaded.spec.id}")
    expect((find_model(spec.id) / CARD).is_file(), f"there is no {CARD} beside them")
    if "sample" in spec.capabilities:
        bench.sample(spec, 2, model=loaded.model)


@promise("model", process=True)
def learns_the_same_elsewhere(bench: Bench, spec: Any) -> None:
    """Another process, with another hash seed, trains the same model and draws the same sample."""
    from genai_core.testing.probe import model_digest, probe

    here = model_digest(bench, spec)
    if probe(bench).get(spec.id) != here:
        raise Broken("another process ends with another model or sample; is a set or hash() at work?")


def saved(bench: Bench, spec: Any) -> tuple[Any, Any]:
    """The model written as a run writes it, and read back: its folder and what was loaded."""
    from genai_core.running.models import load_model, save_model

    folder = bench.folder("model") / "model"
    expect_ok("saving the model", save_model, folder, bench.model(spec), spec.id, about={})
    return folder, expect_ok("loading the saved model", load_model, folder)


def _untaught(bench: Bench, spec: Any) -> str:
    """Digest of the state before learning; empty where an untaught model has no state."""
    try:
        return state_digest(bench.prepared(spec) if "train" in spec.capabilities else bench.build(spec))
    except (Broken, GenaiError, AttributeError):
        return ""
