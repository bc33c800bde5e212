"""The worker's part of the gallery: paint a page of stills and keep them as JPEG files."""

import torch
from PIL import Image

from film.theme import load_theme
from webapp.leases import Lease
from webapp.service import Service
from webapp.tables import N_STILLS, Gallery

SIDE = 256  # pixels, what the stills are learnt at
N_AT_ONCE = 4
JPEG_QUALITY = 90


def paint_gallery(service: Service, gallery: Gallery, lease: Lease) -> None:
    """Paint the stills of a page that are not there yet."""
    lease("load", 0, 0)
    theme = load_theme(gallery.theme)
    seeds = range(gallery.first_seed, gallery.first_seed + N_STILLS)
    for start in range(0, N_STILLS, N_AT_ONCE):
        lease("stills", start, N_STILLS)
        some = seeds[start : start + N_AT_ONCE]
        pictures = theme.stills.paint(
            torch.stack([theme.stills.style(seed) for seed in some]), SIDE, SIDE
        )
        for seed, picture in zip(some, pictures.cpu(), strict=True):
            path = service.storage.still(gallery.theme, gallery.weights, seed)
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".part")
            pixels = (picture * 255).round().to(torch.uint8).permute(1, 2, 0)
            Image.fromarray(pixels.numpy()).save(unfinished, "JPEG", quality=JPEG_QUALITY)
            unfinished.replace(path)
    lease("stills", N_STILLS, N_STILLS)
