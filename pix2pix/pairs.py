"""Pairs of spectrogram picture and frame, wherever they come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Generator, Tensor


class Pairs(Protocol):
    """Some spectrogram pictures, and the frame that belongs to each."""

    @property
    def spectrograms(self) -> Tensor:
        """(B, 1, 256, 256) float32 in [0, 1]."""

    @property
    def frames(self) -> Tensor:
        """(B, 3, H, W) float32 in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Some pairs in memory."""

    spectrograms: Tensor  # (B, 1, 256, 256) float32 in [0, 1]
    frames: Tensor  # (B, 3, H, W) float32 in [0, 1]


class PairSource(Protocol):
    """Where pairs come from."""

    @property
    def shapes(self) -> Mapping[tuple[int, int], int]:
        """How many pairs there are with frames of each height and width, whole grids of 256."""

    def batch(self, generator: Generator, n: int, height: int, width: int) -> Pairs:
        """Draw n pairs with frames of one of the shapes, by a CPU generator and nothing else."""
