"""Curated palettes, walked continuously in OKLab (Ottosson 2020).

A palette is six colours from its darkest to its lightest. The palettes stand on a ring on which
neighbours are kin, from cold through green and gold to red and violet, so that any point between
two of them is a palette too and a slow walk along the ring never jars.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

PALETTES: dict[str, str] = {
    "deep sea": "04121f 0b3954 087e8b 5bc0be c9e4ca fff8e8",
    "glacier": "0b132b 1c2f52 3a6ea5 8fbcdb d9ecf2 ffffff",
    "kingfisher": "071e22 1d4e63 2a9db5 f4c095 ee8434 fff1d6",
    "lagoon": "03312e 037971 00a896 7fd8be f5f1c3 fffdf2",
    "fern": "0d1b0f 1f4d2b 4f8a3c a4c956 e9edb0 fdfbea",
    "moss and rust": "14170f 3d4a2a 7a8450 c7a252 b5532a f3e3c3",
    "olive grove": "1a1c12 4b5320 8a8d4f c9c19a e8dcb9 fbf6e6",
    "harvest": "1f1206 5c3310 a8611b e09f3e f7d488 fff6dc",
    "sunflower": "1b1b2f 3f3d56 c77b0b f2a71b ffd95a fff7d1",
    "desert": "2b1510 6b2d1c b35a38 dd9a63 f0cfa0 fcf1df",
    "ember": "0d0606 3a0d0c 8f1d14 e2571e ffb238 fff0c1",
    "lacquer": "10090b 4a0f1a a51c30 e4572e f5b895 fbeee2",
    "bauhaus": "151515 1d3f72 c8342b e9b824 efe6d2 faf7ef",
    "coral reef": "0b2239 135e76 f26b5b f9a98b fde2c8 fffaf2",
    "rose garden": "210b17 5d1a37 b03a63 e78fa5 f7cdd0 fff4f1",
    "raspberry": "17071b 541345 a91b60 ee4f7c ffa9a0 ffeedd",
    "orchid": "120a2a 3f1d6b 8035a6 cf6bc4 f5b0d3 fff0f5",
    "dusk": "0c0b26 2c2160 6d3b8e cc5f7e f7a072 ffe9c4",
    "violet hour": "0e0b1f 2e2157 5c4d9b 9b8fd0 d7cdee fbf8ff",
    "neon": "07060f 23105c 6a0dad f0147e 19d3f3 f8fdff",
    "aurora": "030a1a 0b2c4a 12756b 3fd296 b9f57c f7ffd9",
    "indigo and gold": "070b1d 14245a 2d4fa2 caa24b f1d78f fffaeb",
    "porcelain": "11203b 28549a 6f9fd8 c3d9ef f2efe6 fffdf8",
    "ink": "0a0b0d 24282e 565c66 9aa1a8 d8d8d3 fbfaf6",
}
N_STEPS = 256  # tones of a palette in the table; finer than eight bits of a picture can show


@cache
def table() -> Tensor:
    """Return every palette as a smooth ramp, the first repeated at the end to close the ring.

    Returns
    -------
    (1, 3, n_palettes + 1, N_STEPS) float32, OKLab.
    """
    rows = []
    for text in PALETTES.values():
        srgb = torch.tensor(
            [[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in text.split()]
        )
        ramp = to_oklab(srgb.T[None, :, None, :])
        # Monotone and without overshoot, as linear is, yet without the visible creases of linear:
        # linear first, then smoothed over a tenth of the ramp.
        ramp = F.interpolate(ramp, (1, N_STEPS), mode="bilinear", align_corners=True)
        ramp = F.pad(ramp, (12, 12, 0, 0), mode="replicate")
        rows.append(F.avg_pool2d(ramp, (1, 25), stride=1))
    rows.append(rows[0])
    return torch.cat(rows, dim=2).contiguous()


def colour(tone: Tensor, palette: Tensor) -> Tensor:
    """Look tones up in the palettes.

    Parameters
    ----------
    tone : (B, H, W) in [0, 1], from the darkest colour to the lightest.
    palette : (B,) in [0, 1], the place on the ring.

    Returns
    -------
    (B, 3, H, W) OKLab.
    """
    row = (palette * 2 - 1)[:, None, None].expand_as(tone)
    grid = torch.stack((tone * 2 - 1, row), dim=-1)
    return F.grid_sample(
        table().to(tone).expand(len(tone), -1, -1, -1),
        grid,
        padding_mode="border",
        align_corners=True,
    )


def to_oklab(srgb: Tensor) -> Tensor:
    """Convert (B, 3, H, W) sRGB in [0, 1] to OKLab (Ottosson 2020)."""
    linear = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lms = torch.einsum("ij,bjhw->bihw", _LMS_OF_LINEAR.to(srgb), linear)
    return torch.einsum("ij,bjhw->bihw", _LAB_OF_LMS.to(srgb), lms.clamp_min(0) ** (1 / 3))


def to_srgb(lab: Tensor) -> Tensor:
    """Convert (B, 3, H, W) OKLab to sRGB, cut to [0, 1]."""
    lms = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(_LAB_OF_LMS).to(lab), lab) ** 3
    linear = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(_LMS_OF_LINEAR).to(lab), lms)
    linear = linear.clamp(1e-6, 1)
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


_LMS_OF_LINEAR = torch.tensor(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB_OF_LMS = torch.tensor(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
