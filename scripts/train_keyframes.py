"""Train a theme's stills: a generator, against critics of whole pictures and of details."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import torch
from lightning_fabric import Fabric

from keyframes.gan_training import GanTraining, Settings
from keyframes.networks import Form
from keyframes.stills import load_generator, save_generator
from keyframes.training import Course, Pictures, train
from pix2pix import weights
from pix2pix.run import Budget, Diverged, Run
from pix2pix.weights import BrokenWeights
from spectro.errors import TonfilmError
from training_data.cuts import Cuts
from training_data.picture_arrays import MADE, Shape, Source, cache
from training_data.survey import survey

RUNS = Path("runs")
# The short side that stills are learnt at, and the long one of about 16:9 in multiples of 16.
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
    "--begin-with",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begin with the generator of this file, as --export writes it, not from nothing.",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Train this long.")
@click.option("--steps", type=click.IntRange(1), help="Train so many steps.")
@click.option("--resume", is_flag=True, help="Go on with the run; repeat its other options.")
@click.option("--n-square", default=12_000, show_default=True, help="Square pictures, 16 up.")
@click.option("--n-wide", default=4_000, show_default=True, help="Pictures of 16:9, 16 up.")
@click.option("--n-tall", default=3_000, show_default=True, help="Pictures of 9:16, 16 up.")
@click.option("--seed", default=0, show_default=True, help="Of the weights and of the pictures.")
@click.option(
    "--precision",
    type=click.Choice(["bf16-mixed", "32-true"]),
    default="32-true",
    show_default=True,
    help="bf16 is faster on graphics cards, and slower on most processors: try.",
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
    """Train as the options say.

    Raises
    ------
    FileExistsError, FileNotFoundError
        A run is in the folder already and is not resumed, or the reverse.
    ValueError
        The options contradict each other, or those that the run was begun with.
    """
    if not (options["minutes"] or options["steps"] or options["export"]):
        raise ValueError("Give --minutes or --steps to train, or --export to write what there is.")
    fabric = Fabric(
        accelerator=options["accelerator"],
        devices=options["devices"],
        precision=options["precision"],
    )
    fabric.launch()
    base = options["begin_with"] and load_generator(weights.load(options["begin_with"], None))
    form = base.form if base else Form()
    plan = {"form": asdict(form), "gan": asdict(Settings()), "seed": options["seed"]}
    pictures = _pictures(folder / "pictures", fabric, options)
    training = GanTraining(fabric, form, Settings(), pictures, options["seed"], base)
    run = Run(folder)
    finished = True
    if options["minutes"] or options["steps"]:
        course = Course(
            budget=Budget(minutes=options["minutes"], steps=options["steps"]),
            resumed=options["resume"],
            tell=_tell,
        )
        finished = _go(training, run, plan, fabric, course)
    if options["export"] and finished and fabric.is_global_zero:
        training.restore(run.load()["training"])
        click.echo(f"{save_generator(options['export'], training.average)}  {options['export']}")
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _go(
    training: GanTraining, run: Run, plan: dict[str, Any], fabric: Fabric, course: Course
) -> bool:
    """Begin or resume the run; return whether its budget is spent."""
    if course.resumed and run.plan != plan:
        raise ValueError(f"{run.folder} was begun with other settings; repeat those to resume.")
    if fabric.is_global_zero and not course.resumed:
        Run.create(run.folder, plan)
    return train(training, run, fabric, course)


def _pictures(folder: Path, fabric: Fabric, options: dict[str, Any]) -> list[Pictures]:
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
    found = survey(options["pictures"], lambda sentence: click.echo(sentence, err=True))
    return Cuts(found.paths, flipped=options["flip"])


def _tell(step: int, share: float, figures: dict[str, float]) -> None:
    losses = "  ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
    click.echo(f"{share:4.0%}  step {step}  {losses}")


if __name__ == "__main__":
    main()
