"""A training run of pix2pix from its first step to its last, stops and resumes between."""

import time

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from pix2pix.grids import SQUARE, spread
from pix2pix.run import Budget, Run, catch_stop, seeded
from pix2pix.training import Pairs, PairSource, Settings, Trainer

_SQUARE_WEIGHT = 2  # squares are drawn twice as often as each of the other shapes; taste
_N_SQUARES_HELD_OUT, _N_OTHERS_HELD_OUT = 32, 8  # pairs of a shape that show how far it is
_N_SQUARES_SHOWN, _N_OTHERS_SHOWN = 8, 2  # of them, on the sample sheet
_SHEET_WIDTH = 6 * SQUARE
_LOG_EVERY_STEPS = 10


def train(
    trainer: Trainer, run: Run, learnt: PairSource, held_out: PairSource, budget: Budget
) -> None:
    """Train until the budget is spent, or Ctrl-C or SIGTERM asks to stop.

    Goes on from the run's checkpoint where there is one, exactly: two steps, a stop and one
    step give the same bits as three steps. A checkpoint is saved at the end in any case.

    Parameters
    ----------
    trainer : new; its state is replaced where there is a checkpoint
    run : where everything is written, by the first device alone
    learnt, held_out : pairs to learn from, and pairs to look at, which are never learnt
    budget : the learning rate falls over its second half

    Raises
    ------
    Diverged
        A loss or a weight is NaN or infinite; the checkpoint before it is kept.
    """
    fabric, settings = trainer.fabric, trainer.settings
    step, elapsed_s = _resume(trainer, run)
    shown = _draw_held_out(held_out, settings.seed)
    begun_s = time.monotonic() - elapsed_s
    saved_s = elapsed_s
    with catch_stop() as stop:
        while True:
            elapsed_s = time.monotonic() - begun_s
            share = budget.share(step, elapsed_s)
            ends = share >= 1 or stop.asked
            saves = ends or elapsed_s - saved_s >= settings.save_every_s
            # Clocks and signals differ between devices; the first one decides for all.
            share, ends, saves = fabric.broadcast((share, ends, saves))
            if saves and fabric.is_global_zero:
                run.save({"step": step, "elapsed_s": elapsed_s, **trainer.state()})
                _show(trainer, run, shown, step, elapsed_s)
            if saves:
                saved_s = time.monotonic() - begun_s
            if ends:
                return
            step += 1
            pairs = _draw(learnt, settings, seeded(settings.seed, step, fabric.global_rank))
            figures = trainer.step(pairs, step, share)
            if fabric.is_global_zero and step % _LOG_EVERY_STEPS == 0:
                run.log(step, time.monotonic() - begun_s, figures)


def _resume(trainer: Trainer, run: Run) -> tuple[int, float]:
    """Take up the run's checkpoint, if any; return the steps and seconds trained so far."""
    if not run.has_checkpoint:
        return 0, 0.0
    state = run.load()
    trainer.restore(state)
    return state["step"], state["elapsed_s"]


def _draw(source: PairSource, settings: Settings, generator: Generator) -> Pairs:
    """Draw a step's pairs, all of one shape; the larger the shape, the fewer pairs."""
    shapes = list(source.shapes)
    weights = [_SQUARE_WEIGHT if height == width else 1 for height, width in shapes]
    place = int(torch.multinomial(torch.tensor(weights).float(), 1, generator=generator))
    height, width = shapes[place]
    n = max(1, settings.batch * SQUARE * SQUARE // (height * width))
    return source.batch(generator, n, height, width)


def _draw_held_out(source: PairSource, seed: int) -> list[Pairs]:
    """Draw the pairs to look at, of each shape, the same ones in each session of a run."""
    drawn = []
    for place, ((height, width), n_held) in enumerate(source.shapes.items()):
        n = min(n_held, _N_SQUARES_HELD_OUT if height == width else _N_OTHERS_HELD_OUT)
        drawn.append(source.batch(seeded(seed, place), n, height, width))
    return drawn


def _show(trainer: Trainer, run: Run, shown: list[Pairs], step: int, elapsed_s: float) -> None:
    """Write the sample sheet, and log how far the average network is from held-out frames."""
    rows = []
    errors = []
    for pairs in shown:
        painted = _paint(trainer, pairs)
        errors.append((painted - pairs.frames).abs().mean((1, 2, 3)))
        height, width = painted.shape[-2:]
        triples = torch.cat([_in_colour(pairs), painted, pairs.frames], 3)
        rows += _lay(triples[: _N_SQUARES_SHOWN if height == width else _N_OTHERS_SHOWN])
    run.save_sample(step, torch.cat(rows, 1))
    run.log(step, elapsed_s, {"held_out_l1": torch.cat(errors).mean().item()})


@torch.no_grad()
def _paint(trainer: Trainer, pairs: Pairs) -> Tensor:
    """Paint pairs' frames with the average network, (B, 3, H, W) in [0, 1] on the CPU."""
    height, width = pairs.frames.shape[-2:]
    x = spread(pairs.spectrograms, height, width)
    painted = []
    for spectrograms in torch.split(x, trainer.settings.batch):
        with trainer.fabric.autocast():
            painted.append(trainer.average(spectrograms.to(trainer.fabric.device)).float().cpu())
    return torch.cat(painted) / 2 + 0.5


def _lay(pictures: Tensor) -> list[Tensor]:
    """Lay (B, 3, H, W) pictures side by side in rows (3, H, sheet width), black where none is."""
    n_in_row = max(1, _SHEET_WIDTH // pictures.shape[-1])
    rows = [torch.cat(list(row), 2) for row in torch.split(pictures, n_in_row)]
    return [F.pad(row, (0, max(0, _SHEET_WIDTH - row.shape[-1]))) for row in rows]


def _in_colour(pairs: Pairs) -> Tensor:
    """Return the spectrogram pictures at the frames' size with three equal channels."""
    spectrograms = spread(pairs.spectrograms, *pairs.frames.shape[-2:]) / 2 + 0.5
    return spectrograms.expand(-1, 3, -1, -1)
