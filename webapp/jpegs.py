"""Pictures that the pages show, kept as JPEG files."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PIL import Image


def save_jpeg(pixels: NDArray[Any], path: Path, quality: int) -> None:
    """Write uint8 pixels (H, W, 3) as a file that appears whole."""
    unfinished = path.with_suffix(".part")
    Image.fromarray(pixels).save(unfinished, "JPEG", quality=quality)
    unfinished.replace(path)
