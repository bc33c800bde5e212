"""Routes: what in the sound drives what in the picture, how far, and how fast."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from spectro.errors import TonfilmError
from spectro.motions import MOTIONS
from spectro.sources import SOURCES, Curve, Group

Mechanism = Literal["before", "inside", "after"]


@dataclass(frozen=True, kw_only=True)
class Control:
    """A quantity that the picture obeys."""

    mechanism: Mechanism  # where it acts: before the networks, inside them, or after them
    neutral: float  # where it does nothing, or for the blend what all sliders at 0 give
    lowest: float
    highest: float
    meaning: str


def _before(span_db: float, meaning: str) -> Control:
    return Control(
        mechanism="before", neutral=0.0, lowest=-span_db, highest=span_db, meaning=meaning
    )


def _inside(neutral: float, lowest: float, highest: float, meaning: str) -> Control:
    return Control(
        mechanism="inside", neutral=neutral, lowest=lowest, highest=highest, meaning=meaning
    )


def _after(neutral: float, lowest: float, highest: float, meaning: str) -> Control:
    return Control(
        mechanism="after", neutral=neutral, lowest=lowest, highest=highest, meaning=meaning
    )


CONTROLS: Final = {  # in the order of the columns of a score
    "blend": _after(0.55, 0.0, 1.0, "0 the keyframe alone, 1 the painted frame"),
    "bend": _after(0.0, 0.0, 1.0, "the painted frame displaces the keyframe"),
    "zoom": _after(1.0, 1.0, 2.0, "factor of enlargement"),
    "spin_deg": _after(0.0, -30.0, 30.0, "angle, not speed"),
    "shift_x": _after(0.0, -0.1, 0.1, "of the picture's height"),
    "shift_y": _after(0.0, -0.1, 0.1, "of the picture's height"),
    "hue_turns": _after(0.0, -0.5, 0.5, "turns of the colour wheel"),
    "saturation": _after(1.0, 0.0, 2.0, "factor"),
    "brightness": _after(0.0, -0.5, 0.5, "added to values in [0, 1]"),
    "contrast": _after(1.0, 0.5, 2.0, "factor about middle grey"),
    "blur": _after(0.0, 0.0, 1.0, "share of the strongest blur"),
    "sharpen": _after(0.0, 0.0, 1.0, "share of the sharpest"),
    "glow": _after(0.0, 0.0, 1.0, "light that spills over"),
    "warp": _after(0.0, 0.0, 1.0, "share of the strongest waves"),
    "gain_db": _before(24.0, "level of the spectrogram picture"),
    "tilt_db": _before(24.0, "from its lowest to its highest frequency"),
    "bass_db": _before(24.0, "level of what lies below 250 Hz in it"),
    "mid_db": _before(24.0, "level of what lies from 250 to 4,000 Hz in it"),
    "treble_db": _before(24.0, "level of what lies above 4,000 Hz in it"),
    "smear": Control(
        mechanism="before",
        neutral=0.0,
        lowest=0.0,
        highest=1.0,
        meaning="share of a quarter of a second's mean in it",
    ),
    "push": _inside(0.0, -1.0, 1.0, "the still's style, towards another one"),
    "truncation": _inside(1.0, 0.0, 1.5, "how far the still's style is from the mean style"),
    "swell": _inside(1.0, 0.0, 2.0, "factor on half the maps of a layer"),
    "magnify": _inside(1.0, 1.0, 2.0, "factor of enlargement of a layer's maps"),
    "turn_deg": _inside(0.0, -45.0, 45.0, "angle of a layer's maps"),
    "threshold": _inside(0.0, 0.0, 1.0, "what is weaker in a layer is left out"),
    "noise": _inside(0.0, 0.0, 1.0, "strength of noise that stands still, in a layer"),
}
CURVES: Final[dict[str, Callable[[Curve], Curve]]] = {
    "linear": lambda x: x,
    "square": np.square,  # only what is strong counts; for sources in [0, 1]
    "root": np.sqrt,  # what is weak counts too; for sources in [0, 1]
}
MIN_RELEASE_S: Final = 0.2  # faster, and the picture flickers
MAX_TIME_S: Final = 60.0
MAX_ROUTES: Final = 64
STEM_NAME: Final = re.compile(r"[a-z0-9_-]{1,24}")
STEM_RULE: Final = "write up to 24 of a to z, 0 to 9, - and _"


@dataclass(frozen=True, kw_only=True)
class Route:
    """A lead from something heard to something seen.

    Raises
    ------
    ValueError
        There is no such source, target or curve, or a number is out of its range.
    """

    source: str  # of SOURCES or MOTIONS, of the song or, as "drums.onset", of one of its stems
    target: str  # of CONTROLS
    amount: float  # −1 to 1: at a full slider, of the way from neutral to the highest (lowest)
    attack_s: float = 0.02  # time constant of rising
    release_s: float = 0.4  # time constant of falling
    delay_s: float = 0.0
    curve: str = "linear"  # of CURVES

    def __post_init__(self) -> None:
        if "." in self.source and not STEM_NAME.fullmatch(self.stem):
            raise ValueError(f"{self.stem!r} is no name of a stem: {STEM_RULE}")
        _choose("source", self.heard, (*SOURCES, *MOTIONS))
        _choose("target", self.target, CONTROLS)
        _choose("curve", self.curve, CURVES)
        if self.heard in MOTIONS and self.curve != "linear":
            raise ValueError(f"{self.source} swings to both sides and cannot be {self.curve}")
        _bound("amount", self.amount, -1.0, 1.0)
        _bound("attack", self.attack_s, 0.001, MAX_TIME_S)
        _bound("release", self.release_s, MIN_RELEASE_S, MAX_TIME_S)
        _bound("delay", self.delay_s, 0.0, MAX_TIME_S)

    @property
    def stem(self) -> str:
        """The stem that is listened to; empty for the song itself."""
        return self.source.rpartition(".")[0]

    @property
    def heard(self) -> str:
        """What is heard in it, of SOURCES or MOTIONS."""
        return self.source.rpartition(".")[2]

    @property
    def group(self) -> Group:
        """The slider that scales the amount."""
        return (SOURCES | MOTIONS)[self.heard].group


def _choose(what: str, name: str, among: Iterable[str]) -> None:
    if name not in (names := tuple(among)):
        raise ValueError(f"there is no {what} {name!r}: choose among {', '.join(names)}")


def _bound(what: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest or not math.isfinite(value):
        raise ValueError(f"{what} is {value:g}, and must lie between {lowest:g} and {highest:g}")


# By eye and ear: half a slider is plain to see, a full one strong. What follows the beat was chosen
# by measuring (docs/synchrony.md): the tightest films that are still calm off the beat. With a full
# slider the zoom's pulses stay under 17 % and the swing of brightness under 0.15.
DEFAULT_ROUTES: Final = (
    Route(source="percussive", target="zoom", amount=0.08, release_s=0.25),
    Route(source="beat", target="zoom", amount=0.09, release_s=0.3),
    Route(source="beat", target="magnify", amount=0.3, release_s=0.3),
    Route(source="percussive", target="shift_y", amount=0.15, release_s=0.25),
    Route(source="drift_x", target="shift_x", amount=0.25),
    Route(source="drift_y", target="shift_y", amount=0.25),
    Route(source="level", target="brightness", amount=0.12, attack_s=0.15, release_s=0.6),
    Route(source="onset", target="brightness", amount=0.12, release_s=0.35),
    Route(source="onset", target="glow", amount=0.5, release_s=0.5, curve="square"),
    Route(source="level", target="glow", amount=0.3, attack_s=0.3, release_s=1.0),
    Route(source="level", target="blend", amount=0.8, attack_s=0.3, release_s=1.0),
    Route(source="percussive", target="contrast", amount=0.2, release_s=0.4),
    Route(source="section", target="saturation", amount=0.3, attack_s=0.6, release_s=1.2),
    Route(source="novelty", target="bend", amount=0.3, attack_s=0.3, release_s=1.5),
    Route(source="bass", target="warp", amount=0.8, attack_s=0.06, release_s=0.5),
    Route(source="bass", target="zoom", amount=0.06, attack_s=0.3, release_s=0.8),
    Route(source="bass", target="bend", amount=0.5, attack_s=0.05, release_s=0.4),
    Route(source="centroid", target="hue_turns", amount=0.3, attack_s=0.3, release_s=0.6),
    Route(source="harmony", target="hue_turns", amount=0.5, attack_s=0.2, release_s=0.2),
    Route(source="pitch", target="hue_turns", amount=0.15, attack_s=0.1, release_s=0.3),
    Route(source="treble", target="sharpen", amount=0.8, release_s=0.25),
    Route(source="treble", target="saturation", amount=0.3, release_s=0.4),
    Route(source="mid", target="saturation", amount=0.2, attack_s=0.1, release_s=0.5),
    Route(source="flatness", target="blur", amount=0.3, release_s=0.4, curve="square"),
    Route(source="flatness", target="contrast", amount=-0.3, attack_s=0.1, release_s=0.5),
    Route(source="harmonic", target="saturation", amount=0.6, attack_s=0.3, release_s=0.6),
    Route(source="contrast", target="contrast", amount=0.3, attack_s=0.2, release_s=0.5),
    Route(source="clarity", target="glow", amount=0.2, attack_s=0.2, release_s=0.5),
    Route(source="change", target="bend", amount=0.6, attack_s=0.05, release_s=0.5),
    Route(source="turn", target="spin_deg", amount=0.25),
)
_WORDS: Final = {"attack": "attack_s", "release": "release_s", "delay": "delay_s"}


def parse_route(text: str) -> Route:
    """Read a route as it is written on a command line: "onset:zoom=0.4,release=0.25".

    Raises
    ------
    TonfilmError
        It is none.
    """
    lead, *settings = text.split(",")
    ends, _, amount = lead.partition("=")
    source, _, target = ends.partition(":")
    try:
        values: dict[str, str | float] = {"amount": float(amount)}
        for setting in settings:
            name, _, value = (part.strip() for part in setting.partition("="))
            values[_WORDS.get(name, name)] = value if name == "curve" else float(value)
        return Route(source=source.strip(), target=target.strip(), **values)  # type: ignore[arg-type]
    except TypeError as error:
        known = ", ".join((*_WORDS, "curve"))
        raise TonfilmError(f"The route {text!r} has a setting that none has: {known}.") from error
    except ValueError as error:
        reason = str(error)
        if reason.startswith("could not convert"):
            reason = "write it as onset:zoom=0.4,attack=0.02,release=0.25,delay=0,curve=square"
        raise TonfilmError(f"The route {text!r} cannot be used: {reason}.") from error


def change_routes(routes: Iterable[Route], changes: Iterable[Route]) -> tuple[Route, ...]:
    """Put routes in the place of those with the same ends, or behind all; 0 takes one away."""
    table = {(route.source, route.target): route for route in routes}
    for route in changes:
        table[route.source, route.target] = route
    return tuple(route for route in table.values() if route.amount)
