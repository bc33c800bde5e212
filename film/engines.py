"""Engines turn rows of the score and spectrogram pictures into pictures."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from film.bending import bend_of
from film.blends import BLENDS, bend
from film.controls import column
from film.planes import Size, canvas_size
from film.portraits import lay_stops
from film.recipe import Recipe
from film.theme import Theme
from film.windows import change_windows
from pix2pix.inner import Inner
from spectro.score import Rows


class Duet:
    """The painted frame of pix2pix, and the walk between keyframes, blended.

    It holds no state between calls: frames depend on their rows and windows alone.
    """

    def __init__(self, theme: Theme, recipe: Recipe) -> None:
        self._painter, self._stills = theme.painter, theme.stills
        self._canvas = canvas_size(Size(height=recipe.height, width=recipe.width))
        self._stops = lay_stops(theme, recipe, self._canvas)
        self._blend = BLENDS[recipe.blend]
        self._layer, self._seed = recipe.layer, recipe.seed
        self._pushed_to = theme.stills.style(recipe.seed)

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
        device = self._painter.device
        seen = change_windows(torch.from_numpy(windows), rows)
        change = bend_of(rows, self._seed, device)
        inner = Inner(layer=self._layer, change=change) if change else None
        painted = self._painter.paint(seen, height, width, inner)
        walked = self._stops.at(torch.from_numpy(rows.keyframe), torch.from_numpy(rows.toward))
        truncation, push = (
            torch.from_numpy(rows.column(name))[:, None] for name in ("truncation", "push")
        )
        styles = self._stills.steer(walked.styles, truncation, push, self._pushed_to)
        keyframes = self._stills.paint(styles, height, width, walked.own, inner=inner)
        keyframes = bend(keyframes, painted, column(rows, "bend", painted.device))
        return self._blend(keyframes, painted, column(rows, "blend", painted.device))
