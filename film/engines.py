"""Engines turn rows of the score and spectrogram pictures into pictures."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from film.blends import BLENDS, bend
from film.controls import column
from film.planes import Size, canvas_size
from film.recipe import Recipe
from film.theme import Theme
from spectro.score import Rows

# How far, in ways from keyframe to keyframe, frames on the walk may lie between two painted stills.
# Measured: the mean of two stills that far apart is a tenth of a step of 8-bit colour off the true
# one, and five steps at the worst thousandth of its pixels; four times as far, edges are doubled.
REACH: Final = 0.005


class Duet:
    """The painted frame of pix2pix, and the walk between keyframes, blended.

    It holds no state between calls: frames depend on their rows and windows alone.
    """

    def __init__(self, theme: Theme, recipe: Recipe) -> None:
        self._painter, self._stills = theme.painter, theme.stills
        self._stops = torch.stack([theme.stills.style(seed) for seed in recipe.keyframes])
        self._canvas = canvas_size(Size(height=recipe.height, width=recipe.width))
        self._blend = BLENDS[recipe.blend]

    @torch.inference_mode()
    def paint(self, rows: Rows, windows: NDArray[np.float32]) -> Tensor:
        """Paint some frames.

        Parameters
        ----------
        rows : B rows of the score
        windows : (B, 256, 256) float32 in [0, 1], the same frames' spectrogram pictures

        Returns
        -------
        (B, 3, height, width) float32 in [0, 1] at `canvas_size` of the film
        """
        height, width = self._canvas.height, self._canvas.width
        painted = self._painter.paint(torch.from_numpy(windows), height, width)
        keyframes = self._walk(rows.keyframe)
        keyframes = bend(keyframes, painted, column(rows, "bend", painted.device))
        return self._blend(keyframes, painted, column(rows, "blend", painted.device))

    def _walk(self, positions: NDArray[np.float32]) -> Tensor:
        """Paint the stills (B, 3, height, width) at positions along the ring of keyframes.

        The walk is slow, so only some are painted, and mixed for the frames between them:

            frame     0   1   2   3   4   5   6   7
            painted   x               x           x
        """
        steps = np.diff(positions.astype(np.float64), prepend=positions[0])
        travelled = np.cumsum(np.mod(steps, len(self._stops)))  # the walk goes forward only
        painted = _choose_painted(travelled)
        stills = self._stills.paint(
            self._styles(positions[painted]), self._canvas.height, self._canvas.width
        )
        place = np.interp(travelled, travelled[painted], np.arange(len(painted)))
        before = np.minimum(place.astype(np.int64), max(len(painted) - 2, 0))
        after = np.minimum(before + 1, len(painted) - 1)
        share = torch.from_numpy(place - before).to(stills)[:, None, None, None]
        return torch.lerp(stills[before], stills[after], share)

    def _styles(self, positions: NDArray[np.float32]) -> Tensor:
        """Return the styles (B, D) at positions along the ring of keyframes."""
        position = torch.from_numpy(positions)
        before = position.floor()
        start = before.long() % len(self._stops)
        end = (start + 1) % len(self._stops)
        return torch.lerp(self._stops[start], self._stops[end], (position - before)[:, None])


def _choose_painted(travelled: NDArray[np.float64]) -> list[int]:
    """Choose the frames whose stills are painted: the ends, and no gap beyond `REACH`."""
    painted = [0]
    for frame in range(1, len(travelled)):
        if travelled[frame] - travelled[painted[-1]] > REACH and frame - 1 > painted[-1]:
            painted.append(frame - 1)
    return painted if len(travelled) == 1 else [*painted, len(travelled) - 1]
