"""A finished film's figures and plain words, which a judge outside of this room finds. No torch."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from film.report import Measured, Report

NOT_MEASURED: Final = "How tight the film is was not measured; the film itself is whole."

log = logging.getLogger(__name__)


class Judgement(Protocol):
    """What a judge finds."""

    @property
    def figures(self) -> Mapping[str, float | None]:
        """The figures by their names."""

    @property
    def sentences(self) -> Sequence[str]:
        """The same in plain words."""


# Given the film and what is told of the pictures done and all of them.
Judge = Callable[[Path, Callable[[int, int], None]], Judgement]


def add_measures(
    report: Report, film: Path, judge: Judge, progress: Callable[[str, int, int], None]
) -> Report:
    """Return a finished film's report with what a judge finds in the film.

    Whatever goes wrong there, and Ctrl-C, costs the figures alone: the film is made.

    Parameters
    ----------
    progress : told of the stage "measure"; what it raises is passed on
    """
    start_s = time.perf_counter()
    is_told = False

    def tell(done: int, total: int) -> None:
        nonlocal is_told
        is_told = True
        progress("measure", done, total)
        is_told = False

    try:
        tell(0, report.n_frames)
        found = judge(film, tell)
    except KeyboardInterrupt:
        return _give_up(report)
    except Exception:
        if is_told:  # it is progress that raised: the work is to end
            raise
        log.exception("%s was not measured", film)
        return _give_up(report)
    measured = Measured(
        figures=dict(found.figures),
        sentences=tuple(found.sentences),
        seconds=time.perf_counter() - start_s,
    )
    return report.model_copy(update={"measured": measured})


def _give_up(report: Report) -> Report:
    return report.model_copy(update={"notes": (*report.notes, NOT_MEASURED)})
