"""Copies of one picture in other sizes and compressions, found by how they look.

A fingerprint has two halves. The difference hash (Krawetz 2013) says where a picture grows
lighter from left to right: quick to compare, and much the same in any size, but blind to a change
of colours, so that a motif by day and by night look the same to it. So what it calls alike must
also be alike as a thumbnail.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

_N_CELLS = 8  # a side of the hash: finer ones see the compression of small pictures
_N_TEXELS = 12  # a side of the thumbnail
# Measured on 30 wallpapers: copies down to 90 pixels at JPEG quality 15 differ in up to 13 bits and
# 7.1 steps. Other motifs begin at 19 steps, one motif by day and by night at 36 (with 1 bit).
MOST_BITS = 14  # of 64
MOST_STEPS = 8.0  # of 255, root mean square


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """What stays of a picture in any size."""

    bits: NDArray[np.uint8]  # (8,), 64 packed: is a cell lighter than its left neighbour?
    thumbnail: NDArray[np.float32]  # (3 * 12 * 12,) in 0 to 255


def take_fingerprint(picture: Tensor) -> Fingerprint:
    """Take the fingerprint of a picture (3, H, W) uint8."""
    colours = picture.float()
    grey = transforms.resize(colours, [_N_CELLS, _N_CELLS + 1], antialias=True).mean(0)
    thumbnail = transforms.resize(colours, [_N_TEXELS, _N_TEXELS], antialias=True)
    bits = np.packbits((grey[:, 1:] > grey[:, :-1]).numpy())
    return Fingerprint(bits=bits, thumbnail=thumbnail.numpy().ravel())


def find_originals(prints: Sequence[Fingerprint], n_pixels: Sequence[int]) -> list[int]:
    """Return the indices, rising, of the pictures that are no copy of another.

    Parameters
    ----------
    n_pixels : of each picture: of copies the one with most stays, of equals the first
    """
    bits = np.stack([one.bits for one in prints])
    thumbnails = np.stack([one.thumbnail for one in prints])
    kept: list[int] = []
    for index in sorted(range(len(prints)), key=lambda i: -n_pixels[i]):
        n_differing = np.bitwise_count(bits[kept] ^ bits[index]).sum(1)
        near = np.array(kept, int)[n_differing <= MOST_BITS]
        steps = np.sqrt(((thumbnails[near] - thumbnails[index]) ** 2).mean(1))
        if not (steps <= MOST_STEPS).any():
            kept.append(index)
    return sorted(kept)
