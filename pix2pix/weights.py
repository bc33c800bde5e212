"""Read and write weights: the one file that does, and never by running what a file says."""

import hashlib
import io
import json
import os
import pickle
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

# A zip archive, and a pickle as torch wrote before 1.6. As the length of a header, which begins a
# safetensors file, both would pass the 100 MB that safetensors allows.
_TORCH_MARKS = (b"PK\x03\x04", b"\x80\x02\x8a\x0a")
# What torch's reader was seen to raise at files cut off anywhere and with bytes changed.
_DAMAGE = (
    pickle.UnpicklingError,
    struct.error,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


class BrokenWeights(ValueError):  # noqa: N818, named by what is wrong
    """A weights file that is missing, damaged, or not the one that was asked for."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What a weights file holds."""

    tensors: dict[str, Tensor]  # on the CPU, in the precision of the file
    metadata: dict[str, str]
    sha256: str  # hexadecimal digest of the whole file


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Write a safetensors file, whole or not at all.

    Parameters
    ----------
    path : file to write; its folder is made where it is missing
    tensors : any shapes, precisions and devices; no two may share memory
    metadata : strings stored in the file's header

    Returns
    -------
    str
        SHA-256 of the file, hexadecimal.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # The temporary folder lies beside the target, so that the rename stays on one disk.
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=path.parent) as folder:
        partial = Path(folder) / path.name
        safetensors.torch.save_file(plain, partial, metadata=dict(metadata))
        with partial.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        partial.replace(path)
    return digest


def load(path: Path, sha256: str | None) -> Weights:
    """Read a safetensors file; its hash is checked before anything in it is parsed.

    Parameters
    ----------
    path : file to read
    sha256 : the digest the file must have, hexadecimal; None where the file is the
        user's own and no digest is known, as with a training run's checkpoint

    Raises
    ------
    BrokenWeights
        The file is missing, has another hash, or is not a whole safetensors file.
    """
    content = _read(path)
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256.lower():
        message = f"The weights file {path} is not the one expected (SHA-256 differs); restore it."
        raise BrokenWeights(message)
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        message = f"The weights file {path} is damaged; restore it."
        raise BrokenWeights(message) from error
    return Weights(tensors=tensors, metadata=_read_metadata(content), sha256=digest)


def load_foreign(path: Path) -> Weights:
    """Read a file of the user's own choice: safetensors, or what `torch.save` wrote.

    Torch's reader is bound to build tensors and plain containers of them, and to refuse a pickle
    that names anything else. What we ship is read by `load`, which knows no pickles at all.

    Raises
    ------
    BrokenWeights
        The file is missing, damaged, or holds more than tensors with names.
    """
    content = _read(path)
    if not content.startswith(_TORCH_MARKS):
        return load(path, None)
    try:
        held = torch.load(io.BytesIO(content), "cpu", weights_only=True)  # noqa: TID251
    except _DAMAGE as error:
        message = f"The weights file {path} is damaged, or holds more than weights."
        raise BrokenWeights(message) from error
    if not isinstance(held, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in held.items()
    ):
        message = f"The file {path} holds no bare weights; give a network's state dict alone."
        raise BrokenWeights(message)
    digest = hashlib.sha256(content).hexdigest()
    return Weights(tensors=dict(held), metadata={}, sha256=digest)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"The weights file {path} cannot be read ({error.strerror}); restore it."
        raise BrokenWeights(message) from error


def _read_metadata(content: bytes) -> dict[str, str]:
    """Return the strings in the header of a file that safetensors has found valid."""
    # A safetensors file: 8 bytes, the header's length (little endian) | header, JSON | data
    n_header_bytes = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + n_header_bytes])
    metadata: dict[str, str] = header.get("__metadata__", {})
    return metadata
