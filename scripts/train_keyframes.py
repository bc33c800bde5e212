"""Train a theme's stills: a picture codec, then a GAN on its latent maps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch
from lightning_fabric import Fabric

from keyframes.codec_training import CodecSettings
from keyframes.gan_training import GanSettings
from keyframes.networks import Form
from keyframes.stages import Plan, Workshop
from keyframes.stills import load_networks
from keyframes.training import Course
from pix2pix import weights
from pix2pix.run import Budget, Diverged
from pix2pix.weights import BrokenWeights
from spectro.errors import TonfilmError
from training_data.folders import Folder
from training_data.picture_arrays import MADE, Shape, Source, cache

RUNS = Path("runs")
# The short side that stills are learnt at, and the long one of 16:9 on the codec's grid.
SHORT, LONG = 256, 464


@click.command()
@click.argument("name")
@click.option("--made", type=click.Choice(sorted(MADE)), help="Learn from made pictures.")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path),
    help="Learn from a folder of JPEG, PNG or WebP pictures, with those inside it.",
)
@click.option("--flip/--no-flip", default=True, help="Mirror half of the folder's pictures.")
@click.option(
    "--stage",
    type=click.Choice(["codec", "gan", "all"]),
    default="all",
    show_default=True,
    help="The GAN learns on what the codec has become: finish that first.",
)
@click.option(
    "--begin-with",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begin with the networks of this file, as --export writes it, not from nothing.",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Train a stage this long.")
@click.option("--steps", type=click.IntRange(1), help="Train a stage so many steps.")
@click.option("--resume", is_flag=True, help="Go on with the stage; repeat its other options.")
@click.option("--n-square", default=12_000, show_default=True, help="Square pictures, 16 up.")
@click.option("--n-wide", default=4_000, show_default=True, help="Pictures of 16:9, 16 up.")
@click.option("--n-tall", default=3_000, show_default=True, help="Pictures of 9:16, 16 up.")
@click.option("--seed", default=0, show_default=True, help="Of the weights and of the pictures.")
@click.option(
    "--precision",
    type=click.Choice(["bf16-mixed", "32-true"]),
    default="bf16-mixed",
    show_default=True,
    help="bf16 is two to three times as fast where the processor knows it.",
)
@click.option("--accelerator", default="auto", show_default=True, help="cpu, cuda, mps or auto.")
@click.option("--devices", default=1, show_default=True, help="How many to train on, 1 up.")
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the networks here at the end: models/NAME/keyframes.safetensors.",
)
def main(name: str, **options: Any) -> None:
    """Train the stills NAME in runs/NAME-keyframes; Ctrl-C saves and stops, --resume goes on."""
    try:
        _train(RUNS / f"{name}-keyframes", options)
    except (TonfilmError, BrokenWeights, OSError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    except Diverged as error:
        raise click.ClickException(f"{error} The checkpoint before it is kept.") from error


def _train(folder: Path, options: dict[str, Any]) -> None:
    """Train as the options say."""
    if not (options["minutes"] or options["steps"] or options["export"]):
        raise ValueError("Give --minutes or --steps to train, or --export to write what there is.")
    fabric = Fabric(
        accelerator=options["accelerator"],
        devices=options["devices"],
        precision=options["precision"],
    )
    fabric.launch()
    base = options["begin_with"] and load_networks(weights.load(options["begin_with"], None))
    workshop = Workshop(
        folder=folder,
        plan=Plan(
            form=base.form if base else Form(),
            codec=CodecSettings(),
            gan=GanSettings(),
            seed=options["seed"],
        ),
        fabric=fabric,
        pictures=_pictures(folder / "pictures", fabric, options),
        base=base,
    )
    stages = {"codec": workshop.train_codec, "gan": workshop.train_gan}
    chosen = list(stages) if options["stage"] == "all" else [options["stage"]]
    finished = True
    if options["minutes"] or options["steps"]:
        budget = Budget(minutes=options["minutes"], steps=options["steps"])
        for stage in chosen:
            course = Course(budget=budget, resumed=options["resume"], tell=_teller(stage))
            finished = finished and stages[stage](course)
    if options["export"] and finished and fabric.is_global_zero:
        digest = workshop.export(options["export"])
        click.echo(f"{digest}  {options['export']}")
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _pictures(folder: Path, fabric: Fabric, options: dict[str, Any]) -> list[Any]:
    """Return the arrays of pictures, made by the first device where they are missing."""
    shapes = (
        Shape(n=options["n_square"], height=SHORT, width=SHORT),
        Shape(n=options["n_wide"], height=SHORT, width=LONG),
        Shape(n=options["n_tall"], height=LONG, width=SHORT),
    )
    source = _source(options)
    arrays = []
    with fabric.rank_zero_first():
        for place, shape in enumerate(shapes):
            with click.progressbar(length=shape.n, label="Pictures") as bar:

                def show(done: int, _n: int, bar: Any = bar) -> None:
                    bar.update(done - bar.pos)

                arrays.append(cache(folder, shape, source, options["seed"] + place, show))
    return arrays


def _source(options: dict[str, Any]) -> Source:
    if bool(options["made"]) == bool(options["pictures"]):
        raise ValueError("Give one of --made and --pictures.")
    if options["made"]:
        return MADE[options["made"]]
    return Folder(
        options["pictures"],
        flipped=options["flip"],
        skip=lambda path: click.echo(f"{path} cannot be read; it is left out.", err=True),
    )


def _teller(stage: str) -> Callable[[int, float, dict[str, float]], None]:
    def tell(step: int, share: float, figures: dict[str, float]) -> None:
        losses = "  ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
        click.echo(f"{stage} {share:4.0%}  step {step}  {losses}")

    return tell


if __name__ == "__main__":
    main()
