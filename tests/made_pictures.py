"""Pictures that tests draw in place of a user's own."""

import numpy as np
from PIL import Image


def slope(width: int = 300, height: int = 280) -> Image.Image:
    """Draw a picture in which red grows to the right, and green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[None]
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    return Image.fromarray(pixels)


def motif(seed: int, width: int = 480, height: int = 320) -> Image.Image:
    """Draw a picture that no other seed gives: soft patches of colour with a fine grain."""
    rng = np.random.default_rng(seed)
    patches = Image.fromarray(rng.integers(0, 256, (5, 7, 3), np.uint8))
    pixels = np.asarray(patches.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    grain = rng.integers(-12, 13, pixels.shape)
    return Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))
