"""Whether a film is calm where the music gives no reason not to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from measures.curves import Times
from measures.sight import Seen

CALM_GOAL: Final = 0.97  # at least
SEAM_GOAL: Final = 2.0  # less
_BEAT_S: Final = 0.1  # within this time of a beat a picture may jump
_LEAST_CHANGE: Final = 0.25  # levels of 255; taste: a median below counts as this, nobody sees it


@dataclass(frozen=True, kw_only=True)
class Seam:
    """A cut between two segments or keyframes."""

    time_s: float  # of the first frame after it
    ratio: float  # its change over the film's median change


@dataclass(frozen=True, kw_only=True)
class Calm:
    """Flicker and seams; goals are `CALM_GOAL` and `SEAM_GOAL`."""

    off_beat: float | None  # 1 is still, 0 black to white; None: no frame is off the beat
    seams: tuple[Seam, ...] | None  # None: no cuts were named


def measure_calm(seen: Seen, beats_s: Times, cuts_s: Times | None) -> Calm:
    """Measure calm; beats and cuts on the player's clock, cuts after the first frame."""
    seams = None if cuts_s is None else tuple(_measure_seam(seen, cut_s) for cut_s in cuts_s)
    return Calm(off_beat=_measure_off_beat(seen, beats_s), seams=seams)


def _measure_off_beat(seen: Seen, beats_s: Times) -> float | None:
    from_beat_s = np.abs(seen.times_s[1:, None] - _nearest_two(seen.times_s[1:], beats_s))
    change = seen.change[1:][from_beat_s.min(axis=1) > _BEAT_S]
    return float(1 - np.median(change) / 255) if len(change) else None


def _nearest_two(times_s: Times, beats_s: Times) -> Times:
    """Return (n, 2) the beat before each time and the one after; infinite where there is none."""
    fenced_s = np.concatenate([[-np.inf], beats_s, [np.inf]])
    after = np.searchsorted(fenced_s, times_s)
    return np.stack([fenced_s[after - 1], fenced_s[after]], axis=1)


def _measure_seam(seen: Seen, cut_s: float) -> Seam:
    frame = 1 + int(np.argmin(np.abs(seen.times_s[1:] - cut_s)))
    usual = max(float(np.median(seen.change[1:])), _LEAST_CHANGE)
    return Seam(time_s=float(seen.times_s[frame]), ratio=float(seen.change[frame]) / usual)
