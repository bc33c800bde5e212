"""The sizes at which frames are learnt and painted, and spectrogram pictures at those sizes."""

from torch import Tensor
from torch.nn import functional as F

# Frames are learnt and painted on grids of whole squares of this side, the published picture's:
# eight halvings take it to one point, and the size of what is drawn belongs to what is learnt.
SQUARE = 256


def cover(height: int, width: int) -> tuple[int, int]:
    """Return the smallest grid, height and width, that covers a picture."""
    return -(-height // SQUARE) * SQUARE, -(-width // SQUARE) * SQUARE


def spread(spectrograms: Tensor, height: int, width: int) -> Tensor:
    """Bring spectrogram pictures to a grid and to the networks' range.

    Input and output of the U-Net keep the same dimensions, as in the published recipe; so on a
    wide grid the picture's 1.5 seconds are stretched over the whole width.

    Parameters
    ----------
    spectrograms : (B, 1, h, w) float32 in [0, 1]
    height, width : the grid

    Returns
    -------
    Tensor
        (B, 1, height, width) float32 in [−1, 1].
    """
    if tuple(spectrograms.shape[-2:]) != (height, width):
        size = (height, width)
        spectrograms = F.interpolate(spectrograms, size, mode="bilinear", antialias=True)
    return spectrograms * 2 - 1
