"""What stills of landscapes would lack if one thing were missing: the maker's own without it.

Sliced Wasserstein distance of pictures of other numbers to pictures held out. It says what is worth
learning next, before anything is built (decision 27).
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from unittest.mock import patch

from film.process import settle_process

settle_process()  # before anything imports torch

import click  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from measures.pictures import Judge  # noqa: E402
from training_data import landscape, scenery  # noqa: E402

N_PICTURES, N_AT_ONCE, SIDE = 256, 16, 256
SOFT_SUN, SOFT_RIDGES = 8.0, 30.0  # sharpness to a unit, in place of a pixel's
CLOUDS, WAVES = (11, 53), (71,)  # seeds of the noise that they are made of

Function = Callable[..., Tensor]
PARAMETERS = ("stars", "trees", "snow")  # what is not there where it is 0


def _without(*seeds: int) -> Function:
    whole = scenery.noise

    def noise(n_octaves: int, seed: int, x: Tensor, y: Tensor) -> Tensor:
        return torch.zeros_like(x) if seed in seeds else whole(n_octaves, seed, x, y)

    return noise


def _soften(sharpness: float) -> Function:
    return lambda distance, _pixel: torch.sigmoid(distance * sharpness)


def _flatten(_parameters: object, _x: Tensor, down: Tensor, *_: object) -> Tensor:
    return torch.zeros_like(down)


# What takes the place of which function of the maker, by its name and where that is known.
CHANGES: Mapping[str, Mapping[str, tuple[str, Function]]] = {
    "clouds": {"scenery": ("noise", _without(*CLOUDS)), "landscape": ("noise", _without(*CLOUDS))},
    "waves": {"scenery": ("noise", _without(*WAVES))},
    "light and shade on flanks": {"landscape": ("_light_flank", _flatten)},
    "the sun's edge": {"scenery": ("inside", _soften(SOFT_SUN))},
    "ridges' edges": {"landscape": ("inside", _soften(SOFT_RIDGES))},
}
MODULES = {"scenery": scenery, "landscape": landscape}


@click.command()
def main() -> None:
    """Print a table, from fine to coarse."""
    judge = Judge([_paint(1).numpy()])
    click.echo("| left out | distance |\n| --- | --- |")
    _tell(judge, "nothing", _paint(2))
    for name in PARAMETERS:
        _tell(judge, name, _paint(2, without=name))
    for name, changes in CHANGES.items():
        with ExitStack() as changed:
            for module, (function, other) in changes.items():
                changed.enter_context(patch.object(MODULES[module], function, other))
            _tell(judge, name, _paint(2))


def _paint(seed: int, without: str | None = None) -> Tensor:
    """Return pictures (N_PICTURES, 3, SIDE, SIDE), uint8."""
    drawn = torch.Generator().manual_seed(seed)
    vectors = landscape.spread(torch.rand(N_PICTURES, landscape.N_DRAWN, generator=drawn))
    if without is not None:
        vectors[:, landscape.NAMES.index(without)] = 0.0
    parts = [landscape.paint(some, SIDE, SIDE) for some in torch.split(vectors, N_AT_ONCE)]
    return torch.cat(parts).clamp(0, 1).mul(255).round().to(torch.uint8)


def _tell(judge: Judge, name: str, pictures: Tensor) -> None:
    distances = judge.compare([pictures.float().div(255).numpy()]).sliced_wasserstein
    click.echo(f"| {name} | {' '.join(f'{value:.0f}' for value in distances.values())} |")


if __name__ == "__main__":
    main()
