"""Train pix2pix: the losses of Isola et al. (2017) on pairs of spectrogram pictures and frames."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from pix2pix.contrast import compare_contrasts
from pix2pix.grids import SQUARE, spread
from pix2pix.lessons import fit, vary
from pix2pix.networks import PatchDiscriminator, UNet, initialise
from pix2pix.painter import save_network
from pix2pix.pairs import Batch, Pairs, PairSource
from pix2pix.run import State, check_finite, decay, seeded, update_average
from pix2pix.settings import Settings
from pix2pix.sheets import draw_sheet

N_WARM_STEPS = 50  # over which the learning rate rises
_N_LESSONS = 4  # spectrogram pictures that are heard, for each pair of a step that paints
_N_FITTED = 1_024  # spectrogram pictures from which the numbers are fitted to an ear
_N_USUAL = 256  # spectrogram pictures whose mean is taken for the usual
# In the place of a step: no step's draws, nor those that are held out.
_FITTING, _USUAL = -1_000, -1_001
_SQUARE_WEIGHT = 2  # squares are drawn twice as often as each of the other shapes; taste
_N_SQUARES_HELD_OUT, _N_OTHERS_HELD_OUT = 32, 8  # pairs of a shape that show how far it is


class Trainer:
    """The networks and optimizers of a run, on the device and in the precision of a Fabric.

    Parameters
    ----------
    fabric : device and precision
    settings : of the networks and of the learning
    learnt : pairs to learn from
    held_out : pairs to look at, which are never learnt
    tell : where it is known what numbers true frames are painted from: maps spectrogram pictures
        (B, 256, 256) in [0, 1] to them, (B, N) in [0, 1]. The ear, or the innermost map where
        there is none, then learns to tell them as well: to hear before the painter can paint
    """

    def __init__(
        self,
        fabric: Fabric,
        settings: Settings,
        learnt: PairSource,
        held_out: PairSource,
        tell: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.fabric = fabric
        self.settings = settings
        self.learnt = learnt
        self.shown = _draw_held_out(held_out, settings.seed)
        self.painter = self.make_painter()
        self.judge = self.make_judge()
        self.tell = tell
        self.teller = _make_teller(settings, tell)
        drawn = seeded(settings.seed)
        for network in (self.painter, self.judge, self.teller):
            initialise(network, drawn)
            network.to(fabric.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.painter).eval().requires_grad_(requires_grad=False)
        self.painter.down.requires_grad_(requires_grad=settings.encoder_learns)
        self.painters = nn.ModuleList([self.painter, self.teller])  # that learn together
        self.painter_optimizer = self._make_optimizer(self.painters)
        self.judge_optimizer = self._make_optimizer(self.judge)
        self.is_settled = False  # whether the painter's norms keep their statistics

    def make_painter(self) -> UNet:
        """Return the network that paints."""
        return UNet(self.settings.unet)

    def make_judge(self) -> nn.Module:
        """Return the network that judges frames beside their spectrogram pictures."""
        return PatchDiscriminator(self.settings.judge_width)

    def _make_optimizer(self, network: nn.Module) -> Adam:
        # Betas from the paper.
        rate = self.settings.learning_rate
        return Adam(network.parameters(), lr=rate, betas=(0.5, 0.999), fused=True)

    def begin_with(self, painter: UNet) -> None:
        """Take over a painter that was trained before; the judge begins anew.

        So does the ear, where the painter has none. Where it has one, what tells the numbers is
        fitted to it.

        Raises
        ------
        ValueError
            It has another form than the settings ask for.
        """
        unet = self.settings.unet
        heard = painter.config.n_heard or unet.n_heard
        if replace(painter.config, n_heard=heard, emphasis=unet.emphasis) != unet:
            raise ValueError(f"The weights to begin with are of another form: {painter.config}.")
        for network in (self.painter, self.average):
            network.load_state_dict(network.state_dict() | painter.state_dict())
        if self.tell and painter.config.n_heard:
            self._fit_teller(self.tell)

    @torch.no_grad()
    def _fit_teller(self, tell: Callable[[Tensor], Tensor]) -> None:
        """Let the teller tell the numbers from what an ear that has learnt hears already.

        Beginning with nothing, it would shake the ear until it had found them.
        """
        heard, numbers = [], []
        for sounds in self._draw_sounds(_FITTING, _N_FITTED):
            heard.append(self._hear(sounds))
            numbers.append(tell(sounds))
        fit(cast(nn.Linear, self.teller), torch.cat(heard), torch.cat(numbers))

    def _draw_sounds(self, place: int, n_all: int) -> Iterator[Tensor]:
        """Draw n_all spectrogram pictures to learn from, or a few more, some at a time."""
        generator, n = seeded(self.settings.seed, place), _N_LESSONS * self.settings.batch
        for _ in range(math.ceil(n_all / n)):
            yield self.learnt.batch(generator, n, SQUARE, SQUARE).spectrograms[:, 0]

    def _hear(self, sounds: Tensor) -> Tensor:
        """Return what the ear hears in spectrogram pictures (B, 256, 256) in [0, 1]."""
        return cast(Tensor, self.painter.listen(self._see(sounds)))

    def _see(self, sounds: Tensor) -> Tensor:
        return _bring(sounds[:, None] * 2 - 1, self.fabric.device)

    def step(self, step: int, share: float) -> dict[str, float]:
        """Learn from one batch; see `pix2pix.loop.Training`."""
        generator = seeded(self.settings.seed, step)
        if self._is_listening(share):
            return self._listen(generator, step, share)
        return self.learn(self._draw(generator), step, share)

    def _is_listening(self, share: float) -> bool:
        """Tell whether the ear alone learns at a share of the budget."""
        has_lessons = self.tell is not None and self.painter.hearing is not None
        return has_lessons and share < self.settings.listen_until

    def _listen(self, generator: Generator, step: int, share: float) -> dict[str, float]:
        """Teach the ear alone to tell the numbers that a director sees in spectrogram pictures."""
        settings = self.settings
        n = _N_LESSONS * settings.batch
        drawn = self.learnt.batch(generator, n * self.fabric.world_size, SQUARE, SQUARE)
        varied = vary(drawn.spectrograms[:, 0], generator)
        own = varied[self._own(n)]
        numbers = cast("Callable[[Tensor], Tensor]", self.tell)(own).to(self.fabric.device)
        told = F.l1_loss(self.teller(self._hear(own)), numbers)
        spent = share / settings.listen_until
        _set_rate(self.painter_optimizer, settings.listening_rate, step, spent)
        self._descend(self.painters, self.painter_optimizer, settings.told_weight * told)
        update_average(self.average, self.painter, step, settings.average_half_life)
        check_finite(step, {"told": told.item()})
        return {"told": told.item()}

    def _draw(self, generator: Generator) -> Pairs:
        """Draw a step's pairs, all of one shape; the larger the shape, the fewer pairs.

        They are drawn for all devices, which take their own, so that they learn as one would.
        """
        shapes = list(self.learnt.shapes)
        weights = [_SQUARE_WEIGHT if height == width else 1 for height, width in shapes]
        place = int(torch.multinomial(torch.tensor(weights).float(), 1, generator=generator))
        height, width = shapes[place]
        n = max(1, self.settings.batch * SQUARE * SQUARE // (height * width))
        drawn = self.learnt.batch(generator, n * self.fabric.world_size, height, width)
        own = self._own(n)
        return Batch(spectrograms=drawn.spectrograms[own], frames=drawn.frames[own])

    def _own(self, n: int) -> slice:
        """Return which n of what was drawn for all devices are this one's."""
        return slice(n * self.fabric.global_rank, n * (self.fabric.global_rank + 1))

    def learn(self, pairs: Pairs, step: int, share: float) -> dict[str, float]:
        """Train once: the judge, where it has joined, and then the painter.

        Parameters
        ----------
        pairs : what to learn from, on any device
        step : steps before this one
        share : of the budget that is spent, 0 to 1; decides the learning rate, and on the judge

        Returns
        -------
        dict[str, float]
            Losses: L1 in [−1, 1], and once the judge has joined its own and the adversarial one.

        Raises
        ------
        Diverged
            A loss is NaN or infinite.
        """
        is_judged = self._enter(step, share)
        device = self.fabric.device
        height, width = pairs.frames.shape[-2:]
        spectrograms = _bring(spread(pairs.spectrograms, height, width), device)
        frames = _bring(pairs.frames * 2 - 1, device)
        with self._seeded_dropout(step), self._autocast():
            encoded, heard = self.painter.encode(spectrograms), self.painter.listen(spectrograms)
            painted = self.painter.decode(encoded, heard)
        l1 = F.l1_loss(painted.float(), frames)
        losses = {"l1": l1}
        painter_loss = self.settings.l1_weight * l1
        if self.settings.contrast_weight:
            losses["contrast"] = compare_contrasts(painted.float(), frames)
            painter_loss = painter_loss + self.settings.contrast_weight * losses["contrast"]
        if self.tell:
            told = self.teller(encoded[-1].float().mean((2, 3)) if heard is None else heard)
            losses["told"] = F.l1_loss(told, self.tell(pairs.spectrograms[:, 0]).to(device))
            painter_loss = painter_loss + self.settings.told_weight * losses["told"]
        if is_judged:
            losses["judge"] = self._teach_judge(spectrograms, frames, painted.detach())
            with self._autocast():
                losses["adversarial"] = self.convince(spectrograms, frames, painted)
            painter_loss = painter_loss + losses["adversarial"]
        self._descend(self.painters, self.painter_optimizer, painter_loss)
        update_average(self.average, self.painter, step, self.settings.average_half_life)
        figures = {name: loss.item() for name, loss in losses.items()}
        check_finite(step, figures)
        return figures

    def _enter(self, step: int, share: float) -> bool:
        """Settle norms and rates for a share of the budget; tell whether the judge has joined."""
        settings = self.settings
        if share >= settings.settle_from and not self.is_settled:
            self._settle()
        is_judged = share >= settings.judge_from
        is_early = not is_judged and not self.is_settled
        rate = settings.unsettled_rate if is_early else settings.learning_rate
        for optimizer in (self.painter_optimizer, self.judge_optimizer):
            _set_rate(optimizer, rate, step, share)
        return is_judged

    def _teach_judge(self, spectrograms: Tensor, frames: Tensor, painted: Tensor) -> Tensor:
        """Train the judge once, leave it frozen for the painter's turn, and return its loss."""
        self.judge.requires_grad_(requires_grad=True)
        with self._autocast():
            loss = self.oppose(spectrograms, frames, painted)
        self._descend(self.judge, self.judge_optimizer, loss)
        self.judge.requires_grad_(requires_grad=False)
        return loss

    def oppose(self, spectrograms: Tensor, frames: Tensor, painted: Tensor) -> Tensor:
        """Return the judge's loss: how far it takes true for painted, or painted for true.

        Parameters
        ----------
        spectrograms : (B, 1, H, W) in [−1, 1]
        frames, painted : (B, 3, H, W) in [−1, 1]
        """
        true_logits = self.judge(spectrograms, frames)
        painted_logits = self.judge(spectrograms, painted)
        # Halved, as in the paper, to slow the judge down beside the painter.
        return (_judged(true_logits, 1.0) + _judged(painted_logits, 0.0)) / 2

    def convince(self, spectrograms: Tensor, frames: Tensor, painted: Tensor) -> Tensor:  # noqa: ARG002
        """Return the painter's loss beside L1: how far the judge sees through what is painted."""
        return _judged(self.judge(spectrograms, painted), 1.0)

    def _settle(self) -> None:
        """Give the painter's norms the averages over many batches, and let them keep those."""
        for norm, averaged in zip(_norms(self.painter), _norms(self.average), strict=True):
            norm.load_state_dict(averaged.state_dict() | dict(norm.named_parameters()))
            norm.eval()
        self.is_settled = True

    def _autocast(self) -> torch.autocast:
        device = self.fabric.device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.settings.bf16)

    @contextmanager
    def _seeded_dropout(self, step: int) -> Iterator[None]:
        """Let dropout draw the same numbers whenever a step is taken again.

        Dropout draws from torch's own generator and takes no other; it is seeded for these
        lines alone, and put back.
        """
        device = self.fabric.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(
                seeded(self.settings.seed, step, self.fabric.global_rank).initial_seed()
            )
            yield

    def _descend(self, network: nn.Module, optimizer: Adam, loss: Tensor) -> None:
        """Take one step down a loss, with the gradients averaged over the devices."""
        optimizer.zero_grad()
        self.fabric.backward(loss)
        if self.fabric.world_size > 1:
            # By hand: DistributedDataParallel does not bear a network that is used twice.
            gradients = [p.grad for p in network.parameters() if p.grad is not None]
            means = cast("list[Tensor]", self.fabric.all_reduce(gradients, reduce_op="mean"))
            for gradient, mean in zip(gradients, means, strict=True):
                gradient.copy_(mean)
        optimizer.step()

    def sample(self) -> Tensor:
        """Draw spectrogram picture, painted and true frame of some held-out pairs."""
        return draw_sheet([(pairs, self._paint(pairs)) for pairs in self.shown])

    def measure(self) -> float:
        """Return the L1 distance, in [0, 1], of the average network's frames from the true ones."""
        self._note_usual()
        errors = [(self._paint(pairs) - pairs.frames).abs().mean((1, 2, 3)) for pairs in self.shown]
        return torch.cat(errors).mean().item()

    def export(self, path: Path) -> str:
        """Write the average network; return the file's SHA-256."""
        self._note_usual()
        return save_network(path, self.average)

    @torch.no_grad()
    def _note_usual(self) -> None:
        """Note what is heard on average: painting emphasises what differs from it."""
        if self.average.hearing is None:
            return
        sounds = self._draw_sounds(_USUAL, _N_USUAL)
        heard = [self.average.hearing.ear(self._see(some)) for some in sounds]
        self.average.hearing.usual.copy_(torch.cat(heard).mean(0))

    @torch.no_grad()
    def _paint(self, pairs: Pairs) -> Tensor:
        """Paint pairs' frames with the average network, (B, 3, H, W) in [0, 1] on the CPU."""
        x = spread(pairs.spectrograms, *pairs.frames.shape[-2:])
        painted = []
        for spectrograms in torch.split(x, self.settings.batch):
            with self._autocast():
                painted.append(self.average(spectrograms.to(self.fabric.device)).float().cpu())
        return torch.cat(painted) / 2 + 0.5

    def state(self) -> State:
        """Return all that a run needs to go on exactly; tensors are shared, not copied."""
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        return {"is_settled": self.is_settled, **parts}

    def restore(self, state: State) -> None:
        """Take up a state that `state` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        for optimizer in (self.painter_optimizer, self.judge_optimizer):
            _match_layout(optimizer)
        self.is_settled = state["is_settled"]
        for norm in _norms(self.painter):
            norm.train(mode=not self.is_settled)

    def _parts(self) -> dict[str, nn.Module | Adam]:
        return {
            "painter": self.painter,
            "teller": self.teller,
            "judge": self.judge,
            "average": self.average,
            "painter_optimizer": self.painter_optimizer,
            "judge_optimizer": self.judge_optimizer,
        }


def _make_teller(settings: Settings, tell: Callable[[Tensor], Tensor] | None) -> nn.Module:
    """Return the layer from the innermost map's means to the numbers, if there are any."""
    if tell is None:
        return nn.Identity()
    n_numbers = tell(torch.zeros(1, SQUARE, SQUARE)).shape[1]
    unet = settings.unet
    teller = nn.Linear(unet.n_heard or unet.n_channels(unet.n_levels - 1), n_numbers)
    for parameter in teller.parameters():
        nn.init.zeros_(parameter)
    return teller


def _draw_held_out(source: PairSource, seed: int) -> list[Pairs]:
    """Draw the pairs to look at, of each shape, the same ones whenever a run goes on."""
    drawn = []
    for place, ((height, width), n_held) in enumerate(source.shapes.items()):
        n = min(n_held, _N_SQUARES_HELD_OUT if height == width else _N_OTHERS_HELD_OUT)
        drawn.append(source.batch(seeded(seed, -1 - place), n, height, width))
    return drawn


def _norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def _bring(pictures: Tensor, device: torch.device) -> Tensor:
    """Bring pictures to a device, in the layout that convolutions like."""
    return pictures.to(device).contiguous(memory_format=torch.channels_last)


def _judged(logits: Tensor, truth: float) -> Tensor:
    """Return the adversarial loss of logits that ought to say `truth`, 1 for true."""
    return F.binary_cross_entropy_with_logits(
        logits.float(), torch.full_like(logits, truth).float()
    )


def _set_rate(optimizer: Adam, rate: float, step: int, share: float) -> None:
    """Rise to a rate over the first steps, since Adam's are blind, and fall at the end."""
    rate *= min(1.0, (1 + step) / N_WARM_STEPS) * decay(share)
    for group in optimizer.param_groups:
        group["lr"] = rate


def _match_layout(optimizer: Adam) -> None:
    """Lay an optimizer's moments out as its weights are, which a file does not keep."""
    for parameter, moments in optimizer.state.items():
        for name, moment in moments.items():
            if moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment).detach()
