"""How well beats are found, beside librosa's tracker, on made songs that nothing was learnt from.

F-measure at ±70 ms, continuity (CMLt, and AMLt, which allows twice and half the tempo and the
off-beat) and tempo (Acc1, and Acc2, which allows factors of 2 and 3), all as in mir_eval.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import click
import librosa
import mir_eval
import numpy as np
from numpy.typing import NDArray

from hearing.examples import BEATLESS, HELD_OUT_SEED
from spectro.audio import ANALYSIS_RATE, Signal
from spectro.beats import track
from spectro.hearing import hear_beats
from spectro.windows import measure_reference_db
from training_data.held_out import HELD_OUT_STYLES
from training_data.listening import opened
from training_data.songs import Song, render
from training_data.tempo import draw_retimed_plan

SONG_S = 30.0
FIRST_SEED = HELD_OUT_SEED + 100_000  # others than those that training is watched on
TEMPO_BANDS = (55, 75, 95, 120, 150, 191)
TOLERANCE = 0.04  # of the tempo, as in published tempo estimation
COLUMNS = ("F", "CMLt", "AMLt", "Acc1", "Acc2", "first beats F")

Scores = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A song, and the rows of the table that it counts in."""

    song: Song
    rows: tuple[tuple[int, str], ...]  # place of the row's group, and its name


@click.command()
@click.option("--songs", default=150, show_default=True, help="So many made songs.")
def main(songs: int) -> None:
    """Print a table in Markdown: our tracker / librosa's."""
    table: dict[tuple[int, str], list[tuple[Scores, Scores]]] = defaultdict(list)
    with click.progressbar(draw_cases(songs), length=songs, label="beats") as cases:
        for case in cases:
            ours, floor = _compare(case.song)
            for place in case.rows:
                table[place].append((ours, floor))
    click.echo("| songs | number | " + " | ".join(COLUMNS) + " |")
    click.echo("|" + " --- |" * (2 + len(COLUMNS)))
    for (_, row), scores in sorted(table.items()):
        cells = []
        for column in COLUMNS:
            sides = [[score[column] for score in side] for side in zip(*scores, strict=True)]
            means = [f"{np.mean(side):.2f}" for side in sides if np.isfinite(side).all()]
            cells.append(" / ".join(means))
        click.echo(f"| {row} | {len(scores)} | " + " | ".join(cells) + " |")


def draw_cases(n: int) -> Iterator[Case]:
    """Make n songs that somebody would tap to."""
    seed = FIRST_SEED
    while n:
        rng = np.random.default_rng(seed)
        seed += 1
        plan, course = draw_retimed_plan(rng, SONG_S, held_out=True)
        if plan.style in BEATLESS:
            continue
        song = render(plan, SONG_S, rng)
        has_drums = np.mean(["drums" in bar.parts for bar in plan.bars]) > 0.5
        drums = "with drums" if has_drums else "without drums"
        band = np.searchsorted(TEMPO_BANDS, plan.tempo_bpm, side="right")
        rows = [
            "all",
            f"{drums}, {'steady' if course == 'steady' else 'tempo changes'}",
            f"tempo: {course}",
            f"metre: {plan.metre}",
            f"{TEMPO_BANDS[band - 1]:3} to {TEMPO_BANDS[band] - 1} a minute",
            "style never heard" if plan.style in HELD_OUT_STYLES else "style known",
            f"*{plan.style}*",
        ]
        yield Case(song=song, rows=tuple(enumerate(rows)))
        n -= 1


def _compare(song: Song) -> tuple[Scores, Scores]:
    with opened(song) as (_, mono):
        found = track(hear_beats(mono, measure_reference_db(mono)))
        floor_s, floor_bpm = _track_by_librosa(mono)
    ours = _score(song, found.beat_times_s, found.tempo_bpm)
    ours["first beats F"] = float(
        mir_eval.beat.f_measure(song.downbeat_times_s, found.downbeat_times_s)
    )
    return ours, _score(song, floor_s, floor_bpm)


def _track_by_librosa(mono: Signal) -> tuple[NDArray[np.float64], float]:
    samples = mono.read(0, mono.n_samples)
    bpm, times_s = librosa.beat.beat_track(y=samples, sr=ANALYSIS_RATE, units="time")
    return np.asarray(times_s, np.float64), float(np.atleast_1d(bpm)[0])


def _score(song: Song, found_s: NDArray[np.float64], bpm: float) -> Scores:
    true_s = song.beat_times_s
    _, cmlt, _, amlt = mir_eval.beat.continuity(true_s, found_s)
    true_bpm = 60.0 / float(np.median(np.diff(true_s)))
    ratio = bpm / true_bpm
    near = [abs(ratio / factor - 1.0) < TOLERANCE for factor in (1, 2, 3, 1 / 2, 1 / 3)]
    return {
        "F": float(mir_eval.beat.f_measure(true_s, found_s)),
        "CMLt": float(cmlt),
        "AMLt": float(amlt),
        "Acc1": float(near[0]),
        "Acc2": float(any(near)),
        "first beats F": float("nan"),
    }


if __name__ == "__main__":
    main()
