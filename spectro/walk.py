"""The walk between keyframes, paced by beats, bars and sections.

parts  |verse                          |chorus
bars   |       |       |       |       |       |       |
beats  | . . . | . . . | . . . | . . . | . . . | . . . |
place  0               1               2               0     two bars a leg, three keyframes
pinned 0               2               1       1       2     the second, to the chorus

Where a keyframe is pinned the walk is there when the part begins, sways about it, and leaves it
shortly before the end. The pictures that are not pinned fill the rest, in their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectro.features import Features
from spectro.pins import Pin, hold
from spectro.sources import listen

_LEG_S: Final = 5.5  # taste: what a leg should last, about
_BARS_A_LEG: Final = (1, 2, 4, 8, 16)
_CALM_BEAT_S, _CALM_BEATS_A_BAR = 1.5, 4  # the clock of what has no beat
_EASE: Final = 0.75  # taste: 0 walks evenly, 1 stands still at each keyframe
_PUSH, _PUSH_BY_LEVEL = 0.25, 0.5  # taste: share of a beat's way that is done right after it
_SWAY: Final = 0.3  # taste: how far towards another keyframe the walk sways about one that it holds
_LEAVE_LEGS: Final = 0.5  # taste: legs before the end of its part that a pinned keyframe is left


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Where each frame is on its way between keyframes."""

    keyframe: NDArray[
        np.float32
    ]  # (n_frames,) in [0, n_keyframes): 2.25, a quarter after the third
    toward: NDArray[np.int64]  # (n_frames,), the keyframe that it goes to from there, 0 the first


def walk(features: Features, *, n_keyframes: int, level: float, pins: Sequence[Pin] = ()) -> Walk:
    """Place each frame between keyframes; without pins after the last one comes the first.

    Parameters
    ----------
    n_keyframes : at least 1
    level : in [0, 1], the musician's slider: how strongly the beats push
    pins : of some of these keyframes
    """
    push = _PUSH + _PUSH_BY_LEVEL * level if len(features.beat_times_s) else 0.0
    start_s = _find_start(features)
    grid = _lay_grid(features, start_s)
    times_s = np.maximum(features.timeline.times_s(), start_s)
    beat = grid.beats_at(times_s)
    within = beat - np.floor(beat)
    pushed = np.floor(beat) + (1 - push) * within + push * (1 - (1 - within) ** 3)
    held = [
        _Held(entry.keyframe, *grid.beats_at(np.array([entry.start_s, entry.stop_s])).tolist())
        for entry in hold(pins, features.section_times_s, features.timeline.duration_s)
    ]
    sections = grid.beats_at(features.section_times_s)
    legs = _lay_legs(grid, sections, held, float(pushed[0]))
    at = np.interp(pushed, legs.edges, np.arange(len(legs.edges)))
    return _go(at, _choose_way(legs, n_keyframes))


class _Held(NamedTuple):
    """From when to when, in beats, a keyframe is held."""

    keyframe: int
    start: float
    stop: float  # inf: to the song's end

    @property
    def is_moment(self) -> bool:
        return self.start == self.stop

    def holds(self, edge: float) -> bool:
        if self.is_moment:
            return edge == self.start
        return self.start <= edge < self.stop or self.stop == math.inf == edge


class _Legs(NamedTuple):
    """Where keyframes are reached, and which of them are held there."""

    edges: NDArray[np.float64]  # (n,) in beats, rising, the first where the film starts
    held: list[_Held]


class _Way(NamedTuple):
    """The keyframe where each leg begins, and the one that it goes to."""

    stops: NDArray[np.int64]  # (n_legs,)
    toward: NDArray[np.int64]  # (n_legs,)
    is_held: NDArray[np.bool_]  # (n_legs,): it comes back to where it begins


def _go(at: NDArray[np.float64], way: _Way) -> Walk:
    """Place frames that are `at` so many legs (n_frames,) after the start."""
    leg = np.floor(at).astype(np.int64)
    u = at - leg
    position = leg + (1 - _EASE) * u + _EASE * u * u * (3 - 2 * u)
    stop = way.stops[leg]
    sway = stop + _SWAY * 0.5 * (1 - np.cos(2 * np.pi * u))
    place = np.where(way.is_held[leg], sway, position - (leg - stop)).astype(np.float32)
    # Rounding may lift a place just before the next keyframe onto it: then it is there.
    has_arrived = place >= stop + 1
    return Walk(
        keyframe=np.where(has_arrived, way.stops[leg + 1], place).astype(np.float32),
        toward=way.toward[leg + has_arrived],
    )


def _choose_way(legs: _Legs, n_keyframes: int) -> _Way:
    """Choose a keyframe for each edge: the one that is pinned there, else the next free one."""
    pinned = {entry.keyframe for entry in legs.held}
    free = [k for k in range(n_keyframes) if k not in pinned] or list(range(n_keyframes))
    rest = cycle(free)
    stops: list[int] = []
    for edge in [*legs.edges, math.inf, math.inf]:
        held = [entry for entry in legs.held if entry.holds(edge)]
        # A moment stands before the part that it lies in, and the later part before the other.
        last = max(held, key=lambda it: (it.is_moment, it.start), default=None)
        stop = last.keyframe if last else next(rest)
        if not held and len(free) > 1 and stops[-1:] == [stop]:
            stop = next(rest)
        stops.append(stop)
    toward, is_held = list[int](), list[bool]()
    for leg, (stop, following) in enumerate(pairwise(stops)):
        others = [k for k in free if k != stop] or [k for k in range(n_keyframes) if k != stop]
        is_held.append(stop == following and bool(others))
        toward.append(others[leg % len(others)] if is_held[-1] else following)
    return _Way(np.array(stops), np.array(toward), np.array(is_held))


class _Grid(NamedTuple):
    """Beats from before the song's start to after its end, and which of them begin bars."""

    beat_times_s: NDArray[np.float64]  # (n,), rising, with those that nobody plays
    bars: NDArray[np.int64]  # (n_bars,), indices of first beats, at least 2

    def beats_at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Tell times in beats, counted from the first; what never comes stays so."""
        beats = np.interp(times_s, self.beat_times_s, np.arange(len(self.beat_times_s)))
        return np.where(np.isinf(times_s), np.inf, beats)


def _find_start(features: Features) -> float:
    """Return when the first sound is heard: in the silence before it the walk stands still."""
    heard = np.flatnonzero(listen(features) > 0.5)
    return float(features.timeline.times_s()[heard[0]]) if len(heard) else 0.0


def _lay_grid(features: Features, start_s: float) -> _Grid:
    end_s = features.timeline.duration_s + 1.0 / float(features.timeline.fps)
    found_s = features.beat_times_s
    if len(found_s) == 0:
        n_legs = int(end_s / (_CALM_BEAT_S * _CALM_BEATS_A_BAR)) + 2
        n_beats = n_legs * _CALM_BEATS_A_BAR + 1
        calm_s = start_s + np.arange(n_beats, dtype=np.float64) * _CALM_BEAT_S
        return _Grid(calm_s, np.arange(0, n_beats, _CALM_BEATS_A_BAR))
    beat_s = float(np.median(np.diff(found_s)))
    firsts = np.searchsorted(found_s, features.downbeat_times_s)
    metre = int(np.median(np.diff(firsts))) if len(firsts) > 1 else 4
    n_before = metre * (int(found_s[0] / (beat_s * metre)) + 1)
    n_after = metre * (int(max(0.0, end_s - found_s[-1]) / (beat_s * metre)) + 2)
    beats_s = np.concatenate(
        [
            found_s[0] - beat_s * np.arange(n_before, 0, -1),
            found_s,
            found_s[-1] + beat_s * np.arange(1, n_after + 1),
        ]
    )
    firsts = firsts + n_before
    before = np.arange(firsts[0] % metre, firsts[0], metre)
    after = np.arange(firsts[-1] + metre, len(beats_s), metre)
    return _Grid(beats_s, np.concatenate([before, firsts, after]))


def _measure_leg(grid: _Grid) -> int:
    """Choose how many bars a leg has."""
    bar_s = float(np.median(np.diff(grid.beat_times_s[grid.bars])))
    return min(_BARS_A_LEG, key=lambda n: abs(np.log(n * bar_s / _LEG_S)))


def _begin(entry: _Held, first_beat: float, first: float) -> _Held:
    """Let what begins before `first` begin with the film."""
    if entry.start > first:
        return entry
    return entry._replace(start=first_beat, stop=first_beat if entry.is_moment else entry.stop)


def _lay_legs(
    grid: _Grid, sections: NDArray[np.float64], holds: Sequence[_Held], first_beat: float
) -> _Legs:
    """Choose where keyframes are reached: each section begins at one, and has legs of some bars.

    Parameters
    ----------
    sections : (n,) in beats, where they begin
    first_beat : where the film starts
    """
    n_bars = _measure_leg(grid)
    bar = float(np.median(np.diff(grid.bars)))
    leg = n_bars * bar
    first = first_beat + leg / 2  # what begins before this begins with the film
    holds = [_begin(entry, first_beat, first) for entry in holds]
    holds = [entry for entry in holds if entry.is_moment or entry.stop > entry.start]
    fixed = {beat for entry in holds for beat in entry[1:] if beat < math.inf}
    near = [any(0 < abs(beat - section) < leg / 2 for beat in fixed) for section in sections]
    free = sections[(sections > first) & ~np.array(near, bool)]
    edges: list[float] = []
    for start, stop in pairwise([*sorted({first_beat, *free.tolist(), *fixed}), math.inf]):
        inside = grid.bars[grid.bars > start + leg - bar / 2][::n_bars]
        leave = []
        if any(entry.stop == stop < math.inf and entry.start < stop for entry in holds):
            leave = [max(stop - _LEAVE_LEGS * leg, (start + stop) / 2)]
        edges += [start, *inside[inside <= [*leave, stop][0] - leg / 2], *leave]
    return _Legs(np.array([*edges, edges[-1] + leg, edges[-1] + 2 * leg]), holds)
