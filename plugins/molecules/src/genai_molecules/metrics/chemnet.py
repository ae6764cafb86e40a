"""ChemNet, the network whose activations define the Frechet ChemNet distance.

Two strided convolutions and two LSTMs over one-hot SMILES, trained to predict bioactivities
(Mayr et al., Chem. Sci. 9:5441, 2018; Preuer et al., J. Chem. Inf. Model. 58:1736, 2018). The trained numbers
come from the distribution `fcd`, whose file is a zip of plain float arrays beside a pickled description.
Here the arrays are read by name and the description is not touched, so no code of the file can run; the
file must have the known sha256.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import pad, selu

from genai_core.errors import MissingDependency, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH = 512
LENGTH = 350
INSTALL = 'pip install "genai-molecules[fcd]"'
_FILE = "fcd/ChemNet_v0.13_pretrained.pt"
_SHA256 = "c22e977602b30eeabd7f81e6c790dd3234c7d7788c6c3e7979d8720ccc96951a"
_ARRAYS = (
    "first.weight", "second.weight",
    "lower.weight_ih_l0", "lower.weight_hh_l0", "lower.bias_ih_l0", "lower.bias_hh_l0",
    "upper.weight_ih_l0", "upper.weight_hh_l0", "upper.bias_ih_l0", "upper.bias_hh_l0",
)  # fmt: skip
_VOCABULARY = "C N O H F Cl P B Br S I Si # ( ) + - 1 2 3 4 5 6 7 8 = [ ] @ c n o s X .".split()
_INDEX = {token: index for index, token in enumerate(_VOCABULARY)}
_UNKNOWN = _INDEX["X"]
_TOKEN = re.compile("Cl|Br|Si|.")

Activations = np.ndarray[Any, np.dtype[np.float32]]


class ChemNet(nn.Module):
    """One-hot SMILES, shape (n, 35, length), to activations, shape (n, 512)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(len(_VOCABULARY), 32, kernel_size=4, stride=2, bias=False)
        self.second = nn.Conv1d(32, 32, kernel_size=4, stride=2, bias=False)
        self.lower = nn.LSTM(32, 128, batch_first=True)
        self.upper = nn.LSTM(128, WIDTH, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution in (self.first, self.second):
            x = selu(convolution(pad(x, _same_padding(x.shape[2]))))
        # The lower LSTM reads from the end to the start, the upper one from the start to the end.
        states, _ = self.upper(self._backward(x.transpose(1, 2).flip(1)).flip(1))
        last: torch.Tensor = states[:, -1]
        return last

    def _backward(self, x: torch.Tensor) -> torch.Tensor:
        """The lower LSTM; it begins with the padding, all zeros, which one row reads for all."""
        padding = int(x.any(dim=2).any(dim=0).int().argmax())
        if padding:
            shared, state = self.lower(x[:1, :padding])
            state = tuple(each.expand(-1, len(x), -1).contiguous() for each in state)
            text, _ = self.lower(x[:, padding:], state)
            return torch.cat([shared.expand(len(x), -1, -1), text], dim=1)
        states: torch.Tensor = self.lower(x)[0]
        return states


def available() -> bool:
    """Whether the distribution with the trained numbers is installed."""
    return _path() is not None


@cache
def load_chemnet() -> ChemNet:
    """The trained network.

    Raises:
        MissingDependency: `fcd` is not installed.
        VerificationError: Its file is not the known one.
    """
    path = _path()
    if path is None:
        raise MissingDependency("molecules: the network of the FCD is not installed", hint=INSTALL)
    if hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise VerificationError(
            f"molecules: {path.name} is not the known file", hint="pip install --force-reinstall fcd==1.2.2"
        )
    with torch.random.fork_rng(devices=[]):  # torch draws first weights from its global generator
        network = ChemNet()
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    with zipfile.ZipFile(path) as archive:
        arrays = {
            name: np.frombuffer(archive.read(f"{path.stem}/data/{number}"), "<f4")
            for number, name in enumerate(_ARRAYS)
        }
    # The file keeps every array with its first dimension running fastest.
    network.load_state_dict(
        {
            name: torch.tensor(np.ascontiguousarray(array.reshape(shapes[name], order="F")))
            for name, array in arrays.items()
        }
    )
    return network.eval().requires_grad_(requires_grad=False)


def activations(
    smiles: Sequence[str],
    *,
    batch: int = 128,
    device: str = "cpu",
    progress: Callable[[int], None] = lambda done: None,
) -> Activations:
    """ChemNet's activations of canonical SMILES, shape (n, 512).

    A string is padded to 350 characters, as in the publication; longer ones to their own length.
    """
    network = load_chemnet().to(device)
    result = np.empty((len(smiles), WIDTH), np.float32)
    by_length: dict[int, list[int]] = {}  # padding changes the numbers, so only equal lengths share a batch
    for row in sorted(range(len(smiles)), key=lambda row: len(smiles[row])):  # like ones share their padding
        by_length.setdefault(max(LENGTH, len(smiles[row]) + 1), []).append(row)
    batches = [
        rows[first : first + batch] for rows in by_length.values() for first in range(0, len(rows), batch)
    ]
    with torch.inference_mode():
        for rows in batches:
            codes = _one_hot([smiles[row] for row in rows])
            result[rows] = network(codes.to(device)).cpu().numpy()
            progress(len(rows))
    return result


def _one_hot(smiles: Sequence[str]) -> torch.Tensor:
    """Shape (n, 35, length); a one is written as 1/35, which is what the network was trained on."""
    length = max(LENGTH, 1 + max(map(len, smiles)))
    tokens = [[_INDEX.get(token, _UNKNOWN) for token in _TOKEN.findall(text + ".")] for text in smiles]
    rows = np.repeat(np.arange(len(tokens)), [len(row) for row in tokens])
    places = np.concatenate([np.arange(len(row)) for row in tokens])
    codes = torch.zeros(len(tokens), len(_VOCABULARY), length)
    codes[rows, np.concatenate(tokens), places] = 1 / len(_VOCABULARY)
    return codes


def _same_padding(length: int, kernel: int = 4, stride: int = 2) -> tuple[int, int]:
    """Zeros before and after, as many as the published network was given."""
    total = kernel - stride if length % stride == 0 else kernel - length % stride
    before = total // stride
    return (before, before) if total % stride == 0 else (before, total - before)


def _path() -> Path | None:
    """Found through the metadata, because importing `fcd` would import scipy and more."""
    try:
        path = Path(str(metadata.distribution("fcd").locate_file(_FILE)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None
