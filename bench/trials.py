"""What helps pix2pix: losses and judges of the literature, each trained alike on the same pairs.

The first three are the comparison of Isola et al. (2017), section 4.1: L1 alone blurs, the
adversarial loss alone is sharp and wrong in places, both together are sharp and near. The others
each add one thing to both. Settings that are not named are the shipped ones.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from film.process import settle_process

settle_process()  # before anything imports torch

import click  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from keyframes.layers import Attention  # noqa: E402
from measures import pairs as pair_measures  # noqa: E402
from pix2pix.grids import spread  # noqa: E402
from pix2pix.networks import PatchDiscriminator, UNet  # noqa: E402
from pix2pix.painter import choose_precision  # noqa: E402
from pix2pix.pairs import Batch, PairSource  # noqa: E402
from pix2pix.training import Trainer  # noqa: E402
from themes.arrays import Floats, save_sheet  # noqa: E402
from themes.checking import N_RUNNING, N_SONGS  # noqa: E402
from themes.frames_figures import SIDE, Paints, measure_music, paint  # noqa: E402
from themes.sources import Makers  # noqa: E402
from themes.training import PIX2PIX  # noqa: E402
from training_data.excerpts import Excerpt, make_excerpts  # noqa: E402
from training_data.pairs import DIRECTIONS  # noqa: E402

Row = dict[str, float]

N_COMPARED, N_SHOWN = 256, 8  # held-out pairs
N_SONGS_HEARD = 32  # of training, for frames in a row to learn from; as many of each
COLUMNS = ("L1", "PSNR, dB", "SSIM", "sharpness", "right one of 100 in ten", "temporal ratio")


class FeatureMatching(Trainer):
    """The judge's inner maps of painted and true frames are to be alike (Wang et al. 2018)."""

    WEIGHT = 10.0

    def convince(self, spectrograms: Tensor, frames: Tensor, painted: Tensor) -> Tensor:
        """Add the mean distance of the maps."""
        judge = cast(PatchDiscriminator, self.judge)
        looks = (_look(judge, spectrograms, x) for x in (painted, frames))
        maps = zip(*looks, strict=True)
        apart = torch.stack([F.l1_loss(ours.float(), true.detach().float()) for ours, true in maps])
        return super().convince(spectrograms, frames, painted) + self.WEIGHT * apart.mean()


def _look(judge: PatchDiscriminator, spectrograms: Tensor, frames: Tensor) -> list[Tensor]:
    x = F.leaky_relu(judge.first(torch.cat([spectrograms, frames], 1)), 0.2)
    maps = [x]
    for conv, norm in zip(judge.convs, judge.norms, strict=True):
        x = F.leaky_relu(norm(conv(x)), 0.2)
        maps.append(x)
    return maps


class _TwoJudges(nn.Module):
    """One judge of the frame and one of half its size; their logits in a row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.judges = nn.ModuleList(PatchDiscriminator(width) for _ in range(2))

    def forward(self, spectrograms: Tensor, frames: Tensor) -> Tensor:
        halves = [F.avg_pool2d(x, 2) for x in (spectrograms, frames)]
        near, far = self.judges
        return torch.cat([near(spectrograms, frames).flatten(1), far(*halves).flatten(1)], 1)


class TwoScales(Trainer):
    """Two judges, of the frame and of half its size (Wang et al. 2018)."""

    def make_judge(self) -> nn.Module:
        """Return both as one."""
        return _TwoJudges(self.settings.judge_width)


class Relativistic(Trainer):
    """True frames against painted ones, with both slopes cut (Huang et al. 2024)."""

    GAMMA, EVERY = 1.0, 8  # steps

    def oppose(self, spectrograms: Tensor, frames: Tensor, painted: Tensor) -> Tensor:
        """Return the judge's loss."""
        self.n_opposed = getattr(self, "n_opposed", -1) + 1
        of_true, of_painted = (self.judge(spectrograms, x).float() for x in (frames, painted))
        loss = F.softplus(of_painted - of_true).mean()
        if self.n_opposed % self.EVERY == 0:
            with torch.autocast(frames.device.type, enabled=False):
                slopes = sum(self._slope(spectrograms, x) for x in (frames, painted))
            loss = loss + 0.5 * self.GAMMA * self.EVERY * slopes
        return loss

    def _slope(self, spectrograms: Tensor, frames: Tensor) -> Tensor:
        frames = frames.detach().float().requires_grad_()
        logits = self.judge(spectrograms, frames).mean((1, 2, 3)).sum()
        (slope,) = torch.autograd.grad(logits, frames, create_graph=True)
        return slope.square().sum((1, 2, 3)).mean()

    def convince(self, spectrograms: Tensor, frames: Tensor, painted: Tensor) -> Tensor:
        """Return the painter's loss."""
        of_true, of_painted = (self.judge(spectrograms, x).float() for x in (frames, painted))
        return F.softplus(of_true.detach() - of_painted).mean()


class _AttendingUp(nn.Module):
    """A level of the decoder, and then a look from each place of its map at all others."""

    def __init__(self, up: nn.Module, n_channels: int) -> None:
        super().__init__()
        self.up = up
        self.attention = Attention(n_channels)

    def forward(self, x: Tensor) -> Tensor:
        seen: Tensor = self.attention(self.up(x))
        return seen


class Attending(Trainer):
    """Attention over the whole picture in the decoder, at 32×32 places (Zhang et al. 2019)."""

    LEVEL = 3

    def make_painter(self) -> UNet:
        """Put attention behind a level."""
        painter = super().make_painter()
        n_channels = painter.config.n_channels(self.LEVEL - 1)
        painter.up[self.LEVEL] = _AttendingUp(painter.up[self.LEVEL], n_channels)
        return painter


class InARow(Trainer):
    """Changes from frame to frame are to be those of the true frames; needs frames in a row."""

    WEIGHT = 100.0

    def convince(self, spectrograms: Tensor, frames: Tensor, painted: Tensor) -> Tensor:
        """Add the mean distance of the changes of neighbours."""
        ours, true = (x.float()[1::2] - x.float()[::2] for x in (painted, frames))
        return super().convince(spectrograms, frames, painted) + self.WEIGHT * F.l1_loss(ours, true)


class _Unfolded:
    """Paints with a network as it is, whatever a trial has put into it."""

    def __init__(self, network: UNet) -> None:
        self._network = network
        self._is_rough = choose_precision() == "bf16"

    @torch.inference_mode()
    def paint(self, windows: Tensor, height: int, width: int) -> Tensor:
        """Paint frames; see `pix2pix.painter.Painter`."""
        with torch.autocast(windows.device.type, torch.bfloat16, enabled=self._is_rough):
            frames = cast(Tensor, self._network(spread(windows[:, None], height, width)))
        return frames.float() / 2 + 0.5


class Neighbours:
    """Pairs of which each two are frames in a row, of the songs that training hears."""

    def __init__(self, maker: str) -> None:
        heard = make_excerpts(DIRECTIONS[maker], N_SONGS_HEARD, N_RUNNING, held_out=False)
        spectrograms, frames = zip(*((x.spectrograms, x.frames) for x in heard), strict=True)
        self._pairs = Batch(spectrograms=torch.cat(spectrograms)[:, None], frames=torch.cat(frames))
        self.shapes = {(SIDE, SIDE): len(self._pairs.frames)}

    def batch(self, generator: torch.Generator, n: int, _height: int, _width: int) -> Batch:
        """Draw n pairs, an even number."""
        first = 2 * torch.randint(self.shapes[SIDE, SIDE] // 2, (n // 2,), generator=generator)
        drawn = torch.stack([first, first + 1], 1).flatten()
        return Batch(spectrograms=self._pairs.spectrograms[drawn], frames=self._pairs.frames[drawn])


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One thing to try."""

    trainer: type[Trainer] = Trainer
    judge_from: float = 0.0
    l1_weight: float = 100.0
    learning_rate: float = PIX2PIX.learning_rate
    is_told: bool = False  # the numbers behind the true frames
    n_heard: int = 0  # by an ear beside the encoder
    in_a_row: bool = False  # learns from neighbours


TRIALS = {
    "L1": Trial(judge_from=1.0),
    "cGAN": Trial(l1_weight=0.0, learning_rate=2e-4),  # the paper's; at ours it ends in black
    "L1 + cGAN": Trial(),
    "+ L1 weighs a quarter": Trial(l1_weight=25.0),
    "+ feature matching": Trial(trainer=FeatureMatching),
    "+ two scales": Trial(trainer=TwoScales),
    "+ relativistic, R1, R2": Trial(trainer=Relativistic),
    "+ told the numbers": Trial(is_told=True),
    "+ told the numbers, and an ear": Trial(is_told=True, n_heard=64),
    "+ the same, L1 weighs a quarter": Trial(is_told=True, n_heard=64, l1_weight=25.0),
    "+ the same, and attention": Trial(trainer=Attending, is_told=True, n_heard=64, l1_weight=25.0),
    "frames in a row": Trial(in_a_row=True),
    "frames in a row + their changes": Trial(trainer=InARow, in_a_row=True),
}


@click.command()
@click.argument("maker")
@click.option("--only", multiple=True, type=click.Choice(list(TRIALS)), help="These trials alone.")
@click.option("--steps", type=click.IntRange(1), default=2_000, show_default=True, help="Of each.")
@click.option("--width", default=16, show_default=True, help="Channels outside of pix2pix.")
@click.option("--sheet", type=click.Path(path_type=Path), help="True frames, then those of each.")
def main(maker: str, only: tuple[str, ...], steps: int, width: int, sheet: Path | None) -> None:
    """Train pix2pix on the pairs of MAKER in each way; print a table in Markdown, and JSON."""
    source = Makers([maker])
    learnt, held_out = (source.pairs(_ignore, held_out=part) for part in (False, True))
    drawn = held_out.batch(torch.Generator().manual_seed(0), N_COMPARED, SIDE, SIDE)
    excerpts = source.excerpts(N_SONGS, N_RUNNING)
    names = only or tuple(TRIALS)
    near = Neighbours(maker) if any(TRIALS[name].in_a_row for name in names) else learnt
    rows: dict[str, Row] = {}
    shown = [drawn.frames[:N_SHOWN].numpy()]
    click.echo("| trained with | steps | " + " | ".join(COLUMNS) + " |")
    click.echo("|" + " --- |" * (2 + len(COLUMNS)))
    for name in names:
        trial = TRIALS[name]
        trainer = make_trainer(trial, maker, near if trial.in_a_row else learnt, held_out, width)
        with click.progressbar(range(steps), label=name) as numbers:
            for step in numbers:
                trainer.step(step, step / steps)
        networks = {f"{name}, no average": trainer.painter.eval(), name: trainer.average}
        for row, network in networks.items():
            painter = _Unfolded(network)
            painted = paint(painter, drawn.spectrograms[:, 0])
            rows[row] = _compare(painted, drawn.frames.numpy(), painter, excerpts)
            cells = " | ".join(f"{number:.3f}" for number in rows[row].values())
            click.echo(f"| {row} | {steps} | {cells} |")
        shown.append(painted[:N_SHOWN])  # those of the average
    click.echo(json.dumps(rows))
    if sheet:
        save_sheet(sheet, np.concatenate(shown), N_SHOWN)


def make_trainer(
    trial: Trial, maker: str, learnt: PairSource, held_out: PairSource, width: int
) -> Trainer:
    """Build what learns as a trial says."""
    settings = replace(
        PIX2PIX,
        unet=replace(PIX2PIX.unet, width=width, n_heard=trial.n_heard, emphasis=1.0),
        judge_width=min(width, PIX2PIX.judge_width),
        bf16=choose_precision() == "bf16",
        listen_until=0.0,
        judge_from=trial.judge_from,
        l1_weight=trial.l1_weight,
        contrast_weight=0.0,
        learning_rate=trial.learning_rate,
    )
    fabric = Fabric(devices=1)
    tell = DIRECTIONS[maker].direct if trial.is_told else None
    return trial.trainer(fabric, settings, learnt, held_out, tell)


def _compare(painted: Floats, true: Floats, painter: Paints, excerpts: list[Excerpt]) -> Row:
    music = measure_music(painter, excerpts)
    return {
        **asdict(pair_measures.compare(painted, true)),
        "sharpness": pair_measures.measure_sharpness(painted, true),
        "top_10": music["hits"]["top_10"],
        "temporal_ratio": music["temporal_ratio"],
    }


def _ignore(_done: int, _n: int) -> None:
    """Report to nobody."""


if __name__ == "__main__":
    main()
