"""Structure-data files (V2000 and V3000): molecules to text and back, through rdkit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from genai_core.errors import BadInput
from genai_molecules.parsing import Lines, OnBad, Row, check_smiles, quiet, to_mol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rdkit.Chem import Mol

    from genai_core.files.safeio import Limits

Coordinates = Literal["2d", "3d"]
RESERVED = "GENAI_"
_TAG = re.compile(r">.*<(.+)>")
_V3000_COUNTS = re.compile(r"M  V30 COUNTS\s+(\d+)\s+(\d+)")


def sdf_block(
    smiles: str, number: int, properties: Mapping[str, str], coordinates: Coordinates, limits: Limits
) -> str:
    """One entry of an SDF: coordinates, then properties, the SMILES among them.

    Raises:
        BadInput: `smiles` is not a valid molecule; an SDF holds nothing else.
    """
    from rdkit import Chem

    with quiet() as chatter:
        mol = to_mol(smiles, limits)
        if mol is None:
            reason = check_smiles(smiles, limits) or chatter.last
            raise BadInput("molecules", f"{smiles[:60]!r} cannot be written as SDF: {reason}", number)
        placed = place_atoms(mol, coordinates)
        placed.SetProp("_Name", _one_line(properties.get("name", "")))
        block = Chem.MolToMolBlock(placed)
    values = {"SMILES": smiles, **{key: value for key, value in properties.items() if key != "name"}}
    items = [f">  <{_one_line(key)}>\n{_one_line(value)}\n\n" for key, value in values.items()]
    return block + "".join(items) + "$$$$\n"


def place_atoms(mol: Mol, coordinates: Coordinates) -> Mol:
    """A molecule with coordinates, the same on every call.

    ``"3d"`` is one conformer by ETKDG version 3 (Wang et al., J. Chem. Inf. Model. 60:2044, 2020), relaxed
    with MMFF94, hydrogens included. A molecule that cannot be embedded is drawn flat; its block says 2D.
    """
    from rdkit import Chem
    from rdkit.Chem import rdDepictor, rdDistGeom, rdForceFieldHelpers

    if coordinates == "3d":
        with_hydrogens = Chem.AddHs(mol)
        parameters: Any = rdDistGeom.ETKDGv3()
        parameters.randomSeed = 20261121
        parameters.numThreads = 1
        parameters.maxIterations = 20  # tries; unlimited ones take minutes on a cage
        if rdDistGeom.EmbedMolecule(with_hydrogens, parameters) == 0:
            if rdForceFieldHelpers.MMFFHasAllMoleculeParams(with_hydrogens):
                rdForceFieldHelpers.MMFFOptimizeMolecule(with_hydrogens, maxIters=500)
            return with_hydrogens
    flat = Chem.Mol(mol)
    rdDepictor.Compute2DCoords(flat)
    return flat


def parse_sdf(lines: Lines, name: str, limits: Limits, bad: OnBad) -> Iterator[Row]:
    """Rows of an SDF; each is numbered by the line its entry starts at.

    The structure decides. The entry's own SMILES property is kept as spelling when it is the same molecule.
    """
    from rdkit import Chem

    for start, entry in _entries(lines, name, limits, bad):
        reason = _check_counts(entry, limits)
        mol = None
        with quiet() as chatter:
            if reason is None:
                try:
                    # ASCII only: rdkit cuts its messages by bytes and fails on half a character.
                    block = "\n".join(_structure(entry)).encode("ascii", "replace").decode()
                    mol = Chem.MolFromMolBlock(f"{block}\n")
                except RuntimeError as error:  # rdkit's invariant violations
                    reason = f"a damaged structure: {str(error).strip().splitlines()[0]}"
            if mol is None or not mol.GetNumAtoms():
                bad(BadInput(name, reason or f"not a valid structure: {chatter.last or 'no atoms'}", start))
                continue
            smiles = Chem.MolToSmiles(mol)
            properties = _properties(entry)
            own = properties.pop("SMILES", "")
            if own and own != smiles:
                same = to_mol(own, limits)
                if same is not None and _same(mol, same):
                    smiles = own
        reason = check_smiles(smiles, limits)
        if reason is not None:
            bad(BadInput(name, reason, start))
            continue
        title = entry[0].strip()
        yield Row(start, smiles, {"name": title, **properties} if title else properties)


def _same(structure: Mol, spelled: Mol) -> bool:
    """Whether a structure is the molecule of a SMILES; one in space may say more about its stereo centres."""
    from rdkit import Chem

    in_space = structure.GetNumConformers() > 0 and structure.GetConformer().Is3D()
    one, other = (Chem.MolToSmiles(mol, isomericSmiles=not in_space) for mol in (structure, spelled))
    return bool(one == other)


def _entries(lines: Lines, name: str, limits: Limits, bad: OnBad) -> Iterator[tuple[int, Sequence[str]]]:
    """The entries between the ``$$$$`` lines, each with the number of its first line, of bounded length."""
    longest = 100 * limits.atoms + 10 * limits.columns
    entry: list[str] = []
    start, length = 1, 0
    for number, text in lines:
        if text.startswith("$$$$"):
            if length > longest:
                bad(BadInput(name, f"an entry of {length} lines, the limit is {longest}", start))
            elif length:
                yield start, entry
            entry, length, start = [], 0, number + 1
            continue
        length += 1
        if length <= longest:
            entry.append(text)
    if length > longest:
        bad(BadInput(name, f"an entry of {length} lines, the limit is {longest}", start))
    elif any(text.strip() for text in entry):
        yield start, entry


def _structure(entry: Sequence[str]) -> Sequence[str]:
    ends = [place for place, text in enumerate(entry) if text.startswith("M  END")]
    return entry[: ends[0] + 1] if ends else entry


def _check_counts(entry: Sequence[str], limits: Limits) -> str | None:
    """Why rdkit is not asked: the sizes that the entry declares."""
    if len(entry) < 4:
        return "not a structure: fewer than four lines"
    match = re.match(r"\s*(\d{1,3})\s*(\d{1,3})", entry[3][:3] + " " + entry[3][3:6])
    sizes = [(int(match[1]), int(match[2]))] if match else []
    for text in entry:
        if text.startswith("M  V30 COUNTS"):
            found = _V3000_COUNTS.match(text)
            if not found or len(found[1]) > 9 or len(found[2]) > 9:
                return f"not a structure: {text[:60]!a}"
            sizes.append((int(found[1]), int(found[2])))
    if not sizes:
        return f"not a structure: the counts line is {entry[3][:60]!a}"
    atoms, bonds = max(size[0] for size in sizes), max(size[1] for size in sizes)
    if atoms > limits.atoms:
        return f"a molecule of {atoms} atoms, the limit is {limits.atoms}"
    if bonds > 4 * limits.atoms:
        return f"a molecule of {bonds} bonds, the limit is {4 * limits.atoms}"
    return None


def _properties(entry: Sequence[str]) -> dict[str, str]:
    """Data items after the structure, without what provenance wrote; several lines are joined by spaces."""
    found: dict[str, str] = {}
    key: str | None = None
    for text in entry[len(_structure(entry)) :]:
        match = _TAG.match(text)
        if match:
            key = match[1].strip()
            found[key] = ""
        elif not text.strip():
            key = None
        elif key is not None:
            found[key] = f"{found[key]} {text.strip()}".strip()
    return {key: value for key, value in found.items() if key and not key.startswith(RESERVED)}


def provenance_items(record: Mapping[str, Any], first: bool) -> dict[str, str]:
    """Properties that say where an entry comes from; the first entry of a file holds the whole record."""
    from genai_core.files.provenance import to_text

    generator = record.get("generator", {})
    items = {
        f"{RESERVED}DIGITAL_SOURCE_TYPE": str(record.get("digital_source_type", "")),
        f"{RESERVED}GENERATOR": f"{generator.get('id', '')} {generator.get('version', '')}".strip(),
    }
    if first:
        items[f"{RESERVED}RECORD"] = to_text(record)
    return items


def _one_line(text: str) -> str:
    """Text that cannot end its line, open a tag or end the entry."""
    plain = " ".join(text.split())
    return plain.replace("<", "(").replace(">", ")") if plain.startswith((">", "$$$$")) else plain
