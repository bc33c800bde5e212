"""What is seen in a film: a few numbers a frame, taken while the pictures pass by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from measures.film import Picture, Pixels
from measures.flashes import FlashCounter, Flashes
from measures.flow import estimate_growth

BIN_S: Final = 0.5  # of the colour histograms
N_LEVELS: Final = 4  # of each of red, green and blue in a histogram
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # BT.709
_GREY: Final = 5.0  # levels of 255; taste: a colour this near to grey has half a hue
_ZOOM_S: Final = 2.0  # taste: a zoom is what the picture has grown by in about this time
# Measured: x264 at crf 8 to 28 lets the curves of a still range this far at its key frames. What
# ranges less in a whole film stands still.
LEAST_RANGE: Final = {
    "growth": 0.0015,
    "zoom": 0.003,
    "luma": 0.5,
    "contrast": 0.5,
    "sharpness": 0.05,
    "saturation": 0.01,
    "colourfulness": 1.5,
    "hue": 0.1,
    "histograms": 0.05,  # of their intersections
}

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A film's pictures as curves; levels are of 255."""

    times_s: Values  # (n_frames,) on the player's clock, ascending
    end_s: float  # when the last frame is over
    change: Values  # (n_frames,) m(t), mean absolute luma difference to the frame before; levels
    curves: dict[str, Values]  # name: (n_frames,)
    hue: Values  # (n_frames, 2) mean colour against grey, on the axes red–green and yellow–blue
    histograms: Values  # (n_bins, 64) share of the colours in each half second
    flashes: Flashes

    @property
    def start_s(self) -> float:
        """When the first frame appears."""
        return float(self.times_s[0])

    @property
    def duration_s(self) -> float:
        """How long there is something to see."""
        return self.end_s - self.start_s

    @property
    def interval_s(self) -> float:
        """The usual time from frame to frame."""
        if len(self.times_s) == 1:
            return self.duration_s
        return float(np.median(np.diff(self.times_s)))


def watch(pictures: Iterable[Picture]) -> Seen:
    """Watch a film's pictures, one at least, and keep a few numbers of each."""
    counter, tints, rows = FlashCounter(), _Tints(), []
    times_s, end_s = [], 0.0
    last_luma = last_small = None
    for picture in pictures:
        luma, small = picture.pixels @ _LUMA, picture.small @ _LUMA
        change = growth = 0.0
        if last_luma is not None and last_small is not None:
            change = float(np.abs(luma - last_luma).mean())
            growth = estimate_growth(last_small, small)
        rows.append([change, growth, *_describe_luma(luma), *_describe_colours(picture.small)])
        last_luma, last_small = luma, small
        counter.update(picture.small, picture.time_s)
        times_s.append(picture.time_s)
        tints.add(picture.small, picture.time_s - times_s[0])
        end_s = picture.end_s
    table = dict(zip(_COLUMNS, np.array(rows).T, strict=True))
    times = np.array(times_s)
    change, growth = table.pop("motion"), table["growth"]
    hue = np.stack([table.pop("red_green"), table.pop("yellow_blue")], axis=1)
    return Seen(
        times_s=times,
        end_s=max(end_s, times_s[-1]),
        change=change,
        curves={**table, "zoom": _integrate(growth, times)},
        hue=hue,
        histograms=tints.finish(),
        flashes=counter.finish(),
    )


_COLUMNS: Final = (
    *("motion", "growth", "luma", "contrast", "sharpness"),
    *("red_green", "yellow_blue", "saturation", "colourfulness"),
)


def _describe_luma(luma: NDArray[np.float32]) -> tuple[float, float, float]:
    """Measure mean, spread, and edges against the spread."""
    spread = float(luma.std())
    edges = sum(float(np.abs(np.diff(luma, axis=axis)).mean()) for axis in (0, 1))
    return float(luma.mean()), spread, edges / (spread + 1)


def _describe_colours(small: Pixels) -> tuple[float, float, float, float]:
    """Measure hue, saturation, and colourfulness (Hasler and Süsstrunk 2003)."""
    colours = small.reshape(-1, 3).astype(np.float32)
    red, green, blue = colours.T
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    means = opponents.mean(axis=1)
    colourfulness = np.linalg.norm(opponents.std(axis=1)) + 0.3 * np.linalg.norm(means)
    high, low = colours.max(axis=1), colours.min(axis=1)
    saturation = float((high - low).mean() / (high.mean() + 1))
    hue = means / (float(np.linalg.norm(means)) + _GREY)
    return float(hue[0]), float(hue[1]), saturation, float(colourfulness)


def _integrate(growth: Values, times_s: Values) -> Values:
    """Sum growth up to a zoom that is forgotten over time, as errors of a sum never are."""
    zoom = np.zeros(len(growth))
    kept = np.exp(-np.diff(times_s) / _ZOOM_S)
    for frame in range(1, len(growth)):
        zoom[frame] = kept[frame - 1] * zoom[frame - 1] + growth[frame]
    return zoom


class _Tints:
    """Colour histograms, one for each half second."""

    def __init__(self) -> None:
        self._counts: list[NDArray[np.int64]] = []

    def add(self, small: Pixels, time_s: float) -> None:
        """Add a picture; time_s counts from the first."""
        levels = (small.reshape(-1, 3) // (256 // N_LEVELS)).astype(np.int64)
        colours = levels @ np.array([N_LEVELS**2, N_LEVELS, 1])
        counts = np.bincount(colours, minlength=N_LEVELS**3)
        n_begun = int(time_s / BIN_S) + 1
        while len(self._counts) < n_begun - 1:  # a frame that stays is seen in all its bins
            self._counts.append(self._counts[-1])
        if len(self._counts) < n_begun:
            self._counts.append(np.zeros(N_LEVELS**3, np.int64))
        self._counts[-1] = self._counts[-1] + counts

    def finish(self) -> Values:
        counts = np.array(self._counts)
        return np.asarray(counts / counts.sum(axis=1, keepdims=True), np.float64)
