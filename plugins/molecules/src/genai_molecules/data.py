"""Data sets of molecules: sequences of SMILES strings that stay packed in one buffer."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from importlib.resources import files
from itertools import compress
from typing import TYPE_CHECKING, Any, overload

from genai_core.errors import UsageError
from genai_core.files.sources import cached

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from genai_core.config import Config
    from genai_core.plugins.specs import DatasetSpec
    from genai_molecules.dataset_config import FileConfig, SplitConfig


class SmilesLines(Sequence[str]):
    """Strings in one bytes buffer and an array of offsets: 1.6 million molecules take 70 MB, not 200.

    Args:
        data: SMILES, each ended by a newline.
        skip: Bytes to leave out at the start (a header line).
    """

    def __init__(self, data: bytes, skip: int = 0) -> None:
        import numpy as np

        if data and not data.endswith(b"\n"):
            data += b"\n"
        self.data = data
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
        starts = np.concatenate([[0], ends + 1])
        self._starts: np.ndarray[Any, Any] = starts[starts >= skip]  # the last one ends the last string

    @classmethod
    def of(cls, smiles: Iterable[str]) -> SmilesLines:
        """Pack strings."""
        return cls("".join(f"{text}\n" for text in smiles).encode())

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1 and start < stop:
                return self.data[self._starts[start] : self._starts[stop] - 1].decode().split("\n")
            return [self[i] for i in range(start, stop, step)]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        return self.data[self._starts[index] : self._starts[index + 1] - 1].decode()

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), 10_000):
            yield from self[start : start + 10_000]


class SmilesData(Sequence[str]):
    """A data set: its splits are read when first used; the set itself is its first split.

    Args:
        parts: For each split, what reads it.
        name: The split this one is; None: the first.
    """

    modality = "molecules"

    def __init__(self, parts: Mapping[str, Callable[[], SmilesLines]], name: str | None = None) -> None:
        self.parts = dict(parts)
        self.name = next(iter(self.parts)) if name is None else name

    @cached_property
    def lines(self) -> SmilesLines:
        """The strings of this split."""
        return self.parts[self.name]()

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self.lines[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines)

    def split(self, name: str) -> SmilesData:
        """The split of that name."""
        if name not in self.parts:
            raise UsageError(f"no split {name!r}", hint="splits: " + ", ".join(self.parts))
        return self if name == self.name else SmilesData(self.parts, name)

    def fingerprint(self) -> str:
        """Hex sha256 of the split's SMILES, in order."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return hashlib.sha256(memoryview(self.lines.data)[int(self.lines._starts[0]) :]).hexdigest()


def moses(config: Config | None = None) -> SmilesData:
    """The MOSES benchmark: 1,584,663 train, 176,074 test and 176,225 scaffold-test molecules."""
    from genai_molecules.plugin import MOSES

    paths = _cached(MOSES)
    return SmilesData({name: partial(_read_csv, paths[f"{name}.csv.gz"]) for name in MOSES.splits})


def zinc250k(config: SplitConfig) -> SmilesData:
    """249,456 molecules of ZINC, divided by a seeded hash because no split is published."""
    from genai_molecules.plugin import ZINC250K

    path = _cached(ZINC250K)["zinc250k.smiles"]
    return _divided(lambda: SmilesLines(path.read_bytes()), config)


def sample(config: Config | None = None) -> SmilesData:
    """10,000 train and 3,000 test molecules of MOSES, shipped with the plugin."""
    return SmilesData({name: partial(_read_shipped, f"{name}.smi.gz") for name in ("train", "test")})


def from_file(config: FileConfig) -> SmilesData:
    """The user's own file, divided by a seeded hash; the split ``all`` is the whole file."""
    from genai_molecules.readers import read_molecules

    def read() -> SmilesLines:
        reading = read_molecules(
            config.path, on_error=config.on_error, column=config.column, check=config.check
        )
        return SmilesLines.of(reading.molecules)

    return _divided(read, config)


def test_part(smiles: Sequence[str], fraction: float, seed: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which molecules are the test split, shape (n,): those whose seeded hash is lowest.

    The order of the molecules does not matter, copies of one SMILES stay together, and of two or more at
    least one is chosen unless `fraction` is 0.
    """
    import numpy as np

    count = max(1, round(fraction * len(smiles))) if fraction and len(smiles) > 1 else 0
    if not count:
        return np.zeros(len(smiles), np.bool_)
    key = str(seed).encode()
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest() for text in smiles)
    hashes = np.frombuffer(digests, np.uint64)
    chosen: np.ndarray[Any, np.dtype[np.bool_]] = hashes <= np.partition(hashes, count - 1)[count - 1]
    return chosen


def _cached(spec: DatasetSpec) -> dict[str, Path]:
    return cached(replace(spec, plugin="molecules"))  # here without the registry, which names the plugin


def _divided(read: Callable[[], SmilesLines], config: SplitConfig) -> SmilesData:
    @cache
    def divide() -> dict[str, SmilesLines]:
        whole = read()
        smiles = list(whole)
        test = test_part(smiles, config.test_fraction, config.split_seed)
        parts = {name: compress(smiles, chosen) for name, chosen in (("train", ~test), ("test", test))}
        return {name: SmilesLines.of(part) for name, part in parts.items()} | {"all": whole}

    def part(name: str) -> SmilesLines:
        return divide()[name]

    return SmilesData({name: partial(part, name) for name in ("train", "test", "all")})


def _read_csv(path: Path) -> SmilesLines:
    data = gzip.decompress(path.read_bytes())
    return SmilesLines(data, skip=data.index(b"\n") + 1)


def _read_shipped(name: str) -> SmilesLines:
    return SmilesLines(gzip.decompress(files("genai_molecules").joinpath("sample", name).read_bytes()))
