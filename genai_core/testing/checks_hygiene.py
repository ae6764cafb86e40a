"""Promises of good manners: a plugin leaves the process, the network and the terminal alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genai_core.testing.examples import example
from genai_core.testing.promises import Broken, NotApplicable, expect, promise

if TYPE_CHECKING:
    from genai_core.testing.bench import Bench

WORKING = ("dataset", "model", "evaluator", "artifact")


def _effect(bench: Bench, spec: Any, *kinds: str) -> None:
    """Let the spec work under observation, then look for effects of these kinds."""
    _exercise(bench, spec)
    seen = bench.effects.get(spec.id, {})
    for kind in kinds:
        expect(kind not in seen, f"{kind}: {seen.get(kind)}")


def _exercise(bench: Bench, spec: Any) -> None:
    try:
        bench.keep(("exercise", spec.id), _work, bench, spec)
    except NotApplicable:
        raise
    except (Broken, Exception):  # another promise tells of it; what was seen until then still counts
        return


def _work(bench: Bench, spec: Any) -> None:
    if spec.kind == "dataset":
        data = bench.data(spec)
        with bench.watched(spec, "reading items"):
            [data[index] for index in range(min(8, len(data)))]
            [data.split(name)[0] for name in spec.splits]
            data.fingerprint()
    elif spec.kind == "model":
        model = bench.model(spec)
        if "sample" in spec.capabilities:
            bench.sample(spec, 5)
        if "train" in spec.capabilities:
            with bench.watched(spec, "collate"):
                bench.batch(spec, model)
    elif spec.kind == "evaluator":
        from genai_core.testing.checks_evaluator import _measured

        _measured(bench, spec)
    else:
        artifact = example(bench, spec)
        with bench.watched(spec, "saving"):
            artifact.validate()
            for suffix in spec.suffixes:
                artifact.save(bench.folder("quiet") / f"example{suffix}")
            artifact.preview()


@promise(*WORKING)
def needs_no_network(bench: Bench, spec: Any) -> None:
    """Nothing is fetched while it works; data and weights are fetched on request, by the core."""
    _effect(bench, spec, "network")


@promise(*WORKING)
def prints_nothing(bench: Bench, spec: Any) -> None:
    """Nothing is written to stdout or stderr, neither by Python nor by native code."""
    _effect(bench, spec, "output")


@promise(*WORKING)
def leaves_global_randomness_alone(bench: Bench, spec: Any) -> None:
    """Random numbers come from the context: the global generators are as they were."""
    _effect(bench, spec, "python random state", "numpy random state", "torch random state")


@promise(*WORKING)
def leaves_torch_settings_alone(bench: Bench, spec: Any) -> None:
    """Threads, default dtype, gradient and deterministic mode of torch are as they were."""
    settings = ("threads", "default dtype", "gradient mode", "deterministic mode")
    _effect(bench, spec, *(f"torch {name}" for name in settings))


@promise(*WORKING)
def leaves_numpy_settings_alone(bench: Bench, spec: Any) -> None:
    """Print options and error handling of numpy are as they were."""
    _effect(bench, spec, "numpy print options", "numpy error handling")


@promise(*WORKING)
def leaves_the_folder_alone(bench: Bench, spec: Any) -> None:
    """The working directory is the same and has no new file."""
    _effect(bench, spec, "working directory", "files in the working directory")


@promise(*WORKING)
def leaves_the_process_alone(bench: Bench, spec: Any) -> None:
    """Environment, module path, signal handlers, logging, umask and threads are as they were."""
    _effect(bench, spec, "environment", "sys.path", "signal handlers", "logging", "umask", "threads")
