"""Colours from fields, as a poster is printed: layer upon layer, each cut out along a contour."""

import math
from dataclasses import dataclass

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.form import Form
from keyframes.houses import N_PAVINGS
from keyframes.layers import Special, StyledMix, mix
from keyframes.sky import N_CLOUDS

SOFTEST, SHARPEST = 1.0, 24.0  # the layers begin so: the hindmost is a haze, the foremost is cut
GLOWING, RADIUS = 3.0, 0.25  # sharpness of spots and their radius in units, to begin with
# Windows: how dark they are, and the logarithm of their sharpness, to begin with.
DARK, LIT = -1.0, 0.7
# Of a sun in a sky (`keyframes.sky`): its least radius in units, and how much its logarithm grows.
SMALLEST_SUN, SUN_GROWS = 0.07, 1.3
STEEP = 25.0  # least sharpness of ridges, to a unit of hardness
SHADES = 0.35  # how strongly the fields shade a layer's colour, to begin with
LEAST_SHARP = 8.0  # of what is cut: lines in a veil would show as stripes
# Beyond these an exponential would run away before the critics could say anything.
MOST_SHARP, MOST_SHADED = math.log(200), 2.0
# Logits beyond which a layer covers a pixel wholly or not at all, and the logarithm below which
# nothing is seen. Without them the slopes of sharp layers become denormal numbers, with which
# products take ten times as long.
COVERED, UNSEEN = 20.0, -50.0


@dataclass(frozen=True)
class Cut:
    """The layers of B pictures, as their styles set them: contours first, then colours.

    K layers, those of the spots between hazes and cut shapes.
    """

    weights: Tensor  # (B, K − 1 + 3K, n_read)
    shifts: Tensor  # (B, K − 1 + 3K, 1), from which K is known
    spots: Tensor  # (B, n_spots, 2), y and x in units of `keyframes.land.UNIT` pixels
    land: slice  # which of the K − 1 contours are ridges and, of houses, windows in turn; or none


class Silhouettes(Special):
    """Lay K layers over each other, back to front; the hindmost covers all.

    A layer covers what lies above zero in a mixture of the fields, hazily or sharply, and its
    colour is shaded by another mixture of them. The style sets all mixtures. That is how a poster
    of a landscape or of a skyline is built up, and much of what is seen: things in front of
    things. Some layers are spots: a disc or a glow, such as a sun, that the style lays anywhere;
    out of fields alone one that is round is learnt last of all. Some are all that lies below a
    ridge (`keyframes.ridges`), and some the lit windows of a row of houses, within its walls
    (`keyframes.houses`). Lines are read only where the front half of the layers is cut: in hazes
    and in colours they showed as stripes.

    Parameters
    ----------
    form : of the generator
    """

    least_sharp: Tensor
    of_ridges: Tensor  # 1 where a layer is one
    given: Tensor  # (n, n_read), what each layer of a given shape is cut out of
    free: Tensor  # (n_read,), 0 where none but such a layer reads it

    def __init__(self, form: Form) -> None:
        super().__init__()
        n_lines, n_style, self.n_spots = 2 * form.n_lines, form.n_style, form.n_spots
        self.n_ridges, self.n_windows = form.n_ridges, form.n_ridges if form.houses else 0
        n_seen = form.n_spots + form.n_ridges
        n_given = n_seen + self.n_windows  # layers whose shape is given
        # Wetness, waves, two of folds, or windows and walls, the sky, and a street.
        self.n_of_sky = 1 + N_CLOUDS + (0 if form.houses else 1)  # its height, clouds, stars
        n_on_land = 2 + 2 * form.n_ridges + self.n_of_sky if form.n_ridges else 0
        n_on_land += N_PAVINGS if form.houses else 0
        n_beside = n_on_land + form.n_fine + n_lines
        n_read = form.n_fields + 2 + n_seen + n_beside
        self.n_layers, self.n_lines = form.n_layers + n_given, n_lines
        self.n_hazes = (form.n_layers - 1) // 2
        self.hazes = StyledMix(n_read - n_lines, self.n_hazes, n_style, 1.0)
        self.contours = StyledMix(n_read, form.n_layers - 1 - self.n_hazes, n_style, 1.0)
        if form.n_spots:
            self.spots = nn.Linear(n_style, 3 * form.n_spots)  # y, x, logarithm of the radius
        if form.houses:
            self.lights = nn.Linear(n_style, self.n_windows)  # in how many windows there is light
        self.sharpness = nn.Linear(n_style, self.n_layers - 1)  # its logarithm, above the least
        self.shading = StyledMix(n_read - n_lines, 3 * self.n_layers, n_style, 1.0)
        self.shades = nn.Linear(n_style, 3 * self.n_layers)  # logarithm of the shading's strength
        self.sun_told = form.find("sun_size") if form.n_ridges else 0
        self.first_given = form.n_fields + 2
        self.land = slice(self.n_hazes + form.n_spots, self.n_hazes + n_given)
        # Each row of houses before the one behind it, and its windows before their walls.
        self.ridges = slice(self.land.start, self.land.stop, 2 if form.houses else 1)
        self._prepare(n_read)

    def _prepare(self, n_read: int) -> None:
        """Set down which layers are ridges, and what those of a given shape are cut out of."""
        least, of_ridges = torch.zeros(2, self.n_layers - 1)
        least[self.land.stop :] = LEAST_SHARP
        of_ridges[self.ridges] = 1.0
        each, free = torch.eye(n_read), torch.ones(n_read)
        first_ridge = self.first_given + self.n_spots
        wet = first_ridge + self.n_ridges
        spots, land = each[self.first_given : first_ridge], each[first_ridge:wet]
        if self.n_windows:
            windows = slice(wet + 2, wet + 2 + self.n_windows)  # beyond wetness and waves
            free[windows] = 0.0
            land = torch.stack([land, each[windows]], 1).flatten(0, 1)
        self.register_buffer("least_sharp", least, persistent=False)
        self.register_buffer("of_ridges", of_ridges, persistent=False)
        self.register_buffer("given", torch.cat([spots, land]), persistent=False)
        self.register_buffer("free", free, persistent=False)

    def under(self, styles: Tensor, hardness: float) -> Cut:
        """Return the layers under styles (B, n_style), with ridges of a hardness."""
        least = self.least_sharp + STEEP * hardness * self.of_ridges
        sharpness = self.sharpness(styles).clamp(max=MOST_SHARP).exp() + least
        shades = self.shades(styles).clamp(max=MOST_SHADED).exp()[:, :, None]
        hazes, haze_places = self.hazes.under(styles)
        contours, places = self.contours.under(styles)
        shading, colours = self.shading.under(styles)
        n = self.n_spots
        spots = self.spots(styles) if n else styles.new_zeros(len(styles), 0)
        spots = spots.reshape(len(styles), n, 3)
        given = self.given.expand(len(styles), -1, -1)
        hazes, shading = (F.pad(x, (0, self.n_lines)) * self.free for x in (hazes, shading))
        over = torch.cat([hazes, given, contours * self.free], 1)
        over = over * sharpness[:, :, None]
        at_land = styles.new_zeros(len(styles), self.n_ridges, 1)
        if self.n_windows:
            at_land = torch.stack([at_land, self.lights(styles)[:, :, None]], 2).flatten(1, 2)
        places = torch.cat([haze_places, spots[:, :, 2:], at_land, places], 1)
        places = places * sharpness[:, :, None]
        return Cut(
            weights=torch.cat([over, shading * shades], 1),
            shifts=torch.cat([places, colours], 1),
            spots=spots[:, :, :2],
            land=self.land,
        )

    def clear(self, cut: Cut, *, bare: bool) -> Cut:
        """Leave nothing but ground, sun and land, which read what `read_land` gives.

        Parameters
        ----------
        bare : without folds, walls and windows
        """
        n = self.n_layers
        all_layers = torch.arange(n - 1)
        sun = all_layers[self.n_hazes, None]
        over = torch.cat([sun, all_layers[self.ridges if bare else self.land]])
        of_layers = torch.cat([torch.zeros(1, dtype=torch.long), over + 1])
        rows = torch.cat([over, *(n - 1 + colour * n + of_layers for colour in range(3))])
        under = self.first_given + self.n_spots
        folds = under + self.n_ridges + 2
        sky = folds + 2 * self.n_ridges
        seen = torch.tensor([
            self.first_given - 2,  # y, which comes before x
            self.first_given,  # the sun
            *range(under, folds if bare else sky),
            *range(sky, sky + self.n_of_sky),
        ])  # fmt: skip
        weights = cut.weights[:, rows][:, :, seen]
        if bare:
            # Colours that change with the depth below a ridge would paint it as a haze.
            told = torch.ones_like(weights[0])
            told[len(over) :, 2 : 2 + self.n_ridges] = 0.0
            weights = weights * told
        return Cut(
            weights=weights,
            shifts=cut.shifts[:, rows],
            spots=cut.spots[:, :1],
            land=slice(1, 1 if bare else len(over)),
        )

    def forward(self, fields: Tensor, cut: Cut) -> Tensor:
        """Map fields (B, up to n_read, n) at some pixels to their colours (B, 3, n) in [−1, 1]."""
        n = (cut.shifts.shape[1] + 1) // 4
        mixed = mix(cut.weights[:, :, : fields.shape[1]], cut.shifts, fields)
        over = mixed[:, : n - 1].clamp(-COVERED, COVERED)
        if self.n_windows and cut.land.start < cut.land.stop:
            over = _wall_in(over, cut.land)
        colours = torch.unflatten(mixed[:, n - 1 :], 1, (3, n))
        # A layer covers sigmoid(over) of a pixel. As logarithms, since sharp layers leave nothing
        # of those behind them: what this layer and all in front of it leave free.
        free = F.logsigmoid(-over).flip(1).cumsum(1).flip(1)
        seen = torch.cat([free[:, :1], free + over], 1).clamp(min=UNSEEN).exp()
        painted: Tensor = (colours * seen[:, None]).sum(2).tanh()
        return painted

    def start(self, generator: RandomGenerator) -> None:
        """Begin with hazes behind and cut shapes in front, each on about a third of a picture."""
        if self.n_lines:
            self.contours.weight[:, -self.n_lines :] *= 0.3
        for mixture in (self.hazes, self.contours):
            mixture.shift.bias.uniform_(-1.2, 0.2, generator=generator)
        n_land = self.land.stop - self.land.start
        n_cut = self.n_layers - 1 - self.land.stop
        steps = torch.linspace(math.log(SOFTEST), math.log(SHARPEST), self.n_hazes + n_cut)
        glows = torch.full((self.n_spots,), math.log(GLOWING))
        land = torch.zeros(n_land)
        self.sharpness.weight.mul_(0.2)
        self.sharpness.bias.copy_(
            torch.cat([steps[: self.n_hazes], glows, land, steps[self.n_hazes :]])
        )
        if self.n_windows:
            self.lights.weight.mul_(0.2)
            self.lights.bias.fill_(DARK)
            self.sharpness.bias[self.land][1::2] = LIT
        self.shading.shift.weight.mul_(0.5)
        self.shades.weight.mul_(0.2)
        self.shades.bias.fill_(math.log(SHADES))
        if self.n_spots:
            self.spots.weight.mul_(0.35)
            places = self.spots.bias.view(-1, 3)
            places[:, :2].uniform_(-0.7, 0.7, generator=generator)
            places[:, 2].fill_(math.log(RADIUS))
            if self.n_ridges:
                self._enlarge_sun()

    def _enlarge_sun(self) -> None:
        """Let the first spot be about as large as the number of the sun says."""
        of_spot = self.spots.weight.view(self.n_spots, 3, -1)[0]
        of_spot[2].zero_()
        of_spot[2, self.sun_told] = SUN_GROWS
        self.spots.bias[2] = math.log(SMALLEST_SUN)


def _wall_in(over: Tensor, land: slice) -> Tensor:
    """Leave no window where its house is not; (B, K − 1, n)."""
    before, of_land, after = over.tensor_split([land.start, land.stop], 1)
    roofs, windows = torch.unflatten(of_land, 1, (-1, 2)).unbind(2)
    of_land = torch.stack([roofs, torch.minimum(roofs, windows)], 2).flatten(1, 2)
    return torch.cat([before, of_land, after], 1)
