"""Access to what goes on inside a network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Layer = Literal["coarse", "middle", "fine"]


@dataclass(frozen=True, kw_only=True)
class Inner:
    """A change to the maps of one layer, before the next one sees them."""

    layer: Layer
    change: Callable[[Tensor], Tensor]  # keeps the shape (B, C, h, w) and the type


def apply(inner: Inner | None, layer: Layer | None, maps: Tensor) -> Tensor:
    """Change the maps that a layer gives, where it is the one."""
    return maps if inner is None or inner.layer != layer else inner.change(maps)
