"""The recipe: every choice that makes a film, small enough to travel inside it. No torch."""

import random
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    ValidationError,
    model_validator,
    with_config,
)

from film.own_pictures import Digest, OwnPicture
from spectro.errors import TonfilmError
from spectro.pins import MAX_PINS, Pin, find_clash, write_stretch
from spectro.routes import DEFAULT_ROUTES, MAX_ROUTES, STEM_NAME, STEM_RULE, Mechanism, Route
from spectro.sources import Group

# Raised whenever the same recipe comes to give other frames, so that no film is made of both.
PICTURES_VERSION: Final = 4
BLEND_NAMES: Final = ("crossfade", "pyramid", "colour", "displace")
LAYERS: Final = ("coarse", "middle", "fine")
MIN_FPS, MAX_FPS = 1, 60
MIN_SIDE, MAX_SIDE = 64, 3840  # pixels
MAX_ASPECT: Final = Fraction(5, 2)
MAX_KEYFRAMES: Final = 64
MAX_STEMS: Final = 16
MAX_SEED: Final = 2**32 - 1
FLASH_WARNING: Final = (
    "Warning: this film was made without the flash guard. It may flash in ways that bring on "
    "seizures in people with photosensitive epilepsy."
)
N_GALLERY: Final = 10_000  # seeds that keyframes are drawn from when nobody picks them
# The MP4 counts time in 1 / numerator; a finer fraction than this is a typing error.
MAX_FPS_DENOMINATOR: Final = 100_000
TELEVISION: Final = {"23.976": "24000/1001", "29.97": "30000/1001", "59.94": "60000/1001"}


def parse_fps(value: object) -> Fraction:
    """Read a frame rate exactly: 24, "12.5", "24000/1001"; "29.97" as television means it.

    Raises
    ------
    ValueError
        It is no number from 1 to 60, or too fine a fraction.
    """
    sentence = f"a frame rate is a number from {MIN_FPS} to {MAX_FPS}, such as 24 or 24000/1001"
    text = str(value).strip()
    if "e" in text.lower():  # 1e999999999 would be written out, digit for digit
        raise ValueError(sentence)
    try:
        fps = Fraction(TELEVISION.get(text, text))
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(sentence) from error
    if not MIN_FPS <= fps <= MAX_FPS or fps.denominator > MAX_FPS_DENOMINATOR:
        raise ValueError(sentence)
    return fps


Fps = Annotated[Fraction, BeforeValidator(parse_fps), PlainSerializer(str, return_type=str)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, multiple_of=2)]  # colour is at half size
Slider = Annotated[float, Field(ge=0, le=1)]
Keyframe = Annotated[
    Annotated[Seed, Tag("seed")] | Annotated[OwnPicture, Tag("picture")],
    Discriminator(lambda value: "picture" if isinstance(value, dict | OwnPicture) else "seed"),
]

# Of what a recipe holds, nothing is passed over in silence.
with_config(ConfigDict(extra="forbid", allow_inf_nan=False))(Route)
with_config(ConfigDict(extra="forbid", allow_inf_nan=False))(Pin)


class Recipe(BaseModel):
    """What makes a film out of a song: the same recipe and song make the same frames."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: Literal[1] = 1
    song_sha256: Digest | None = None  # of the whole WAV; None until a film is made
    # Name → SHA-256 of the whole WAV, of what routes listen to beside the song.
    stems: dict[str, Digest | None] = Field(default_factory=dict, max_length=MAX_STEMS)
    theme: str = "abstract"
    weights: dict[str, Digest] | None = None  # file name → SHA-256; None until a film is made
    keyframes: tuple[Keyframe, ...] = Field(min_length=1, max_length=MAX_KEYFRAMES)  # in order
    pins: tuple[Pin, ...] = Field(default=(), max_length=MAX_PINS)  # when some of them are shown
    level: Slider = 0.5  # how much the sound level drives; 0 not at all, 1 strongly
    frequency: Slider = 0.5  # how much the frequency content drives
    timbre: Slider = 0.5  # how much the timbre drives
    routes: tuple[Route, ...] = Field(default=DEFAULT_ROUTES, max_length=MAX_ROUTES)
    before: Slider = 1.0  # how much of what acts on the spectrogram picture; 0 switches it off
    inside: Slider = 1.0  # how much of what acts inside the networks
    after: Slider = 1.0  # how much of what acts on the pictures
    layer: Literal["coarse", "middle", "fine"] = "middle"  # of both networks, where inside is
    blend: Literal["crossfade", "pyramid", "colour", "displace"] = "crossfade"
    seed: Seed = 0  # varies directions, never amounts
    width: Side = 1280  # pixels
    height: Side = 720  # pixels
    fps: Fps = Fraction(24)  # frames a second
    start_s: float = Field(default=0.0, ge=0)  # where in the song the film starts
    duration_s: float | None = Field(default=None, gt=0)  # None: to the song's end
    quality: Literal["draft", "final"] = "final"
    flash_guard: bool = True  # at most three flashes in any second (WCAG 2.3.1)

    @model_validator(mode="after")
    def _check_aspect(self) -> Self:
        long, short = max(self.width, self.height), min(self.width, self.height)
        if Fraction(long, short) > MAX_ASPECT:
            raise ValueError(f"one side may be at most {float(MAX_ASPECT)} times the other")
        return self

    @model_validator(mode="after")
    def _check_stems(self) -> Self:
        for name in self.stems:
            if not STEM_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a stem: {STEM_RULE}")
        for route in self.routes:
            if route.stem and route.stem not in self.stems:
                raise ValueError(
                    f"a route starts at {route.source}, and there is no stem {route.stem!r}: give "
                    f"it with --stem {route.stem}=FILE.wav"
                )
        return self

    @model_validator(mode="after")
    def _check_pins(self) -> Self:
        n_keyframes = len(self.keyframes)
        for pin in self.pins:
            if pin.picture > n_keyframes:
                raise ValueError(
                    f"picture {pin.picture} is pinned to {write_stretch(pin)}, and there are only "
                    f"{n_keyframes} pictures"
                )
        clash = find_clash(self.pins)
        if clash:
            before, after = clash
            raise ValueError(
                f"pictures {before.picture} and {after.picture} are both pinned to "
                f"{write_stretch(after)}; pin one of them elsewhere"
            )
        return self

    def to_json(self) -> str:
        """Write the recipe on one line."""
        return self.model_dump_json()

    @property
    def sliders(self) -> dict[Group, float]:
        """How much of each group's routes."""
        return {"level": self.level, "frequency": self.frequency, "timbre": self.timbre}

    @property
    def mechanisms(self) -> dict[Mechanism, float]:
        """How much of what acts at each place."""
        return {"before": self.before, "inside": self.inside, "after": self.after}

    def bind(
        self, *, song_sha256: str, stems: Mapping[str, str], weights: Mapping[str, str]
    ) -> "Recipe":
        """Return this recipe with the sounds and the weights that really make the film."""
        bound = {"song_sha256": song_sha256, "stems": dict(stems), "weights": dict(weights)}
        return self.model_copy(update=bound)


def build_recipe(values: Mapping[str, object]) -> Recipe:
    """Build a recipe from fields and values that a user gave.

    Raises
    ------
    TonfilmError
        A field is unknown, missing or out of its range.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise TonfilmError(_sentence(error)) from error


def parse_recipe(text: str | bytes) -> Recipe:
    """Read a recipe from JSON.

    Raises
    ------
    TonfilmError
        It is not JSON, or a field is unknown, missing or out of its range.
    """
    try:
        return Recipe.model_validate_json(text)
    except ValidationError as error:
        raise TonfilmError(_sentence(error)) from error


def choose_keyframes(seed: int, n_keyframes: int) -> tuple[int, ...]:
    """Draw seeds of stills, all different; the same seed draws the same ones.

    Parameters
    ----------
    seed : 0 or more
    n_keyframes : 1 to `MAX_KEYFRAMES`
    """
    return tuple(random.Random(seed).sample(range(N_GALLERY), n_keyframes))  # noqa: S311, no secret


def _sentence(error: ValidationError) -> str:
    """Say the first thing that is wrong in one sentence."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return "The recipe is not readable JSON: use one that --save-recipe or a film has written."
    place = " ".join(".".join(str(part) for part in first["loc"]).split())  # on one line
    reason = first["msg"].removeprefix("Value error, ")
    what = f"“{place}” in the recipe" if place else "The recipe"
    return f"{what} is not right: {reason[0].lower()}{reason[1:]}."
