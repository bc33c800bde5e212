"""The comparison of losses of the pix2pix paper, on our pairs: L1, cGAN, and both.

Isola et al. (2017), section 4.1: L1 alone blurs, the adversarial loss alone is sharp and wrong in
places, both together are sharp and near. Other settings are the shipped ones.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from film.threads import settle_threads

settle_threads()  # before anything imports torch

import click  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402

from measures import pairs as pair_measures  # noqa: E402
from pix2pix.painter import Painter, choose_precision  # noqa: E402
from pix2pix.settings import Settings  # noqa: E402
from pix2pix.training import Trainer  # noqa: E402
from themes.arrays import Floats, save_sheet  # noqa: E402
from themes.sources import Makers  # noqa: E402
from themes.training import PIX2PIX  # noqa: E402

SIDE = 256  # pixels
N_COMPARED, N_AT_ONCE, N_SHOWN = 256, 16, 8  # held-out pairs
LOSSES: dict[str, dict[str, Any]] = {
    "L1": {"judge_from": 1.0},
    "cGAN": {"judge_from": 0.0, "l1_weight": 0.0},
    "L1 + cGAN": {"judge_from": 0.0},
}


@click.command()
@click.argument("maker")
@click.option("--steps", type=click.IntRange(1), default=2_000, show_default=True, help="Of each.")
@click.option("--width", default=16, show_default=True, help="Channels outside of pix2pix.")
@click.option("--sheet", type=click.Path(path_type=Path), help="True frames, then those of each.")
def main(maker: str, steps: int, width: int, sheet: Path | None) -> None:
    """Train pix2pix on the pairs of MAKER with each loss; print a table in Markdown, and JSON."""
    source = Makers([maker])
    learnt, held_out = (source.pairs(_ignore, held_out=part) for part in (False, True))
    drawn = held_out.batch(torch.Generator().manual_seed(0), N_COMPARED, SIDE, SIDE)
    true = drawn.frames.numpy()
    rows, shown = {}, [true[:N_SHOWN]]
    for name, changes in LOSSES.items():
        unet = replace(PIX2PIX.unet, width=width)
        bf16 = choose_precision() == "bf16"
        trainer = Trainer(
            Fabric(devices=1), replace(PIX2PIX, unet=unet, bf16=bf16, **changes), learnt, held_out
        )
        painted = _train_and_paint(trainer, trainer.settings, steps, drawn.spectrograms[:, 0])
        sharpness = _measure_sharpness(painted) / _measure_sharpness(true)
        rows[name] = {**asdict(pair_measures.compare(painted, true)), "sharpness": sharpness}
        shown.append(painted[:N_SHOWN])
    click.echo("| loss | L1 | PSNR, dB | SSIM | sharpness over that of true frames |")
    click.echo("|" + " --- |" * 5)
    for name, row in rows.items():
        numbers = (row["l1"], row["psnr_db"], row["ssim"], row["sharpness"])
        click.echo(f"| {name} | " + " | ".join(f"{number:.3f}" for number in numbers) + " |")
    click.echo(json.dumps(rows))
    if sheet:
        save_sheet(sheet, np.concatenate(shown), N_SHOWN)


def _train_and_paint(
    trainer: Trainer, settings: Settings, n_steps: int, spectrograms: torch.Tensor
) -> Floats:
    with click.progressbar(range(n_steps), label=f"judge from {settings.judge_from}") as steps:
        for step in steps:
            trainer.step(step, step / n_steps)
    painter = Painter(trainer.average, choose_precision())
    batches = torch.split(spectrograms, N_AT_ONCE)
    return torch.cat([painter.paint(batch, SIDE, SIDE).cpu() for batch in batches]).numpy()


def _measure_sharpness(frames: Floats) -> float:
    """Return the mean step from pixel to pixel along both sides."""
    return float(sum(np.abs(np.diff(frames, axis=axis)).mean() for axis in (2, 3)))


def _ignore(_done: int, _n: int) -> None:
    """Report to nobody."""


if __name__ == "__main__":
    main()
