"""Frames from a user's own pictures: what of them is shown, and how, is decided by the sound.

Some anchors are chosen out of all pictures, as unlike each other as can be. A sound asks for a
character, light when it is loud, cold when it is high, and the two or so anchors that come
nearest are shown over each other, as in a double exposure. A camera moves on them with the rest
of what is heard. There is no hidden draw: a frame follows from its spectrogram picture alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transforms

from training_data import camera, characters, director
from training_data.folders import read_found

N_ANCHORS = 24
_SIDE = 384  # pixels of an anchor's shorter side: frames of 256 zoomed by a half
_LONGEST = 2.5  # times as long as wide: what is beyond, left and right, is never seen
_N_NEAREST = 3  # anchors that have no weight from the fourth nearest on
_NOWHERE = 3.0  # a distance beyond all: stands for the anchors that a small folder lacks
# How much each part of a character counts: a viewer sees light and warmth first.
_COUNTS = {"light": 1.0, "warm": 1.0, "detail": 0.8, "contrast": 0.6, "colour": 0.3}


class Collage:
    """A way from sound to frames made of a user's own pictures.

    Parameters
    ----------
    paths : of pictures that can be read, as a survey finds them
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._counts = torch.tensor([_COUNTS[name] for name in characters.NAMES])
        places = characters.rank(torch.cat([_measure(path) for path in paths])) * self._counts
        chosen = characters.choose_unlike(places, N_ANCHORS)
        self._places = places[chosen]  # (n_anchors, 5)
        self._anchors = [_prepare(read_found(paths[index], _SIDE)) for index in chosen]

    def direct(self, pictures: Tensor) -> Tensor:
        """Decide what to show for spectrogram pictures (B, 256, 256).

        Returns
        -------
        (B, n_anchors + 9) in [0, 1]: the weights of the anchors, and the shot.
        """
        heard = director.listen(pictures)
        wanted = characters.pack(_ask_for(heard)) * self._counts
        distances = (wanted[:, None] - self._places).norm(dim=2)
        return torch.cat((weigh(distances), camera.pack(_aim(heard))), dim=1).clamp(0, 1)

    def paint(self, vectors: Tensor, height: int, width: int) -> Tensor:
        """Paint frames (B, 3, height, width) in [0, 1] of vectors that `direct` returned."""
        weights, shots = vectors.tensor_split([len(self._anchors)], dim=1)
        total = torch.zeros(len(vectors), 3, height, width)
        share = torch.zeros(len(vectors), 1, height, width)
        for index in weights.any(0).nonzero()[:, 0].tolist():
            rows = weights[:, index].nonzero()[:, 0]
            shot = camera.unpack(shots[rows])
            if index % 2:  # panned the other way, so that two anchors never move as one
                shot = replace(shot, pan=1 - shot.pan)
            seen = camera.take(self._anchors[index], shot, height, width)
            # Where an anchor is light it hides the others, as on film: a plain mean would be grey.
            exposed = weights[rows, index, None, None, None] * _burn_in(seen)
            total.index_add_(0, rows, seen * exposed)
            share.index_add_(0, rows, exposed)
        return camera.develop(total / share, camera.unpack(shots))


def weigh(distances: Tensor) -> Tensor:
    """Give the nearest of some anchors weights that add up to 1, for distances (B, n_anchors).

    As in Shepard's method with a local radius (Franke and Little 1980): a weight falls to 0 where
    another anchor comes as near, so that none appears or leaves at once.
    """
    far = F.pad(distances, (0, _N_NEAREST), value=_NOWHERE)
    radius = far.kthvalue(_N_NEAREST + 1, dim=1, keepdim=True).values
    # A thousandth beyond, so that there is a weight also where four are equally near.
    weights = (1 - distances / (1.001 * radius + 1e-3)).clamp_min(0) ** 2
    return weights / weights.sum(1, keepdim=True)


def _measure(path: Path) -> Tensor:
    picture = read_found(path, characters.SIDE)
    return characters.pack(characters.measure(picture[None]))


def _burn_in(seen: Tensor) -> Tensor:
    return (0.03 + camera.see_light(seen)) ** 1.5


def _prepare(picture: Tensor) -> Tensor:
    rows, columns = picture.shape[1:]
    short = min(rows, columns)
    cropped = transforms.center_crop(
        picture, [min(rows, int(_LONGEST * short)), min(columns, int(_LONGEST * short))]
    )
    sized: Tensor = transforms.resize(cropped, [_SIDE], antialias=True)
    return sized.float() / 255


def _ask_for(heard: director.Impression) -> characters.Character:
    """Say what a viewer expects to see: mostly of what lasts, so that anchors change slowly."""
    return characters.Character(
        light=0.9 * heard.long_loud + 0.1 * heard.loud,
        # Loud music reaches higher, and is not meant to be always cold for that.
        warm=0.85 - heard.high + 0.5 * heard.long_loud,
        detail=0.8 * heard.busy + 0.2 * heard.treble,
        contrast=1 - heard.tonal,
        colour=heard.long_loud,
    )


def _aim(heard: director.Impression) -> camera.Shot:
    full = 0.5 * (heard.loud + heard.long_loud)
    return camera.Shot(
        zoom=heard.bass,
        pan=heard.high,
        rise=0.25 + 0.5 * heard.tonal,
        exposure=full,
        contrast=0.4 + 0.6 * heard.busy,
        saturation=heard.long_loud,
        warmth=1 - heard.high,
        glow=heard.onset**2,
        blur=(1 - full) * heard.tonal,
    )
