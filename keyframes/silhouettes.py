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
SHADES = 0.35  # how strongly the fields shade a layer's colour, to begin with
LEAST_SHARP = 8.0  # of what is cut: lines in a veil would show as stripes
STEEP = 60.0  # sharpness of profiles, to begin with: two pixels from none to all
FALL = 0.5  # how strongly profiles shade what stands below them, to begin with
# Beyond these an exponential would run away before the critics could say anything.
MOST_SHARP, MOST_SHADED = math.log(300), 2.0
# Logits beyond which a layer covers a pixel wholly or not at all, and the logarithm below which
# nothing is seen. Without them the slopes of sharp layers become denormal numbers, with which
# products take ten times as long.
COVERED, UNSEEN = 20.0, -50.0
GONE = 60.0  # how far profiles fall below their logits where all of a picture is a user's own


@dataclass(frozen=True)
class Cut:
    """The layers of B pictures, as their styles set them: what they cover first, then colours.

    K layers, back to front: the ground, hazes, spots, profiles, each with what it bears, and what
    is cut freely.
    """

    weights: Tensor  # (B, K − 1 + 3K, n_read); what profiles bear stands behind all profiles
    shifts: Tensor  # (B, K − 1 + 3K, 1)
    spots: Tensor  # (B, n_spots, 2), y and x in units of `keyframes.knots.UNIT` pixels


class Silhouettes(Special):
    """Lay K layers over each other, back to front; the hindmost covers all.

    A layer covers what lies above zero in a mixture of the fields, hazily or sharply, and its
    colour is shaded by another mixture of them. The style sets all mixtures. That is how a poster
    of a landscape or of a skyline is built up, and much of what is seen: things in front of
    things. Some layers are spots: a disc or a glow, such as a sun, that the style lays anywhere;
    out of fields alone one that is round is learnt last of all. Others are profiles: all that lies
    below a line along the picture, such as a ridge or a row of houses, each with a cut layer that
    it bears, which covers nothing beyond it: snow, a front of windows. Lines are read only where
    layers are cut: in hazes and in colours they showed as stripes.

    Parameters
    ----------
    form : of the generator
    """

    least_sharp: Tensor
    only_spots: Tensor  # (n_spots, n_read), what each of their layers is cut out of
    only_profiles: Tensor  # (2 n_profiles, n_read): depths below them, and their own shades

    def __init__(self, form: Form) -> None:
        super().__init__()
        n_style, self.n_spots, self.n_profiles = form.n_style, form.n_spots, form.n_profiles
        n_plain = form.n_fields + 2 + form.n_spots + form.n_fine  # all but profiles and lines
        n_read = n_plain + 2 * form.n_profiles + 2 * form.n_lines
        self.n_others = n_read - n_plain
        self.n_layers = form.n_layers + form.n_spots + form.n_profiles
        self.n_hazes = (form.n_layers - 1) // 2
        self.first_profile = self.n_hazes + form.n_spots  # its place among what covers
        self.hazes = StyledMix(n_plain, self.n_hazes, n_style, 1.0)
        self.contours = StyledMix(n_read, form.n_layers - 1 - self.n_hazes, n_style, 1.0)
        if form.n_spots:
            self.spots = nn.Linear(n_style, 3 * form.n_spots)  # y, x, logarithm of the radius
        self.sharpness = nn.Linear(n_style, self.n_layers - 1)  # its logarithm, above the least
        least = torch.zeros(self.n_layers - 1)
        least[self.first_profile :] = LEAST_SHARP
        self.register_buffer("least_sharp", least, persistent=False)
        for name, n, first in (
            ("only_spots", form.n_spots, form.n_fields + 2),
            ("only_profiles", 2 * form.n_profiles, n_plain),
        ):
            only = torch.eye(n, n_read).roll(first, 1)
            self.register_buffer(name, only, persistent=False)
        self.shading = StyledMix(n_plain, 3 * self.n_layers, n_style, 1.0)
        self.shades = nn.Linear(n_style, 3 * self.n_layers)  # logarithm of the shading's strength
        if form.n_profiles:
            # How depth and the profile's own shade change its three colours.
            self.falls = nn.Linear(n_style, 2 * 3 * form.n_profiles)

    def under(self, styles: Tensor) -> Cut:
        """Return the layers under styles (B, n_style)."""
        sharpness = self.sharpness(styles).clamp(max=MOST_SHARP).exp() + self.least_sharp
        shades = self.shades(styles).clamp(max=MOST_SHADED).exp()[:, :, None]
        hazes, haze_places = self.hazes.under(styles)
        contours, places = self.contours.under(styles)
        shading, colours = self.shading.under(styles)
        n = self.n_spots
        spots = self.spots(styles) if n else styles.new_zeros(len(styles), 0)
        spots = spots.reshape(len(styles), n, 3)
        discs = self.only_spots.expand(len(styles), -1, -1)
        grounds = self.only_profiles[: self.n_profiles].expand(len(styles), -1, -1)
        over = torch.cat([F.pad(hazes, (0, self.n_others)), discs, grounds, contours], 1)
        over = over * sharpness[:, :, None]
        level = styles.new_zeros(len(styles), self.n_profiles, 1)  # depths begin at a profile
        places = torch.cat([haze_places, spots[:, :, 2:], level, places], 1)
        shading = F.pad(shading * shades, (0, self.n_others))
        if self.n_profiles:
            shading = shading + self._shade_profiles(styles)
        return Cut(
            weights=torch.cat([over, shading], 1),
            shifts=torch.cat([places * sharpness[:, :, None], colours], 1),
            spots=spots[:, :, :2],
        )

    def _shade_profiles(self, styles: Tensor) -> Tensor:
        """Return how the colours (B, 3K, n_read) of profiles follow depth and their own shades."""
        n = self.n_profiles
        falls = self.falls(styles).reshape(-1, 3, 2, n)
        rows = torch.einsum("bcdp,dpr->bcpr", falls, self.only_profiles.reshape(2, n, -1))
        laid = torch.stack([rows, torch.zeros_like(rows)], 3).flatten(2, 3)  # as in `_confine`
        before = 1 + self.first_profile
        padded: Tensor = F.pad(laid, (0, 0, before, self.n_layers - before - 2 * n))
        return padded.flatten(1, 2)

    def forward(self, fields: Tensor, cut: Cut, own: Tensor | None = None) -> Tensor:
        """Map fields at some pixels to colours.

        Parameters
        ----------
        fields : (B, up to n_read, n)
        own : (B, 1, 1) in [0, 1], how far pictures are a user's own; None: not at all

        Returns
        -------
        (B, 3, n) in [−1, 1]
        """
        n = self.n_layers
        mixed = mix(cut.weights[:, :, : fields.shape[1]], cut.shifts, fields)
        over = self._confine(mixed[:, : n - 1], own).clamp(-COVERED, COVERED)
        colours = torch.unflatten(mixed[:, n - 1 :], 1, (3, n))
        # A layer covers sigmoid(over) of a pixel. As logarithms, since sharp layers leave nothing
        # of those behind them: what this layer and all in front of it leave free.
        free = F.logsigmoid(-over).flip(1).cumsum(1).flip(1)
        seen = torch.cat([free[:, :1], free + over], 1).clamp(min=UNSEEN).exp()
        painted: Tensor = (colours * seen[:, None]).sum(2).tanh()
        return painted

    def _confine(self, over: Tensor, own: Tensor | None) -> Tensor:
        """Confine what profiles bear to them, and put each before its profile."""
        first, n = self.first_profile, self.n_profiles
        if not n:
            return over
        behind, grounds, borne, free = over.tensor_split((first, first + n, first + 2 * n), 1)
        gone = 0 if own is None else GONE * own
        borne = torch.minimum(borne, grounds + gone)
        # a, b, c and A, B, C become a, A, b, B, c, C.
        laid = torch.stack([grounds - gone, borne], 2).flatten(1, 2)
        return torch.cat([behind, laid, free], 1)

    def start(self, generator: RandomGenerator) -> None:
        """Begin with hazes behind and cut shapes in front, each on about a third of a picture."""
        if self.n_others:
            self.contours.weight[:, -self.n_others :] *= 0.3
        for mixture in (self.hazes, self.contours):
            mixture.shift.bias.uniform_(-1.2, 0.2, generator=generator)
        n_cut = self.n_layers - 1 - self.first_profile - self.n_profiles
        steps = torch.linspace(math.log(SOFTEST), math.log(SHARPEST), self.n_hazes + n_cut)
        glows = torch.full((self.n_spots,), math.log(GLOWING))
        edges = torch.full((self.n_profiles,), math.log(STEEP))
        hazes, contours = steps[: self.n_hazes], steps[self.n_hazes :]
        self.sharpness.weight.mul_(0.2)
        self.sharpness.bias.copy_(torch.cat([hazes, glows, edges, contours]))
        self.shading.shift.weight.mul_(0.5)
        self.shades.weight.mul_(0.2)
        self.shades.bias.fill_(math.log(SHADES))
        if self.n_spots:
            self.spots.weight.mul_(0.35)
            places = self.spots.bias.view(-1, 3)
            places[:, :2].uniform_(-0.7, 0.7, generator=generator)
            places[:, 2].fill_(math.log(RADIUS))
        if self.n_profiles:
            self.falls.weight.mul_(FALL)
