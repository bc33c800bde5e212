"""Train the two networks of a theme, one after the other, and install them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from lightning_fabric import Fabric
from torch import Tensor

from film.cards import BASE, models_folder
from keyframes.form import Form
from keyframes.gan_settings import GanSettings
from keyframes.gan_training import Base, GanTraining
from keyframes.material import Material
from keyframes.stills import load_generator
from measures.pictures import Judge
from pix2pix import weights
from pix2pix.grids import SQUARE
from pix2pix.loop import Course, train
from pix2pix.networks import UNet, UNetConfig
from pix2pix.painter import choose_precision
from pix2pix.published import read_painter
from pix2pix.run import Run
from pix2pix.settings import Settings
from pix2pix.training import Trainer
from spectro.errors import TonfilmError
from themes.install import (
    CRITICS_FILE,
    FILES,
    check_free,
    install,
    install_base,
    save_snapshot,
)
from themes.plan import Plan, Stage
from themes.sources import ThemeSource, open_source

N_JUDGED = 256  # held-out pictures that stills are compared with while they are learnt
# Found by trying: the outer skips print the spectrogram's stripes on the frames; L1 alone teaches
# twice as fast at first; and norms settle before the judge joins. The ear, and L1 at the paper's
# weight, are decision 15, the emphasis is 24.
PIX2PIX = Settings(
    unet=UNetConfig(n_skips=3, dropout=0.0, decoder="even", n_heard=64, emphasis=1.2),
    judge_width=32,
    learning_rate=4e-4,
    contrast_weight=5.0,
    listen_until=0.12,
    settle_from=0.3,
    judge_from=0.5,
)
# Where all is warped the smooth fields have little to say, but of a user's own pictures.
WARPED_WIDTH, WARPED_FIELDS, WARPED_WAVES, WARPED_TONES = 32, 8, 32, 64
N_LAYERS_ON_LAND = 8  # that are no ridges
HARD, SOFT = 20.0, 0.1  # ridges, chosen by the bands of stills (decision 25)
HEARING = "abstract"  # the shipped theme whose pix2pix new themes start from


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Who is told how far a training has come; on the first device alone."""

    say: Callable[[str], None]
    step: Callable[[Stage, int, float, dict[str, float]], None]  # steps, share, losses
    made: Callable[[int, int], None]  # pictures or pairs done so far, and in all


def begin(plan: Plan) -> None:
    """Write the plan of a new run.

    Raises
    ------
    TonfilmError
        A run or a theme of that name is there already.
    """
    check_new(plan)
    plan.save()


def check_new(plan: Plan) -> None:
    """See to it that no run and no theme of that name is there; raises as `begin` does."""
    check_free(plan)
    if plan.path.exists():
        raise TonfilmError(
            f"{plan.folder} holds a training already: go on with --resume, or choose another name."
        )


def train_theme(plan: Plan, fabric: Fabric, watch: Watch) -> bool:
    """Train what a plan's run lacks, and install it; return whether it was trained to its end.

    Parameters
    ----------
    fabric : launched, in full precision: each network chooses its own

    Raises
    ------
    TonfilmError
        What the plan names cannot be used, or its name is taken.
    pix2pix.run.Diverged
        A loss or a weight is NaN or infinite; the checkpoint before it is kept.
    """
    check_free(plan)
    with fabric.rank_zero_first():
        source = open_source(plan, watch.say)
    stills = _open_keyframes(plan, fabric, source, watch)
    if not _go(plan, "keyframes", stills, fabric, watch):
        return False
    if plan.name == BASE:
        if fabric.is_global_zero:
            install_base(plan, stills)
        return True
    trainer = _open_pix2pix(plan, fabric, source, watch)
    if not _go(plan, "pix2pix", trainer, fabric, watch):
        return False
    if fabric.is_global_zero:
        install(plan, models_folder() / plan.name)
    return True


def _go(
    plan: Plan, stage: Stage, training: GanTraining | Trainer, fabric: Fabric, watch: Watch
) -> bool:
    every, n_steps_of_epoch = None, 1
    if isinstance(training, Trainer) and plan.keep_every:
        n_pairs = sum(training.learnt.shapes.values())
        n_steps_of_epoch = math.ceil(n_pairs / (PIX2PIX.batch * fabric.world_size))
        every = plan.keep_every * n_steps_of_epoch
    course = Course(
        budget=plan.budget(stage),
        tell=partial(watch.step, stage),
        snapshot=lambda n_steps: save_snapshot(plan, training, n_steps // n_steps_of_epoch),
        snapshot_every=every,
    )
    return train(training, Run(plan.folder / stage), fabric, course)


def _open_keyframes(plan: Plan, fabric: Fabric, source: ThemeSource, watch: Watch) -> GanTraining:
    with fabric.rank_zero_first():
        pictures = list(source.pictures(plan.size, watch.made))
        held_out = source.held_out(N_JUDGED, plan.size, watch.made)
    base = None if plan.from_scratch else find_base()
    if base and plan.made:
        # What a maker's pictures were made from teaches faster than what a base knows already.
        base = replace(base, generator=None)
    form = base.generator.form if base and base.generator else _choose_form(source)
    numbers = source.numbers(form.n_noise)
    # Where numbers are known every noise has a picture: see decision 11. A base's own factor says
    # nothing of what is learnt from it.
    form = replace(form, truncation=Form().truncation if numbers is None else 1.0)
    material = Material(
        pictures=pictures,
        density=plan.size / SQUARE,
        judge=partial(_compare, Judge([held_out])),
        numbers=numbers,
        endless=source.endless(form.n_noise),
    )
    bf16 = plan.uses_bf16(automatic=choose_precision() == "bf16")
    return GanTraining(fabric, form, GanSettings(bf16=bf16), material, plan.seed, base)


def _choose_form(source: ThemeSource) -> Form:
    form, shared = Form(), source.shared
    if shared is None:
        return form if source.has_lines else replace(form, n_lines=0)
    if shared.warped:
        return replace(
            form,
            warped=True,
            told=shared.numbers,
            width=min(form.width, WARPED_WIDTH),
            n_fields=WARPED_FIELDS,
            n_waves=WARPED_WAVES,
            n_tones=WARPED_TONES,
            n_layers=0,
            n_spots=0,
            n_fine=0,
            n_lines=0,
            softness=0.0,
        )
    return replace(
        form,
        n_ridges=shared.n_ridges,
        houses=shared.has_houses,
        told=shared.numbers,
        # What is straight stands along the land, and fewer layers have to be found.
        n_lines=0,
        n_layers=N_LAYERS_ON_LAND,
        hardness=HARD,
        softness=SOFT,
    )


def find_base() -> Base | None:
    """Return the stills that new themes start from, if they are installed."""
    folder = models_folder() / BASE
    path = folder / FILES["keyframes"]
    if not path.exists():
        return None
    return Base(
        generator=load_generator(weights.load(path, None)),
        critics=weights.load(folder / CRITICS_FILE, None),
    )


def _compare(judge: Judge, stills: Tensor) -> float:
    """Return the mean of the sliced Wasserstein distances of all levels."""
    distances = judge.compare([stills.numpy()]).sliced_wasserstein.values()
    return float(np.mean(list(distances)))


def _open_pix2pix(plan: Plan, fabric: Fabric, source: ThemeSource, watch: Watch) -> Trainer:
    with fabric.rank_zero_first():
        learnt = source.pairs(watch.made, held_out=False)
        held_out = source.pairs(watch.made, held_out=True)
    begun_with = _choose_painter(plan)
    has_ear = begun_with is not None and begun_with.config.n_heard > 0
    settings = replace(
        PIX2PIX,
        # A network that came without an ear is given one, which begins by changing nothing.
        unet=replace(
            begun_with.config, n_heard=PIX2PIX.unet.n_heard, emphasis=PIX2PIX.unet.emphasis
        )
        if begun_with
        else replace(PIX2PIX.unet, width=plan.width),
        seed=plan.seed,
        # A network to begin with has its averages already.
        settle_from=0.0 if begun_with else PIX2PIX.settle_from,
        # An encoder that has an ear beside it has learnt from sound already; and that ear tells any
        # maker's numbers better than a short listening would teach it (decision 15).
        encoder_learns=not has_ear,
        listen_until=0.0 if has_ear else PIX2PIX.listen_until,
        bf16=plan.uses_bf16(automatic=choose_precision() == "bf16"),
    )
    trainer = Trainer(fabric, settings, learnt, held_out, source.tell)
    # A run that goes on has come further than what it began with.
    if begun_with and not Run(plan.folder / "pix2pix").has_checkpoint:
        trainer.begin_with(begun_with)
    return trainer


def _choose_painter(plan: Plan) -> UNet | None:
    """Return the U-Net to begin with: the user's, or one of the wanted width that hears already.

    No base of all makers: to the same sound each paints another picture, so what one network
    could learn of all of them is their mean.
    """
    if plan.begin_with:
        return read_painter(plan.begin_with)
    path = models_folder() / HEARING / FILES["pix2pix"]
    if plan.from_scratch or not path.exists():
        return None
    shipped = read_painter(path)
    return shipped if shipped.config.width == plan.width else None
