"""Properties of molecules, structural alerts, and the distance to known molecules."""

from __future__ import annotations

import gzip
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_core.errors import GenaiError, UsageError, did_you_mean
from genai_molecules.parsing import quiet, to_mol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from rdkit.Chem import Mol

    Floats = np.ndarray[Any, np.dtype[np.float64]]

# name: unit and meaning; the order is that of tables and reports
PROPERTIES = {
    "logP": "octanol-water partition, Wildman and Crippen 1999",
    "SA": "synthetic accessibility, 1 easy to 10 hard, Ertl and Schuffenhauer 2009",
    "QED": "drug-likeness, 0 to 1, Bickerton et al. 2012",
    "weight": "molecular weight, g/mol",
    "TPSA": "topological polar surface, square angstrom, Ertl et al. 2000",
    "HBA": "hydrogen bond acceptors",
    "HBD": "hydrogen bond donors",
    "rotatable_bonds": "rotatable bonds",
    "rings": "rings",
}


def properties(
    molecules: Sequence[str | Mol | None], names: Sequence[str] | None = None
) -> dict[str, Floats]:
    """Calculate properties.

    Args:
        molecules: SMILES strings or rdkit molecules.
        names: Keys of `PROPERTIES`; None: all.

    Returns:
        For each name a float64 array of shape (len(molecules),); NaN where there is no valid molecule.
    """
    import numpy as np

    functions = _functions()
    names = list(PROPERTIES) if names is None else list(names)
    for name in names:
        if name not in functions:
            hint = did_you_mean(name, functions) or "properties: " + ", ".join(functions)
            raise UsageError(f"no property {name!r}", hint=hint)
    table = {name: np.full(len(molecules), math.nan) for name in names}
    with quiet():
        for row, molecule in enumerate(molecules):
            mol = to_mol(molecule) if isinstance(molecule, str) else molecule
            if mol is not None and mol.GetNumAtoms():
                for name in names:
                    table[name][row] = functions[name](mol)
    return table


def sa_score(mol: Mol) -> float:
    """Synthetic accessibility, from 1 (easy) to 10 (hard).

    Ertl and Schuffenhauer, J. Cheminform. 1:8 (2009), with the two changes of rdkit's contributed version
    (macrocycles count once, symmetric molecules are easier), whose values it equals.
    """
    import numpy as np
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    bits, scores = _fragment_scores()
    found = _morgan().GetSparseCountFingerprint(mol).GetNonzeroElements()
    ids = np.fromiter(found, np.int64, len(found))
    counts = np.fromiter(found.values(), np.float64, len(found))
    places = np.minimum(np.searchsorted(bits, ids), len(bits) - 1)
    fragments = np.where(bits[places] == ids, scores[places], -4.0)
    fragment_score = float(fragments @ counts / counts.sum())

    atoms = mol.GetNumAtoms()
    if not mol.HasProp("_StereochemDone"):
        Chem.AssignStereochemistry(mol, flagPossibleStereoCenters=True)
    centres = rdMolDescriptors.CalcNumAtomStereoCenters(mol)
    spiro = rdMolDescriptors.CalcNumSpiroAtoms(mol)
    bridgeheads = rdMolDescriptors.CalcNumBridgeheadAtoms(mol)
    macrocycle = any(len(ring) > 8 for ring in mol.GetRingInfo().AtomRings())
    complexity = atoms**1.005 - atoms
    complexity += sum(math.log10(n + 1) for n in (centres, spiro, bridgeheads, int(macrocycle)))
    symmetry = 0.5 * math.log(atoms / len(found)) if atoms > len(found) else 0.0

    score: float = 11.0 - (fragment_score - complexity + symmetry + 5.0) / 6.5 * 9.0
    if score > 8.0:
        score = 8.0 + math.log(score - 8.0)
    return min(max(score, 1.0), 10.0)


def alerts(
    molecules: Sequence[str | Mol | None], catalogs: Sequence[str] = ("PAINS", "BRENK")
) -> list[list[str]]:
    """Structural alerts that each molecule sets off.

    Args:
        molecules: SMILES strings or rdkit molecules.
        catalogs: Names of rdkit's filter catalogues: PAINS, BRENK, NIH, ZINC, CHEMBL and their parts.

    Returns:
        For each molecule the descriptions of its alerts: empty when it is clean, ``["invalid"]`` when it is
        no molecule.
    """
    catalog = _catalog(tuple(catalogs))
    found = []
    with quiet():
        for molecule in molecules:
            mol = to_mol(molecule) if isinstance(molecule, str) else molecule
            if mol is None:
                found.append(["invalid"])
            else:
                found.append([match.GetDescription() for match in catalog.GetMatches(mol)])
    return found


def _functions() -> dict[str, Callable[[Mol], float]]:
    from rdkit.Chem import QED, rdMolDescriptors

    return {
        "logP": lambda mol: float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0]),
        "SA": sa_score,
        "QED": QED.qed,
        "weight": rdMolDescriptors._CalcMolWt,
        "TPSA": rdMolDescriptors.CalcTPSA,
        "HBA": rdMolDescriptors.CalcNumHBA,
        "HBD": rdMolDescriptors.CalcNumHBD,
        "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds,
        "rings": rdMolDescriptors.CalcNumRings,
    }


@cache
def _morgan() -> Any:
    from rdkit.Chem import rdFingerprintGenerator

    return rdFingerprintGenerator.GetMorganGenerator(radius=2)


@cache
def _fragment_scores() -> tuple[np.ndarray[Any, Any], Floats]:
    """Sorted fragment ids and their scores, from the file that rdkit ships.

    The file is a list of lists in the textual pickle protocol, ``(lp1 F-2.8 aI91 aI13 ...``. It is read as
    the text it is: unpickling would run whatever the file says.
    """
    import numpy as np
    from rdkit import RDConfig

    path = Path(RDConfig.RDContribDir) / "SA_Score" / "fpscores.pkl.gz"
    try:
        text = gzip.decompress(path.read_bytes())
        groups = [group.split(b"\naI") for group in text.split(b"(lp")[2:]]
        scores = [float(group[0].partition(b"\nF")[2]) for group in groups]
        ids = [np.array([bit.split(b"\n")[0] for bit in group[1:]]).astype(np.int64) for group in groups]
    except (OSError, ValueError, IndexError) as error:
        raise GenaiError(
            f"the SA score's fragment table {path} cannot be read: {error}",
            hint="pip install --upgrade rdkit",
        ) from None
    bits = np.concatenate(ids)
    values = np.repeat(scores, [len(group) for group in ids])
    order = np.argsort(bits, kind="stable")
    return bits[order], values[order]


@cache
def _catalog(names: tuple[str, ...]) -> Any:
    from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

    known = FilterCatalogParams.FilterCatalogs.names
    chosen = FilterCatalogParams()
    for name in names:
        if name.upper() not in known:
            hint = did_you_mean(name.upper(), known) or "catalogues: " + ", ".join(sorted(known))
            raise UsageError(f"no alert catalogue {name!r}", hint=hint)
        chosen.AddCatalog(known[name.upper()])
    return FilterCatalog(chosen)
