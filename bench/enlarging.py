"""Whether a small sub-pixel network (Shi et al. 2016) enlarges frames better than bicubic, as fast.

It learns from a maker's pictures: luma of half the size into that of the full one, as what is to be
added to bicubic. Compared on others, and timed at the size at which films are enlarged.
"""

import time
from collections.abc import Callable
from statistics import median

from film.process import settle_process

settle_process()  # before anything imports torch

import click  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.autograd import backward  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from film.colours import BLUE, GREEN, RED  # noqa: E402
from film.planes import Size, canvas_size  # noqa: E402
from film.segments import BATCH_FRAMES  # noqa: E402
from measures.pairs import measure_psnr_db, measure_sharpness  # noqa: E402
from training_data.made import MADE  # noqa: E402

SIDE = 512  # pixels
FILM = Size(height=720, width=1280)
N_LEARNT, N_HELD_OUT = 256, 64  # pictures
N_BATCH, PATCH = 16, 64  # pieces a step, and their side before they are enlarged
RATE = 2e-3
N_TIMED = 9


class SubPixel(nn.Module):
    """Enlarge luma (B, 1, H, W) in [0, 1] to twice its sides.

    Parameters
    ----------
    width : channels between its two convolutions
    drawn : draws the weights of the first
    """

    def __init__(self, width: int, drawn: torch.Generator) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 5, padding=2)
        self.last = nn.Conv2d(width, 4, 3, padding=1)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)  # begins as bicubic
        nn.init.kaiming_uniform_(self.first.weight, nonlinearity="relu", generator=drawn)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 1, 2H, 2W)."""
        added = F.pixel_shuffle(self.last(F.relu(self.first(x))), 2)
        return enlarge(x) + added


def enlarge(x: Tensor) -> Tensor:
    """Enlarge to twice the sides by bicubic; in float32, where films are enlarged in 8 bits."""
    return F.interpolate(x, scale_factor=2, mode="bicubic", antialias=True)


@click.command()
@click.argument("maker", type=click.Choice(list(MADE)))
@click.option("--steps", type=click.IntRange(1), default=3_000, show_default=True)
@click.option("--width", default=8, show_default=True, help="Channels of the network.")
def main(maker: str, steps: int, width: int) -> None:
    """Train on pictures of MAKER, and print a table."""
    drawn = torch.Generator().manual_seed(0)
    learnt, held_out = (_make(maker, drawn, n) for n in (N_LEARNT, N_HELD_OUT))
    network = SubPixel(width, drawn)
    teach(network, learnt, drawn, steps)
    ways: dict[str, Callable[[Tensor], Tensor]] = {"bicubic": enlarge, "sub-pixel": network}
    click.echo("| enlarged by | PSNR, dB | sharpness | ms a frame |\n| --- | --- | --- | --- |")
    with torch.inference_mode():
        for name, way in ways.items():
            pictures = way(_halve(held_out)).clamp(0, 1).numpy(), held_out.numpy()
            psnr, sharp = measure_psnr_db(*pictures).mean(), measure_sharpness(*pictures)
            click.echo(f"| {name} | {psnr:.2f} | {sharp:.3f} | {_time(way):.1f} |")


def teach(network: SubPixel, pictures: Tensor, drawn: torch.Generator, steps: int) -> None:
    """Train on pieces of pictures (n, 1, H, W) in [0, 1]."""
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for _ in range(steps):
        true = torch.stack([_cut(pictures, drawn) for _ in range(N_BATCH)])
        loss = F.l1_loss(network(_halve(true)), true)
        optimizer.zero_grad()
        backward(loss)
        optimizer.step()
        schedule.step()


def _make(maker: str, drawn: torch.Generator, n: int) -> Tensor:
    """Return the luma of pictures, (n, 1, SIDE, SIDE) in [0, 1]."""
    weights = torch.tensor([RED, GREEN, BLUE]).view(3, 1, 1)
    made = [MADE[maker](drawn, 16, SIDE, SIDE).float() / 255 for _ in range(n // 16)]
    return (torch.cat(made) * weights).sum(1, keepdim=True)


def _cut(pictures: Tensor, drawn: torch.Generator) -> Tensor:
    n, _, height, width = pictures.shape
    most = torch.tensor([n, height - 2 * PATCH + 1, width - 2 * PATCH + 1])
    place, y, x = (torch.rand(3, generator=drawn) * most).long().tolist()
    return pictures[place, :, y : y + 2 * PATCH, x : x + 2 * PATCH]


def _halve(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(pictures, 2)


def _time(way: Callable[[Tensor], Tensor]) -> float:
    """Return the milliseconds that a frame takes, in batches as films are made in."""
    canvas = canvas_size(FILM)
    frames = torch.rand(BATCH_FRAMES, 1, canvas.height, canvas.width)
    times_s = []
    for _ in range(N_TIMED):
        begun_s = time.perf_counter()
        way(frames)
        times_s.append(time.perf_counter() - begun_s)
    return 1_000 * median(times_s) / BATCH_FRAMES


if __name__ == "__main__":
    main()
