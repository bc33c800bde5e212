"""The worker's part of a song: listen to it, and keep what the page draws."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from film.workroom import Kept, listen
from spectro.audio import Mono
from spectro.features import Features
from spectro.timeline import Timeline
from webapp.checking import check_song
from webapp.curves import FPS, N_POINTS, Analysis, Curve, Group
from webapp.leases import Lease
from webapp.service import Service

# What lies outside is drawn at the edge, so that one click does not flatten the rest.
LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.5


def analyse_song(service: Service, song_id: str, lease: Lease) -> None:
    """Check a song, listen to it, keep what was heard for its films, and write its `Analysis`."""
    storage = service.storage
    audio = check_song(service, song_id, lease)
    timeline = Timeline(fps=FPS, n_samples=audio.n_samples, sample_rate=audio.sample_rate)
    kept = Kept(mono=storage.mono(song_id), features=storage.features(song_id))
    kept.features.unlink(missing_ok=True)  # of an earlier version, or of a try whose copy is gone
    try:
        heard = listen(audio, kept, timeline, partial(lease, "analysis"))
        analysis = summarise(heard.features, heard.mono)
    finally:
        kept.mono.unlink(missing_ok=True)
    path = storage.analysis(song_id)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(analysis.model_dump_json())
    unfinished.replace(path)


def summarise(features: Features, mono: Mono) -> Analysis:
    """Reduce a song's features to what a page can draw."""
    lowest, highest = _edges(mono)
    seen: list[tuple[str, Group, NDArray[np.float32]]] = [
        ("Loudness", "level", features.level_db),
        ("Hits", "level", features.onset),
        ("Bass", "frequency", features.bass),
        ("Middle", "frequency", features.mid),
        ("Treble", "frequency", features.treble),
        ("Sharpness", "timbre", features.contrast.mean(axis=1)),
        ("Noise", "timbre", features.flatness),
        ("Colour", "timbre", features.mfcc[:, 1]),
    ]
    return Analysis(
        duration_s=features.timeline.duration_s,
        tempo_bpm=features.tempo_bpm,
        beats_s=tuple(features.beat_times_s.tolist()),
        downbeats_s=tuple(features.downbeat_times_s.tolist()),
        sections_s=tuple(features.section_times_s.tolist()),
        section_kinds=tuple(features.section_kinds.tolist()),
        lowest=lowest,
        highest=highest,
        curves=tuple(
            Curve(name=name, group=group, points=_points(values)) for name, group, values in seen
        ),
    )


def _points(values: NDArray[np.float32]) -> tuple[float, ...]:
    """Reduce a curve (n,) to at most `N_POINTS`, spread over [0, 1].

    Halfway between a column's mean and its maximum a hit still shows, and noise does not fill
    the picture.
    """
    low, high = np.percentile(values, [LOW_PERCENTILE, HIGH_PERCENTILE])
    spread = np.zeros_like(values) if high <= low else np.clip((values - low) / (high - low), 0, 1)
    columns = np.array_split(spread, min(N_POINTS, len(spread)))
    return tuple(round(float(column.mean() + column.max()) / 2, 3) for column in columns)


def _edges(mono: Mono) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Find the lowest and the highest sample of each column, over the loudest of all."""
    n_columns = min(N_POINTS, mono.n_samples)
    bounds = [mono.n_samples * i // n_columns for i in range(n_columns + 1)]
    lowest, highest = np.zeros(n_columns), np.zeros(n_columns)
    for i in range(n_columns):
        samples = mono.read(bounds[i], bounds[i + 1])
        lowest[i], highest[i] = min(samples.min(), 0), max(samples.max(), 0)
    loudest = max(-lowest.min(), highest.max()) or 1.0
    return tuple(np.round(lowest / loudest, 3).tolist()), tuple(
        np.round(highest / loudest, 3).tolist()
    )
