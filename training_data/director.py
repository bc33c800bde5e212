"""The director: what 1.5 s of sound look like.

It reads the spectrogram picture itself and nothing else, so a made frame is a function of what
the network is given: no hidden seed, nothing to guess, and the mean frame is never the best
answer. Slow things (the place, the hour) belong to the keyframes; 1.5 s cannot hold them.

What a viewer should see at once: loud is light and full of colour, quiet is night; low is red and
vast, high is violet and fine, as low and high light are; held tones are long silk, blows are
glass and paper; an onset lights a lamp.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from training_data import abstract, cityscape, landscape, palettes

# Borders between five bands, in rows of 86 Hz: 0, 170, 600, 2,000, 6,000, 16,000 Hz.
_BORDERS = (0, 2, 7, 23, 70, 186)
_FINE = (0, 2, 4, 7, 12, 23, 40, 70, 120, 186)
_COLUMN_S = 257 / 44_100


@dataclass(frozen=True, kw_only=True)
class Impression:
    """What stays of 1.5 s of sound, every field (B,) in (0, 1), about .5 for usual music."""

    loud: Tensor  # now, over the last tenth of a second or so
    long_loud: Tensor  # over the whole window
    bass: Tensor  # below 170 Hz, now
    treble: Tensor  # above 6 kHz, now
    high: Tensor  # where the weight of the spectrum lies, over the window
    onset: Tensor  # how much began just now
    tonal: Tensor  # lines along time (held tones) against lines across it (blows)
    busy: Tensor  # how much changes within the window


def listen(pictures: Tensor) -> Impression:
    """Form an impression of spectrogram pictures.

    Parameters
    ----------
    pictures : (B, 256, 256) in [0, 1], row 0 = highest frequency, last column = newest sound.
    """
    low_first = pictures.flip(1)
    bands = torch.stack(
        [low_first[:, a:b].mean(1) for a, b in pairwise(_BORDERS)], dim=1
    )  # (B, 5, 256)
    now, recent = _memory(0.10, pictures), _memory(0.6, pictures)
    level = bands.mean(1)
    weight = (bands**2 * recent).sum(2)
    places = torch.arange(5.0).to(pictures)
    # Averaged before it is compared, or hiss would count as onsets and as texture.
    groups = torch.stack([low_first[:, a:b].mean(1) for a, b in pairwise(_FINE)], dim=1)
    rise = torch.relu(groups[..., 3:] - groups[..., :-3]).mean(1)
    held = F.avg_pool2d(low_first[:, None, :128], (1, 9), stride=1, padding=(0, 4))[:, 0]
    struck = F.avg_pool2d(low_first[:, None, :128], (9, 1), stride=1, padding=(4, 0))[:, 0]
    lines = ((held[:, 1:] - held[:, :-1]).abs() * recent).sum(2).mean(1)
    blows = ((struck[..., 2:] - struck[..., :-2]).abs() * recent[2:]).sum(2).mean(1)
    measured = {
        "loud": (level * now).sum(1),
        "long_loud": level.mean(1),
        "bass": (bands[:, 0] * now).sum(1),
        "treble": (bands[:, 4] * now).sum(1),
        # Silence has no place in the spectrum: it counts as usual.
        "high": ((weight * places).sum(1) + 1e-3 * USUAL["high"]) / (weight.sum(1) + 1e-3),
        "onset": (rise * _memory(0.07, pictures)[3:]).sum(1),
        "tonal": lines / (lines + blows + 0.01),
        "busy": level.std(1),
    }
    return Impression(**{k: torch.sigmoid((v - USUAL[k]) / SPREAD[k]) for k, v in measured.items()})


# Median and half the distance between the quartiles, between made and recorded songs: measured.
USUAL = {
    "loud": 0.48, "long_loud": 0.48, "bass": 0.72, "treble": 0.14,
    "high": 1.15, "onset": 0.017, "tonal": 0.48, "busy": 0.06,
}  # fmt: skip
SPREAD = {
    "loud": 0.085, "long_loud": 0.075, "bass": 0.09, "treble": 0.08,
    "high": 0.2, "onset": 0.006, "tonal": 0.06, "busy": 0.022,
}  # fmt: skip


def direct_abstract(pictures: Tensor) -> Tensor:
    """Decide what to paint for spectrogram pictures (B, 256, 256); return abstract's vectors."""
    heard = listen(pictures)
    soft = 1 - heard.busy
    percussive = 1 - heard.tonal
    full = 0.5 * (heard.loud + heard.long_loud)
    return abstract.pack(
        abstract.Parameters(
            palette=_choose_palette(heard),
            second_palette=0.15 + 0.5 * percussive,
            exposure=0.15 + 0.82 * full,
            contrast=0.4 + 0.55 * heard.busy,
            saturation=0.6 + 0.4 * heard.long_loud,
            place_x=0.14 + 0.015 * heard.loud + 0.015 * heard.high,
            place_y=0.40 + 0.015 * heard.bass - 0.015 * heard.tonal,
            place_z=0.05 + 0.01 * heard.busy,
            scale=0.3 + 0.2 * heard.treble - 0.1 * heard.bass,
            turn=0.22 + 0.05 * heard.high,
            stretch=0.2 + 0.25 * heard.tonal,
            warp=0.4 + 0.35 * heard.bass,
            curl=0.3 + 0.3 * percussive,
            silk=0.15 + 1.2 * soft * heard.tonal,
            agate=1.1 * heard.bass * heard.busy,
            paper=1.1 * percussive * heard.loud,
            glass=1.2 * percussive * heard.treble,
            trails=0.9 * heard.tonal * heard.treble,
            n_bands=0.25 + 0.08 * heard.high,
            relief=0.4 + 0.5 * heard.loud,
            light=0.75 * heard.onset**2,
            light_x=0.3 + 0.4 * heard.high,
            light_y=0.75 - 0.5 * heard.high,
            rays=heard.treble,
            sparkle=0.8 * heard.treble**2,
        )
    ).clamp(0, 1)


def direct_landscape(pictures: Tensor) -> Tensor:
    """Decide which landscape to paint for spectrogram pictures; return landscape's vectors.

    The land stays where it is: level is the light of day, bass raises the mountains, treble
    brings snow and stars, blows stir the lake and the crags, an onset lights the sun.
    """
    heard = listen(pictures)
    percussive = 1 - heard.tonal
    full = 0.5 * (heard.loud + heard.long_loud)
    return landscape.pack(
        landscape.Parameters(
            palette=_choose_palette(heard),
            second_palette=0.2 + 0.5 * percussive,
            day=0.2 + 0.78 * full,
            contrast=0.4 + 0.55 * heard.busy,
            saturation=0.55 + 0.45 * heard.long_loud,
            place=0.315 + 0.006 * heard.high,
            horizon=0.45 + 0.2 * heard.high,
            relief=0.15 + 0.75 * heard.bass,
            rough=0.15 + 0.7 * percussive,
            mist=0.1 + 0.8 * heard.tonal * (1 - heard.busy),
            snow=heard.treble,
            trees=0.3 + 0.5 * heard.busy,
            water=0.35 + 0.35 * heard.tonal,
            ripple=0.1 + 0.8 * percussive * heard.loud,
            clouds=0.2 + 0.5 * heard.busy,
            cloud_place=0.4 + 0.02 * heard.tonal + 0.02 * heard.loud,
            sun_x=0.25 + 0.5 * heard.high,
            sun_y=0.1 + 0.7 * heard.high,
            sun_size=0.2 + 0.7 * heard.loud,
            glow=heard.onset,
            stars=heard.treble * (1 - full),
        )
    ).clamp(0, 1)


def direct_cityscape(pictures: Tensor) -> Tensor:
    """Decide which city to paint for spectrogram pictures; return cityscape's vectors.

    The street stays where it is: level is the hour, bass builds the towers, treble lights the
    windows, an onset switches the signs on.
    """
    heard = listen(pictures)
    percussive = 1 - heard.tonal
    full = 0.5 * (heard.loud + heard.long_loud)
    return cityscape.pack(
        cityscape.Parameters(
            palette=_choose_palette(heard),
            second_palette=0.2 + 0.5 * percussive,
            day=0.16 + 0.74 * full,
            contrast=0.4 + 0.55 * heard.busy,
            saturation=0.55 + 0.45 * heard.long_loud,
            place=0.37 + 0.004 * heard.high,
            scale=0.3 + 0.35 * heard.tonal,
            tall=0.15 + 0.8 * heard.bass,
            windows=0.1 + 0.9 * heard.treble,
            lamps=heard.high,
            neon=0.9 * heard.onset,
            haze=0.1 + 0.8 * heard.tonal * (1 - heard.busy),
            clouds=0.2 + 0.5 * heard.busy,
            cloud_place=0.4 + 0.02 * heard.tonal + 0.02 * heard.loud,
            sun_x=0.25 + 0.5 * heard.high,
            sun_y=0.1 + 0.7 * heard.high,
            sun_size=0.2 + 0.7 * heard.loud,
            glow=heard.onset,
            water=0.3 + 0.3 * heard.tonal,
            ripple=0.1 + 0.8 * percussive * heard.loud,
            bridge=torch.zeros_like(full),
            street=torch.zeros_like(full),
            traffic=torch.zeros_like(full),
        )
    ).clamp(0, 1)


def _choose_palette(heard: Impression) -> Tensor:
    """Choose a place on the ring: from ember (low) over rose and dusk to aurora (high)."""
    return (10.0 + 11.0 * heard.high) / len(palettes.PALETTES)


def _memory(time_constant_s: float, like: Tensor) -> Tensor:
    """Return weights over the 256 columns that fade into the past and add up to 1."""
    age_s = torch.arange(255, -1, -1).to(like) * _COLUMN_S
    weights = torch.exp(-age_s / time_constant_s)
    return weights / weights.sum()
