"""What the generator of the stills learns from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Generator, Tensor


class Pictures(Protocol):
    """Many pictures of one shape, mapped from a disk or in memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, 3, H, W)."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, place: int) -> NDArray[Any]:
        """One of them, (3, H, W) uint8."""


class Endless(Protocol):
    """Ever new square pictures, and what they are made from: `training_data.endless`."""

    def draw(self, generator: Generator, n: int) -> Tensor:
        """Draw the numbers of n pictures, (n, n_noise)."""

    def draw_eased(self, generator: Generator, n: int, most: float) -> Tensor:
        """Draw those of pictures that are bent by no more than a share of what is usual."""

    def paint(self, numbers: Tensor, side: int) -> Tensor:
        """Paint small ones whole, (n, 3, side, side) uint8."""

    def paint_detail(self, numbers: Tensor, side: int, rows: slice, columns: slice) -> Tensor:
        """Paint some rows and columns of large ones, (n, 3, h, w) uint8."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a generator learns from, and what it is compared with."""

    pictures: Sequence[Pictures]  # square, wide, tall
    density: float  # of their pixels: 1 where the short side has 256
    # How far stills (n, 3, H, W) in [0, 1] are from held-out pictures; lower is better.
    judge: Callable[[Tensor], float]
    # What the pictures were made from, (n, n_noise) for each shape; see `keyframes.noise`.
    numbers: Sequence[Tensor] | None = None
    endless: Endless | None = None  # where pictures cost next to nothing


@dataclass(frozen=True, kw_only=True)
class Batch:
    """True pictures, and the noise to paint as many from."""

    pictures: Tensor  # (B, 3, H, W) uint8, on the CPU
    noise: Tensor  # (B, n_noise); what these pictures were made from, where that is known


def take_own(fabric: Fabric, drawn: Tensor) -> Tensor:
    """Take this device's part of what was drawn for all, so that they learn as one would.

    The first half of a batch is seen near by, so it is a part of each half.
    """
    parts = drawn.reshape(2, fabric.world_size, -1, *drawn.shape[1:])
    return parts[:, fabric.global_rank].flatten(0, 1)
