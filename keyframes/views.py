"""What the critics see of a picture: the whole of it from afar, and details from near by.

A view is so many rows and columns of the picture, with gaps between them when it is seen from
afar. True pictures are cut so, and painted ones are read at those pixels alone: no critic needs a
whole picture in full size, which would cost sixteen times as much.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

SIDE = 64  # pixels of a detail; fewer where the picture is smaller than two of them
FAR = 4  # pixels from one to the next, seen from afar; 2 half-way, 1 near by


@dataclass(frozen=True, kw_only=True)
class View:
    """Some rows and columns of a picture."""

    rows: slice
    columns: slice

    @property
    def is_near(self) -> bool:
        """Whether there are no gaps."""
        return bool(self.rows.step == 1)

    def cut(self, pictures: Tensor) -> Tensor:
        """Return what is to be seen of pictures (..., H, W)."""
        return pictures[..., self.rows, self.columns]


Read = Callable[[View, slice], Tensor]  # what is painted in a view of some pictures


@dataclass(frozen=True, kw_only=True)
class Views:
    """What is looked at in one step."""

    whole: View  # all of the picture, from afar
    near: View  # a detail
    middle: View  # a detail of twice the side


def draw_views(generator: Generator, height: int, width: int) -> Views:
    """Draw views of pictures of 32 by 32 pixels or more; anything of them may be seen."""
    y, x = torch.randint(FAR, (2,), generator=generator).tolist()
    whole = View(
        rows=slice(y, y + height // FAR * FAR - FAR + 1, FAR),
        columns=slice(x, x + width // FAR * FAR - FAR + 1, FAR),
    )
    return Views(
        whole=whole,
        near=_draw_detail(generator, height, width, 1),
        middle=_draw_detail(generator, height, width, 2),
    )


def _draw_detail(generator: Generator, height: int, width: int, gap: int) -> View:
    side = min(SIDE, min(height, width) // 2 // FAR * FAR)
    spare = torch.tensor([height - side * gap, width - side * gap])
    y, x = (torch.rand(2, generator=generator) * (spare + 1)).long().tolist()
    return View(rows=slice(y, y + side * gap, gap), columns=slice(x, x + side * gap, gap))


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What the critics see of a batch: the first half near by, the second from half-way."""

    whole: Tensor  # (B, 3, h, w)
    details: Tensor  # (B, 3, SIDE, SIDE)

    def detach(self) -> "Sight":
        """Return the same, to learn nothing through."""
        return Sight(whole=self.whole.detach(), details=self.details.detach())

    def begin(self, n: int) -> "Sight":
        """Return the sight of n pictures."""
        near, middle = self.details.chunk(2)
        details = torch.cat([near[: n // 2], middle[: n // 2]])
        return Sight(whole=self.whole[:n], details=details)


def cut(pictures: Tensor, views: Views, device: torch.device) -> Sight:
    """Cut what is seen of pictures (B, 3, H, W) uint8; only that becomes numbers in [−1, 1]."""
    near, middle = pictures.chunk(2)
    details = torch.cat([views.near.cut(near), views.middle.cut(middle)])
    whole, details = (to_numbers(seen, device) for seen in (views.whole.cut(pictures), details))
    return Sight(whole=whole, details=details)


def to_numbers(pictures: Tensor, device: torch.device) -> Tensor:
    """Turn bytes into numbers in [−1, 1]."""
    return pictures.to(device).float().div(127.5).sub(1)


def look_near(read: Read, views: Views, n: int) -> Tensor:
    """Read the details that are seen of n pictures, as `cut` cuts them."""
    near, middle = read(views.near, slice(n // 2)), read(views.middle, slice(n // 2, n))
    return torch.cat([near, middle])
