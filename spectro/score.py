"""The score: one row of controls a frame. All that remembers happens here.

curves ─ normalise ─→ sources ─ routes: bend, attack, release, delay ─→ controls
beats, bars, pins ─── walk ────────────────────────────────────────────→ keyframe, toward

A frame is then a pure function of its row, so a film can be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spectro.archive import load_arrays, save_arrays
from spectro.features import Features
from spectro.motions import move
from spectro.pins import Pin
from spectro.routes import CONTROLS, CURVES, Mechanism, Route
from spectro.sources import SOURCES, Curve, Group, listen, normalise
from spectro.timeline import Timeline
from spectro.walk import walk

# A seed chooses which way these go.
_SIGNED_CONTROLS: Final = ("spin_deg", "shift_x", "shift_y", "hue_turns", "push", "turn_deg")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Some consecutive rows of a score."""

    first_frame: int
    keyframe: NDArray[np.float32]  # (n,), place between keyframes, see `walk.Walk`
    toward: NDArray[np.int64]  # (n,), the keyframe that it goes to
    controls: NDArray[np.float32]  # (n, n_controls), in the order of CONTROLS

    def column(self, name: str) -> NDArray[np.float32]:
        """Look at one control: (n,) float32."""
        return self.controls[:, list(CONTROLS).index(name)]


@dataclass(frozen=True, kw_only=True)
class Score:
    """What happens in each frame of a film."""

    timeline: Timeline
    keyframe: NDArray[np.float32]  # (n_frames,), place between keyframes, see `walk.Walk`
    toward: NDArray[np.int64]  # (n_frames,), the keyframe that it goes to
    controls: NDArray[np.float32]  # (n_frames, n_controls), in the order of CONTROLS

    def rows(self, first_frame: int, stop_frame: int) -> Rows:
        """Take the rows of some frames."""
        frames = slice(first_frame, stop_frame)
        return Rows(
            first_frame=first_frame,
            keyframe=self.keyframe[frames],
            toward=self.toward[frames],
            controls=self.controls[frames],
        )

    def column(self, name: str) -> NDArray[np.float32]:
        """Look at one control: (n_frames,) float32."""
        return self.controls[:, list(CONTROLS).index(name)]

    def save(self, path: Path) -> None:
        """Write an .npz under a temporary name and rename it."""
        names = ("keyframe", "toward", "controls")
        save_arrays(path, self.timeline, {name: getattr(self, name) for name in names})


def load_score(path: Path) -> Score:
    """Read what `Score.save` has written."""
    timeline, arrays = load_arrays(path)
    return Score(timeline=timeline, **arrays)


@dataclass(frozen=True, kw_only=True)
class Drive:
    """What drives the picture, and how strongly."""

    routes: Sequence[Route]
    sliders: Mapping[Group, float]  # in [0, 1]: how much of each group's routes
    mechanisms: Mapping[Mechanism, float]  # in [0, 1]: how much of what acts at each place


def compose(
    features: Features,
    drive: Drive,
    *,
    n_keyframes: int,
    seed: int,
    stems: Mapping[str, Features] = MappingProxyType({}),
    pins: Sequence[Pin] = (),
) -> Score:
    """Write the score of a song.

    Parameters
    ----------
    features : of the song
    drive : with all sliders, or all mechanisms, at 0 all controls are neutral, and only the walk
        moves
    n_keyframes : at least 1
    seed : chooses directions: of the spin, the shake, the colours
    stems : by their names, on the song's timeline; all that routes listen to
    pins : when the film shows some of the keyframes
    """
    weights = _weigh(drive, np.random.default_rng(seed))
    heard = {name: _hear(sound) for name, sound in {"": features, **stems}.items()}
    fps = float(features.timeline.fps)
    way = np.zeros((features.timeline.n_frames, len(CONTROLS)))
    if drive.routes:
        shaped = [_shape(route, heard[route.stem][route.heard], fps) for route in drive.routes]
        way = _follow(np.stack(shaped, axis=1), drive.routes, fps) @ weights
    limits = np.array([(c.neutral, c.lowest, c.highest) for c in CONTROLS.values()])
    neutral, lowest, highest = limits.T
    span = np.where(way > 0.0, highest - neutral, neutral - lowest)
    walked = walk(features, n_keyframes=n_keyframes, level=drive.sliders["level"], pins=pins)
    return Score(
        timeline=features.timeline,
        keyframe=walked.keyframe,
        toward=walked.toward,
        controls=np.clip(neutral + way * span, lowest, highest).astype(np.float32),
    )


def _hear(features: Features) -> dict[str, Curve]:
    """Return all that routes can start from in one sound."""
    audibility = listen(features)
    heard = normalise(features, audibility)
    return heard | move(heard, audibility, features.timeline)


def _weigh(drive: Drive, rng: np.random.Generator) -> NDArray[np.float64]:
    """Build the matrix from routes to controls: (n_routes, n_controls)."""
    signs = dict(zip(_SIGNED_CONTROLS, rng.choice([-1.0, 1.0], len(_SIGNED_CONTROLS)), strict=True))
    names = list(CONTROLS)
    weights = np.zeros((len(drive.routes), len(names)))
    for row, route in zip(weights, drive.routes, strict=True):
        strength = drive.sliders[route.group] * drive.mechanisms[CONTROLS[route.target].mechanism]
        row[names.index(route.target)] = route.amount * strength * signs.get(route.target, 1.0)
    return weights


def _shape(route: Route, heard: Curve, fps: float) -> Curve:
    """Bend a curve so that its rest is 0, and delay it."""
    bend = CURVES[route.curve]
    rest = SOURCES[route.heard].rest if route.heard in SOURCES else 0.0
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
