"""S6: how far what is seen follows what is heard, feature by feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from measures.curves import FPS, Curve, Times, standardise
from measures.sight import LEAST_RANGE, Seen
from measures.sound import ROW_RATE, Heard
from measures.synchrony import Moments

_CHROMA_S: Final = 0.25  # harmonies this long before and after a moment are compared
_CHANCE_PERCENTILE: Final = 95.0

Table = dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Routes:
    """Correlations at lag 0: what is heard: {what is seen: r}.

    Hue is a place in a plane, so its r is that with both axes together (Mardia 1976), from 0 to 1;
    all others are Pearson's, from −1 to 1.
    """

    r: Table
    by_chance: Table | None  # what 95 % of the shifted stay below, either sign; None: too short


def measure_routes(seen: Seen, heard: Heard, moments: Moments, shifts_s: Times | None) -> Routes:
    """Correlate all that is heard with all that is seen."""
    times_s = np.arange(len(moments.motion)) / FPS
    sounds = _gather_sounds(heard, moments, times_s)
    sights = _gather_sights(seen, moments, times_s)
    frames_s = seen.times_s - seen.start_s
    hue = np.stack([np.interp(times_s, frames_s, _still("hue", axis)) for axis in seen.hue.T])
    sound_rows = standardise(np.stack(list(sounds.values())))
    sight_rows = np.concatenate(
        [standardise(np.stack(list(sights.values()))), _make_orthogonal(hue)]
    )

    def correlate_all(shift: int) -> Curve:
        r = np.roll(sound_rows, shift, axis=1) @ sight_rows.T
        return np.concatenate([r[:, :-2], np.hypot(r[:, -2:-1], r[:, -1:])], axis=1)

    def name(values: Curve) -> Table:
        rows = (dict(zip((*sights, "hue"), row, strict=True)) for row in values.tolist())
        return dict(zip(sounds, rows, strict=True))

    by_chance = None
    if shifts_s is not None:
        shifted = [np.abs(correlate_all(round(shift_s * FPS))) for shift_s in shifts_s]
        by_chance = name(np.percentile(shifted, _CHANCE_PERCENTILE, axis=0))
    return Routes(r=name(correlate_all(0)), by_chance=by_chance)


def _gather_sounds(heard: Heard, moments: Moments, times_s: Times) -> dict[str, Curve]:
    onset = moments.onset[:: len(moments.onset) // len(moments.motion)]
    curves = {**heard.curves, "chroma change": _measure_chroma_change(heard.chroma)}
    rows_s = np.arange(len(heard.chroma)) / ROW_RATE
    return {
        "onset": onset,
        **{name: np.interp(times_s, rows_s, curve) for name, curve in curves.items()},
    }


def _gather_sights(seen: Seen, moments: Moments, times_s: Times) -> dict[str, Curve]:
    frames_s = seen.times_s - seen.start_s
    return {
        "motion": moments.motion,
        **{
            name: np.interp(times_s, frames_s, _still(name, curve))
            for name, curve in seen.curves.items()
        },
    }


def _still(name: str, curve: Curve) -> Curve:
    """Take away what is no more than an encoder's noise."""
    return curve if np.ptp(curve) >= LEAST_RANGE[name] else np.zeros_like(curve)


def _measure_chroma_change(chroma: Curve) -> Curve:
    """Return (n_rows,) 1 less the cosine of the chroma before and after; 0 beside silence."""
    n = round(_CHROMA_S * ROW_RATE)
    sums = np.cumsum(np.pad(chroma, ((n + 1, n), (0, 0))), axis=0)
    before, after = sums[n:-n] - sums[: -2 * n], sums[2 * n :] - sums[n:-n]
    before, after = before[: len(chroma)], after[: len(chroma)]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    products = (before * after).sum(axis=1)
    alike = np.divide(products, lengths, out=np.ones_like(lengths), where=lengths > 0)
    return np.asarray(1 - alike, np.float64)


def _make_orthogonal(axes: Curve) -> Curve:
    """Span the plane of two curves (2, n) by two that do not correlate (Gram and Schmidt)."""
    first, second = standardise(axes)
    return np.stack([first, standardise(second - (first @ second) * first)])
