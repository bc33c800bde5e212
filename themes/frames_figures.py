"""Frames that pix2pix paints beside the true ones, and beside what useless networks would paint."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from measures import pairs as pair_measures
from measures import pictures as picture_measures
from pix2pix.pairs import PairSource
from themes.arrays import N_AT_ONCE, Floats, save_sheet, to_bytes
from training_data.excerpts import Excerpt

SIDE = 256  # pixels
N_FRAMES = 512  # held-out pairs, at most
N_BASELINE = 4_096  # training pairs that the baselines are taken from, at most
N_FOUND = 100  # frames among which each is looked for
# What a useless network could match.
BASELINES = ("mean_training_frame", "frame_of_nearest_training_spectrogram")


class Paints(Protocol):
    """What paints frames, as `pix2pix.painter.Painter` does."""

    def paint(self, windows: Tensor, height: int, width: int, /) -> Tensor:
        """Paint a frame, (B, 3, height, width), for each spectrogram picture (B, 256, 256)."""


def measure_frames(
    painter: Paints, learnt: PairSource, held_out: PairSource, sheets: Path
) -> dict[str, Any]:
    """Compare painted frames with the true ones, with the mean frame and with the nearest one's."""
    n = min(N_FRAMES, held_out.shapes[SIDE, SIDE])
    drawn = held_out.batch(torch.Generator().manual_seed(0), n, SIDE, SIDE)
    spectrograms, true = drawn.spectrograms[:, 0], drawn.frames.numpy()
    painted = paint(painter, spectrograms)
    baselines = _find_baselines(learnt, spectrograms.numpy())
    _draw_comparison(sheets / "frames.jpg", spectrograms.numpy(), true, painted)
    return {
        "n_frames": n,
        "painted": asdict(pair_measures.compare(painted, true)),
        **{
            name: asdict(pair_measures.compare(frames, true))
            for name, frames in zip(BASELINES, baselines, strict=True)
        },
        "stripes": asdict(pair_measures.measure_stripes(painted, true, spectrograms.numpy())),
    }


def measure_music(painter: Paints, excerpts: Sequence[Excerpt]) -> dict[str, Any]:
    """Take the figures that need frames in a row: is the right one found, does the film flicker.

    Parameters
    ----------
    excerpts : of equal length, each of another song; of a single one, no wrong song is heard
    """
    n_running = len(excerpts[0].frames)
    shown = np.linspace(0, n_running - 1, min(n_running, N_FOUND // len(excerpts))).astype(int)
    true, painted, ratios = [], [], []
    for excerpt in excerpts:
        frames, right = paint(painter, excerpt.spectrograms), excerpt.frames.numpy()
        true.append(right[shown])
        painted.append(frames[shown])
        ratios.append(pair_measures.measure_temporal_ratio(frames, right))
    found = (
        asdict(pair_measures.judge_music(np.stack(painted), np.stack(true)))
        if len(excerpts) > 1
        else {"hits": asdict(pair_measures.measure_hits(painted[0], true[0]))}
    )
    return {**found, "temporal_ratio": float(np.nanmean(ratios))}


def paint(painter: Paints, spectrograms: Tensor) -> Floats:
    """Paint the frames of spectrogram pictures (n, 256, 256), (n, 3, 256, 256) in [0, 1]."""
    batches = [painter.paint(b, SIDE, SIDE).cpu() for b in torch.split(spectrograms, N_AT_ONCE)]
    return torch.cat(batches).numpy()


def _find_baselines(learnt: PairSource, spectrograms: Floats) -> tuple[Floats, Floats]:
    """Return the mean training frame (1, ...), and for each spectrogram its nearest one's frame."""
    generator = torch.Generator().manual_seed(1)
    n_batches = max(1, min(N_BASELINE, learnt.shapes[SIDE, SIDE]) // N_AT_ONCE)
    batches = [learnt.batch(generator, N_AT_ONCE, SIDE, SIDE) for _ in range(n_batches)]
    frames = np.concatenate([to_bytes(batch.frames) for batch in batches])
    heard = np.concatenate([batch.spectrograms.numpy() for batch in batches])
    nearest = picture_measures.find_nearest(
        picture_measures.shrink(spectrograms[:, None]), picture_measures.shrink(heard)
    )
    mean = frames.mean(axis=0, keepdims=True) / 255
    return mean.astype(np.float32), picture_measures.to_unit(frames[nearest.indices])


def _draw_comparison(path: Path, spectrograms: Floats, true: Floats, painted: Floats) -> None:
    """Draw spectrogram, painted frame, true frame and their difference, sixteen times."""
    shown = np.broadcast_to(spectrograms[:16, None], true[:16].shape)
    difference = np.abs(painted[:16] - true[:16])
    rows = np.stack([shown, painted[:16], true[:16], difference], axis=1)
    save_sheet(path, rows.reshape(-1, 3, SIDE, SIDE), 8)
