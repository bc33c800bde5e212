"""Measure how fast films are made, how far that is from the floor, and how cost grows."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from film.process import settle_process

settle_process()  # before anything imports torch

import click  # noqa: E402

from bench.analysis import measure_analysis  # noqa: E402
from bench.films import make_recipe, time_film, write_demo_song  # noqa: E402
from bench.floor import measure_floor  # noqa: E402
from bench.training import measure_keyframes, measure_pix2pix  # noqa: E402
from film.report import Report  # noqa: E402

SIZES = ((640, 360), (1280, 720), (1920, 1080))
DEMO_S = 47
MINUTES = (1, 4, 16)
LISTENED_MINUTES = 4
RESULTS = Path(__file__).with_name("results.json")
# A sixteenth of an hour's frames is enough to show how memory grows; the sound is all there.
SPARSE = {"fps": "2", "quality": "draft"}


@click.command()
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="A size.")
@click.option("--hour", is_flag=True, help="Measure growth up to 64 minutes of sound as well.")
def main(runs: int, hour: bool) -> None:
    """Measure, print tables in Markdown, and write bench/results.json."""
    with tempfile.TemporaryDirectory() as folder:
        results = {
            "speed": list(measure_speed(Path(folder), runs)),
            "analysis": measure_listening(Path(folder)),
            "growth": list(measure_growth(Path(folder), (*MINUTES, 64) if hour else MINUTES)),
            "training": list(measure_training()),
        }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    click.echo(f"\nWritten to {RESULTS.name}.")


def measure_speed(folder: Path, n_runs: int) -> Iterator[dict[str, Any]]:
    """Make the demo song's film at each size; print and give the median run of each."""
    song = folder / "demo.wav"
    write_demo_song(song, 1)
    click.echo(
        "| size | real-time factor | ms a frame | floor, ms | times the floor "
        "| analysis | windows | paint | post | encode | peak memory |"
    )
    click.echo("|" + " --- |" * 11)
    for size in SIZES:
        recipe = make_recipe(size)
        film = folder / "film.mp4"
        reports = [time_film(song, film, recipe) for _ in range(n_runs)]
        report = sorted(reports, key=lambda each: each.wall_s)[n_runs // 2]
        floor = measure_floor(film, recipe)
        row = {
            "size": "x".join(map(str, size)),
            "real_time_factors": [each.real_time_factor for each in reports],
            "frame_ms": 1000 * report.wall_s / report.n_frames,
            "floor_ms": 1000 * floor.seconds,
            "floor_networks_ms": 1000 * floor.networks_s,
            "floor_encoder_ms": 1000 * floor.encoder_s,
            "giga_multiply_adds": floor.multiply_adds / 1e9,
            "rate_giga_multiply_adds": floor.rate / 1e9,
            "shares": {stage.name: stage.share for stage in report.stages},
            "peak_memory_mb": report.peak_memory_mb,
        }
        _print_speed(row, report)
        yield row


def measure_listening(folder: Path) -> dict[str, float]:
    """Listen to a song on one thread; print and give the seconds of our way and of librosa's."""
    song = folder / "long.wav"
    write_demo_song(song, round(LISTENED_MINUTES * 60 / DEMO_S))
    times = measure_analysis(song, folder)
    click.echo("\n| minutes of sound | analysis, s | plain librosa script, s | times |")
    click.echo("|" + " --- |" * 4)
    click.echo(
        f"| {times.song_s / 60:.1f} | {times.ours_s:.1f} | {times.plain_s:.1f} "
        f"| {times.plain_s / times.ours_s:.1f} |"
    )
    return asdict(times)


def measure_growth(folder: Path, lengths: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Make sparse films of longer and longer songs; print and give time and peak memory."""
    click.echo("\n| minutes of sound | seconds | of these analysis | peak memory |")
    click.echo("|" + " --- |" * 4)
    for minutes in lengths:
        song = folder / "long.wav"
        write_demo_song(song, max(1, round(minutes * 60 / DEMO_S)))
        report = time_film(song, folder / "film.mp4", make_recipe((128, 72), **SPARSE))
        analysis_s = sum(stage.seconds for stage in report.stages if stage.name == "analysis")
        click.echo(
            f"| {report.film_s / 60:.1f} | {report.wall_s:.1f} | {analysis_s:.1f} "
            f"| {report.peak_memory_mb:.0f} MB |"
        )
        yield {
            "minutes": report.film_s / 60,
            "seconds": report.wall_s,
            "analysis_s": analysis_s,
            "peak_memory_mb": report.peak_memory_mb,
        }


def measure_training() -> Iterator[dict[str, Any]]:
    """Train each network for some steps, and the plain recipe beside it; print and give both."""
    click.echo("\n| training | pictures a second | plain recipe | times |")
    click.echo("|" + " --- |" * 4)
    for name, measure in (("pix2pix", measure_pix2pix), ("keyframes", measure_keyframes)):
        pace = measure()
        click.echo(f"| {name} | {pace.ours:.1f} | {pace.plain:.1f} | {pace.ratio:.1f} |")
        yield {"network": name, "pictures_a_second": pace.ours, "plain": pace.plain}


def _print_speed(row: dict[str, Any], report: Report) -> None:
    shares = row["shares"]
    names = ("analysis", "windows", "paint", "post", "encode")
    click.echo(
        f"| {row['size']} | {report.real_time_factor:.2f} | {row['frame_ms']:.1f} "
        f"| {row['floor_ms']:.1f} | {row['frame_ms'] / row['floor_ms']:.1f} | "
        + " | ".join(f"{shares[name]:.0%}" for name in names)
        + f" | {row['peak_memory_mb']:.0f} MB |"
    )


if __name__ == "__main__":
    main()
