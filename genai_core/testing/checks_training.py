"""Promises of models that learn: what the engine relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genai_core.protocols import HasOptimizers
from genai_core.testing.bench import BATCH, SEED, STEPS
from genai_core.testing.digests import content, state_digest
from genai_core.testing.promises import NotApplicable, can, expect, expect_ok, promise

if TYPE_CHECKING:
    from genai_core.testing.bench import Bench

TOLERANCE = 1e-4


@promise("model", when=can("train"))
def prepare_is_deterministic(bench: Bench, spec: Any) -> None:
    """`prepare` depends on data and seed only: twice the same gives the same state."""
    first, second = (state_digest(bench.prepared(spec)) for _ in range(2))
    expect(first == second, "the state after prepare differs; draw initial weights from ctx")


@promise("model", when=can("train"))
def prepare_follows_the_seed(bench: Bench, spec: Any) -> None:
    """Another seed gives other initial weights."""
    first, second = (state_digest(bench.prepared(spec, seed)) for seed in (SEED, SEED + 1))
    expect(first != second, "the initial weights do not depend on ctx.seed")


@promise("model", when=can("train"))
def collate_puts_the_batch_first(bench: Bench, spec: Any) -> None:
    """`collate` gives named CPU tensors whose first dimension is the batch."""
    import torch

    model = bench.prepared(spec)
    for size in (1, BATCH):
        batch = bench.batch(spec, model, bench.items(spec, count=size))
        count = len(bench.items(spec, count=size))
        expect(batch, "the batch is empty")
        for name, tensor in batch.items():
            expect(isinstance(tensor, torch.Tensor), f"{name!r} is a {type(tensor).__name__}, not a tensor")
            expect(tensor.device.type == "cpu", f"{name!r} is on {tensor.device}; the engine moves it")
            expect(
                tensor.ndim and len(tensor) == count,
                f"{name!r} has shape {tuple(tensor.shape)} for {count} items",
            )


@promise("model", when=can("train"))
def collate_is_deterministic(bench: Bench, spec: Any) -> None:
    """`collate` depends on its items and generator only, and leaves the items alone."""
    model, items = bench.prepared(spec), bench.items(spec, count=BATCH)
    before = [content(item) for item in items]
    first, second = (content(bench.batch(spec, model, items)) for _ in range(2))
    expect(first == second, "the same items and generator give another batch")
    expect([content(item) for item in items] == before, "collate changed its items")


@promise("model", when=can("train"))
def loss_is_one_number_an_item(bench: Bench, spec: Any) -> None:
    """`loss` has shape (batch,), is a finite float, and has a gradient."""
    import torch

    model = bench.prepared(spec)
    for size in (1, BATCH):
        items = bench.items(spec, count=size)
        for name in bench.optimizers(model):
            loss = expect_ok("loss", model.loss, bench.batch(spec, model, items), name)
            expect(
                tuple(loss.shape) == (len(items),), f"its shape is {tuple(loss.shape)} for {len(items)} items"
            )
            expect(loss.is_floating_point() and torch.isfinite(loss).all(), f"it is {loss.detach()}")
            expect(loss.requires_grad, "it has no gradient")


@promise("model", when=can("train"))
def loss_does_not_mix_items(bench: Bench, spec: Any) -> None:
    """A batch in halves has the losses of the whole batch, so that it can be split to fit the memory."""
    import torch

    model = bench.prepared(spec)
    for module in model.modules().values():
        _without_dropout(module.train())
    batch = bench.batch(spec, model)
    size = len(next(iter(batch.values())))
    cut = size // 2
    halves = [{k: v[:cut] for k, v in batch.items()}, {k: v[cut:] for k, v in batch.items()}]
    for name in bench.optimizers(model):
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            whole = model.loss(batch, name)
            torch.manual_seed(SEED + 1)  # randomness in loss would give the pieces other numbers
            pieces = torch.cat([expect_ok("loss of half a batch", model.loss, half, name) for half in halves])
        same = torch.allclose(whole, pieces, rtol=TOLERANCE, atol=TOLERANCE)
        expect(
            same, "the halves have other losses: items mix, padding counts, or randomness is not in collate"
        )


@promise("model", when=can("train"))
def gradient_reaches_every_weight(bench: Bench, spec: Any) -> None:
    """Every trainable weight gets a gradient from some loss, and belongs to an optimizer."""
    model = bench.prepared(spec)
    weights = {
        f"{n}.{k}": p for n, m in model.modules().items() for k, p in m.named_parameters() if p.requires_grad
    }
    expect(weights, "modules() has no trainable weight")
    reached: set[str] = set()
    for name in bench.optimizers(model):
        for parameter in weights.values():
            parameter.grad = None
        model.loss(bench.batch(spec, model, bench.items(spec)), name).mean().backward()
        reached |= {key for key, p in weights.items() if p.grad is not None and bool(p.grad.abs().sum() > 0)}
    expect(not weights.keys() - reached, f"no gradient: {', '.join(sorted(weights.keys() - reached)[:5])}")
    if isinstance(model, HasOptimizers):
        held = {id(p) for o in model.optimizers(1e-3).values() for g in o.param_groups for p in g["params"]}
        free = sorted(key for key, p in weights.items() if id(p) not in held)
        expect(not free, f"no optimizer trains {', '.join(free[:5])}")


@promise("model", when=can("train"))
def training_lowers_the_loss(bench: Bench, spec: Any) -> None:
    """A few steps on a little data lower the loss (with one optimizer; two play against each other)."""
    learned = bench.learned(spec)
    if len(learned.before) > 1:
        raise NotApplicable("several optimizers")
    before, after = learned.before["main"], learned.after["main"]
    expect(after < before, f"{STEPS} steps took the loss from {before:.4f} to {after:.4f}")


@promise("model", when=can("fit"))
def fit_is_deterministic(bench: Bench, spec: Any) -> None:
    """`fit` depends on data and seed only, and fitting again starts anew."""
    expected = state_digest(bench.model(spec))
    model = bench.build(spec)
    for time in ("another model", "the same model fitted again"):
        model.fit(bench.little(spec), bench.context(spec))
        expect(state_digest(model) == expected, f"{time} has another state")


@promise("model", when=can("train", "fit"))
def learning_leaves_the_data_alone(bench: Bench, spec: Any) -> None:
    """Training does not change the items it is given."""
    items = bench.items(spec)

    class Shared(type(bench.little(spec))):  # type: ignore[misc]  # hands out its own items, as a careless data set does
        def __getitem__(self, index: int) -> Any:
            return self._items[index]

    data = Shared({"train": items}, modality=spec.modality)
    before = content(list(data))
    model = bench.build(spec)
    ctx = bench.context(spec)
    if "train" in spec.capabilities:
        model.prepare(data, ctx)
        bench.batch(spec, model, [data[index] for index in range(min(BATCH, len(data)))])
    else:
        model.fit(data, ctx)
    expect(content(list(data)) == before, "an item is another after training")


@promise("model", when=can("train"))
def resume_is_exact(bench: Bench, spec: Any) -> None:
    """Training that stops and goes on from its checkpoint ends with the same bits."""
    whole = bench.prepared(spec)
    bench.trainer(spec, whole, 6).train()
    begun = bench.prepared(spec)
    trainer = bench.trainer(spec, begun, 6)
    for _ in range(3):
        trainer.train_step()
    checkpoints = trainer.run.checkpoints
    trainer.save()
    resumed = bench.build(spec)  # as in a new process: nothing is prepared, all comes from the checkpoint
    tree = checkpoints.latest()[1]
    expect_ok("load_state of a checkpoint on a new model", resumed.load_state, tree["model"])
    trainer = bench.trainer(spec, resumed, 6)
    trainer.load_state(tree)
    trainer.train()
    expect(
        state_digest(resumed) == state_digest(whole),
        "stopped after 3 of 6 steps and resumed, the weights differ",
    )


@promise("model", when=can("train"))
def accelerator_agrees(bench: Bench, spec: Any) -> None:
    """On a GPU the loss is the loss of the CPU, up to rounding."""
    import torch

    if not torch.cuda.is_available():
        raise NotApplicable("no GPU here")
    model = bench.prepared(spec)
    for module in model.modules().values():
        module.eval()
    batch, found = bench.batch(spec, model), {}
    for device in ("cpu", "cuda"):
        for module in model.modules().values():
            module.to(device)
        moved = {name: tensor.to(device) for name, tensor in batch.items()}
        with torch.no_grad():
            found[device] = model.loss(moved, bench.optimizers(model)[0]).float().cpu()
    same = torch.allclose(found["cpu"], found["cuda"], rtol=1e-2, atol=1e-3)
    expect(same, f"CPU {found['cpu'].tolist()} and GPU {found['cuda'].tolist()} differ")


def _without_dropout(network: Any) -> None:
    """Dropout may differ between the pieces of a batch; what mixes items, such as batch norm, may not."""
    for module in network.modules():
        for name in ("p", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
