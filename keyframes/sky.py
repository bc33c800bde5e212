"""The sky above land: where its horizon and its sun are, and clouds and stars that are kept.

Clouds lie in a flat layer, so they are smaller and flatter towards the horizon. What a network
keeps is that layer as it is seen from below; a picture says how far it has drifted. Stars lie on a
dome that turns with the place.
"""

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn

from keyframes.form import Form
from keyframes.land import ALONG_STARS, STARRY, UNIT
from keyframes.layers import Special

N_CLOUDS = 2  # kept of clouds at each place: how thick they are, say, and how they are lit
N_ACROSS, N_AWAY = 144, 112  # knots of the layer
CLOUDY = 2.0  # of a field to a number of theirs
# Of the sun, to begin with: its x for half of its number, and how far it moves with it, in half
# widths of a picture; and how high it stands, in parts of the sky.
SUN_X, SUN_Y = (0.0, 1.4), (0.4, 0.7)
STARS = round((STARRY[1] - STARRY[0]) * UNIT), round(2 * ALONG_STARS * UNIT)  # a knot a pixel
BRIGHT = 2.0  # of a field to a number of theirs
# What is fainter than this is hardly seen: else the dark between the stars fills with a grain too
# faint for the eye, which a clear sky has not.
FAINT, FIRST_STARS = 0.6, 0.15  # and how faint all is to begin with
# How far clouds, in depths of a sky, and stars, in units, move with the numbers that say where they
# are, to begin with; and those to a number.
DRIFT, STARS_DRIFT, FIRM = (6.0, 0.5), 1.7, 0.1


class Sky(Special):
    """Lay a sky over pictures, from nothing but the numbers that are told of it."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.told = [form.find(name) for name in ("sun_x", "sun_y", "cloud_place", "place")]
        self.has_stars = not form.houses  # whose light leaves none
        self.kept = nn.Parameter(torch.empty(N_CLOUDS, N_AWAY, N_ACROSS))
        self.stands = nn.Parameter(torch.empty(2, 2))  # the sun, across and up
        self.drift = nn.Parameter(torch.empty(3))
        if self.has_stars:
            self.kept_stars = nn.Parameter(torch.empty(1, *STARS))

    def forward(
        self, styles: Tensor, horizon: Tensor, n_across: int, half_height: float, half_width: float
    ) -> Tensor:
        """Lay it over pictures.

        Parameters
        ----------
        styles : (B, n_style)
        horizon : (B,), its y in units
        n_across : knots of lines along the pictures
        half_height, half_width : of the pictures, in units

        Returns
        -------
        (B, 8, n_across), the last of `keyframes.land.Laid`.
        """
        told = styles[:, self.told] - 0.5
        middle, moves = self.stands.unbind(1)
        sun_x, sun_y = (middle + moves * told[:, :2]).unbind(1)
        above = half_height + horizon
        usual = torch.tensor([*DRIFT, STARS_DRIFT], device=styles.device)
        drifted = (usual + FIRM * self.drift) * told[:, [2, 2, 3]]
        laid = [
            horizon - sun_y * above,
            half_width * sun_x,
            horizon,
            above,
            *drifted.unbind(1),
            torch.ones_like(above),
        ]
        return torch.stack(laid, 1)[:, :, None].expand(-1, -1, n_across)

    def clouds(self) -> Tensor:
        """Return what is kept of the clouds, (N_CLOUDS, N_AWAY, N_ACROSS)."""
        return CLOUDY * self.kept

    def stars(self) -> Tensor | None:
        """Return what is kept of the stars, (1, up, along), if there are any."""
        if not self.has_stars:
            return None
        stars = BRIGHT * self.kept_stars
        squares = stars.square()
        gain = (1 + FAINT**2) * squares / (squares + FAINT**2)  # Wiener's, 1 for a star of 1
        return stars * gain

    def start(self, generator: RandomGenerator) -> None:
        """Begin with a clear sky, but for stars too faint to be seen, which learn from there."""
        self.kept.zero_()
        if self.has_stars:
            self.kept_stars.normal_(std=FIRST_STARS / BRIGHT, generator=generator)
        self.drift.zero_()
        self.stands.copy_(torch.tensor([SUN_X, SUN_Y]))
