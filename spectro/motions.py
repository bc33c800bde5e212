"""Movements that add up: how far the music has carried the picture by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from spectro.sources import Curve, Group
from spectro.timeline import Timeline


@dataclass(frozen=True, kw_only=True)
class Motion:
    """A swing to and fro, −1 to 1, that starts in the middle and goes at the music's pace."""

    group: Group
    driver: str  # a source; at 0 the swing is slowest, at 1 fastest; silence stops it
    slowest_hz: float
    fastest_hz: float
    meaning: str


MOTIONS: Final = {
    "drift_x": Motion(
        group="level", driver="level", slowest_hz=0.02, fastest_hz=0.09, meaning="sway sideways"
    ),
    "drift_y": Motion(
        group="level", driver="level", slowest_hz=0.015, fastest_hz=0.07, meaning="sway up, down"
    ),
    "turn": Motion(
        group="timbre",
        driver="change",
        slowest_hz=0.03,
        fastest_hz=0.15,
        meaning="lean left, right",
    ),
}


def move(heard: Mapping[str, Curve], audibility: Curve, timeline: Timeline) -> dict[str, Curve]:
    """Swing along the music.

    Parameters
    ----------
    heard : normalised sources, each (n_frames,)
    audibility : (n_frames,) in [0, 1], 0 in silence

    Returns
    -------
    dict of (n_frames,) float64 in [−1, 1]
    """
    swings = {}
    for name, motion in MOTIONS.items():
        pace = motion.slowest_hz + (motion.fastest_hz - motion.slowest_hz) * heard[motion.driver]
        turns = np.cumsum(audibility * pace) / float(timeline.fps)
        swings[name] = np.sin(2.0 * np.pi * turns)
    return swings
