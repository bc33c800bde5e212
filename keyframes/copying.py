"""Learn to paint pictures of which it is known what they were made from.

What all of them share is learnt before the rest: where the land is that they show
(`keyframes.ridges`), or the noise, and how it is bent (`keyframes.warp`).
"""

from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from keyframes.gan_settings import GanSettings
from keyframes.generator import Generator
from keyframes.knots import spline_rows
from keyframes.learner import Pace
from keyframes.material import Batch, Endless, Material, take_own
from keyframes.noise import to_noise
from keyframes.views import Read, Sight, View, Views, look_near, to_numbers
from pix2pix.pyramid import peel

SMALLEST_BAND = 4  # pixels of the coarsest band, along the shorter side
# Share of the time for the land in which ridges stand still: one of a colour that is still wrong
# would hide, and what is hidden teaches nothing.
STILL = 0.05
# Share of the time for the land in which it has no folds, walls or windows: a wall that ends where
# it likes paints a town before any roof has found its place.
BARE = 0.5
# Small pictures are bent by no more than this share of what is usual at first, for a part of their
# time, and by all of it from another part on: where little is bent, noise is soon found, and then
# how it is bent. All at once nothing is where it seems to be.
EASY, EASY_UNTIL, ALL_FROM = 0.15, 0.15, 0.5
SMALL, SMALL_DENSITY = 32, 1 / 8  # pixels a side of small pictures, and their density
DETAIL = 16  # pixels a side
N_PLACES = 4  # of details in a batch: those of one place are read together


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a generator learns in a step."""

    figures: dict[str, float]
    loss: Tensor
    pace: Pace


class Copying:
    """Compare what a generator paints with known pictures, by what is due at a share of a budget.

    Parameters
    ----------
    fabric : device, and how many there are
    generator : that learns
    settings : of the learning
    material : to learn from
    """

    def __init__(
        self, fabric: Fabric, generator: Generator, settings: GanSettings, material: Material
    ) -> None:
        self.fabric, self.generator = fabric, generator
        self.settings, self.material = settings, material

    def find_land(self, batch: Batch, views: Views, true: Sight, share: float) -> Lesson:
        """Learn where ridges are and what lies below them.

        Once fields and hazes have painted a mountain as a haze, no ridge finds its place any more.
        """
        height, width = batch.pictures.shape[2:]
        density = self.material.density
        rows, columns = (spline_rows(side, density) for side in (height, width))
        styles = self.generator.style(batch.noise.to(self.fabric.device))
        land = self.generator.lay_land(styles, height, width, density)
        settings = self.settings
        if share < STILL * settings.land:
            land = land.detach()
        bare = share < BARE * settings.land

        def read(view: View, some: slice) -> Tensor:
            seen = rows[view.rows], columns[view.columns]
            return self.generator.paint_land(styles[some], land[some], *seen, bare=bare)

        details = look_near(read, views, len(true.whole)) - true.details
        return self.copy(read, views, true, details, share, settings.land_rate)

    def copy_small(self, endless: Endless, random: torch.Generator, share: float) -> Lesson:
        """Learn to paint small pictures, to find what all of them share.

        Many see more of it than a few large ones, and cost as little.
        """
        settings, spent = self.settings, share / self.settings.small
        n = settings.n_small * self.fabric.world_size
        risen = (spent - EASY_UNTIL) / (ALL_FROM - EASY_UNTIL)
        most = EASY + (1 - EASY) * min(1.0, max(0.0, risen))
        numbers, styles = self._share_out(endless.draw_eased(random, n, most), random)
        knots = self.generator.fields(styles, SMALL, SMALL, SMALL_DENSITY)
        side = spline_rows(SMALL, SMALL_DENSITY)
        painted = self.generator.read(knots, styles, side, side)
        apart = painted - to_numbers(endless.paint(numbers, SMALL), self.fabric.device)
        if spent < settings.small_amounts:
            loss = self._by_squares(apart)
        else:
            loss = self._by_amounts(apart)
        # It falls from the start: at its height for long, waves ran away.
        pace = Pace(rate=settings.small_rate * (1 - spent), momentum=settings.alone_momentum)
        return Lesson(figures={"copying": apart.abs().mean().item()}, loss=loss, pace=pace)

    def paint_details(self, endless: Endless, random: torch.Generator) -> Tensor:
        """Return how far details of ever new pictures (B, 3, DETAIL, DETAIL) are from true ones."""
        density, device = self.material.density, self.fabric.device
        side = min(self.material.pictures[0].shape[2:])
        lines = spline_rows(side, density)
        n = self.settings.n_details // N_PLACES * self.fabric.world_size
        apart = []
        for _ in range(N_PLACES):
            y, x = torch.randint(side - DETAIL + 1, (2,), generator=random).tolist()
            rows, columns = slice(y, y + DETAIL), slice(x, x + DETAIL)
            numbers, styles = self._share_out(endless.draw(random, n), random)
            knots = self.generator.fields(styles, side, side, density)
            painted = self.generator.read(knots, styles, lines[rows], lines[columns])
            true = endless.paint_detail(numbers, side, rows, columns)
            apart.append(painted - to_numbers(true, device))
        return torch.cat(apart)

    def copy(
        self, read: Read, views: Views, true: Sight, details: Tensor, share: float, rate: float
    ) -> Lesson:
        """Learn to paint known pictures, wholes and details: where things are, then where they end.

        By squares, what is not where it should be is drawn there; by amounts, edges become sharp.

        Parameters
        ----------
        details : how far some details are from true ones
        """
        settings = self.settings
        whole = read(views.whole, slice(len(true.whole))) - true.whole
        if share < settings.amounts_from:
            loss = self._by_squares(F.avg_pool2d(whole, 2))
            loss = loss + settings.copying * details.square().mean()
        else:
            loss = self._by_amounts(whole, details)
        figures = {
            "copying": whole.abs().mean().item(),
            "details": details.abs().mean().item(),
        }
        pace = Pace(rate=rate, momentum=settings.alone_momentum)
        return Lesson(figures=figures, loss=loss, pace=pace)

    def compare(self, painted: Tensor, true: Tensor) -> tuple[dict[str, float], Tensor]:
        """Compare wholes (B, 3, h, w) roughly, where it is known what the true ones were made from.

        By squares, not by amounts: a sun covers a hundredth of a picture, and while its place is
        uncertain the likeliest value of each pixel is the sky's, so that amounts teach to leave it
        out; the mean of all places is a glow, which then draws together. Where an edge runs to the
        pixel is left to the critics.
        """
        if self.material.numbers is None:
            return {}, painted.new_zeros(())
        apart = F.avg_pool2d(painted - true, 2)
        return {"copying": apart.abs().mean().item()}, self._by_squares(apart)

    def _share_out(self, numbers: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return this device's part of what was drawn for all, and the styles of it."""
        # The noise in what says nothing is drawn for all as well.
        noise = to_noise(numbers, random)
        numbers, noise = (take_own(self.fabric, drawn) for drawn in (numbers, noise))
        return numbers, self.generator.style(noise.to(self.fabric.device))

    def _by_squares(self, apart: Tensor) -> Tensor:
        bands = [band.square().mean() for band in _part(apart)]
        return self.settings.copying * torch.stack(bands).sum()

    def _by_amounts(self, *apart: Tensor) -> Tensor:
        """Return the loss of what pictures are apart, large shapes and small ones."""
        bands = [band.abs().mean() for x in apart for band in _part(x)]
        return self.settings.amounts * torch.stack(bands).sum()


def _part(x: Tensor) -> list[Tensor]:
    """Part pictures (B, 3, h, w) into a Laplacian pyramid, where small shapes weigh as large ones.

    A sun is a hundredth of a picture: in a plain mean its place hardly counts.
    """
    bands = []
    while min(x.shape[2:]) >= 2 * SMALLEST_BAND:
        band, x = peel(x)
        bands.append(band)
    return [*bands, x]
