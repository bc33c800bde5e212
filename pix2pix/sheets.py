"""Sample sheets: spectrogram picture, painted frame and true frame, side by side."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from pix2pix.grids import SQUARE, spread
from pix2pix.pairs import Pairs

_N_SQUARES, _N_OTHERS = 8, 2  # pairs of a shape that are shown
_WIDTH = 6 * SQUARE


def draw_sheet(groups: Sequence[tuple[Pairs, Tensor]]) -> Tensor:
    """Draw some of the pairs of each group with the frames (B, 3, H, W) that were painted for them.

    Returns
    -------
    (3, H, W) in [0, 1]
    """
    rows = []
    for pairs, painted in groups:
        height, width = painted.shape[-2:]
        triples = torch.cat([_in_colour(pairs), painted, pairs.frames], 3)
        rows += _lay(triples[: _N_SQUARES if height == width else _N_OTHERS])
    return torch.cat(rows, 1)


def _lay(pictures: Tensor) -> list[Tensor]:
    """Lay (B, 3, H, W) pictures side by side in rows (3, H, sheet width), black where none is."""
    n_in_row = max(1, _WIDTH // pictures.shape[-1])
    rows = [torch.cat(list(row), 2) for row in torch.split(pictures, n_in_row)]
    return [F.pad(row, (0, max(0, _WIDTH - row.shape[-1]))) for row in rows]


def _in_colour(pairs: Pairs) -> Tensor:
    """Return the spectrogram pictures at the frames' size with three equal channels."""
    spectrograms = spread(pairs.spectrograms, *pairs.frames.shape[-2:]) / 2 + 0.5
    return spectrograms.expand(-1, 3, -1, -1)
