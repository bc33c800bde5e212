"""Measure a finished film: whether it moves with its music, whether it is calm and safe."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from rich.console import Console

from measures.calm import CALM_GOAL, SEAM_GOAL
from measures.film import Unmeasurable
from measures.flashes import MOST_ALLOWED

if TYPE_CHECKING:
    from measures.curves import AgainstChance, Times
    from measures.report import FilmReport

N_STRONGEST = 3  # routes that are printed; the report holds all

Output = click.Path(path_type=Path)


@click.command()
@click.argument("film", type=click.Path(path_type=Path))
@click.option(
    "--beats",
    type=click.Path(path_type=Path),
    help="The song's beats, a time in seconds a line; without it they are tracked.",
)
@click.option("--cuts", help="Where segments or keyframes meet, in seconds: 4,8,12.")
@click.option("-o", "--output", type=Output, help="Save all figures: a .json.")
@click.option("--plot", type=Output, help="Draw sound, beats, change of the picture: a .png.")
def main(
    film: Path, beats: Path | None, cuts: str | None, output: Path | None, plot: Path | None
) -> None:
    """Measure FILM, an MP4: synchrony, each figure beside chance, and calm, seams and flashes."""
    # Librosa takes seconds to load: not for --help.
    from measures.beats import read_beats  # noqa: PLC0415
    from measures.report import judge, read_film  # noqa: PLC0415

    try:
        for path in (output, plot):
            check_output(path, film)
        beats_s = read_beats(beats) if beats else None
        cuts_s = parse_cuts(cuts) if cuts is not None else None
        with Console(stderr=True).status("Measuring …"):
            measured = read_film(film)
            report = judge(measured, beats_s, cuts_s)
        if plot:
            from measures.drawing import draw  # noqa: PLC0415

            write_whole(plot, lambda unfinished: draw(measured, report, unfinished))
        if output:
            figures = json.dumps(report.to_json(), indent=2, allow_nan=False)
            write_whole(output, lambda unfinished: unfinished.write_text(figures + "\n"))
    except Unmeasurable as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename} cannot be used: {error.strerror}.")
    else:
        click.echo(describe(report))


def fail(sentence: str) -> None:
    """Show what is wrong and end."""
    click.echo(f"Error: {sentence}", err=True)
    sys.exit(2)


def check_output(path: Path | None, film: Path) -> None:
    """See, before the work, that a result can be written."""
    if path and not path.parent.is_dir():
        raise Unmeasurable(f"There is no folder {path.parent}: make it first.")
    if path and (path.is_dir() or path.resolve() == film.resolve()):
        raise Unmeasurable(f"{path} would be overwritten: name another file for the result.")


def parse_cuts(text: str) -> Times:
    """Read a list of seconds such as "4,8,12"."""
    try:
        cuts_s = np.array([float(word) for word in text.split(",")])
    except ValueError:
        cuts_s = np.array([np.nan])
    if not np.isfinite(cuts_s).all():
        raise Unmeasurable(f"The cuts {text!r} are no times: write seconds, such as 4,8,12.")
    return cuts_s


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name and rename it."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def describe(report: FilmReport) -> str:
    """Put the figures into words."""
    source = "as listed" if report.beats_from == "list" else "tracked"
    return "\n".join(
        [
            f"{report.name}: {report.duration_s:.1f} s, {report.fps:g} frames a second, "
            f"{len(report.beats_s)} beats {source}",
            *describe_synchrony(report),
            *describe_routes(report),
            *describe_calm(report),
            *describe_flashes(report),
        ]
    )


def describe_synchrony(report: FilmReport) -> list[str]:
    """Put S1 to S5 into words."""
    sync = report.synchrony
    motion, alignment = sync.onset_motion, sync.beat_alignment
    lag = f"{abs(motion.best_lag_ms):.0f} ms {'early' if motion.best_lag_ms < 0 else 'late'}"
    above = "" if motion.z is None else f", {motion.z:.1f} deviations above chance"
    return [
        *([] if above else ["by chance: unknown, the film is shorter than 10 s"]),
        f"onsets and motion: r {motion.r:.2f}{above}; the picture is {lag}",
        *(
            f"beats met within {hits.window_ms:.0f} ms (F1): {compare(hits.f1)}"
            for hits in sync.beat_hits
        ),
        f"beats near a video beat: {compare(alignment.of_beats)}",
        f"video beats near a beat: {compare(alignment.of_video_beats)}",
        f"onsets and video beats in common (AV-Align): {compare(sync.av_align)}",
        f"colours follow harmony: r {compare(sync.colour_harmony, '.2f')}",
    ]


def compare(figure: AgainstChance, form: str = ".0%") -> str:
    """Put a figure beside chance."""
    measured = format_figure(figure.measured, form)
    if figure.by_chance is None:
        return measured
    return f"{measured}, by chance {format_figure(figure.by_chance, form)}"


def format_figure(figure: float, form: str) -> str:
    """Format a figure with a space before the sign of the percent."""
    return format(figure, form).replace("%", " %")


def describe_routes(report: FilmReport) -> list[str]:
    """Name what is seen to follow most closely what is heard."""
    r, by_chance = report.routes.r, report.routes.by_chance
    cells = [(sound, sight) for sound, row in r.items() for sight in row]
    cells.sort(key=lambda cell: -abs(r[cell[0]][cell[1]]))
    words = [
        f"{sound} → {sight} {r[sound][sight]:.2f}"
        + (f" (by chance up to {by_chance[sound][sight]:.2f})" if by_chance else "")
        for sound, sight in cells[:N_STRONGEST]
    ]
    return [f"strongest routes, r: {'; '.join(words)}"]


def describe_calm(report: FilmReport) -> list[str]:
    """Put flicker and seams into words."""
    calm = report.calm
    lines = ["calm off the beat: no frame is off the beat"]
    if calm.off_beat is not None:
        lines = [f"calm off the beat: {100 * calm.off_beat:.1f} %, goal {100 * CALM_GOAL:.0f} %"]
    if calm.seams:
        worst = max(calm.seams, key=lambda seam: seam.ratio)
        lines.append(
            f"worst of {len(calm.seams)} seams, at {worst.time_s:.2f} s: {worst.ratio:.1f} times "
            f"the usual change, goal under {SEAM_GOAL:g}"
        )
    return lines


def describe_flashes(report: FilmReport) -> list[str]:
    """Say whether flashes are within what WCAG 2.3.1 allows."""
    flashes = report.flashes
    lines = [
        f"most flashes within one second: {flashes.general.most_within_1_s}, "
        f"red ones: {flashes.red.most_within_1_s}; up to {MOST_ALLOWED} are safe"
    ]
    for kind, count in (("flashes", flashes.general), ("red flashes", flashes.red)):
        if count.unsafe_spans_s:
            spans = ", ".join(f"{start:.1f}–{end:.1f}" for start, end in count.unsafe_spans_s)
            lines.append(f"DANGEROUS {kind}, more than three in a second: at {spans} s")
    return lines


if __name__ == "__main__":
    main()
