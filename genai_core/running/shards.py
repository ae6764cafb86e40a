"""Bulk sampling in shards: each a pure function of (weights, seed, shard number, count, options).

One file a shard, committed by rename; the work is done when all files are there. So a kill, a retry, any
number of workers and any split over machines give the same bytes. On CPU a shard is always worked by one
thread, because the last bits of a matrix product may depend on the number of threads.
"""

from __future__ import annotations

import json
import math
import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import torch

from genai_core.errors import PluginError, UsageError
from genai_core.files.atomic import atomic_write, claim, inside, sha256_file
from genai_core.files.provenance import SUFFIX, intact, make_record, sign_folder
from genai_core.plugins.registry import registry
from genai_core.protocols import Context, Samples, derive_seed
from genai_core.running.models import Loaded, load_model

if TYPE_CHECKING:
    from pathlib import Path

    from genai_core.files.artifacts import Artifact

PLAN = "plan.json"
INDEX = "index.jsonl"
LARGEST_N = 10**9
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sampled. Equal plans give equal bytes.

    Attributes:
        n: Items in all.
        seed: Seed of the whole.
        shard_size: Items a shard; the last shard has the rest.
        options: The model's sampling options, resolved.
    """

    n: int
    seed: int = 0
    shard_size: int = 1024
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.n <= LARGEST_N:
            raise UsageError(f"n = {self.n}: ask for 1 to {LARGEST_N:,} items")
        if self.shard_size < 1:
            raise UsageError(f"shard size {self.shard_size}: at least 1")

    @property
    def shards(self) -> int:
        """Number of shards."""
        return math.ceil(self.n / self.shard_size)

    def count(self, shard: int) -> int:
        """Items of shard number `shard`, from 0."""
        return min(self.shard_size, self.n - shard * self.shard_size)


def make_plan(
    loaded: Loaded,
    n: int,
    *,
    seed: int = 0,
    shard_size: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Plan:
    """A plan with the options checked against the model's options config."""
    if "sample" not in loaded.spec.capabilities or not isinstance(loaded.model, Samples):
        raise UsageError(f"{loaded.spec.id} does not sample", hint=f"genai info {loaded.spec.id}")
    resolved = registry().config_class(loaded.spec, "options").parse(options or {}, where=loaded.spec.id)
    size = getattr(loaded.model, "shard_size", 1024) if shard_size is None else shard_size
    return Plan(n, seed, size, resolved.model_dump(mode="json"))


def sample_shard(
    loaded: Loaded, plan: Plan, shard: int, progress: Progress = lambda done: None
) -> list[Artifact]:
    """Sample one shard: one artifact for collections (molecules), else one an item (pictures).

    Raises:
        PluginError: The model yielded another number of items than asked.
    """
    options = registry().config_class(loaded.spec, "options").parse(plan.options, where=loaded.spec.id)
    ctx = Context(derive_seed(plan.seed, "shard", shard), loaded.device, options, progress)
    count, found = plan.count(shard), 0
    artifacts: list[Artifact] = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(ctx.seed)
            for artifact in loaded.model.sample(count, ctx):
                artifacts.append(artifact)
                found += len(artifact)
                if found > count:  # perhaps it never ends
                    break
    finally:
        torch.set_num_threads(threads)
    if found != count or not artifacts:
        raise PluginError(f"{loaded.spec.id} yielded {found} items where {count} were asked for")
    whole = type(artifacts[0]).concat(artifacts)
    artifacts = artifacts if whole is None else [whole]
    for artifact in artifacts:
        artifact.record = shard_record(loaded, plan, artifact, shard)
    return artifacts


def sample_all(loaded: Loaded, plan: Plan) -> Artifact | list[Artifact]:
    """All shards in memory: one artifact for collections, else a list."""
    artifacts = [a for shard in range(plan.shards) for a in sample_shard(loaded, plan, shard)]
    whole = type(artifacts[0]).concat(artifacts)
    if whole is None:
        return artifacts
    whole.record = shard_record(loaded, plan, whole, None)
    return whole


def sample_to_folder(
    where: str,
    plan: Plan,
    out: Path,
    *,
    part: tuple[int, int] | None = None,
    workers: int = 1,
    suffix: str | None = None,
    device: str = "cpu",
    progress: Progress = lambda done: None,
) -> list[Path]:
    """Write the shards of `plan` into `out`, skipping those that are there.

    Args:
        where: Run, model folder or model id; every worker loads it.
        plan: What to sample.
        out: Folder; may be shared by any number of processes that follow the same plan.
        part: ``(i, k)`` with 1 <= i <= k: only every k-th shard, for k machines.
        workers: Processes here.
        suffix: File format; default: the first one of the artifact.
        device: torch device.
        progress: Called with the number of items done.

    Returns:
        The files of this part of the plan.

    Raises:
        UsageError: `out` holds another plan.
    """
    _load_once.cache_clear()  # other weights may lie there by now
    loaded = _load_once(where, device)
    origin = {"model": loaded.spec.id, "weights_sha256": loaded.weights_sha256}
    claim(out, PLAN, {**origin, **asdict(plan), "format": suffix})
    i, k = part or (1, 1)
    if not 1 <= i <= k:
        raise UsageError(f"shard {i}/{k}: i must be from 1 to k")
    finished = {shard: _finished(out, plan, shard) for shard in range(i - 1, plan.shards, k)}
    missing = [shard for shard, files in finished.items() if not files]
    done = sum(plan.count(shard) for shard, files in finished.items() if files)
    work, workers = partial(_write_shard, where, device, plan, out, suffix), min(workers, len(missing))
    with ProcessPoolExecutor(max(1, workers), multiprocessing.get_context("spawn")) as pool:
        written = (pool.map if workers > 1 else map)(work, missing)
        for shard, files in zip(missing, written, strict=True):
            finished[shard] = files
            done += plan.count(shard)
            progress(done)
    _complete(out, plan)
    return [path for files in finished.values() for path in files]


_load_once = cache(load_model)


def _write_shard(
    where: str, device: str, plan: Plan, out: Path, suffix: str | None, shard: int
) -> list[Path]:
    """Sample one shard and commit its files."""
    artifacts = sample_shard(_load_once(where, device), plan, shard)
    files = []
    for number, artifact in enumerate(artifacts):
        ending = suffix or type(artifact).suffixes[0]
        name = f"part-{shard:05d}" if len(artifacts) == 1 else f"part-{shard:05d}-{number:04d}"
        files.append(artifact.save(inside(out, name + ending)))
    return files


def shard_record(loaded: Loaded, plan: Plan, artifact: Artifact, shard: int | None) -> dict[str, Any]:
    """The provenance record of one artifact of a plan; `shard` None stands for all shards together."""
    origin = {"kind": "sample", "model": loaded.spec.id, "weights_sha256": loaded.weights_sha256}
    recipe = {**origin, **asdict(plan), "shard": shard}
    config = loaded.model.config.model_dump(mode="json")
    return make_record(recipe, config=config, modality=artifact.modality, model=loaded)


def _finished(out: Path, plan: Plan, shard: int) -> list[Path]:
    """The files of a shard, intact: one for all its items or one for each. None where it must be (re)done."""
    files = [p for p in sorted(out.glob(f"part-{shard:05d}[.-]*")) if not p.name.endswith(SUFFIX)]
    together = len(files) == 1 and files[0].name.startswith(f"part-{shard:05d}.")
    return files if (together or len(files) == plan.count(shard)) and all(map(intact, files)) else []


def _complete(out: Path, plan: Plan) -> None:
    """Once all shards are there, list them (the same bytes whoever does it) and sign their records."""
    shards = [_finished(out, plan, shard) for shard in range(plan.shards)]
    if not all(shards):
        return
    lines = [
        json.dumps({"shard": shard, "file": path.name, "sha256": sha256_file(path)}) + "\n"
        for shard, files in enumerate(shards)
        for path in files
    ]
    atomic_write(out / INDEX, "".join(lines).encode())
    sign_folder(out, [path.name for files in shards for path in files])
