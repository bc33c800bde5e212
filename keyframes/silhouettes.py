"""Colours from fields, as a poster is printed: layer upon layer, each cut out along a contour."""

import math
from dataclasses import dataclass

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.form import Form
from keyframes.layers import Special, StyledMix, mix

SOFTEST, SHARPEST = 1.0, 24.0  # the layers begin so: the hindmost is a haze, the foremost is cut
GLOWING, RADIUS = 3.0, 0.25  # sharpness of spots and their radius in units, to begin with
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
    spots: Tensor  # (B, n_spots, 2), y and x in units of `keyframes.knots.UNIT` pixels


class Silhouettes(Special):
    """Lay K layers over each other, back to front; the hindmost covers all.

    A layer covers what lies above zero in a mixture of the fields, hazily or sharply, and its
    colour is shaded by another mixture of them. The style sets all mixtures. That is how a poster
    of a landscape or of a skyline is built up, and much of what is seen: things in front of
    things. Some layers are spots: a disc or a glow, such as a sun, that the style lays anywhere;
    out of fields alone one that is round is learnt last of all. Some are all that lies below a
    ridge (`keyframes.ridges`). Lines are read only where the
    front half of the layers is cut: in hazes and in colours they showed as stripes.

    Parameters
    ----------
    form : of the generator
    """

    least_sharp: Tensor
    of_ridges: Tensor  # 1 where a layer is one
    given: Tensor  # (n_spots + n_ridges, n_read), what each of their layers is cut out of

    def __init__(self, form: Form) -> None:
        super().__init__()
        n_lines, n_style, self.n_spots = 2 * form.n_lines, form.n_style, form.n_spots
        self.n_ridges = form.n_ridges
        n_given = form.n_spots + form.n_ridges  # layers whose shape is given
        n_on_land = 1 + form.n_ridges if form.n_ridges else 0  # wetness and folds
        n_read = form.n_fields + 2 + n_given + n_on_land + form.n_fine + n_lines
        self.n_layers, self.n_lines = form.n_layers + n_given, n_lines
        self.n_hazes = (form.n_layers - 1) // 2
        self.hazes = StyledMix(n_read - n_lines, self.n_hazes, n_style, 1.0)
        self.contours = StyledMix(n_read, form.n_layers - 1 - self.n_hazes, n_style, 1.0)
        if form.n_spots:
            self.spots = nn.Linear(n_style, 3 * form.n_spots)  # y, x, logarithm of the radius
        self.sharpness = nn.Linear(n_style, self.n_layers - 1)  # its logarithm, above the least
        least, given = torch.zeros(self.n_layers - 1), torch.zeros(n_given, n_read)
        least[self.n_hazes + n_given :] = LEAST_SHARP
        self.first_given = form.n_fields + 2
        given[:, self.first_given : self.first_given + n_given] = torch.eye(n_given)
        of_ridges = torch.zeros(self.n_layers - 1)
        of_ridges[self.n_hazes + form.n_spots : self.n_hazes + n_given] = 1.0
        self.register_buffer("least_sharp", least, persistent=False)
        self.register_buffer("of_ridges", of_ridges, persistent=False)
        self.register_buffer("given", given, persistent=False)
        self.shading = StyledMix(n_read - n_lines, 3 * self.n_layers, n_style, 1.0)
        self.shades = nn.Linear(n_style, 3 * self.n_layers)  # logarithm of the shading's strength

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
        over = torch.cat([F.pad(hazes, (0, self.n_lines)), given, contours], 1)
        over = over * sharpness[:, :, None]
        at_ridges = styles.new_zeros(len(styles), self.n_ridges, 1)
        places = torch.cat([haze_places, spots[:, :, 2:], at_ridges, places], 1)
        places = places * sharpness[:, :, None]
        return Cut(
            weights=torch.cat([over, F.pad(shading * shades, (0, self.n_lines))], 1),
            shifts=torch.cat([places, colours], 1),
            spots=spots[:, :, :2],
        )

    def clear(self, cut: Cut) -> Cut:
        """Leave nothing but the ground and the ridges, which read what `read_land` gives."""
        n, n_land = self.n_layers, self.n_ridges
        first = self.n_hazes + self.n_spots
        over = torch.arange(first, first + n_land)
        of_layers = torch.cat([torch.zeros(1, dtype=torch.long), over + 1])
        rows = torch.cat([over, *(n - 1 + colour * n + of_layers for colour in range(3))])
        under = self.first_given + self.n_spots
        seen = torch.arange(under, under + n_land + 1)
        seen = torch.cat([torch.tensor([self.first_given - 2]), seen])  # y comes before x
        return Cut(
            weights=cut.weights[:, rows][:, :, seen], shifts=cut.shifts[:, rows], spots=cut.spots
        )

    def forward(self, fields: Tensor, cut: Cut) -> Tensor:
        """Map fields (B, up to n_read, n) at some pixels to their colours (B, 3, n) in [−1, 1]."""
        n = (cut.shifts.shape[1] + 1) // 4
        mixed = mix(cut.weights[:, :, : fields.shape[1]], cut.shifts, fields)
        over = mixed[:, : n - 1].clamp(-COVERED, COVERED)
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
        n_cut = self.n_layers - 1 - self.n_hazes - self.n_spots - self.n_ridges
        steps = torch.linspace(math.log(SOFTEST), math.log(SHARPEST), self.n_hazes + n_cut)
        glows = torch.full((self.n_spots,), math.log(GLOWING))
        ridges = torch.zeros(self.n_ridges)
        self.sharpness.weight.mul_(0.2)
        self.sharpness.bias.copy_(
            torch.cat([steps[: self.n_hazes], glows, ridges, steps[self.n_hazes :]])
        )
        self.shading.shift.weight.mul_(0.5)
        self.shades.weight.mul_(0.2)
        self.shades.bias.fill_(math.log(SHADES))
        if self.n_spots:
            self.spots.weight.mul_(0.35)
            places = self.spots.bias.view(-1, 3)
            places[:, :2].uniform_(-0.7, 0.7, generator=generator)
            places[:, 2].fill_(math.log(RADIUS))
