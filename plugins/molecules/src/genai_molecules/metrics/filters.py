"""The filters of MOSES and rdkit's QED, both by one pass of substructure matching that is screened first.

A molecule passes when it has no ring of eight or more atoms, no charge, only C N S O F Cl Br H, and matches
none of 502 patterns: 22 medicinal-chemistry filters (MCF) and 480 PAINS (Polykovskiy et al., Front.
Pharmacol. 11:565644, 2020). The two tables are those of `molsets`, see ``data/README.md``.

Matching 502 patterns one by one is the slow part. A pattern can only match where every bit of its rdkit
pattern fingerprint is set in the molecule's, so one matrix product per batch leaves about 25 patterns to try.
The patterns are matched with all hydrogens there, but screened without: that is twice as fast.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from rdkit import Chem, DataStructs
from rdkit.Chem import QED, rdMolDescriptors

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST_RING = 7
_FORBIDDEN = Chem.MolFromSmarts("[!+0,!#1!#6!#7!#8!#9!#16!#17!#35]")


class Screened(NamedTuple):
    """What the patterns say of a molecule.

    Attributes:
        passes: Whether it passes the filters of MOSES.
        qed_alerts: How many of the 116 alerts of QED it sets off.
    """

    passes: bool
    qed_alerts: int


class _Patterns(NamedTuple):
    unwanted: list[Chem.Mol]
    qed_alerts: list[Chem.Mol]
    bits: torch.Tensor  # (2048, patterns), the two lists one after the other


def screen(molecules: Sequence[Chem.Mol]) -> list[Screened]:
    """Match a batch; up to a few thousand molecules at a time keep the memory small."""
    patterns = _patterns()
    possible = ((1 - _bits(molecules)) @ patterns.bits == 0).numpy()
    split = len(patterns.unwanted)
    alerts = [
        sum(molecule.HasSubstructMatch(patterns.qed_alerts[i]) for i in np.flatnonzero(row[split:]))
        for molecule, row in zip(molecules, possible, strict=True)
    ]
    with_hydrogens = [Chem.AddHs(molecule) for molecule in molecules]
    unwanted = [
        any(molecule.HasSubstructMatch(patterns.unwanted[i]) for i in np.flatnonzero(row[:split]))
        for molecule, row in zip(with_hydrogens, possible, strict=True)
    ]
    plain = map(_plain, molecules)
    return [Screened(p and not u, a) for p, u, a in zip(plain, unwanted, alerts, strict=True)]


def qed(molecule: Chem.Mol, logp: float, alerts: int) -> float:
    """Drug-likeness (Bickerton et al., Nat. Chem. 4:90, 2012): rdkit's, given what is already known.

    Args:
        molecule: Parsed from SMILES, so without explicit hydrogens.
        logp: Its Crippen logP.
        alerts: How many of QED's alerts it sets off, from `screen`.
    """
    acceptors = sum(len(molecule.GetSubstructMatches(pattern)) for pattern in QED.Acceptors)
    strict = rdMolDescriptors.NumRotatableBondsOptions.Strict
    aromatic = Chem.DeleteSubstructs(molecule, QED.AliphaticRings)
    known = QED.QEDproperties(  # type: ignore[no-untyped-call]  # rdkit's
        MW=rdMolDescriptors._CalcMolWt(molecule),
        ALOGP=logp,
        HBA=acceptors,
        HBD=rdMolDescriptors.CalcNumHBD(molecule),
        PSA=rdMolDescriptors.CalcTPSA(molecule),
        ROTB=rdMolDescriptors.CalcNumRotatableBonds(molecule, strict),
        AROM=len(Chem.GetSSSR(aromatic)),
        ALERTS=alerts,
    )
    return float(QED.qed(molecule, qedProperties=known))  # type: ignore[no-untyped-call]  # rdkit's


def unwanted_patterns() -> list[tuple[str, str]]:
    """Name and SMARTS of the 502 patterns."""
    folder = files("genai_molecules.metrics") / "data"
    mcf, pains = (
        csv.reader((folder / name).read_text(encoding="utf-8").splitlines())
        for name in ("mcf.csv", "wehi_pains.csv")
    )
    next(mcf)  # the header
    named = [(name, smarts) for name, smarts in mcf]
    return named + [(name.removeprefix("<regId=").removesuffix(">"), smarts) for smarts, name in pains]


def _plain(molecule: Chem.Mol) -> bool:
    """No large ring, no charge, only the allowed elements."""
    large = any(len(ring) > LARGEST_RING for ring in molecule.GetRingInfo().AtomRings())
    return not large and not molecule.HasSubstructMatch(_FORBIDDEN)


@cache
def _patterns() -> _Patterns:
    unwanted = [Chem.MolFromSmarts(smarts) for _, smarts in unwanted_patterns()]
    bits = _bits([*map(_heavy, unwanted), *QED.StructuralAlerts])
    return _Patterns(unwanted, QED.StructuralAlerts, bits.T)


def _heavy(pattern: Chem.Mol) -> Chem.Mol:
    """What of a pattern must be there also without hydrogens: the atoms of one known element that is none."""
    heavy = Chem.RWMol(pattern)
    for index in reversed(range(pattern.GetNumAtoms())):
        if pattern.GetAtomWithIdx(index).GetAtomicNum() <= 1:  # 0 where several elements match
            heavy.RemoveAtom(index)
    return heavy.GetMol()


def _bits(molecules: Sequence[Chem.Mol]) -> torch.Tensor:
    """Pattern fingerprints as 0/1 numbers, shape (n, 2048)."""
    texts = [DataStructs.BitVectToBinaryText(Chem.PatternFingerprint(molecule)) for molecule in molecules]
    packed = np.frombuffer(b"".join(texts), np.uint8).reshape(len(molecules), 2048 // 8)
    return torch.from_numpy(np.unpackbits(packed, axis=1)).float()
