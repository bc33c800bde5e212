"""Latent maps of many pictures, and their normalisation."""

from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.lib.format import open_memmap

from keyframes.codec_training import to_range
from keyframes.networks import FACTOR, Encoder
from keyframes.stills import Statistics
from keyframes.training import Pictures

N_BATCH = 32


@torch.no_grad()
def encode(path: Path, encoder: Encoder, pictures: Pictures, fabric: Fabric) -> None:
    """Write the latent maps of pictures (n, 3, H, W) uint8 to a .npy file, float16.

    The file appears whole or not at all.
    """
    n, _, height, width = pictures.shape
    partial = path.with_suffix(".partial")
    shape = (n, encoder.n_latents, height // FACTOR, width // FACTOR)
    maps = open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)
    for start in range(0, n, N_BATCH):
        batch = torch.from_numpy(np.array(pictures[start : start + N_BATCH])).to(fabric.device)
        with fabric.autocast():
            latents = encoder(to_range(batch).contiguous(memory_format=torch.channels_last))
        maps[start : start + N_BATCH] = latents.float().cpu().numpy()
    maps.flush()
    partial.replace(path)


def measure(maps: Pictures) -> Statistics:
    """Measure latent maps (n, C, h, w), a block at a time."""
    total = np.zeros(maps.shape[1])
    squares = np.zeros(maps.shape[1])
    for start in range(0, len(maps), 1024):
        block = maps[start : start + 1024].astype(np.float64)
        total += block.sum((0, 2, 3))
        squares += np.square(block).sum((0, 2, 3))
    n_values = len(maps) * maps.shape[2] * maps.shape[3]
    mean = total / n_values
    # A channel that never changes would be divided by nothing.
    deviation = np.sqrt(np.maximum(squares / n_values - mean**2, 1e-8))
    return Statistics(
        mean=torch.from_numpy(mean).float(), deviation=torch.from_numpy(deviation).float()
    )
