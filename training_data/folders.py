"""Pictures from a user's own folder, cut to the shapes that training wants."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Generator, Tensor
from torchvision.transforms.v2 import functional as transforms

from spectro.errors import TonfilmError

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
UNREADABLE = (OSError, SyntaxError, ValueError)  # Pillow's, for whatever ails a file
LARGEST_ZOOM = 1.3  # how far a cut may go into a picture, beyond what its shape asks for


class Folder:
    """A folder of pictures as an endless source of cuts.

    Parameters
    ----------
    folder : searched with all folders inside it
    flipped : whether half of the cuts are mirrored, left for right
    skip : called once with the name of each picture that cannot be read

    Raises
    ------
    TonfilmError
        There is no such folder, or no picture in it.
    """

    def __init__(self, folder: Path, *, flipped: bool, skip: Callable[[Path], None]) -> None:
        if not folder.is_dir():
            raise TonfilmError(f"There is no folder {folder}; name one that holds pictures.")
        self.folder, self.flipped, self.skip = folder, flipped, skip
        self.paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
        self._check_any()

    def _check_any(self) -> None:
        if not self.paths:
            message = (
                f"No readable picture lies in {self.folder}; put JPEG, PNG or WebP files there."
            )
            raise TonfilmError(message)

    def __call__(self, generator: Generator, n: int, height: int, width: int) -> Tensor:
        """Cut n pictures, (n, 3, height, width) uint8, out of pictures drawn at random.

        Raises
        ------
        TonfilmError
            None of the pictures can be read.
        """
        return torch.stack([self._cut(generator, height, width) for _ in range(n)])

    def _cut(self, generator: Generator, height: int, width: int) -> Tensor:
        picture = self._draw(generator)
        zoom, down, right, side = torch.rand(4, generator=generator).tolist()
        # The largest piece of the wanted shape, made smaller by the zoom, put anywhere.
        scale = min(picture.shape[1] / height, picture.shape[2] / width)
        scale /= 1 + (LARGEST_ZOOM - 1) * zoom
        piece = [max(1, int(height * scale)), max(1, int(width * scale))]
        top = int(down * (picture.shape[1] - piece[0] + 1))
        left = int(right * (picture.shape[2] - piece[1] + 1))
        cut: Tensor = transforms.resized_crop(
            picture, top, left, piece[0], piece[1], [height, width], antialias=True
        )
        if self.flipped and side < 0.5:
            cut = transforms.horizontal_flip(cut)
        return cut

    def _draw(self, generator: Generator) -> Tensor:
        """Read a picture drawn at random; forget those that cannot be read."""
        while True:
            index = int(torch.randint(len(self.paths), (1,), generator=generator))
            path = self.paths[index]
            try:
                return read_picture(path)
            except UNREADABLE:
                self.skip(path)
                del self.paths[index]
                self._check_any()


def read_picture(path: Path) -> Tensor:
    """Read a picture as it is to be seen, (3, H, W) uint8.

    Raises
    ------
    OSError, SyntaxError, ValueError
        It cannot be read; Pillow has an exception for each ailment.
    """
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    return torch.from_numpy(np.array(upright)).permute(2, 0, 1)
