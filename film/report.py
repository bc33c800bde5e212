"""The report of a film: what it cost, stage by stage, and what the user should know. No torch."""

import resource
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from film.recipe import Recipe


class Stage(BaseModel):
    """What one stage of the work took."""

    model_config = ConfigDict(frozen=True)

    name: str
    seconds: float  # busy
    share: float  # of all stages' seconds, in [0, 1]


class Measured(BaseModel):
    """How tight a finished film is; see `film.measured`."""

    model_config = ConfigDict(frozen=True)

    figures: dict[str, bool | int | float | None]
    sentences: tuple[str, ...]  # the same in plain words, for the user
    seconds: float  # that measuring took


class Report(BaseModel):
    """What making a film took, and how it came out."""

    model_config = ConfigDict(frozen=True)

    n_frames: int
    film_s: float  # length of the film
    wall_s: float  # from opening the WAV to the closed MP4
    real_time_factor: float  # film_s / wall_s
    peak_memory_mb: float  # of this process, from its start
    n_resumed_segments: int  # found whole from a run that was stopped
    n_calmed_frames: int = 0  # by the flash guard
    # Encoding runs beside painting, so the stages' seconds add up to more than wall_s.
    stages: tuple[Stage, ...]
    notes: tuple[str, ...]  # sentences for the user
    measured: Measured | None = None  # None: not yet, or it went wrong, which a note says
    recipe: Recipe


class Stopwatch:
    """Sums the seconds that threads spend in each stage."""

    def __init__(self) -> None:
        self._start_s = time.perf_counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    @property
    def wall_s(self) -> float:
        """Seconds since the watch was made."""
        return time.perf_counter() - self._start_s

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time inside towards a stage."""
        start_s = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._seconds[name] += time.perf_counter() - start_s

    def stages(self) -> tuple[Stage, ...]:
        """List the stages in the order in which they were first left."""
        total_s = sum(self._seconds.values())
        return tuple(
            Stage(name=name, seconds=seconds, share=seconds / total_s)
            for name, seconds in self._seconds.items()
        )


def build_report(
    watch: Stopwatch,
    recipe: Recipe,
    *,
    n_frames: int,
    n_resumed_segments: int,
    n_calmed_frames: int,
    notes: tuple[str, ...],
) -> Report:
    """Draw up the report of a film that has just been finished."""
    film_s, wall_s = float(n_frames / recipe.fps), watch.wall_s
    return Report(
        n_frames=n_frames,
        film_s=film_s,
        wall_s=wall_s,
        real_time_factor=film_s / wall_s,
        peak_memory_mb=peak_memory_mb(),
        n_resumed_segments=n_resumed_segments,
        n_calmed_frames=n_calmed_frames,
        stages=watch.stages(),
        notes=notes,
        recipe=recipe,
    )


def peak_memory_mb() -> float:
    """Return the most memory that this process has held so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage on Linux: a new process inherits there what its parent has held.
        n_kib = next(
            line.split()[1] for line in status.read_text().splitlines() if line[:6] == "VmHWM:"
        )
        return int(n_kib) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6
