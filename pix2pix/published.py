"""Networks in the layout of pytorch-CycleGAN-and-pix2pix, in which many are published."""

from pathlib import Path

import torch
from torch import Tensor

from pix2pix import weights
from pix2pix.networks import Norm, UNet, UNetConfig
from pix2pix.painter import load_network
from pix2pix.weights import BrokenWeights, Weights

N_LEVELS = 8  # of a unet_256, which takes 256×256 to one point
_FIRST = "model.model.0.weight"  # (width, pictures coming in, 4, 4)
_JUDGES = {"model.0.weight", "net.0.weight"}  # with which a PatchGAN and a PixelGAN begin
_REFUSAL = (
    "The file holds no network that is known here: neither one of Tonfilm's nor a unet_256"
    " generator of pytorch-CycleGAN-and-pix2pix that paints in three channels."
)


def read_painter(path: Path) -> UNet:
    """Read a network to begin with or to paint with: one of ours, or a published one.

    Raises
    ------
    BrokenWeights
        The file is missing, damaged, or holds something else.
    """
    stored = weights.load_foreign(path)
    return load_network(stored) if "unet" in stored.metadata else load_published(stored)


def load_published(stored: Weights) -> UNet:
    """Build the network of a published unet_256 generator; it paints what that one paints.

    Norm and width are found in the tensors. Such networks mostly take pictures of three channels,
    ours takes the spectrogram picture alone: with that picture in each channel, summing the first
    convolution's weights over the channels is exact. Biases are dropped before an instance norm,
    which takes them away again. Their leaky ReLU works in place, so that a skip carries what it
    leaves; the ReLU that reads the skip makes the same of both. Dropout leaves no trace in the
    tensors; the paper's is assumed.

    Raises
    ------
    BrokenWeights
        The tensors are no such generator's.
    """
    tensors = stored.tensors
    _check(tensors)
    norm, width = _find_norm(tensors), tensors[_FIRST].shape[0]
    network = UNet(UNetConfig(n_levels=N_LEVELS, width=width, norm=norm))
    state = network.state_dict()
    theirs = {name: _place(name) for name in state}
    left = tensors.keys() - set(theirs.values())
    if norm == "instance":  # its biases, and running statistics that old versions kept for nothing
        left = {name for name in left if name.endswith(".weight")}
    filled = {name: torch.zeros_like(state[name]) for name in state if _may_lack(name)}
    found = {name: tensors[place] for name, place in theirs.items() if place in tensors}
    found["down.0.conv.weight"] = tensors[_FIRST].sum(1, keepdim=True)
    try:
        network.load_state_dict(filled | found)
    except RuntimeError as error:  # a tensor is missing, or of another shape
        raise BrokenWeights(_REFUSAL) from error
    if left:
        raise BrokenWeights(_REFUSAL)
    return network.eval()


def _check(tensors: dict[str, Tensor]) -> None:
    """Refuse what is no generator of eight levels."""
    if _JUDGES & tensors.keys():
        message = "The file holds a discriminator, which cannot paint; give the generator's file."
        raise BrokenWeights(message)
    first = tensors.get(_FIRST)
    if first is None or first.ndim != 4 or not len(first):
        raise BrokenWeights(_REFUSAL)
    # A block within a block adds a "model" to the names; the outermost block's have two.
    n_levels = max(name.count("model") for name in tensors) - 1
    if n_levels != N_LEVELS:
        message = f"The network halves its picture {n_levels} times; give one of 8, a unet_256."
        raise BrokenWeights(message)


def _find_norm(tensors: dict[str, Tensor]) -> Norm:
    """Find out the norm: only batch norm has weights, and only beside it convolutions no bias."""
    if "model.model.1.model.2.weight" in tensors:
        return "batch"
    if "model.model.1.model.1.bias" in tensors:
        return "instance"
    raise BrokenWeights("The network was trained without norms; give one with batch or instance.")


def _place(name: str) -> str:
    """Return what the published layout calls one of our tensors.

    Each block is a sequence that holds the next block inside, and layers without weights between:

        outermost   0 convolution                    1 block   3 transposed convolution
        between     1 convolution   2 norm           3 block   5 transposed convolution   6 norm
        innermost   1 convolution                              3 transposed convolution   4 norm
    """
    side, number, layer, kind = name.split(".")
    level = int(number)
    block = "model.model" + ".1.model" * (level > 0) + ".3.model" * (level - 1)
    if level == 0:
        places = {"down.conv": 0, "up.conv": 3}
    elif level < N_LEVELS - 1:
        places = {"down.conv": 1, "down.norm": 2, "up.conv": 5, "up.norm": 6}
    else:
        places = {"down.conv": 1, "up.conv": 3, "up.norm": 4}
    return f"{block}.{places[f'{side}.{layer}']}.{kind}"


def _may_lack(name: str) -> bool:
    """Tell whether a tensor of ours may be missing there, and is then zero.

    Beside batch norm no convolution of the encoder has a bias, not even where there is no norm;
    and before torch 0.4.1 a batch norm did not count its batches.
    """
    return name.endswith("num_batches_tracked") or (
        name.startswith("down.") and name.endswith("conv.bias")
    )
