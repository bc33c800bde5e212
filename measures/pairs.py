"""How well frames painted from music match the true ones.

Frames are arrays (n, 3, H, W) float32 in [0, 1]; spectrogram pictures (n, H, W) in [0, 1], highest
frequency on top, newest sound at the right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

Floats = NDArray[np.float32]
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # BT.709
_SSIM_SIGMA, _SSIM_RADIUS = 1.5, 5  # pixels: the 11×11 window of Wang et al. 2004
_SSIM_C1, _SSIM_C2 = 0.01**2, 0.03**2
_STRIPE_SIGMA = 6.0  # pixels: what is wider is shading, not a stripe


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """Likeness of frames to the true ones, means over the frames."""

    l1: float  # mean absolute difference, 0 is equal
    psnr_db: float
    ssim: float  # 1 is equal


@dataclass(frozen=True, kw_only=True)
class HitRates:
    """How often the true frame is found among all by its painted one."""

    top_1: float
    top_10: float
    n_frames: int  # chance is 1 / n_frames and 10 / n_frames


@dataclass(frozen=True, kw_only=True)
class Music:
    """Whether the music matters."""

    hits: HitRates
    hits_without_mean_colour: HitRates
    l1_right_song: float
    l1_wrong_song: float


@dataclass(frozen=True, kw_only=True)
class Stripes:
    """How far the spectrogram is printed on the frames, in [−1, 1]; 0 is not at all."""

    columns: float  # its columns, which would scroll with time
    rows: float  # its rows, its harmonics


def measure_l1(frames: Floats, true: Floats) -> Floats:
    """Return the mean absolute difference of each frame, (n,)."""
    return np.asarray(np.abs(frames - true).mean(axis=(1, 2, 3)), np.float32)


def measure_psnr_db(frames: Floats, true: Floats) -> Floats:
    """Return the peak signal-to-noise ratio of each frame, (n,); equal frames have 100 dB."""
    error = np.square(frames - true).mean(axis=(1, 2, 3))
    return np.asarray(-10 * np.log10(np.maximum(error, 1e-10)), np.float32)


def measure_sharpness(frames: Floats, true: Floats) -> float:
    """Return the mean step from pixel to pixel along both sides, over that of the true frames."""
    steps = [
        sum(np.abs(np.diff(pictures, axis=axis)).mean() for axis in (2, 3))
        for pictures in (frames, true)
    ]
    return float(steps[0] / steps[1])


def _luma(frames: Floats) -> Floats:
    return np.asarray(np.einsum("nchw,c->nhw", frames, _LUMA), np.float32)


def measure_ssim(frames: Floats, true: Floats) -> Floats:
    """Return the structural similarity of each frame's luma, (n,) (Wang et al. 2004)."""
    x, y = _luma(frames).astype(np.float64), _luma(true).astype(np.float64)

    def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sigma = (0, _SSIM_SIGMA, _SSIM_SIGMA)
        kept = slice(_SSIM_RADIUS, -_SSIM_RADIUS)  # whole windows only
        return np.asarray(gaussian_filter(values, sigma, radius=_SSIM_RADIUS)[:, kept, kept])

    mean_x, mean_y = smooth(x), smooth(y)
    variance_x = smooth(x * x) - mean_x**2
    variance_y = smooth(y * y) - mean_y**2
    covariance = smooth(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _SSIM_C1) / (mean_x**2 + mean_y**2 + _SSIM_C1)
    structure = (2 * covariance + _SSIM_C2) / (variance_x + variance_y + _SSIM_C2)
    return np.asarray((luminance * structure).mean(axis=(1, 2)), np.float32)


def compare(frames: Floats, true: Floats) -> Likeness:
    """Compare frames with the true ones; a single frame (1, 3, H, W) stands for all."""
    frames = np.broadcast_to(frames, true.shape)
    return Likeness(
        l1=float(measure_l1(frames, true).mean()),
        psnr_db=float(measure_psnr_db(frames, true).mean()),
        ssim=float(measure_ssim(frames, true).mean()),
    )


def remove_mean_colour(frames: Floats) -> Floats:
    """Take each frame's mean colour away, so that only its forms are left."""
    return np.asarray(frames - frames.mean(axis=(2, 3), keepdims=True), np.float32)


def measure_hits(painted: Floats, true: Floats) -> HitRates:
    """Look for each painted frame's true one among all true ones, by mean absolute difference."""
    n = len(true)
    flat, shelves = painted.reshape(n, -1), true.reshape(n, -1)
    distances = np.stack([np.abs(shelves - frame).mean(axis=1) for frame in flat])
    own = np.diagonal(distances)[:, None]
    # Equal distances count half, so that a network that always paints one frame gets chance.
    before = (distances < own).sum(axis=1) + 0.5 * ((distances == own).sum(axis=1) - 1)
    return HitRates(
        top_1=float(np.mean(before < 0.5)), top_10=float(np.mean(before < 9.5)), n_frames=n
    )


def judge_music(painted: Floats, true: Floats) -> Music:
    """Judge whether frames follow their own song and moment.

    Parameters
    ----------
    painted, true : (n_songs, n, 3, H, W), two songs at least; the wrong song is the next one
    """
    if len(true) < 2:
        raise ValueError("frames of two songs at least, please")
    painted_all, true_all = (songs.reshape(-1, *songs.shape[2:]) for songs in (painted, true))
    wrong = np.roll(true, -1, axis=0).reshape(true_all.shape)
    return Music(
        hits=measure_hits(painted_all, true_all),
        hits_without_mean_colour=measure_hits(
            remove_mean_colour(painted_all), remove_mean_colour(true_all)
        ),
        l1_right_song=float(measure_l1(painted_all, true_all).mean()),
        l1_wrong_song=float(measure_l1(painted_all, wrong).mean()),
    )


def measure_temporal_ratio(painted: Floats, true: Floats) -> float:
    """Return the mean change from frame to frame over that of the true frames.

    Frames in order of one song; 1 is right, above 1 flickers. NaN where the true frames stand.
    """
    true_change = float(np.abs(np.diff(true, axis=0)).mean())
    painted_change = float(np.abs(np.diff(painted, axis=0)).mean())
    return painted_change / true_change if true_change > 0 else float("nan")


def _profiles(values: Floats, axis: int) -> Floats:
    """Average pictures (n, H, W) over an axis, and keep what is narrower than a shading."""
    profile = values.mean(axis=axis)
    fine = profile - gaussian_filter1d(profile, _STRIPE_SIGMA, axis=1)
    fine -= fine.mean(axis=1, keepdims=True)
    return np.asarray(fine / (np.linalg.norm(fine, axis=1, keepdims=True) + 1e-12), np.float32)


def _print_of(error: Floats, spectrograms: Floats, axis: int) -> float:
    """Squared correlation of profiles, less that with the spectrogram's mirror image."""
    stripes, print_ = _profiles(error, axis), _profiles(spectrograms, axis)
    right = np.square((stripes * print_).sum(axis=1))
    chance = np.square((stripes * print_[:, ::-1]).sum(axis=1))
    return float(np.mean(right - chance))


def measure_stripes(painted: Floats, true: Floats, spectrograms: Floats) -> Stripes:
    """Measure how far the spectrogram's columns and rows are printed on the frames.

    A network with outer skip connections can print the spectrogram's stripes, which then scroll
    over the film. What is wrong with each frame (its luma less the true one's) is averaged to a
    profile along each side and correlated with the spectrogram's own; the mirrored spectrogram,
    which is as striped but lies wrong, gives chance. Squares, since stripes may be dark or light.

    Parameters
    ----------
    spectrograms : (n, H, W), as large as the frames
    """
    error = _luma(painted) - _luma(true)
    return Stripes(
        columns=_print_of(error, spectrograms, 1), rows=_print_of(error, spectrograms, 2)
    )
