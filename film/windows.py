"""What the score does to the spectrogram pictures, before pix2pix sees them."""

from functools import cache
from typing import Final

import torch
from torch import Tensor

from film.controls import column, find_moved
from spectro.audio import ANALYSIS_RATE
from spectro.routes import CONTROLS
from spectro.score import Rows
from spectro.windows import HOP, N_BINS, RANGE_DB

BIN_HZ: Final = ANALYSIS_RATE / 2 / (N_BINS - 1)
BASS_HZ, TREBLE_HZ = 250.0, 4_000.0
SMEAR_COLUMNS: Final = round(0.25 * ANALYSIS_RATE / HOP)
# Taste: what is quieter than this part of the picture's range is lifted less, so that silence
# stays black.
FAINT: Final = 0.1
NAMES: Final = tuple(n for n, control in CONTROLS.items() if control.mechanism == "before")


def change_windows(windows: Tensor, rows: Rows) -> Tensor:
    """Make spectrogram pictures louder, brighter, or smeared, as their rows say.

    Parameters
    ----------
    windows : (B, 256, 256) float32 in [0, 1], row 0 = highest frequency, last column = newest
        sound

    Returns
    -------
    The same shape and range; a picture whose row is neutral stays as it is, to the bit.
    """
    is_moved = find_moved(rows, NAMES, windows.device)[:, 0]
    if not is_moved.any():
        return windows
    amounts = {name: column(rows, name, windows.device)[:, 0] for name in NAMES}
    gain_db = sum(
        (amounts[name] * shape for name, shape in _shapes().items()),
        start=amounts["gain_db"],
    )  # (B, 256, 1)
    changed = windows + gain_db / RANGE_DB * (windows / FAINT).clamp(max=1)
    changed = torch.lerp(changed, _smear(changed), amounts["smear"]).clamp(0, 1)
    return torch.where(is_moved, changed, windows)


def _smear(windows: Tensor) -> Tensor:
    """Return the mean of the last quarter of a second at each moment."""
    total = windows.cumsum(2)
    before = torch.nn.functional.pad(total, (SMEAR_COLUMNS, 0))[:, :, : windows.shape[2]]
    n = torch.arange(1, windows.shape[2] + 1, device=windows.device).clamp(max=SMEAR_COLUMNS)
    return (total - before) / n


@cache
def _shapes() -> dict[str, Tensor]:
    """Return how much each control changes each row, (256, 1), the highest frequency first."""
    hz = torch.arange(N_BINS - 1, -1, -1)[:, None] * BIN_HZ
    bass, treble = (hz < BASS_HZ).float(), (hz > TREBLE_HZ).float()
    tilt = torch.linspace(0.5, -0.5, N_BINS)[:, None]
    return {"tilt_db": tilt, "bass_db": bass, "mid_db": 1 - bass - treble, "treble_db": treble}
