"""How tight a film is: the few figures that a musician asks for, and the plain words for them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from measures.flashes import MOST_ALLOWED
from measures.report import FilmReport, Progress, measure_film

# Taste: what is said of a film that meets this share of what chance leaves to be met.
WORDS: Final = (
    (0.5, "The picture is tight on the beat."),
    (0.2, "The picture is in time with the beat, if loosely."),
    (0.07, "The picture follows the beat a little."),
    (-np.inf, "The picture goes its own way, beside the beat."),
)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What comes of a film, in figures and in words; shares are in [0, 1]."""

    n_beats: int  # that a tracker heard in the music
    n_video_beats: int  # moments at which the picture moves
    # F1 of the two within ±70 ms: a beat without such a moment counts against it, and such a
    # moment without a beat. None: there are no beats.
    beats_met: float | None
    by_chance: float | None  # the same with the music shifted, on average; None: too short as well
    picture_late_ms: float  # that fits best, within ±200; below 0 it is early
    calm_off_beat: float | None  # 1 is still, 0 black to white; None: no frame is off the beat
    most_flashes_in_1_s: int
    most_red_flashes_in_1_s: int
    are_flashes_safe: bool

    @property
    def figures(self) -> dict[str, float | None]:
        """The figures by their names."""
        return asdict(self)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say how tight the film is, and what is dangerous about it."""
        return (*self._describe_beats(), *self._describe_flashes())

    def _describe_beats(self) -> list[str]:
        if self.beats_met is None:
            return ["No beat was heard in the music, so there is none to meet."]
        if self.n_video_beats == 0:
            return ["The picture stands still or glides evenly: it meets no beat."]
        met = f"Beats met: {_write_share(self.beats_met)}"
        if self.by_chance is None:
            return [f"{met}. What chance would meet cannot be told of a film so short."]
        # Chance can meet all only where a beat is everywhere: then there is nothing above it.
        above = (self.beats_met - self.by_chance) / max(1e-9, 1 - self.by_chance)
        words = next(words for least, words in WORDS if above >= least)
        return [f"{met}, by chance {_write_share(self.by_chance)}.", words]

    def _describe_flashes(self) -> list[str]:
        if self.are_flashes_safe:
            return []
        most = max(self.most_flashes_in_1_s, self.most_red_flashes_in_1_s)
        return [
            f"It flashes up to {most} times within a second: more than {MOST_ALLOWED} can bring on "
            "seizures in people with photosensitive epilepsy."
        ]


def summarise_film(path: Path, progress: Progress) -> Summary:
    """Measure a finished film, its beats tracked; errors as for `measure_film`."""
    return summarise(measure_film(path, None, None, progress))


def summarise(report: FilmReport) -> Summary:
    """Take from all figures of a film those that a musician asks for."""
    n_beats, hits = len(report.beats_s), report.synchrony.beat_hits[-1]
    flashes = report.flashes
    return Summary(
        n_beats=n_beats,
        n_video_beats=report.n_video_beats,
        beats_met=hits.f1.measured if n_beats else None,
        by_chance=hits.f1.by_chance if n_beats else None,
        picture_late_ms=report.synchrony.onset_motion.best_lag_ms,
        calm_off_beat=report.calm.off_beat,
        most_flashes_in_1_s=flashes.general.most_within_1_s,
        most_red_flashes_in_1_s=flashes.red.most_within_1_s,
        are_flashes_safe=flashes.are_safe,
    )


def _write_share(share: float) -> str:
    return f"{100 * share:.0f} %"
