"""The metrics of MOSES (Polykovskiy et al., Front. Pharmacol. 11:565644, 2020), each with its interval.

The numbers are those of `molsets` 0.3.1 on the same molecules, but Frag on more than some 10,000 of them,
where molsets' whole-number arithmetic overflows. Differences in what is asked: unique@k needs k valid
molecules, and every value comes with its 95 % interval.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from rdkit import Chem

from genai_core.errors import GenaiError, UsageError
from genai_core.results.evaluate import Metric, Report, bootstrap, share_interval
from genai_molecules.metrics import chemnet
from genai_molecules.metrics.distances import Floats, cosine, frechet, wasserstein
from genai_molecules.metrics.features import PROPERTIES, Features, Kinds, features
from genai_molecules.metrics.fingerprints import mean_similarities, nearest
from genai_molecules.metrics.reference import Reference, as_sequence, reference_of
from genai_molecules.metrics_spec import MOSES_METRICS
from genai_molecules.parsing import quiet, to_mol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genai_core.protocols import Context, Dataset
    from genai_molecules.metrics_config import MetricsConfig

ID = f"molecules/{MOSES_METRICS.name}"
FEWEST = 2  # below, no distance between sets
FEWEST_FCD = 50
FEWEST_INTERVAL = 20  # below, a bootstrap says more about its luck than about the molecules
UNIQUE = {"unique@1k": 1_000, "unique@10k": 10_000}
SCAFFOLD_SPLIT = "test_scaffolds"

_SPECS = {spec.name: spec for spec in MOSES_METRICS.metrics}


class MosesMetrics:
    """Evaluator of molecules against a reference.

    The reference's splits ``train`` (for novelty) and ``test_scaffolds`` are used where it has them.
    """

    def __init__(self, config: MetricsConfig) -> None:
        self.config = config

    def evaluate(self, items: Sequence[str], reference: Dataset[str] | None, ctx: Context) -> Report:
        """Measure SMILES strings; those that are no molecules count against ``valid`` and nothing else."""
        if reference is None:
            raise UsageError(f"{ID} compares with real molecules", hint="--against molecules/moses:test")
        with_fcd = self.config.fcd and chemnet.available()
        found = features(items, activations=with_fcd, device=ctx.device, progress=ctx.progress)
        table = _Table(found, self.config, ctx)
        table.share("valid", len(found.smiles), found.total, "valid")
        for name, k in UNIQUE.items():
            table.share(
                name, len(set(found.smiles[:k])), k if len(found.smiles) >= k else 0, f">= {k:,} valid"
            )
        scaffolds = _sibling(reference, SCAFFOLD_SPLIT)
        for suffix, data in (("Test", reference), ("TestSF", scaffolds)):
            if data is None:
                for name in ("FCD", "SNN", "Frag", "Scaf"):
                    table.missing(f"{name}/{suffix}", f"the reference has no split {SCAFFOLD_SPLIT}")
            else:
                known = reference_of(data, activations=with_fcd, progress=ctx.progress)
                table.compare(suffix, known)
                if suffix == "Test":
                    table.properties(known)
        table.diversity()
        table.share("Filters", int(found.passes.sum()), len(found.smiles), "a valid molecule")
        train = _sibling(reference, "train")
        distinct = set(found.smiles)
        if train is None:
            table.missing("Novelty", "the reference has no split train")
        else:
            table.share("Novelty", len(distinct - _known(distinct, train)), len(distinct), "a valid molecule")
        return table.report()


class _Table:
    """Collects the metrics; all bootstrap intervals come from the same resamples."""

    def __init__(self, found: Features, config: MetricsConfig, ctx: Context) -> None:
        self.found, self.config, self.ctx = found, config, ctx
        self.n = len(found.smiles)
        self.values: dict[str, float] = {}
        self.reasons: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.intervals: dict[str, tuple[float, float]] = {}
        self.influences: dict[str, Floats] = {}

    def share(self, name: str, hits: int, n: int, needs: str) -> None:
        """A share of molecules; its interval is Wilson's."""
        if n == 0:
            self.missing(name, f"needs {needs}, there are {self.n}" if self.found.total else "no molecules")
        else:
            self.values[name], self.sizes[name] = hits / n, n
            self.intervals[name] = share_interval(hits, n)

    def set(self, name: str, value: float, influence: Floats, why_not: str = "") -> None:
        """A number with what each molecule adds to it."""
        if math.isnan(value):
            self.missing(name, why_not)
        else:
            self.values[name], self.sizes[name], self.influences[name] = value, self.n, influence

    def missing(self, name: str, reason: str) -> None:
        """A number that is not available."""
        self.values[name], self.reasons[name] = math.nan, reason

    def compare(self, suffix: str, reference: Reference) -> None:
        """FCD, SNN, Frag and Scaf to one reference."""
        self._fcd(f"FCD/{suffix}", reference)
        if not self.n:
            for name in ("SNN", "Frag", "Scaf"):
                self.missing(f"{name}/{suffix}", "needs a valid molecule, there are 0")
            return
        similarity, _ = nearest(self.found.fingerprints, reference.fingerprints)
        self.set(f"SNN/{suffix}", float(similarity.mean()), similarity - similarity.mean())
        for name, kinds, counts in (
            ("Frag", self.found.fragments, reference.fragments),
            ("Scaf", self.found.scaffolds, reference.scaffolds),
        ):
            what = "fragment" if name == "Frag" else "scaffold of two rings"
            value, influence = _cosine(kinds, counts, self.n)
            self.set(f"{name}/{suffix}", value, influence, f"needs a {what} on both sides")

    def _fcd(self, name: str, reference: Reference) -> None:
        if not self.config.fcd:
            self.missing(name, "switched off: fcd=false")
        elif not chemnet.available():
            self.missing(name, f"needs ChemNet: {chemnet.INSTALL}")
        elif self.n < FEWEST_FCD or self.found.activations is None or reference.activations is None:
            self.missing(name, f"needs >= {FEWEST_FCD} valid molecules, there are {self.n}")
        else:
            self.set(name, *frechet(self.found.activations, reference.activations))

    def properties(self, reference: Reference) -> None:
        """Wasserstein distances of the distributions of properties."""
        for column, name in enumerate(PROPERTIES):
            if self.n < FEWEST:
                self.missing(name, f"needs >= {FEWEST} valid molecules, there are {self.n}")
                continue
            own, other = self.found.properties[:, column], reference.properties[:, column]
            self.set(name, *wasserstein(own, other))

    def diversity(self) -> None:
        """IntDiv and IntDiv2: one less the (root mean square) similarity within the set."""
        if self.n < FEWEST:
            for name in ("IntDiv", "IntDiv2"):
                self.missing(name, f"needs >= {FEWEST} valid molecules, there are {self.n}")
            return
        first, second = mean_similarities(self.found.fingerprints)
        root = np.sqrt(second)
        # A molecule enters every pair it is part of, on either side, hence twice. For IntDiv2 this takes the
        # root mean square similarity of the molecules to be about the same.
        self.set("IntDiv", 1 - float(first.mean()), -2 * (first - first.mean()))
        self.set("IntDiv2", 1 - float(root.mean()), -2 * (root - root.mean()))

    def report(self) -> Report:
        """The metrics in the order of the spec."""
        if self.influences and self.n >= FEWEST_INTERVAL:
            columns = np.stack(list(self.influences.values()), axis=1)
            low, high = bootstrap(columns, rng=self.ctx.rng("bootstrap"), resamples=self.config.resamples)
            for place, name in enumerate(self.influences):
                self.intervals[name] = (self.values[name] + low[place], self.values[name] + high[place])
        return Report(ID, tuple(self._metric(name) for name in _SPECS))

    def _metric(self, name: str) -> Metric:
        spec = _SPECS[name]
        low, high = self.intervals.get(name, (None, None))
        if low is not None and high is not None:
            low = float(low if spec.low is None else max(low, spec.low))
            high = float(high if spec.high is None else min(high, spec.high))
        return Metric(
            name=name,
            value=self.values[name],
            direction=spec.direction,
            low=low,
            high=high,
            unit=spec.unit,
            summary=spec.summary,
            n=self.sizes.get(name, self.n),
            reason=self.reasons.get(name, ""),
        )


def _cosine(own: Kinds, reference: dict[str, int], n: int) -> tuple[float, Floats]:
    places = {name: place for place, name in enumerate(reference)}
    for name in own.names:
        places.setdefault(name, len(places))
    counts = np.zeros(len(places))
    counts[: len(reference)] = list(reference.values())
    kind = np.array([places[name] for name in own.names], np.int64)[own.kind] if len(own.kind) else own.kind
    return cosine(own.item, kind, counts, n)


def _sibling(data: Dataset[str], split: str) -> Dataset[str] | None:
    """The split of that name of the set that `data` belongs to, or None."""
    try:
        return data.split(split)
    except GenaiError:
        return None


def _known(smiles: set[str], train: Dataset[str], probe: int = 200) -> set[str]:
    """Those of the canonical `smiles` that `train` has.

    The published sets are canonical but for a few strings, whose novelty is by definition that of the strings
    as published. Sets of other origin are made canonical first; a probe of evenly spaced strings tells.
    """
    step = max(1, len(train) // probe)
    sample = [train[i] for i in range(0, len(train), step)]
    with quiet():
        if sum(_canonical(text) != text for text in sample) <= 0.05 * len(sample):
            return smiles.intersection(as_sequence(train))
        return smiles.intersection(map(_canonical, as_sequence(train)))


def _canonical(text: str) -> str:
    mol = to_mol(text)
    return text if mol is None else Chem.MolToSmiles(mol)
