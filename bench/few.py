"""Whether differentiable augmentation helps stills to learn from few pictures (Zhao et al. 2020).

Two trainings from the base, alike but for what the critics are shown: pictures as they are, or
true and painted ones moved, lit and covered at random. Both are compared with pictures of the
folder that neither has seen.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from film.process import settle_process

settle_process()  # before anything imports torch

import click  # noqa: E402
import kornia.augmentation as K  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402
from torch import Tensor  # noqa: E402

from keyframes.gan_settings import GanSettings  # noqa: E402
from keyframes.gan_training import GanTraining  # noqa: E402
from keyframes.material import Material  # noqa: E402
from keyframes.stills import paint_all  # noqa: E402
from keyframes.views import Sight  # noqa: E402
from measures.pictures import Judge  # noqa: E402
from pix2pix.painter import choose_precision  # noqa: E402
from themes.arrays import Bytes, Floats, save_sheet  # noqa: E402
from themes.sources import LONG  # noqa: E402
from themes.training import find_base  # noqa: E402
from training_data.cuts import Cuts  # noqa: E402
from training_data.survey import survey  # noqa: E402

SIDE = 256  # pixels
WIDE = round(SIDE * LONG)
SHAPES = ((SIDE, SIDE), (SIDE, WIDE), (WIDE, SIDE))  # (height, width)
N_CUTS = 1_000  # of each shape, to learn from
HELD_OUT_EVERY = 3  # pictures
N_COMPARED, N_SHOWN = 512, 24  # stills
N_LOOKS = 3  # for each training


class Augmented(GanTraining):
    """The critics see both sides moved, lit and covered, each picture another way."""

    # As strong as in the paper. No clipping, which would stop gradients.
    AUGMENT = K.ImageSequential(
        K.RandomBrightness((0.5, 1.5), clip_output=False),
        K.RandomContrast((0.5, 1.5), clip_output=False),
        K.RandomTranslate((-1 / 8, 1 / 8), (-1 / 8, 1 / 8), p=1.0),
        K.RandomErasing((0.25, 0.25), (1.0, 1.0), p=1.0),
    )

    def show(self, sight: Sight) -> Sight:
        """Augment what is seen."""
        return Sight(whole=self._change(sight.whole), details=self._change(sight.details))

    def _change(self, x: Tensor) -> Tensor:
        changed: Tensor = self.AUGMENT(x.float() / 2 + 0.5)
        return changed * 2 - 1


TRIALS = {"as they are": GanTraining, "augmented": Augmented}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(1), default=1_000, show_default=True, help="Of each.")
@click.option("--only", multiple=True, type=click.Choice(list(TRIALS)), help="These trials alone.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Stills of each, below each other.")
def main(folder: Path, steps: int, only: Sequence[str], sheet: Path | None) -> None:
    """Train stills on two thirds of the pictures in FOLDER in both ways; print a table."""
    paths = survey(folder, click.echo).paths
    held_out = paths[::HELD_OUT_EVERY]
    learnt = [path for path in paths if path not in held_out]
    judge = Judge([_cut(held_out, N_COMPARED, SHAPES[0], seed=1)])
    cuts = [_cut(learnt, N_CUTS, shape, seed=0) for shape in SHAPES]
    # Its own judge sees fewer stills than are compared here, and is not asked.
    material = Material(pictures=cuts, density=1.0, judge=lambda _: 0.0)
    click.echo("| critics see pictures | steps | distance of stills, fine to coarse |")
    click.echo("| --- | --- | --- |")
    _tell("(training pictures)", 0, judge, cuts[0][:N_COMPARED])
    shown = []
    for name in only or TRIALS:
        training = make_training(name, material)
        for step in range(steps):
            training.step(step, step / steps)
            # In whole numbers: a fraction of 100 steps missed the last one.
            if (step + 1) * N_LOOKS % steps < N_LOOKS:
                painted = _paint(training)
                _tell(name, step + 1, judge, painted)
        shown.append(painted[:N_SHOWN])
    if sheet:
        save_sheet(sheet, np.concatenate(shown), N_SHOWN // 2)


def make_training(name: str, material: Material) -> GanTraining:
    """Build what learns as a trial says, from the base."""
    base = find_base()
    if base is None or base.generator is None:
        raise click.ClickException("There is no base to begin with: models/base is missing.")
    settings = GanSettings(bf16=choose_precision() == "bf16")
    form = replace(base.generator.form, truncation=1.0)
    return TRIALS[name](Fabric(devices=1), form, settings, material, 0, base)


def _cut(paths: Sequence[Path], n: int, shape: tuple[int, int], *, seed: int) -> Bytes:
    cuts = Cuts(paths, flipped=True)
    return cuts(torch.Generator().manual_seed(seed), n, *shape).numpy()


@torch.inference_mode()
def _paint(training: GanTraining) -> Floats:
    stills = training.stills()
    styles = torch.stack([stills.style(seed) for seed in range(N_COMPARED)])
    return paint_all(stills, styles, SIDE, SIDE).numpy()


def _tell(name: str, step: int, judge: Judge, pictures: Bytes | Floats) -> None:
    distances = judge.compare([pictures]).sliced_wasserstein.values()
    click.echo(
        f"| {name} | {step} | " + " ".join(f"{distance:.0f}" for distance in distances) + " |"
    )


if __name__ == "__main__":
    main()
