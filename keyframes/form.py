"""The form of the networks of the stills."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

OPTIONAL = ("n_octaves", "n_spots", "n_ridges", "n_fine", "n_lines", "n_layers")  # 0: left out
# What a warp, and land and sky must be told, see `Form.told`.
OF_HILLS = ("cloud_place", "horizon", "sun_size", "sun_x", "sun_y", "water", "place")
OF_WARP = (
    "place_x", "place_y", "place_z", "scale", "turn", "stretch", "warp", "curl",
    "light_x", "light_y", "palette", "second_palette", "n_bands",
)  # fmt: skip
OF_HOUSES = ("cloud_place", "sun_size", "sun_x", "sun_y", "water", "street", "scale", "place")


@dataclass(frozen=True, kw_only=True)
class Form:
    """The form of the networks of one theme.

    Raises
    ------
    ValueError
        A field is out of its range.
    """

    n_noise: int = 32  # length of z, the noise behind a style
    n_octaves: int = 5  # of waves that each number of the noise is seen through as well
    n_style: int = 256  # length of w, the style of a still
    width: int = 128  # channels of the generator's coarse maps; half, then a quarter inside
    n_fields: int = 16  # smooth fields that pictures are read from
    n_fine: int = 4  # finer ones beside them; 0 where nothing in the pictures is small
    n_spots: int = 3  # layers that are a disc or a glow, anywhere
    n_ridges: int = 0  # layers that are all below a ridge, of land that is kept; and a shore
    houses: bool = False  # whether ridges are roofs, with windows below them that light up
    warped: bool = False  # whether all is noise that is kept, seen through a warp, in kept inks
    # Which numbers of the noise are told as they are, from 0 to 1, at the end of a style and in
    # this order, by what they say: a walk between two styles then goes along the land.
    told: Mapping[str, int] = field(default_factory=dict)
    n_lines: int = 8  # fields of the row alone, and as many of the column; 0: nothing straight
    line_width: int = 48  # channels inside the network of the lines
    hardness: float = 4.0  # of lines, see `keyframes.knots.harden` (decision 22), and of ridges
    n_layers: int = 12  # that are laid over each other; 0: colours from waves and tones
    n_waves: int = 24  # tones that go up and down with the fields
    n_tones: int = 32  # tones that colours are mixed from
    whole_width: int = 64  # channels of the critic of whole pictures
    detail_width: int = 32  # channels of the critic of details
    # Stills' styles are drawn towards their mean by this factor: a little less variety, fewer
    # accidents (Karras et al. 2019). 0.8 was chosen by looking at sheets; 1 leaves them.
    truncation: float = 0.8
    # Share of a pixel's light that falls on each neighbour along a side, as a lens lets it: read at
    # points alone, edges are sharper than in any picture (decision 21).
    softness: float = 0.25

    def __post_init__(self) -> None:
        for name in ("width", "whole_width", "detail_width"):
            if getattr(self, name) < 16 or getattr(self, name) % 16:
                raise ValueError(f"{name} must be a multiple of 16.")
        if not 0 < self.truncation <= 1:
            raise ValueError("truncation must be above 0, and 1 at most.")
        if not 0 <= self.softness <= 0.25 or not 0 <= self.hardness <= 20:
            raise ValueError("softness must lie in [0, 0.25], and hardness in [0, 20].")
        self._check_numbers()

    def find(self, name: str) -> int:
        """Return where in a style a number is told, counted from its end: −1 is the last."""
        return list(self.told).index(name) - len(self.told)

    def _check_numbers(self) -> None:
        for each in fields(self):
            smallest = 0 if each.name in OPTIONAL else 1
            if each.type is int and getattr(self, each.name) < smallest:
                raise ValueError(f"{each.name} must be {smallest} or more.")
        if self.n_layers in (1, 2):
            raise ValueError("n_layers must be 0, or 3 or more: a ground, a haze, a cut layer.")
        if self.houses and not self.n_ridges:
            raise ValueError("Houses stand in rows: n_ridges must be 1 or more.")
        if self.n_ridges and not self.n_spots:
            raise ValueError("A sky over land has a sun: n_spots must be 1 or more.")
        others = (self.n_layers, self.n_spots, self.n_ridges, self.n_fine, self.n_lines)
        if self.warped and any(others):
            raise ValueError(
                "Where all is warped there are no layers, spots, fine fields or lines."
            )
        self._check_told()

    def _check_told(self) -> None:
        for name, place in self.told.items():
            if not 0 <= place < self.n_noise:
                raise ValueError(f"{name} must be a number of the noise.")
        wanted, told = set(self._wanted()), set(self.told)
        if not wanted <= told or (told > wanted and not self.warped):
            raise ValueError(
                f"What is told must be: {', '.join(self._wanted()) or 'nothing, without land'}."
            )

    def _wanted(self) -> tuple[str, ...]:
        """Return what must be told; of what is warped all else may be, too."""
        if self.warped:
            return OF_WARP
        return (OF_HOUSES if self.houses else OF_HILLS) if self.n_ridges else ()
