"""What the metrics need of each molecule, worked out once: parsed once, in one pass, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors
from rdkit.Chem.Scaffolds import MurckoScaffold

from genai_core.files.safeio import limits_for
from genai_molecules.metrics import chemnet
from genai_molecules.metrics.filters import qed, screen
from genai_molecules.metrics.fingerprints import Packed, morgan
from genai_molecules.parsing import quiet, to_mol
from genai_molecules.properties import sa_score

if TYPE_CHECKING:
    from genai_molecules.metrics.distances import Floats, Ints

PROPERTIES = ("logP", "SA", "QED", "weight")
_CHUNK = 1000

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which kinds (fragments or scaffolds) occur in which molecule.

    Attributes:
        names: The kinds that occur, each once.
        item: Number of the molecule of each occurrence.
        kind: Place in `names` of each occurrence.
    """

    names: tuple[str, ...]
    item: Ints
    kind: Ints

    def counts(self) -> Ints:
        """How often each kind occurs."""
        return np.bincount(self.kind, minlength=len(self.names))


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a set of molecules; arrays have a row for each valid one.

    Attributes:
        total: Number of strings looked at.
        smiles: Canonical SMILES of the valid ones, in order.
        fingerprints: Packed Morgan fingerprints.
        fragments: BRICS fragments (Degen et al., ChemMedChem 3:1503, 2008).
        scaffolds: Bemis-Murcko scaffolds of two or more rings.
        properties: Columns as `PROPERTIES`, shape (n, 4).
        passes: Whether the filters let it through.
        activations: ChemNet's, shape (n, 512); None when they were not asked for.
    """

    total: int
    smiles: list[str]
    fingerprints: Packed
    fragments: Kinds
    scaffolds: Kinds
    properties: Floats
    passes: np.ndarray[Any, np.dtype[np.bool_]]
    activations: chemnet.Activations | None


class _Occurrences:
    """Collects `Kinds` one molecule after another."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.item: list[int] = []
        self.kind: list[int] = []

    def add(self, first: int, found: Iterable[Sequence[str]]) -> None:
        for item, names in enumerate(found, first):
            for name in names:
                self.item.append(item)
                self.kind.append(self.places.setdefault(name, len(self.places)))

    def kinds(self) -> Kinds:
        return Kinds(tuple(self.places), np.array(self.item, np.int64), np.array(self.kind, np.int64))


def features(
    smiles: Sequence[str], *, activations: bool, device: str = "cpu", progress: Progress = lambda done: None
) -> Features:
    """Work out the features of SMILES strings; those that are no molecules are only counted.

    Args:
        smiles: Strings from anywhere.
        activations: Whether to run ChemNet.
        device: Where ChemNet runs.
        progress: Called with the number of strings finished.
    """
    canonical: list[str] = []
    fingerprints, properties = [np.zeros((0, 128), np.uint8)], [np.zeros((0, len(PROPERTIES)))]
    passes: list[bool] = []
    fragments, scaffolds = _Occurrences(), _Occurrences()
    limits = limits_for("molecules")
    with quiet():
        for chunk in _chunks(smiles):
            # Each function goes over all molecules before the next one does. This is a quarter faster than to
            # finish one molecule after another: the code stays in the cache of the processor.
            found = [mol for text in chunk if (mol := to_mol(text, limits)) is not None and mol.GetNumAtoms()]
            fingerprints.append(morgan(found))
            fragments.add(len(canonical), map(fragments_of, found))
            scaffolds.add(len(canonical), map(scaffold_of, found))
            canonical += map(Chem.MolToSmiles, found)
            screened = screen(found)
            passes += (each.passes for each in screened)
            logp = [float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0]) for mol in found]
            known = zip(found, logp, screened, strict=True)
            drug_likeness = [qed(mol, value, each.qed_alerts) for mol, value, each in known]
            sa = [sa_score(mol) for mol in found]
            weight = [rdMolDescriptors._CalcMolWt(mol) for mol in found]
            properties.append(np.column_stack([logp, sa, drug_likeness, weight]))
            progress(len(chunk))
    return Features(
        total=len(smiles),
        smiles=canonical,
        fingerprints=np.concatenate(fingerprints),
        fragments=fragments.kinds(),
        scaffolds=scaffolds.kinds(),
        properties=np.concatenate(properties),
        passes=np.array(passes, np.bool_),
        activations=chemnet.activations(canonical, device=device) if activations and canonical else None,
    )


def fragments_of(mol: Chem.Mol) -> list[str]:
    """SMILES of the pieces between BRICS bonds, with their attachment points."""
    return str(Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(mol))).split(".")


def scaffold_of(mol: Chem.Mol, min_rings: int = 2) -> list[str]:
    """SMILES of the Bemis-Murcko scaffold (J. Med. Chem. 39:2887, 1996); empty with fewer rings."""
    try:
        scaffold = MurckoScaffold.GetScaffoldForMol(mol)  # type: ignore[no-untyped-call]  # rdkit's
    except (ValueError, RuntimeError):  # rdkit cannot cut a few odd molecules
        return []
    return [Chem.MolToSmiles(scaffold)] if scaffold.GetRingInfo().NumRings() >= min_rings else []


def _chunks(smiles: Sequence[str]) -> Iterator[list[str]]:
    strings = iter(smiles)
    while chunk := list(islice(strings, _CHUNK)):
        yield chunk
