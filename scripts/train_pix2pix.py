"""Train a pix2pix network: spectrogram picture to frame."""

from pathlib import Path
from typing import Any

import click
import torch
from lightning_fabric import Fabric

from pix2pix import weights
from pix2pix.loop import train
from pix2pix.networks import UNetConfig
from pix2pix.painter import load_network, save_network
from pix2pix.run import Budget, Diverged, Run
from pix2pix.training import PairSource, Settings, Trainer
from pix2pix.weights import BrokenWeights
from spectro.errors import TonfilmError
from training_data.pairs import FolderPairs, made_pairs

RUNS = Path("runs")
PAIR_CACHE = Path(".cache/pairs")
# What a run is begun with, and must be resumed with; its budget and devices may change.
PLANNED = (
    "made",
    "pairs",
    "held_out",
    "width",
    "skips",
    "decoder",
    "judge_width",
    "settle_from",
    "judge_from",
    "rate",
    "dropout",
    "batch",
    "seed",
    "precision",
)


@click.command()
@click.argument("name")
@click.option(
    "--made",
    metavar="THEME",
    help="Learn from made songs and pictures: abstract, cityscape or landscape.",
)
@click.option(
    "--pairs",
    type=click.Path(exists=True, file_okay=False, path_type=str),
    help="Learn from a folder with spectrograms/NAME.png and frames/NAME.jpg or .png.",
)
@click.option(
    "--held-out",
    type=click.Path(exists=True, file_okay=False, path_type=str),
    help="Such a folder to look at and never to learn from; else those of --pairs are shown.",
)
@click.option(
    "--begin-with",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begin with the network of this file, as --export writes it, not from nothing.",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Train this long.")
@click.option("--steps", type=click.IntRange(1), help="Train so many steps.")
@click.option("--resume", is_flag=True, help="Go on with the run; repeat its other options.")
@click.option("--width", default=32, show_default=True, help="Channels outside, 1 up; paper: 64.")
@click.option("--skips", default=3, show_default=True, help="Inner skips kept, 0 to 7; paper: 7.")
@click.option(
    "--decoder",
    type=click.Choice(["even", "transposed"]),
    default="even",
    show_default=True,
    help="How the picture grows: without checkerboards, or as in the paper.",
)
@click.option("--judge-width", default=32, show_default=True, help="The same of the judge.")
@click.option(
    "--settle-from",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="Share of the budget after which batch norm keeps its averages; paper: 1.",
)
@click.option(
    "--judge-from",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Share after which the judge joins; before it L1 alone, twice as fast; paper: 0.",
)
@click.option("--rate", default=4e-4, show_default=True, help="Of learning; paper: 0.0002.")
@click.option("--dropout", default=0.0, show_default=True, help="Share, 0 up to 1; paper: 0.5.")
@click.option("--batch", default=8, show_default=True, help="Pairs a step and device; even.")
@click.option("--seed", default=0, show_default=True, help="Of the weights and of the pairs.")
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
    help="Write the network for painting here at the end: models/NAME/pix2pix.safetensors.",
)
def main(name: str, **options: Any) -> None:
    """Train the network NAME in runs/NAME; Ctrl-C saves and stops, --resume goes on."""
    try:
        _train(RUNS / name, options)
    except (TonfilmError, BrokenWeights, OSError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    except Diverged as error:
        raise click.ClickException(f"{error} The checkpoint before it is kept.") from error


def _train(folder: Path, options: dict[str, Any]) -> None:
    """Train as the options say."""
    budget = Budget(minutes=options["minutes"], steps=options["steps"])
    plan = {name: options[name] for name in PLANNED}
    fabric = Fabric(
        accelerator=options["accelerator"],
        devices=options["devices"],
        precision=options["precision"],
    )
    fabric.launch()
    trainer = Trainer(fabric, _settings(options))
    if options["begin_with"]:
        trainer.begin_with(load_network(weights.load(options["begin_with"], None)))
    if fabric.is_global_zero:
        _begin(folder, plan, resumes=options["resume"])
    with fabric.rank_zero_first():
        learnt, held_out = _open_pairs(options)
    train(trainer, Run(folder), learnt, held_out, budget)
    if options["export"] is not None and fabric.is_global_zero:
        digest = save_network(options["export"], trainer.average)
        click.echo(f"{digest}  {options['export']}")
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _settings(options: dict[str, Any]) -> Settings:
    """Build the settings that the options describe."""
    unet = UNetConfig(
        width=options["width"],
        n_skips=options["skips"],
        dropout=options["dropout"],
        decoder=options["decoder"],
    )
    return Settings(
        unet=unet,
        judge_width=options["judge_width"],
        settle_from=options["settle_from"],
        judge_from=options["judge_from"],
        learning_rate=options["rate"],
        seed=options["seed"],
        batch=options["batch"],
    )


def _begin(folder: Path, plan: dict[str, Any], *, resumes: bool) -> None:
    """Begin a run, or see to it that the one to be resumed was begun with the same options."""
    if not resumes:
        Run.create(folder, plan)
        return
    begun = Run(folder).plan
    changed = [name for name in plan if plan[name] != begun.get(name)]
    if changed:
        named = ", ".join(f"--{name.replace('_', '-')} {begun.get(name)}" for name in changed)
        raise ValueError(f"The run in {folder} was begun with {named}; resume it with the same.")


def _open_pairs(options: dict[str, Any]) -> tuple[PairSource, PairSource]:
    """Open what is learnt from and what is only looked at."""
    made, folder = options["made"], options["pairs"]
    if (made is None) == (folder is None):
        raise ValueError("Choose either --made THEME or --pairs FOLDER.")
    if folder is not None:
        learnt = FolderPairs(Path(folder))
        return learnt, FolderPairs(Path(options["held_out"])) if options["held_out"] else learnt
    sources = made_pairs(made, PAIR_CACHE), made_pairs(made, PAIR_CACHE, held_out=True)
    for source in sources:
        with click.progressbar(length=100, label="Preparing pairs") as bar:

            def show(done: int, total: int) -> None:
                bar.update(100 * done // total - bar.pos)

            source.prepare(show)
    return sources


if __name__ == "__main__":
    main()
