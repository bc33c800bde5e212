"""What listens beside the encoder of pix2pix, and tells the decoder what it hears."""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

SIDE = 256  # rows of 86 Hz and columns of 5.8 ms that a spectrogram picture is heard in
N_BANDS = 40  # each a seventh wider than the one below it, and a row at least
# How long the sound is remembered, in windows (1.5 s each): a blow, a note, a bar, all alike.
MEMORIES = (0.02, 0.06, 0.2, 0.6, float("inf"))
N_ALONG, N_STEP = 8, 4  # columns, or rows, over which tones, or blows, are told, and how often
N_FLUX = 3  # columns from a level to the one that it is a rise above
N_WEIGHED = 8  # ways of weighing the bands
WIDTH = 64  # channels of the convolutions along time
SLOPE = 0.2
# In files from before rises and swings were heard these are narrower, and the others are missing.
GROWN = {"hearing.ear.first.weight", "hearing.ear.sum_up.weight"}
NEW = {"hearing.ear.weigh.weight", "hearing.ear.weigh.bias"}
USUAL = "hearing.usual"  # missing where nothing was emphasised yet


class Ear(nn.Module):
    """Hear spectrogram pictures as wholes: what sounds now, what did before, what begins.

    The encoder takes them for pictures like any other, in which the newest sound, the one that
    must be seen now, is one place of many. The ear knows that rows are frequencies, of which the
    low ones count for more, and that columns are time. Of each band it knows the level, how much
    it rises (spectral flux), and how far held tones and blows stand out in it (as lines along time
    and across it, Fitzgerald 2010); two convolutions along time tell what begins and ends; all is
    summed up with weights that fade into the past. Of some loudnesses, bands weighed in as many
    ways, it knows how far they swing as well.

    Parameters
    ----------
    n_heard : numbers that it hears
    """

    bands: Tensor  # (N_BANDS, SIDE), from the highest to the lowest, as the rows
    memory: Tensor  # (SIDE, len(MEMORIES)), each sums to 1

    def __init__(self, n_heard: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(4 * N_BANDS, WIDTH, 5, padding=2)
        self.second = nn.Conv1d(WIDTH, WIDTH, 5, padding=2)
        self.weigh = nn.Conv1d(N_BANDS, N_WEIGHED, 1)
        n_remembered = (5 * N_BANDS + WIDTH + 2 * N_WEIGHED) * len(MEMORIES)
        self.sum_up = nn.Linear(n_remembered, 2 * n_heard)
        self.hear = nn.Linear(2 * n_heard, n_heard)
        self.register_buffer("bands", _part_bands(), persistent=False)
        age = torch.arange(SIDE - 1, -1, -1)[:, None] / SIDE
        weights = torch.exp(-age / torch.tensor(MEMORIES))
        self.register_buffer("memory", weights / weights.sum(0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map spectrogram pictures (B, 1, H, W) in [−1, 1] to what is heard, (B, n_heard).

        Always in float32: what is rounded here shakes the whole picture.
        """
        with torch.autocast(x.device.type, enabled=False):
            picture = F.adaptive_avg_pool2d(x.float(), SIDE)[:, 0] / 2 + 0.5  # silence is 0
            level = self.bands @ picture
            rises = F.pad(F.relu(level[:, :, N_FLUX:] - level[:, :, :-N_FLUX]), (N_FLUX, 0))
            told = torch.cat([level, *self._find_lines(picture)], 1)
            made = F.leaky_relu(self.first(torch.cat([told, rises], 1)), SLOPE)
            made = F.leaky_relu(self.second(made), SLOPE)
            loud = self.weigh(level)
            sums = torch.cat([told, level.square(), made, rises, loud], 1) @ self.memory
            swings = ((loud - loud.mean(2, keepdim=True)).square() @ self.memory + 1e-6).sqrt()
            remembered = torch.cat([sums, swings], 1)
            summed = F.leaky_relu(self.sum_up(remembered.flatten(1)), SLOPE)
            heard: Tensor = self.hear(summed)
        return heard

    def _find_lines(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return how far lines along time, and across it, stand out of each band."""
        held = F.avg_pool2d(picture, (1, N_ALONG), (1, N_STEP), (0, N_ALONG // 2))[:, :, 1:]
        struck = F.avg_pool2d(picture, (N_ALONG, 1), (N_STEP, 1), (N_ALONG // 2, 0))[:, 1:]
        tones = F.pad((held[:, 1:] - held[:, :-1]).abs(), (0, 0, 1, 0))
        blows = F.pad((struck[:, :, 1:] - struck[:, :, :-1]).abs(), (1, 0))
        bands_of_steps = self.bands.reshape(N_BANDS, -1, N_STEP).sum(2)
        return (self.bands @ tones).repeat_interleave(N_STEP, 2), bands_of_steps @ blows

    def start(self, generator: Generator) -> None:
        """Draw its weights from a CPU generator, so that each layer keeps its input's strength."""
        for layer in (self.first, self.second, self.weigh, self.sum_up, self.hear):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE, generator=generator)
            nn.init.zeros_(cast(Tensor, layer.bias))


def complete(tensors: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights of an ear from before it heard rises and swings, so that they fit a state.

    What comes from those weighs nothing in it; how loudnesses are weighed, and what is usual, stays
    as in the state. Other weights come back as they are.
    """
    fitting = dict(tensors)
    for name in GROWN & tensors.keys() & state.keys():
        spare = state[name].shape[1] - tensors[name].shape[1]
        fitting[name] = F.pad(tensors[name], (0, 0) * (tensors[name].ndim - 2) + (0, spare))
    if tensors.keys() >= GROWN:
        fitting |= {name: state[name] for name in (NEW | {USUAL}) - tensors.keys()}
    return fitting


def _part_bands() -> Tensor:
    """Return the mean over each band's rows as weights (N_BANDS, SIDE)."""
    borders = [0]
    for band in range(N_BANDS):
        borders.append(max(borders[-1] + 1, round(SIDE ** ((band + 1) / N_BANDS))))
    weights = torch.zeros(N_BANDS, SIDE)
    for band in range(N_BANDS):
        weights[band, borders[band] : borders[band + 1]] = 1 / (borders[band + 1] - borders[band])
    return weights.flip(0, 1)


class Hearing(nn.Module):
    """An ear, and what lets the maps of a decoder heed it: their channels are scaled and shifted.

    As in Perez et al. 2018. It begins by changing nothing.

    What differs from the usual is painted with more emphasis than it was learnt with: to be sure of
    little is to paint the mean of much, so frames move less than true ones do.

    Parameters
    ----------
    n_heard : numbers that the ear hears
    widths : channels of the maps that heed it
    emphasis : by which factor, in painting
    """

    usual: Tensor  # (n_heard,), the mean of what is heard

    def __init__(self, n_heard: int, widths: Sequence[int], emphasis: float) -> None:
        super().__init__()
        self.ear = Ear(n_heard)
        self.emphasis = emphasis
        self.register_buffer("usual", torch.zeros(n_heard))
        self.changes = nn.ModuleList(nn.Linear(n_heard, 2 * width) for width in widths)
        self._change_nothing()

    def listen(self, x: Tensor) -> Tensor:
        """Return what is heard in (B, 1, H, W) in [−1, 1], with emphasis but while learning."""
        heard: Tensor = self.ear(x)
        if self.training or self.emphasis == 1:
            return heard
        return torch.lerp(self.usual, heard, self.emphasis)

    def heed(self, place: int, x: Tensor, heard: Tensor) -> Tensor:
        """Change the map (B, C, h, w) at a place among those that heed; others stay as they are."""
        if place >= len(self.changes):
            return x
        with torch.autocast(x.device.type, enabled=False):
            scale, shift = self.changes[place](heard)[:, :, None, None].to(x.dtype).chunk(2, 1)
        return torch.addcmul(shift, x, 1 + scale)

    def start(self, generator: Generator) -> None:
        """Begin anew."""
        self.ear.start(generator)
        self._change_nothing()

    def _change_nothing(self) -> None:
        for parameter in self.changes.parameters():
            nn.init.zeros_(parameter)
