"""Which sampled molecules become leads: the filters, what each lets through, and the ranking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genai_molecules.parsing import quiet, to_mol
from genai_molecules.properties import PROPERTIES, alerts, properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    from genai_molecules.design.known import Known
    from genai_molecules.design_config import DesignConfig, Window

    Floats = np.ndarray[Any, np.dtype[np.float64]]

BLOCK = 2048


class Selection:
    """Takes samples in, keeps those that pass every filter, and counts what each filter lets through.

    Attributes:
        counts: Molecules left after each step, in the order of the steps; the first is ``sampled``.
        smiles: Canonical SMILES of those that passed.
        values: Their properties, one list for each name of `PROPERTIES`.
        prints: Their packed fingerprints, 128 bytes each.
    """

    def __init__(self, config: DesignConfig, known: Known) -> None:
        from rdkit import Chem

        self.config, self.known = config, known
        self.windows: dict[str, Window] = {
            name: window
            for name in PROPERTIES
            if (window := getattr(config.windows, name.lower())) is not None
        }
        self.keep = [Chem.MolFromSmarts(pattern) for pattern in config.keep]
        self.avoid = [Chem.MolFromSmarts(pattern) for pattern in config.avoid]
        steps = {"sampled": True, "valid": True, "unique": True, "new": config.known != "none"}
        steps |= {"inside the windows": bool(self.windows)}
        steps |= {"right patterns": bool(self.keep or self.avoid), "no alert": bool(config.alerts)}
        self.counts = {name: 0 for name, wanted in steps.items() if wanted}
        self.smiles: list[str] = []
        self.values: dict[str, list[float]] = {name: [] for name in PROPERTIES}
        self.prints: list[Any] = []
        self._seen: set[str] = set()

    def __len__(self) -> int:
        return len(self.smiles)

    def add(self, sampled: Sequence[str]) -> None:
        """Put samples through the filters."""
        for start in range(0, len(sampled), BLOCK):
            self._add(sampled[start : start + BLOCK])

    def _add(self, sampled: Sequence[str]) -> None:
        from rdkit import Chem

        from genai_molecules.metrics.fingerprints import morgan_row

        self.counts["sampled"] += len(sampled)
        with quiet():
            mols = [mol for text in sampled if (mol := to_mol(text)) is not None and mol.GetNumAtoms()]
            left = [(Chem.MolToSmiles(mol), mol) for mol in mols]
        left = self._step("valid", left)
        left = self._step("unique", (pair for pair in left if self._first(pair[0])))
        left = self._step("new", (pair for pair in left if pair[0] not in self.known))
        table = properties([mol for _, mol in left])
        rows = [(*pair, {name: float(table[name][row]) for name in table}) for row, pair in enumerate(left)]
        rows = self._step("inside the windows", (row for row in rows if self._inside(row[2])))
        rows = self._step("right patterns", (row for row in rows if self._matches(row[1])))
        if self.config.alerts:
            found = alerts([mol for _, mol, _ in rows], self.config.alerts)
            clean = (row for row, alarms in zip(rows, found, strict=True) if not alarms)
            rows = self._step("no alert", clean)
        for smiles, mol, values in rows:
            self.smiles.append(smiles)
            self.prints.append(morgan_row(mol))
            for name, value in values.items():
                self.values[name].append(value)

    def _step(self, name: str, left: Iterable[Any]) -> list[Any]:
        kept = list(left)
        if name in self.counts:
            self.counts[name] += len(kept)
        return kept

    def _first(self, smiles: str) -> bool:
        known = smiles in self._seen
        self._seen.add(smiles)
        return not known

    def _inside(self, values: dict[str, float]) -> bool:
        return all(
            (window.min is None or values[name] >= window.min)
            and (window.max is None or values[name] <= window.max)
            for name, window in self.windows.items()
        )

    def _matches(self, mol: Any) -> bool:
        return all(mol.HasSubstructMatch(pattern) for pattern in self.keep) and not any(
            mol.HasSubstructMatch(pattern) for pattern in self.avoid
        )

    def desirability(self, similarity: Floats) -> Floats:
        """How good each lead is, from 0 to 1, shape (n,): a weighted geometric mean of desirabilities.

        Derringer and Suich, J. Qual. Technol. 12:214 (1980). The parts, each from 0 to 1: QED as it is,
        (10 - SA) / 9, 1 - `similarity`, and for each two-sided window the nearness to its middle.
        """
        import numpy as np

        weights = self.config.rank
        parts = [
            (weights.qed, np.asarray(self.values["QED"])),
            (weights.sa, (10 - np.asarray(self.values["SA"])) / 9),
            (weights.novelty, 1 - similarity),
        ]
        for name, window in self.windows.items():
            if window.min is not None and window.max is not None:
                half = max((window.max - window.min) / 2, 1e-9)
                away = np.abs(np.asarray(self.values[name]) - (window.min + window.max) / 2)
                parts.append((weights.centre, 1 - away / half))
        parts = [(weight, values) for weight, values in parts if weight > 0]
        total = sum(weight for weight, _ in parts) or 1.0
        logs = [weight / total * np.log(np.clip(values, 1e-9, 1)) for weight, values in parts]
        return np.exp(np.sum(logs, axis=0)) if logs else np.ones(len(self))


def best(scores: Floats, smiles: Sequence[str], count: int) -> list[int]:
    """Rows of the `count` best, best first; equal scores in the order of their SMILES."""
    rounded = [round(float(score), 9) if math.isfinite(score) else 0.0 for score in scores]
    return sorted(range(len(smiles)), key=lambda row: (-rounded[row], smiles[row]))[:count]
