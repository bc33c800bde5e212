"""Listen to a song: print what was found, save its curves, draw them."""

import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import click

from spectro.audio import Audio, Mono, load, write_mono
from spectro.drawing import draw
from spectro.envelope import measure_envelope
from spectro.errors import TonfilmError
from spectro.features import Features, extract
from spectro.sections import name_kinds
from spectro.timeline import Timeline

FPS = Fraction(24)  # rows a second of the saved curves, as of a film by default
N_PLOT_COLUMNS = 1200

Output = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("song", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=Output, help="Save the curves: an .npz, 24 rows a second.")
@click.option("--plot", type=Output, help="Draw waveform, beats and curves: a .png.")
def main(song: Path, output: Path | None, plot: Path | None) -> None:
    """Listen to SONG, a WAV, and say what is in it: beats, sections, level, pitch, timbre."""
    try:
        audio = load(song)
        with tempfile.TemporaryDirectory() as folder:
            mono = write_mono(audio, Path(folder) / "mono.f32")
            features = listen(audio, mono)
            if plot:
                draw(features, measure_envelope(mono, N_PLOT_COLUMNS), plot, song.stem)
        if output:
            features.save(output)
    except (TonfilmError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    click.echo(describe(audio, features))


def listen(audio: Audio, mono: Mono) -> Features:
    """Extract the features with a bar that shows the time left."""
    timeline = Timeline(fps=FPS, n_samples=audio.n_samples, sample_rate=audio.sample_rate)
    with click.progressbar(length=1, label="Listening", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        return extract(mono, timeline, show)


def describe(audio: Audio, features: Features) -> str:
    """Put into words what was found."""
    minutes, seconds = divmod(audio.duration_s, 60)
    lines = [
        f"{audio.path.name}: {minutes:.0f}:{seconds:04.1f} minutes, {audio.sample_rate} Hz, "
        f"{audio.n_channels} channels, {audio.subtype}"
    ]
    if audio.is_truncated:
        promised_s = audio.n_promised_samples / audio.sample_rate
        lines.append(f"The file ends early: its header promised {promised_s:.1f} s.")
    if features.tempo_bpm:
        n_beats, n_bars = len(features.beat_times_s), len(features.downbeat_times_s)
        lines.append(f"{features.tempo_bpm:.1f} beats a minute, {n_beats} beats in {n_bars} bars")
    else:
        lines.append("No beats found.")
    lines.append(describe_sections(features))
    loudest_db, centroid_hz = features.level_db.max(), features.centroid_hz.mean()
    lines.append(f"Loudest {loudest_db:.1f} dB, mean centroid {centroid_hz:.0f} Hz")
    return "\n".join(lines)


def describe_sections(features: Features) -> str:
    """Name the sections and when they begin: equal letters sound alike."""
    starts = (divmod(int(start_s), 60) for start_s in features.section_times_s)
    parts = [
        f"{kind} {minutes}:{seconds:02}"
        for kind, (minutes, seconds) in zip(name_kinds(features.section_kinds), starts, strict=True)
    ]
    return f"Sections: {', '.join(parts)}"


if __name__ == "__main__":
    main()
