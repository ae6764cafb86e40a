"""The contract suite can fail: it accepts a good plugin and rejects nearly every mutant of it."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from pathlib import Path

import numpy as np
import pytest
import torch

from genai_core.errors import UsageError
from genai_core.plugins import registry as registry_module
from genai_core.plugins.registry import registry
from genai_core.testing import contract_suite
from genai_core.testing.bench import Bench
from genai_core.testing.suite import CHECKS, Result, cases, run_case
from support.contract_mutants import MUTANTS, Mutant

GOOD = Path(__file__).parents[1] / "support" / "good_plugin"
SHARE = 0.95
TINY = {"write": {"count": 3}}
# What a change in a file can break; every other spec is as it was and need not be tried again.
ABOUT = {
    "data.py": {"made-up", "points"},
    "letters.py": {"letters"},
    "chain.py": {"chain"},
    "pair.py": {"pair"},
    "spelling.py": {"spelling"},
    "artifact.py": {"words", "chain"},
    "write.py": {"write"},
    "shout.py": {"shout", "volume", "hush"},
}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No other plugin is loaded, and files that a mutant drops fall into a folder of the test."""
    monkeypatch.setenv("GENAI_PLUGINS", "")
    monkeypatch.chdir(tmp_path)
    registry_module.reset()
    yield
    registry_module.reset()


@contextmanager
def planted(folder: Path, number: int, mutant: Mutant | None) -> Iterator[Bench]:
    """The good plugin, or a mutant of it, under a package name of its own; undoes what it does."""
    package = f"genai_good{number}"
    for source in (GOOD / "genai_good").glob("*.py"):
        text = source.read_text(encoding="utf-8")
        if mutant is not None and mutant.file == source.name:
            assert text.count(mutant.old) == 1, f"{mutant.name}: {text.count(mutant.old)} places to change"
            text = text.replace(mutant.old, mutant.new)
        target = folder / package / source.name
        target.parent.mkdir(exist_ok=True, parents=True)
        target.write_text(text.replace("genai_good", package), encoding="utf-8")
    (folder / "README.md").write_text((GOOD / "README.md").read_text(encoding="utf-8"), encoding="utf-8")
    where, environment, threads = Path.cwd(), dict(os.environ), torch.get_num_threads()
    generators = random.getstate(), np.random.get_state(), torch.get_rng_state()
    numpy_settings = np.get_printoptions(), np.geterr()
    sys.path.insert(0, str(folder))
    invalidate_caches()
    registry_module.reset()
    try:
        registry().register(import_module(f"{package}.plugin"), "good")
        yield Bench("good", TINY)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]
        os.chdir(where)
        os.environ.clear()
        os.environ.update(environment)
        torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float32)
        random.setstate(generators[0])
        np.random.set_state(generators[1])
        torch.set_rng_state(generators[2])
        np.set_printoptions(**numpy_settings[0])
        np.seterr(**numpy_settings[1])


def results(bench: Bench, file: str = "", *, process: bool = False) -> Iterator[Result]:
    """The results of the checks that a change in `file` may concern."""
    for check, spec in cases(bench):
        if check.process == process and (spec is None or spec.name in ABOUT.get(file, {spec.name})):
            yield run_case(bench, check, spec)


def killers(mutant: Mutant, number: int, folder: Path) -> list[str]:
    """The checks that reject the mutant; those that start another process only when no other does."""
    with planted(folder, number, mutant) as bench:
        for process in (False, True):
            found = [r for r in results(bench, mutant.file, process=process) if r.status == "broken"]
            if found:
                return sorted({f"{result.check}[{result.spec_id}]" for result in found})
    return []


def test_enough_promises() -> None:
    assert len({check.name for check in CHECKS}) >= 35
    assert all(check.promise.endswith(".") for check in CHECKS), "a promise is a sentence"


# What the good plugin has no occasion to show here: it ships no weights, and most machines have no GPU.
UNTRIED = {"accelerator_agrees", "shipped_weights_work"}


@pytest.mark.slow
def test_good_plugin_keeps_every_promise(tmp_path: Path) -> None:
    with planted(tmp_path / "good", 0, None) as bench:
        found = [result for process in (False, True) for result in results(bench, process=process)]
    broken = [
        f"{result.check}[{result.spec_id}]: {result.message}" for result in found if result.status == "broken"
    ]
    assert not broken, "\n".join(broken)
    kept = {result.check for result in found if result.status == "kept"}
    idle = {check.name for check in CHECKS} - kept - UNTRIED
    assert not idle, f"nothing in the good plugin shows these: {idle}"


@pytest.mark.slow
def test_mutants_are_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = {m: killers(m, number, tmp_path / str(number)) for number, m in enumerate(MUTANTS, start=1)}
    survivors = [f"{mutant.file}: {mutant.name}" for mutant, found in table.items() if not found]
    with capsys.disabled():
        print()
        for mutant, found in table.items():
            print(f"{mutant.file:12} {mutant.name:36} {', '.join(found[:3]) or 'SURVIVES'}")
        print(f"{len(table) - len(survivors)} of {len(table)} mutants killed")
    assert len(table) >= 50
    assert len(survivors) <= (1 - SHARE) * len(table), survivors


def test_absent_plugin_fails_with_a_sentence() -> None:
    bench = Bench("nowhere")
    found = {check.name: run_case(bench, check, spec) for check, spec in cases(bench)}
    assert found["loads_without_faults"].status == "broken"
    assert "no plugin 'nowhere' is installed" in found["loads_without_faults"].message


def test_skip_must_name_a_promise() -> None:
    with pytest.raises(UsageError, match="no promise has this name"):
        contract_suite("core", skip={"real_data_beats_noise": "why not"})
