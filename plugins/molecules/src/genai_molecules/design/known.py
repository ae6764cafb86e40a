"""The molecules that are known already: which of ours are new, and which known one is nearest."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from genai_core.errors import GenaiError, UsageError
from genai_core.plugins.registry import registry
from genai_molecules.artifacts import Molecules
from genai_molecules.parsing import quiet, to_mol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Packed = np.ndarray[Any, np.dtype[np.uint8]]

SAMPLE = "molecules/sample:train"
_PROBE = 100  # molecules that tell whether a data set is written canonically


def load_data(name: str) -> Sequence[str]:
    """The SMILES of a data set, ``ID`` or ``ID:split``, or of a file; ``none`` has none."""
    if name == "none":
        return ()
    if name.lower().removesuffix(".gz").endswith(Molecules.suffixes):
        return Molecules.load(name)
    spec_id, _, split = name.partition(":")
    spec = registry().find("dataset", spec_id)
    if spec.modality != "molecules":
        raise UsageError(f"{spec.id} holds {spec.modality}, not molecules")
    data: Any = registry().build(spec)
    chosen: Sequence[str] = data.split(split) if split else data
    return chosen


def choose_known(setting: str, about: Mapping[str, Any]) -> tuple[str, str | None]:
    """What counts as known, and a warning where that is less than the model's whole training data.

    Args:
        setting: The setting ``known``.
        about: What the model folder says of its training.

    Returns:
        ``ID:split`` or ``"none"``, and the warning.
    """
    if setting != "auto":
        return setting, None
    data = about.get("data", {})
    trained = data.get("id") or ""
    for name in dict.fromkeys((f"{trained}:train", trained)):
        try:
            if trained and len(load_data(name)):
                return name, None
        except GenaiError:
            continue
    items = f" ({data['items']:,} molecules)" if isinstance(data.get("items"), int) else ""
    fetch = f"; fetch it with: genai data fetch {trained}" if trained else ""
    return SAMPLE, (
        f"The model's training data, {trained or 'unnamed'}{items}, is not on this machine: new means not in "
        f"{SAMPLE} alone, so some leads may be training molecules{fetch}."
    )


class Known:
    """A set of known molecules, kept as 64-bit hashes of their canonical SMILES.

    Two molecules share a hash with a chance of 1e-7 among a million; then a new one would be left out. Data
    sets that are written canonically, as a probe of them shows, are taken as they are; others are read by
    rdkit first.

    Args:
        smiles: The known molecules; empty: everything is new.
        neighbours: Number of them, evenly drawn, among which the nearest one is looked for.
    """

    def __init__(self, smiles: Sequence[str], neighbours: int) -> None:
        self.size = len(smiles)
        probe = spread(smiles, _PROBE)
        written = sum(canonical(text) == text for text in probe) >= 0.97 * len(probe)
        texts = smiles if written else map(canonical, smiles)
        self._hashes = {_hash(text) for text in texts if text}
        self._near = spread(smiles, neighbours)
        self._prints: Any = None

    @property
    def compared(self) -> int:
        """Number of known molecules among which the nearest one is looked for."""
        return len(self._near)

    def __contains__(self, smiles: str) -> bool:
        """Whether a canonical SMILES is known."""
        return _hash(smiles) in self._hashes

    def nearest(self, prints: Packed) -> tuple[Floats, list[str]]:
        """For each fingerprint, shape (n, 128), the largest Tanimoto similarity and whose it is."""
        import numpy as np

        from genai_molecules.metrics.fingerprints import morgan, nearest

        if self._prints is None:
            with quiet():
                read = [(text, mol) for text in self._near if (mol := to_mol(text)) is not None]
            self._near = [text for text, _ in read]
            self._prints = morgan([mol for _, mol in read])
        if not self._near or not len(prints):
            return np.zeros(len(prints)), [""] * len(prints)
        similarity, where = nearest(prints, self._prints)
        return similarity, [self._near[row] for row in where]


def spread(items: Sequence[str], count: int) -> list[str]:
    """At most `count` of the items at even distances, in order; all where there are fewer."""
    total = len(items)
    return [items[i * total // count] for i in range(count)] if total > count else list(items)


def canonical(text: str) -> str | None:
    """The canonical SMILES; None when `text` is no molecule."""
    from rdkit import Chem

    with quiet():
        mol = to_mol(text)
    return None if mol is None else Chem.MolToSmiles(mol)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
