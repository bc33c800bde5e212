"""The worker's part of the gallery: paint a page of stills and keep them as JPEG files."""

from pathlib import Path

import torch
from torch import Tensor

from film.theme import load_theme
from webapp.jpegs import save_jpeg
from webapp.leases import Lease
from webapp.service import Service
from webapp.tables import N_STILLS, Gallery

SIDE = 256  # pixels, what the stills are learnt at
N_AT_ONCE = 4
JPEG_QUALITY = 90


def paint_gallery(service: Service, gallery: Gallery, lease: Lease) -> None:
    """Paint the stills of a page, but for what an earlier try has left."""
    lease("load", 0, 0)
    stills = load_theme(gallery.theme).stills
    paths = {
        seed: service.storage.still(gallery.theme, gallery.weights, seed)
        for seed in range(gallery.first_seed, gallery.first_seed + N_STILLS)
    }
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    for start in range(0, N_STILLS, N_AT_ONCE):
        lease("stills", start, N_STILLS)
        some = dict(list(paths.items())[start : start + N_AT_ONCE])
        if not all(path.exists() for path in some.values()):
            styles = torch.stack([stills.style(seed) for seed in some])
            for path, picture in zip(
                some.values(), stills.paint(styles, SIDE, SIDE).cpu(), strict=True
            ):
                _save(picture, path)


def _save(picture: Tensor, path: Path) -> None:
    """Write a picture (3, H, W) in [0, 1] as a JPEG that appears whole."""
    pixels = (picture * 255).round().to(torch.uint8).permute(1, 2, 0)
    save_jpeg(pixels.numpy(), path, JPEG_QUALITY)
