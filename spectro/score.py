"""The score: one row of controls a frame. All that remembers happens here.

curves ─ normalise ─→ sources ─ routes: shape, attack, release, delay ─→ controls
beats, bars ───────── walk ────────────────────────────────────────────→ keyframe

A frame is then a pure function of its row, so a film can be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spectro.archive import load_arrays, save_arrays
from spectro.features import Features
from spectro.motions import MOTIONS, move
from spectro.sources import SOURCES, Curve, listen, normalise
from spectro.timeline import Timeline
from spectro.walk import walk


@dataclass(frozen=True, kw_only=True)
class Control:
    """A quantity that the effects obey."""

    neutral: float  # where it does nothing, or for the blend what all sliders at 0 give
    lowest: float
    highest: float
    meaning: str


CONTROLS: Final = {  # in the order of the columns of a score
    "blend": Control(
        neutral=0.55, lowest=0.0, highest=1.0, meaning="0 the keyframe alone, 1 the painted frame"
    ),
    "bend": Control(
        neutral=0.0, lowest=0.0, highest=1.0, meaning="the painted frame displaces the keyframe"
    ),
    "zoom": Control(neutral=1.0, lowest=1.0, highest=2.0, meaning="factor of enlargement"),
    "spin_deg": Control(neutral=0.0, lowest=-30.0, highest=30.0, meaning="angle, not speed"),
    "shift_x": Control(neutral=0.0, lowest=-0.1, highest=0.1, meaning="of the picture's height"),
    "shift_y": Control(neutral=0.0, lowest=-0.1, highest=0.1, meaning="of the picture's height"),
    "hue_turns": Control(
        neutral=0.0, lowest=-0.5, highest=0.5, meaning="turns of the colour wheel"
    ),
    "saturation": Control(neutral=1.0, lowest=0.0, highest=2.0, meaning="factor"),
    "brightness": Control(
        neutral=0.0, lowest=-0.5, highest=0.5, meaning="added to values in [0, 1]"
    ),
    "contrast": Control(neutral=1.0, lowest=0.5, highest=2.0, meaning="factor about middle grey"),
    "blur": Control(neutral=0.0, lowest=0.0, highest=1.0, meaning="share of the strongest blur"),
    "sharpen": Control(neutral=0.0, lowest=0.0, highest=1.0, meaning="share of the sharpest"),
    "glow": Control(neutral=0.0, lowest=0.0, highest=1.0, meaning="light that spills over"),
    "warp": Control(neutral=0.0, lowest=0.0, highest=1.0, meaning="share of the strongest waves"),
}
CURVES: Final[dict[str, Callable[[Curve], Curve]]] = {
    "linear": lambda x: x,
    "square": np.square,  # only what is strong counts; for sources in [0, 1]
    "root": np.sqrt,  # what is weak counts too; for sources in [0, 1]
}
MIN_RELEASE_S: Final = 0.2  # faster, and the picture flickers


@dataclass(frozen=True, kw_only=True)
class Route:
    """A lead from something heard to something seen."""

    source: str  # of SOURCES or MOTIONS
    target: str  # of CONTROLS
    amount: float  # −1 to 1: at a full slider, of the way from neutral to the highest (lowest)
    attack_s: float = 0.02  # time constant of rising
    release_s: float = 0.4  # time constant of falling
    delay_s: float = 0.0
    curve: str = "linear"  # of CURVES

    def __post_init__(self) -> None:
        if self.source not in SOURCES and self.source not in MOTIONS:
            raise ValueError(f"no source {self.source}")
        if self.target not in CONTROLS or self.curve not in CURVES:
            raise ValueError(f"no control {self.target} or no curve {self.curve}")
        if self.source in MOTIONS and self.curve != "linear":
            raise ValueError(f"{self.source} swings to both sides and cannot be {self.curve}")
        if abs(self.amount) > 1.0 or self.attack_s <= 0.0 or self.delay_s < 0.0:
            raise ValueError(f"out of range: {self}")
        if self.release_s < MIN_RELEASE_S:
            raise ValueError(f"it would flicker: {self}")


# By eye and ear: half a slider is plain to see, a full one strong; the zoom's pulses stay under
# 8 % and the swing of brightness under 0.15.
ROUTES: Final = {
    "level": (
        Route(source="percussive", target="zoom", amount=0.05, release_s=0.3),
        Route(source="beat", target="zoom", amount=0.03, release_s=0.35),
        Route(source="percussive", target="shift_y", amount=0.15, release_s=0.25),
        Route(source="drift_x", target="shift_x", amount=0.25),
        Route(source="drift_y", target="shift_y", amount=0.25),
        Route(source="level", target="brightness", amount=0.12, attack_s=0.15, release_s=0.6),
        Route(source="onset", target="brightness", amount=0.12, release_s=0.35),
        Route(source="onset", target="glow", amount=0.5, release_s=0.5, curve="square"),
        Route(source="level", target="glow", amount=0.3, attack_s=0.3, release_s=1.0),
        Route(source="level", target="blend", amount=0.8, attack_s=0.3, release_s=1.0),
        Route(source="percussive", target="contrast", amount=0.2, release_s=0.4),
    ),
    "frequency": (
        Route(source="bass", target="warp", amount=0.8, attack_s=0.06, release_s=0.5),
        Route(source="bass", target="zoom", amount=0.06, attack_s=0.3, release_s=0.8),
        Route(source="bass", target="bend", amount=0.5, attack_s=0.05, release_s=0.4),
        Route(source="centroid", target="hue_turns", amount=0.3, attack_s=0.3, release_s=0.6),
        Route(source="harmony", target="hue_turns", amount=0.5, attack_s=0.2, release_s=0.2),
        Route(source="treble", target="sharpen", amount=0.8, release_s=0.25),
        Route(source="treble", target="saturation", amount=0.3, release_s=0.4),
        Route(source="mid", target="saturation", amount=0.2, attack_s=0.1, release_s=0.5),
    ),
    "timbre": (
        Route(source="flatness", target="blur", amount=0.3, release_s=0.4, curve="square"),
        Route(source="flatness", target="contrast", amount=-0.3, attack_s=0.1, release_s=0.5),
        Route(source="harmonic", target="saturation", amount=0.6, attack_s=0.3, release_s=0.6),
        Route(source="contrast", target="contrast", amount=0.3, attack_s=0.2, release_s=0.5),
        Route(source="change", target="bend", amount=0.6, attack_s=0.05, release_s=0.5),
        Route(source="turn", target="spin_deg", amount=0.25),
    ),
}
# A seed chooses which way these go.
_SIGNED_CONTROLS: Final = ("spin_deg", "shift_x", "shift_y", "hue_turns")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Some consecutive rows of a score."""

    first_frame: int
    keyframe: NDArray[np.float32]  # (n,), place on the way round the keyframes, see `walk`
    controls: NDArray[np.float32]  # (n, n_controls), in the order of CONTROLS

    def column(self, name: str) -> NDArray[np.float32]:
        """Look at one control: (n,) float32."""
        return self.controls[:, list(CONTROLS).index(name)]


@dataclass(frozen=True, kw_only=True)
class Score:
    """What happens in each frame of a film."""

    timeline: Timeline
    keyframe: NDArray[np.float32]  # (n_frames,), place on the way round the keyframes, see `walk`
    controls: NDArray[np.float32]  # (n_frames, n_controls), in the order of CONTROLS

    def rows(self, first_frame: int, stop_frame: int) -> Rows:
        """Take the rows of some frames."""
        frames = slice(first_frame, stop_frame)
        return Rows(
            first_frame=first_frame, keyframe=self.keyframe[frames], controls=self.controls[frames]
        )

    def column(self, name: str) -> NDArray[np.float32]:
        """Look at one control: (n_frames,) float32."""
        return self.controls[:, list(CONTROLS).index(name)]

    def save(self, path: Path) -> None:
        """Write an .npz under a temporary name and rename it."""
        save_arrays(path, self.timeline, {"keyframe": self.keyframe, "controls": self.controls})


def load_score(path: Path) -> Score:
    """Read what `Score.save` has written."""
    timeline, arrays = load_arrays(path)
    return Score(timeline=timeline, **arrays)


def compose(
    features: Features,
    *,
    level: float,
    frequency: float,
    timbre: float,
    n_keyframes: int,
    seed: int,
) -> Score:
    """Write the score of a song.

    Parameters
    ----------
    level, frequency, timbre : in [0, 1], the sliders: how much of each group's routes; at 0 all
        controls are neutral, and only the walk moves
    n_keyframes : at least 1
    seed : chooses directions: of the spin, the shake, the colours
    """
    sliders = {"level": level, "frequency": frequency, "timbre": timbre}
    routes = [route for group in ROUTES.values() for route in group]
    weights = _weigh(sliders, np.random.default_rng(seed))
    audibility = listen(features)
    heard = normalise(features, audibility)
    heard |= move(heard, audibility, features.timeline)
    fps = float(features.timeline.fps)
    driven = np.stack([_shape(route, heard[route.source], fps) for route in routes], axis=1)
    way = _follow(driven, routes, fps) @ weights
    limits = np.array([(c.neutral, c.lowest, c.highest) for c in CONTROLS.values()])
    neutral, lowest, highest = limits.T
    span = np.where(way > 0.0, highest - neutral, neutral - lowest)
    return Score(
        timeline=features.timeline,
        keyframe=walk(features, n_keyframes=n_keyframes, level=level),
        controls=np.clip(neutral + way * span, lowest, highest).astype(np.float32),
    )


def _weigh(sliders: Mapping[str, float], rng: np.random.Generator) -> NDArray[np.float64]:
    """Build the matrix from routes to controls: (n_routes, n_controls)."""
    signs = dict(zip(_SIGNED_CONTROLS, rng.choice([-1.0, 1.0], len(_SIGNED_CONTROLS)), strict=True))
    names = list(CONTROLS)
    rows = []
    for group, routes in ROUTES.items():
        for route in routes:
            row = np.zeros(len(names))
            amount = sliders[group] * route.amount * signs.get(route.target, 1.0)
            row[names.index(route.target)] = amount
            rows.append(row)
    return np.stack(rows)


def _shape(route: Route, heard: Curve, fps: float) -> Curve:
    """Bend a curve so that its rest is 0, and delay it."""
    bend = CURVES[route.curve]
    rest = SOURCES[route.source].rest if route.source in SOURCES else 0.0
    shaped = bend(heard) - bend(np.array(rest))
    n_late = min(round(route.delay_s * fps), len(shaped))
    return np.concatenate([np.zeros(n_late), shaped[: len(shaped) - n_late]])


def _follow(driven: Curve, routes: Sequence[Route], fps: float) -> Curve:
    """Rise with the attack, fall with the release: (n_frames, n_routes) -> the same."""
    rise = 1.0 - np.exp(-1.0 / (fps * np.array([route.attack_s for route in routes])))
    fall = 1.0 - np.exp(-1.0 / (fps * np.array([route.release_s for route in routes])))
    followed = np.empty_like(driven)
    now = np.zeros(len(routes))
    for frame, target in enumerate(driven):
        now = now + np.where(target > now, rise, fall) * (target - now)
        followed[frame] = now
    return followed
