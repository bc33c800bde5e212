"""Critics on disk, for a generator that goes on learning where another one stopped."""

from pathlib import Path

from torch import nn

from pix2pix import weights
from pix2pix.weights import BrokenWeights, Weights


def save_critics(path: Path, critics: nn.Module) -> str:
    """Write critics in half precision; return the file's SHA-256."""
    tensors = {name: tensor.half() for name, tensor in critics.state_dict().items()}
    return weights.save(path, tensors, {})


def load_critics(stored: Weights, critics: nn.Module) -> None:
    """Give critics the weights that `save_critics` has written.

    Raises
    ------
    BrokenWeights
        They are those of other critics.
    """
    tensors = {name: tensor.float() for name, tensor in stored.tensors.items()}
    try:
        critics.load_state_dict(tensors)
    except RuntimeError as error:
        raise BrokenWeights("The file holds other critics than this version knows.") from error
