"""Pins: pictures that belong to a part of the song, or to a moment of it.

sections  |verse            |chorus           |verse
--pin 2@1:04                |===== second ====|            the part that begins there
--pin 2@1:04-1:20           |= second =|                   just so long
--pin 3@0:20        | third                                a moment: reached, and left again
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectro.errors import TonfilmError

MAX_PINS: Final = 256
# A time that is typed in whole seconds means the section that begins as near as this.
_NEAR_S: Final = 1.0
_TIME: Final = re.compile(r"(?:(?:([0-9]{1,2}):)?([0-9]{1,3}):)?([0-9]{1,6}(?:\.[0-9]{1,6})?)")
_RULE: Final = "write it as 2@1:04, or 2@1:04-1:36"


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A picture's time.

    Raises
    ------
    ValueError
        It is out of range.
    """

    picture: int  # among the keyframes, 1 the first
    start_s: float  # in the song
    stop_s: float | None = None  # None: with the section that begins there, else at once

    def __post_init__(self) -> None:
        if self.picture < 1:
            raise ValueError("a pin's picture is counted from 1")
        if not 0.0 <= self.start_s < math.inf:
            raise ValueError("a pin begins at 0 s or later")
        if self.stop_s is not None and not self.start_s < self.stop_s < math.inf:
            raise ValueError("a pin ends after it begins")


def parse_pin(text: str) -> Pin:
    """Read a pin: "2@1:04" or "2@1:04-1:36", the second picture.

    Raises
    ------
    TonfilmError
        It cannot be read.
    """
    picture, _, stretch = text.partition("@")
    try:
        if not re.fullmatch(r"\s*[0-9]{1,4}\s*", picture):
            raise ValueError(_RULE)
        return parse_stretch(int(picture), stretch)
    except ValueError as error:
        raise TonfilmError(f"{text!r} is no pin: {error}.") from error


def parse_stretch(picture: int, text: str) -> Pin:
    """Read when a picture is pinned: "1:04" or "1:04-1:36".

    Raises
    ------
    ValueError
        It cannot be read; the words say why, without a full stop.
    """
    start, dash, stop = text.partition("-")
    return Pin(
        picture=picture, start_s=_read_time(start), stop_s=_read_time(stop) if dash else None
    )


def _read_time(text: str) -> float:
    """Read a time in seconds: 64, 1:04 or 0:01:04.5."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(_RULE)
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def write_stretch(pin: Pin) -> str:
    """Write when a picture is pinned, as `parse_stretch` reads it."""
    start = _write_time(pin.start_s)
    return start if pin.stop_s is None else f"{start}-{_write_time(pin.stop_s)}"


def _write_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 3), 60)
    whole, part = divmod(round(rest, 3), 1)
    fraction = f"{part:.3f}"[1:].rstrip("0").rstrip(".")
    return f"{int(minutes)}:{int(whole):02d}{fraction}"


def find_clash(pins: Sequence[Pin]) -> tuple[Pin, Pin] | None:
    """Find two pins that cannot both be followed: they begin as one, or are said to overlap."""
    in_order = sorted(pins, key=lambda pin: pin.start_s)
    for before, after in pairwise(in_order):
        if before.start_s == after.start_s:
            return before, after
    lasting = [pin for pin in in_order if pin.stop_s is not None]
    for before, after in pairwise(lasting):
        if before.stop_s is not None and after.start_s < before.stop_s:
            return before, after
    return None


class Hold(NamedTuple):
    """From when to when the walk holds a keyframe; for a moment they are one."""

    keyframe: int  # 0 the first
    start_s: float
    stop_s: float  # inf: to the song's end


def hold(pins: Sequence[Pin], section_times_s: NDArray[np.float64], end_s: float) -> list[Hold]:
    """Say what each pin means in a song; those that begin after its end mean nothing.

    Parameters
    ----------
    section_times_s : (n,), where sections begin
    end_s : of the song
    """
    holds = []
    for pin in sorted(pins, key=lambda pin: pin.start_s):
        start_s, is_section = _snap(pin.start_s, section_times_s)
        if start_s >= end_s:
            continue
        if pin.stop_s is not None:
            stop_s, _ = _snap(pin.stop_s, section_times_s)
        elif is_section:
            stop_s = min(section_times_s[section_times_s > start_s], default=math.inf)
        else:
            stop_s = start_s
        is_last = stop_s > end_s - _NEAR_S and stop_s > start_s
        holds.append(Hold(pin.picture - 1, start_s, math.inf if is_last else float(stop_s)))
    return holds


def _snap(time_s: float, section_times_s: NDArray[np.float64]) -> tuple[float, bool]:
    """Return the start of the section that begins near a time, or the time; and which it is."""
    nearest = float(section_times_s[np.abs(section_times_s - time_s).argmin()])
    is_near = abs(nearest - time_s) <= _NEAR_S
    return (nearest, True) if is_near else (time_s, False)
