"""A finished film judged as a whole: synchrony, routes, calm and flashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from measures.beats import track_beats
from measures.calm import Calm, measure_calm
from measures.curves import Times, draw_shifts
from measures.film import (
    SAMPLE_RATE,
    Picture,
    Unmeasurable,
    check_film,
    decode_pictures,
    decode_sound,
)
from measures.flashes import Flashes
from measures.routes import Routes, measure_routes
from measures.sight import Seen, watch
from measures.sound import Heard, listen
from measures.synchrony import Moments, Synchrony, find_moments, measure_synchrony

Progress = Callable[[int, int], None]  # told how many pictures of how many; may raise to stop


@dataclass(frozen=True, kw_only=True)
class Film:
    """What is seen and heard in a film, both from the first picture to the end of the last."""

    name: str  # of the file
    seen: Seen
    heard: Heard
    moments: Moments  # on a clock that starts with the first picture


@dataclass(frozen=True, kw_only=True)
class FilmReport:
    """All figures of a film; times are on the player's clock."""

    name: str  # of the file
    duration_s: float  # of the pictures
    n_frames: int
    fps: float  # usual
    beats_from: Literal["list", "tracker"]
    beats_s: tuple[float, ...]
    n_video_beats: int  # moments at which the picture moves; none where it stands still
    synchrony: Synchrony
    routes: Routes
    calm: Calm
    flashes: Flashes

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain dictionaries, without NaN or infinity."""
        return asdict(self)


def measure_film(
    path: Path,
    beats_s: Times | None,
    cuts_s: Times | None,
    progress: Progress = lambda _done, _total: None,
) -> FilmReport:
    """Measure a finished film.

    Parameters
    ----------
    path : the film, anything that FFmpeg decodes
    beats_s : (n_beats,) seconds on the player's clock, ascending; None: track them
    cuts_s : (n_cuts,) seconds, where segments or keyframes meet; None: do not look at seams

    Raises
    ------
    Unmeasurable
        There is no such film, it has no pictures or no sound, or a time lies outside of it.
    """
    return judge(read_film(path, progress), beats_s, cuts_s)


def read_film(path: Path, progress: Progress = lambda _done, _total: None) -> Film:
    """Watch and listen to a film once; errors as for `measure_film`."""
    n_pictures = check_film(path)
    seen = watch(_count(decode_pictures(path), n_pictures, progress))
    n_samples = max(1, round(seen.duration_s * SAMPLE_RATE))
    heard = listen(decode_sound(path, seen.start_s, n_samples), n_samples)
    return Film(name=path.name, seen=seen, heard=heard, moments=find_moments(seen, heard))


def _count(pictures: Iterator[Picture], n_pictures: int, progress: Progress) -> Iterator[Picture]:
    for n_done, picture in enumerate(pictures, 1):
        progress(n_done, max(n_done, n_pictures))
        yield picture


def judge(film: Film, beats_s: Times | None, cuts_s: Times | None) -> FilmReport:
    """Judge a film that was read; parameters and errors as for `measure_film`."""
    seen, heard, moments = film.seen, film.heard, film.moments
    beats_from: Literal["list", "tracker"] = "tracker" if beats_s is None else "list"
    if beats_s is None:
        beats_s = track_beats(heard) + seen.start_s
    _check_inside(film, "beat", beats_s, seen.start_s)
    if cuts_s is not None:
        _check_inside(film, "cut", cuts_s, float(seen.times_s[:2].max()))
    shifts_s = draw_shifts(seen.duration_s)
    from_start_s = beats_s - seen.start_s
    return FilmReport(
        name=film.name,
        duration_s=seen.duration_s,
        n_frames=len(seen.times_s),
        fps=round(1 / seen.interval_s, 3) if seen.interval_s > 0 else 0.0,
        beats_from=beats_from,
        beats_s=tuple(beats_s.tolist()),
        n_video_beats=len(moments.video_beats_s),
        synchrony=measure_synchrony(seen, heard, moments, from_start_s, shifts_s),
        routes=measure_routes(seen, heard, moments, shifts_s),
        calm=measure_calm(seen, beats_s, cuts_s),
        flashes=seen.flashes,
    )


def _check_inside(film: Film, kind: str, times_s: Times, first_s: float) -> None:
    outside = times_s[(times_s < first_s) | (times_s > film.seen.end_s)]
    if len(outside):
        raise Unmeasurable(
            f"The {kind} at {outside[0]:g} s lies outside of {film.name}, which can have one from "
            f"{first_s:.2f} to {film.seen.end_s:.2f} s: name the {kind}s of this film."
        )
