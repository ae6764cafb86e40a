"""Pipelines of the plugin: `molecules/design`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genai_core.errors import MissingDependency
from genai_core.protocols import derive_seed
from genai_core.results.drawing import number
from genai_molecules.artifacts import Molecules
from genai_molecules.design import pages
from genai_molecules.design.known import SAMPLE, Known, choose_known, load_data, spread
from genai_molecules.design.select import Selection, best
from genai_molecules.properties import properties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genai_core.results.pipelines import PipelineRun
    from genai_core.running.models import Loaded
    from genai_molecules.design_config import DesignConfig

ROUND = 65_536  # most molecules drawn between two looks at what passed
MEASURED = 30_000  # most molecules the evaluator is given: the size at which MOSES compares models
REFERENCE = 3_000  # reference molecules in the histograms


def design(config: DesignConfig, run: PipelineRun) -> None:
    """Sample until `config.n` molecules pass all filters or the budget ends; rank, write and report them.

    Steps: sample; drop what is invalid, seen before or known; keep what is inside the property windows, has
    the right SMARTS patterns and sets off no alert; rank. Sampling goes in rounds, each with its own seed,
    and the size of a round follows from what passed so far: the whole is a function of settings, seed and
    weights.
    """
    run.progress("loading the model")
    loaded = run.load_model(config.model)
    name, warning = choose_known(config.known, loaded.about)
    config = run.resolve(known=name)
    if warning:
        run.warn(warning)
    run.progress("reading what is known")
    known = Known(load_data(name), config.neighbours)
    selection, sampled = Selection(config, known), list[str]()
    _search(config, run, loaded, selection, sampled)

    run.progress("ranking")
    leads = _rank(config, run, loaded, selection, known)
    for suffix in (".smi", ".csv", ".sdf"):
        run.progress(f"writing leads{suffix}")
        run.save(leads, f"leads{suffix}")
    _report(config, run, selection, leads, known, name)
    if config.evaluate:
        _measure(config, run, sampled)
    run.section(pages.table(leads))


def _search(
    config: DesignConfig, run: PipelineRun, loaded: Loaded, selection: Selection, sampled: list[str]
) -> None:
    """Sample in rounds until enough passed or the budget ends."""
    from genai_core.running.shards import make_plan, sample_all

    budget = config.budget or max(2000, 20 * config.n)
    drawn, round_number = 0, 0
    while len(selection) < config.n and drawn < budget:
        missing = config.n - len(selection)
        rate = (len(selection) + 1) / (drawn + 2) if drawn else 0.75
        count = min(budget - drawn, max(64, math.ceil(1.1 * missing / rate)), ROUND)
        seed = derive_seed(run.seed, "design", round_number)
        plan = make_plan(loaded, count, seed=seed, options=config.sampling)
        run.progress("sampling", len(selection), config.n)
        molecules: Any = sample_all(loaded, plan)
        run.progress("filtering", len(selection), config.n)
        selection.add(molecules)
        sampled += molecules[: max(0, MEASURED - len(sampled))]
        drawn, round_number = drawn + count, round_number + 1
    if len(selection) < config.n:
        run.warn(
            f"Only {len(selection):,} of {config.n:,} leads were found in {drawn:,} samples: widen the "
            "windows, or allow more samples with --set budget=N."
        )


def _rank(
    config: DesignConfig, run: PipelineRun, loaded: Loaded, selection: Selection, known: Known
) -> Molecules:
    """The best leads with their columns, best first."""
    import numpy as np

    from genai_molecules.metrics.fingerprints import BITS

    prints = np.array(selection.prints, np.uint8).reshape(-1, BITS // 8)
    similarity, neighbours = known.nearest(prints)
    scores = selection.desirability(similarity)
    rows = best(scores, selection.smiles, config.n)
    columns: dict[str, Any] = {"score": scores, **selection.values}
    columns |= {"similarity": similarity, "nearest_known": neighbours}
    smiles = [selection.smiles[row] for row in rows]
    chosen: dict[str, Sequence[Any]] = {"name": [f"lead-{rank}" for rank in range(1, len(rows) + 1)]}
    chosen |= {"rank": range(1, len(rows) + 1)}
    chosen |= {name: [_plain(values[row]) for row in rows] for name, values in columns.items()}
    if "score" in loaded.spec.capabilities and smiles:
        run.progress("scoring")
        likelihood = loaded.model.score(smiles, run.context("likelihood"))
        chosen["log_likelihood"] = [round(float(value), 4) for value in likelihood]
    return Molecules(smiles, chosen, coordinates=config.coordinates)


def _report(
    config: DesignConfig, run: PipelineRun, selection: Selection, leads: Molecules, known: Known, name: str
) -> None:
    """Headline, numbers to decide by, structures, funnel and histograms."""
    import numpy as np

    counts = selection.counts
    for step, value in counts.items():
        run.count(step, value)
    run.count("leads", len(leads))
    filters = ["new"] if name != "none" else []
    filters += ["inside the property windows"] if selection.windows else []
    filters += ["with the right patterns"] if selection.keep or selection.avoid else []
    filters += [f"free of {' and '.join(config.alerts)} alerts"] if config.alerts else []
    run.headline(
        f"{len(leads):,} new drug-like molecules" if name != "none" else f"{len(leads):,} molecules",
        f"Sampled from {config.model} and kept when {_listed(filters) or 'valid'}; "
        "the best by drug-likeness and ease of synthesis come first.",
    )
    run.fact("leads", f"{len(leads):,}", f"of {counts['sampled']:,} sampled")
    run.fact("valid", _share(counts["valid"], counts["sampled"]), "of all samples")
    if "new" in counts:
        run.fact("new", _share(counts["new"], counts["unique"]), f"not among {number(known.size)} known")
    run.section(pages.gallery(leads, config.pictures, known.compared))
    if len(leads):
        run.progress("comparing with the reference")
        reference = properties(spread(load_data(config.reference), REFERENCE))
        ours = {key: leads.properties[key] for key in reference}
        for key, label in (("QED", "median QED"), ("SA", "median SA")):
            there = f"{float(np.nanmedian(reference[key])):.2f}"
            run.fact(label, f"{float(np.median(ours[key])):.2f}", f"reference {there}")
        run.fact(
            "similarity",
            f"{float(np.median(leads.properties['similarity'])):.2f}",
            "median to the nearest known",
        )
        theirs = {key: list(values) for key, values in reference.items()}
        run.section(pages.histograms(ours, theirs, selection.windows, config.reference))
    run.section(pages.funnel(counts, len(leads)))


def _measure(config: DesignConfig, run: PipelineRun, sampled: list[str]) -> None:
    """The MOSES metrics of what was sampled, before any filter: how good the model is."""
    from genai_core.results.evaluate import run_evaluator

    run.progress("measuring")
    reference: Any = load_data(config.reference)
    floor = spread(load_data(SAMPLE), len(sampled))
    try:
        report = run_evaluator(
            "molecules/moses-metrics", sampled, reference, seed=run.seed, floor_items=floor
        )
    except MissingDependency as error:
        run.warn(f"Not measured: {error.message}")
        return
    run.metrics(
        report,
        "Quality of the sample",
        f"Of the first {len(sampled):,} sampled molecules, before any filter, against {config.reference}.",
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1] if words else ""


def _plain(value: Any) -> Any:
    return round(float(value), 6) if isinstance(value, float) or hasattr(value, "dtype") else value
