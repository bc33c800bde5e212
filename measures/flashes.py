"""Flashes that can be dangerous (WCAG 2.x, success criterion 2.3.1), counted in small pictures.

    luminance   ┌──┐  ┌──┐        each edge of 10 % or more is a transition,
              ──┘  └──┘  └──      two opposing ones are a flash: here two

A pixel's flashes are counted in each second; a picture flashes as often as a quarter of its pixels
do at least. Fine balanced patterns, which the criterion excepts, are averaged away beforehand.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_ALLOWED: Final = 3  # within any one second
_WINDOW_S: Final = 1.0
_AREA: Final = 0.25  # of the picture
_GENERAL_CHANGE: Final = 0.1  # of the largest relative luminance, 1
_GENERAL_DARKER: Final = 0.8  # the darker picture is below this relative luminance
# WCAG 2.0 and 2.1 on saturated red; 2.2 has a chromaticity in its place.
_RED_SHARE: Final = 0.8
_RED_SCALE, _RED_CHANGE = 320.0, 20.0
_LEAST_RED: Final = 0.01  # linear; taste: below it is black, whose hue is the encoder's noise
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)

_Values = NDArray[np.float32]
_Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class FlashCount:
    """Flashes of one kind."""

    most_within_1_s: int
    unsafe_spans_s: tuple[tuple[float, float], ...]  # start and end: more than three in a second


@dataclass(frozen=True, kw_only=True)
class Flashes:
    """Flashes of both kinds; safe where neither has an unsafe span."""

    general: FlashCount
    red: FlashCount

    @property
    def are_safe(self) -> bool:
        """Claim that there are no more than three of either kind within any second."""
        return max(self.general.most_within_1_s, self.red.most_within_1_s) <= MOST_ALLOWED


class FlashCounter:
    """Counts flashes while a film's pictures pass by; it remembers one second of them."""

    def __init__(self) -> None:
        self._general = _Counter(_GENERAL_CHANGE)
        self._red = _Counter(_RED_CHANGE)

    def update(self, small: NDArray[np.uint8], time_s: float) -> None:
        """Look at the next picture, (h, w, 3) sRGB."""
        linear = _TO_LINEAR[small]
        luminance = linear @ _LUMINANCE
        self._general.update(luminance, luminance < _GENERAL_DARKER, time_s)
        red, green, blue = np.moveaxis(linear, -1, 0)
        is_red = (red >= _RED_SHARE * (red + green + blue)) & (red >= _LEAST_RED)
        redness = _RED_SCALE * np.maximum(red - green - blue, 0)
        self._red.update(redness, is_red, time_s)

    def finish(self) -> Flashes:
        """Say what was counted."""
        return Flashes(general=self._general.finish(), red=self._red.finish())


class _Counter:
    """Counts one kind of flashes in windows that end with each picture."""

    def __init__(self, threshold: float) -> None:
        self._transitions = _Transitions(threshold)
        self._recent: deque[tuple[float, _Mask]] = deque()
        self._n_transitions = np.zeros(0, np.int16)
        self._most = 0
        self._spans_s: list[tuple[float, float]] = []

    def update(self, values: _Values, marked: _Mask, time_s: float) -> None:
        done = self._transitions.update(values.ravel(), marked.ravel())
        if not self._recent:
            self._n_transitions = np.zeros(done.shape, np.int16)
        self._recent.append((time_s, done))
        self._n_transitions += done
        # A window holds its end and not its beginning, or four in a second would be five edges.
        while self._recent[0][0] <= time_s - _WINDOW_S + 1e-6:
            self._n_transitions -= self._recent.popleft()[1]
        n_flashes = _count_over_area(self._n_transitions // 2)
        self._most = max(self._most, n_flashes)
        if n_flashes > MOST_ALLOWED:
            self._add_span(max(0.0, time_s - _WINDOW_S), time_s)

    def _add_span(self, start_s: float, end_s: float) -> None:
        if self._spans_s and start_s <= self._spans_s[-1][1]:
            start_s = self._spans_s.pop()[0]
        self._spans_s.append((start_s, end_s))

    def finish(self) -> FlashCount:
        return FlashCount(most_within_1_s=self._most, unsafe_spans_s=tuple(self._spans_s))


class _Transitions:
    """Finds each pixel's opposing changes.

    The highest and lowest value since a pixel's last transition are remembered. When it has come
    far enough from the one, and either state has the mark (dark enough, or saturated red), that is
    a transition, and only one the other way can follow.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._direction = np.zeros(0, np.int8)  # of the last transition: up 1, down −1, none 0
        self._high = self._low = np.zeros(0, np.float32)
        self._high_marked = self._low_marked = np.zeros(0, np.bool_)

    def update(self, values: _Values, marked: _Mask) -> _Mask:
        """Return which pixels (n,) have completed a transition."""
        if not len(self._direction):
            self._direction = np.zeros(len(values), np.int8)
            self._high = self._low = values
            self._high_marked = self._low_marked = marked
        falls = (self._high - values >= self._threshold) & (marked | self._high_marked)
        falls &= self._direction >= 0
        rises = (values - self._low >= self._threshold) & (marked | self._low_marked)
        rises &= (self._direction <= 0) & ~falls
        self._direction = np.where(falls, -1, np.where(rises, 1, self._direction)).astype(np.int8)
        done = falls | rises
        is_high, is_low = done | (values > self._high), done | (values < self._low)
        self._high = np.where(is_high, values, self._high)
        self._high_marked = np.where(is_high, marked, self._high_marked)
        self._low = np.where(is_low, values, self._low)
        self._low_marked = np.where(is_low, marked, self._low_marked)
        return done


def _count_over_area(n_flashes: NDArray[np.int16]) -> int:
    """Return how many flashes a quarter of the pixels have at least."""
    n_needed = int(np.ceil(_AREA * len(n_flashes)))
    return int(np.partition(n_flashes, -n_needed)[-n_needed])


def _make_linear() -> _Values:
    coded = np.arange(256) / 255
    # sRGB (IEC 61966-2-1); WCAG's own .03928 differs from .04045 for no byte.
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


_TO_LINEAR: Final = _make_linear()
