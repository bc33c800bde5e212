"""How well sections are found, on made songs that nothing was learnt from.

Hit rates at ±3 s and ±.5 s without the song's ends, and how many pairs of moments are rightly
said to be of one kind (pairwise F), all as in mir_eval. Beside ours stands librosa's temporally
constrained clustering, told how many sections there are.
"""

from fractions import Fraction

import click
import librosa
import mir_eval.segment
import numpy as np
from numpy.typing import NDArray

from spectro.audio import ANALYSIS_RATE, Signal
from spectro.features import extract
from spectro.timeline import Timeline
from training_data.listening import opened
from training_data.songs import Song, compose

SONG_S = 90.0
FIRST_SEED = 900_000
EDGE_S = 2.0  # a start so near to the song's own start or end is none
COLUMNS = ("F at ±3 s", "F at ±.5 s", "kinds, pairwise F")
FPS = Fraction(24)
HOP = 22_050  # samples, half a second, of the floor's features


@click.command()
@click.option("--songs", default=40, show_default=True, help="So many made songs of 90 s.")
def main(songs: int) -> None:
    """Print a table in Markdown."""
    ours, floor = [], []
    with click.progressbar(range(FIRST_SEED, FIRST_SEED + songs), label="sections") as seeds:
        for seed in seeds:
            song = compose(seed, SONG_S, held_out=True)
            truth = _trim([section.start_s for section in song.sections])
            with opened(song) as (audio, mono):
                timeline = Timeline(
                    fps=FPS, n_samples=audio.n_samples, sample_rate=audio.sample_rate
                )
                heard = extract(mono, timeline)
                cut = _cut_by_librosa(mono, len(truth) + 1)
            kinds = _pair(song, heard.section_times_s, heard.section_kinds)
            ours.append([*_hit(truth, _trim(heard.section_times_s)), kinds])
            floor.append(_hit(truth, _trim(cut)))
    click.echo("| | " + " | ".join(COLUMNS) + " |")
    click.echo("|" + " --- |" * (1 + len(COLUMNS)))
    click.echo("| ours | " + " | ".join(f"{figure:.2f}" for figure in np.mean(ours, 0)) + " |")
    click.echo(
        "| librosa | " + " | ".join(f"{figure:.2f}" for figure in np.mean(floor, 0)) + " | |"
    )


def _trim(starts_s: NDArray[np.float64] | list[float]) -> NDArray[np.float64]:
    starts = np.asarray(starts_s, np.float64)
    return starts[(starts > EDGE_S) & (starts < SONG_S - EDGE_S)]


def _hit(truth_s: NDArray[np.float64], found_s: NDArray[np.float64]) -> list[float]:
    """Return F at ±3 s and at ±.5 s."""
    true, found = (_spans(np.concatenate([[0.0], starts_s])) for starts_s in (truth_s, found_s))
    return [mir_eval.segment.detection(true, found, w, trim=True)[2] for w in (3.0, 0.5)]


def _pair(song: Song, starts_s: NDArray[np.float64], kinds: NDArray[np.int64]) -> float:
    true_s = np.array([section.start_s for section in song.sections])
    names = [section.name for section in song.sections]
    if true_s[0] > 0.0:
        true_s, names = np.concatenate([[0.0], true_s]), ["before", *names]
    found = [str(kind) for kind in kinds]
    figures = mir_eval.segment.pairwise(_spans(true_s), names, _spans(starts_s), found)
    return float(figures[2])


def _spans(starts_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([starts_s, np.append(starts_s[1:], SONG_S)], axis=1)


def _cut_by_librosa(mono: Signal, n_sections: int) -> NDArray[np.float64]:
    samples = mono.read(0, mono.n_samples)
    mfcc = librosa.feature.mfcc(y=samples, sr=ANALYSIS_RATE, hop_length=HOP, n_mfcc=13)
    spread = np.maximum(mfcc.std(axis=1, keepdims=True), 1e-6)
    firsts = librosa.segment.agglomerative(mfcc / spread, min(n_sections, mfcc.shape[1]))
    return np.asarray(firsts, np.float64) * HOP / ANALYSIS_RATE


if __name__ == "__main__":
    main()
