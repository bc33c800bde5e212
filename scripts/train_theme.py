"""Train a theme: from a folder of pictures or of music videos, or from the project's makers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from film.disk import plain_disk_errors
from film.process import settle_process
from spectro.errors import TonfilmError

if TYPE_CHECKING:
    from themes.plan import Plan
    from themes.training import Watch

FOLDER = click.Path(path_type=Path)
# What a run may be resumed with that it was not begun with.
CHANGEABLE = ("minutes", "steps", "keep_every")
RIPPING = ("every_n_frames", "from_s", "to_s", "preview_s")
PLANNED = (
    *("pictures", "videos", "made", "from_scratch", "begin_with", "size", "width", "precision"),
    *("seed", *CHANGEABLE),
)
STAGES = {"keyframes": "Learning stills", "pix2pix": "Learning frames"}


@click.command()
@click.argument("name")
@click.option("--pictures", type=FOLDER, help="Learn from a folder of JPEG, PNG or WebP pictures.")
@click.option("--videos", type=FOLDER, help="Learn from a folder of music videos.")
@click.option(
    "--made",
    metavar="MAKER",
    multiple=True,
    help="Learn from what the project makes: abstract, cityscape or landscape, or several.",
)
@click.option("--minutes", type=float, help="Train this long: three fifths stills, then frames.")
@click.option("--steps", type=int, help="Train each of the two networks so many steps.")
@click.option("--resume", is_flag=True, help="Go on with the run, with all that it was begun with.")
@click.option("--from-scratch", is_flag=True, help="Begin with nothing, not with the base network.")
@click.option(
    "--begin-with",
    type=FOLDER,
    help="Begin pix2pix with this file: of a theme, or of the usual PyTorch pix2pix.",
)
@click.option(
    "--size",
    type=click.Choice([128, 256, 512]),
    default=256,
    show_default=True,
    help="Short side of the stills learnt, pixels; frames are always learnt at 256.",
)
@click.option("--width", default=32, show_default=True, help="Channels of pix2pix; paper: 64.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "bf16-mixed", "32-true"]),
    default="auto",
    show_default=True,
    help="Of the layers; auto takes what is fastest here.",
)
@click.option("--accelerator", default="auto", show_default=True, help="cpu, cuda, mps or auto.")
@click.option("--devices", default=1, show_default=True, help="How many on each machine.")
@click.option("--machines", default=1, show_default=True, help="How many, under torchrun.")
@click.option("--seed", default=0, show_default=True, help="Of weights and draws: 0 up.")
@click.option("--every-n-frames", default=45, show_default=True, help="Of videos: take each nth.")
@click.option("--from-s", default=30.0, show_default=True, help="Of videos: from here, seconds.")
@click.option("--to-s", default=90.0, show_default=True, help="Of videos: to here, seconds.")
@click.option("--preview-s", default=10.0, show_default=True, help="Of videos: for the preview.")
@click.option("--keep-every", type=int, help="Keep a snapshot of pix2pix every so many epochs.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.pass_context
def main(context: click.Context, /, name: str, **options: Any) -> None:
    """Train the theme NAME in runs/NAME, and install it in models/NAME.

    Ctrl-C saves and stops; --resume goes on, also after a crash.
    """
    settle_process()
    # Torch takes seconds to load: not for --help.
    from pix2pix.run import Diverged  # noqa: PLC0415
    from pix2pix.weights import BrokenWeights  # noqa: PLC0415

    given = {
        key: value
        for key, value in options.items()
        if context.get_parameter_source(key) is ParameterSource.COMMANDLINE
    }
    try:
        plan = read_plan(name, options, given)
        if options["dry_run"]:
            _show(plan)
        else:
            _train(plan, options)
    except (TonfilmError, BrokenWeights, OSError) as error:
        raise click.UsageError(str(error)) from error
    except Diverged as error:
        raise click.ClickException(f"{error} The checkpoint before it is kept.") from error


def read_plan(name: str, options: dict[str, Any], given: dict[str, Any]) -> "Plan":
    """Build the plan, or take that of the run to be resumed, with a new budget if one is given.

    Raises
    ------
    TonfilmError
        An option is out of its range, contradicts another, or the run to be resumed.
    """
    from themes.plan import build_plan, load_plan  # noqa: PLC0415

    values = {key: options[key] for key in PLANNED}
    if not options["resume"]:
        return build_plan(name=name, ripping={key: options[key] for key in RIPPING}, **values)
    begun = load_plan(name)
    plan = build_plan(**begun.model_dump() | {key: values[key] for key in given if key in values})
    for key in given.keys() & set(values) - set(CHANGEABLE):
        if getattr(plan, key) != getattr(begun, key):
            raise TonfilmError(
                f"{begun.folder} was begun with another --{key.replace('_', '-')}: leave it out, "
                "--resume goes on as the run was begun."
            )
    return plan


def _train(plan: "Plan", options: dict[str, Any]) -> None:
    """Train on the devices that the options name; each of their processes comes along here."""
    import torch  # noqa: PLC0415
    from lightning_fabric import Fabric  # noqa: PLC0415

    from film.cards import models_folder  # noqa: PLC0415
    from themes.memory import plain_memory_errors  # noqa: PLC0415
    from themes.plan import load_plan  # noqa: PLC0415
    from themes.training import begin, train_theme  # noqa: PLC0415

    fabric = Fabric(
        accelerator=options["accelerator"],
        devices=options["devices"],
        num_nodes=options["machines"],
    )
    fabric.launch()
    try:
        with fabric.rank_zero_first():
            if fabric.is_global_zero:
                plan.save() if options["resume"] else begin(plan)
        # The first device's, which says when the run was begun.
        plan = load_plan(plan.name)
        with (
            plain_disk_errors(),
            plain_memory_errors(),
            show_progress(is_shown=fabric.is_global_zero) as watch,
        ):
            is_trained = train_theme(plan, fabric, watch)
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    if fabric.is_global_zero and is_trained:
        click.echo(f"The theme lies in {models_folder() / plan.name}. Now look at it:")
        click.echo(f"python scripts/check_theme.py {plan.name}")
    elif fabric.is_global_zero:
        click.echo("Stopped and saved. To go on:")
        click.echo(f"python scripts/train_theme.py {plan.name} --resume")


def _show(plan: "Plan") -> None:
    """Say what would be done."""
    from themes.sources import look  # noqa: PLC0415
    from themes.training import check_new  # noqa: PLC0415

    if not plan.path.exists():
        check_new(plan)
    click.echo(plan.model_dump_json(indent=2, exclude_defaults=True))
    look(plan, click.echo)
    click.echo(f"Nothing was done: without --dry-run, the run goes into {plan.folder}.")


@contextmanager
def show_progress(*, is_shown: bool) -> Iterator["Watch"]:
    """Show bars of what is made and learnt, with the losses; nothing on other devices."""
    from themes.training import Watch  # noqa: PLC0415

    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[losses]}"),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), disable=not is_shown) as bars:

        def show(what: str, done: float, total: float, losses: str = "") -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total, losses=losses)
            bars.update(tasks[what], completed=done, total=total, losses=losses)

        def step(stage: str, n_steps: int, share: float, figures: dict[str, float]) -> None:
            losses = "  ".join(f"{name} {figure:.3f}" for name, figure in figures.items())
            show(STAGES[stage], share, 1.0, f"step {n_steps}  {losses}")

        def say(sentence: str) -> None:
            if is_shown:
                bars.console.print(sentence, highlight=False, markup=False, soft_wrap=True)

        yield Watch(say=say, step=step, made=lambda done, n: show("Preparing", done, n))


if __name__ == "__main__":
    main()
