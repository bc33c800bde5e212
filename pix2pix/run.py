"""A training run: its folder, its budget, its average network, and how it stops."""

import json
import math
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from PIL import Image
from torch import Generator, Tensor, nn

from pix2pix import weights

# Nested dicts and lists of tensors and JSON values, such as `state_dict()` gives.
State = dict[str, Any]


class Diverged(RuntimeError):  # noqa: N818, named by what has happened
    """Training has reached NaN or infinity; the checkpoint from before it is kept."""


class Run:
    """The folder of one network's training, made where it is missing.

    log.jsonl               a line a logged step: step, elapsed_s, losses
    samples/00012000.png    the fixed sample grid at a step
    checkpoint.safetensors  the newest state, enough to go on exactly
    best.safetensors        the best average network of the end, as a theme ships it
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "samples").mkdir(parents=True, exist_ok=True)

    @property
    def best(self) -> Path:
        """Where the best network lies once there is one."""
        return self.folder / "best.safetensors"

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a state to go on from."""
        return (self.folder / "checkpoint.safetensors").exists()

    def log(self, step: int, elapsed_s: float, figures: Mapping[str, float]) -> None:
        """Append a line to the log.

        Raises
        ------
        Diverged
            A figure is NaN or infinite.
        """
        check_finite(step, figures)
        line = json.dumps({"step": step, "elapsed_s": round(elapsed_s, 3), **figures})
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(line + "\n")

    def save_sample(self, step: int, picture: Tensor) -> None:
        """Write a sample grid, (3, H, W) in [0, 1]."""
        pixels = (picture.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8)
        image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
        image.save(self.folder / "samples" / f"{step:08d}.png")

    def save(self, state: State) -> None:
        """Replace the checkpoint, whole or not at all.

        Parameters
        ----------
        state : nested dicts and lists of tensors and JSON values, with "step" among them

        Raises
        ------
        Diverged
            A tensor holds NaN or infinity; the checkpoint before it is kept.
        """
        tensors: dict[str, Tensor] = {}
        skeleton = _flatten(state, "", tensors)
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                raise Diverged(f"NaN or infinity in {name} at step {state['step']}.")
        metadata = {"state": json.dumps(skeleton)}
        weights.save(self.folder / "checkpoint.safetensors", tensors, metadata)

    def load(self) -> State:
        """Read the checkpoint, and drop what was logged after it.

        Raises
        ------
        weights.BrokenWeights
            There is no checkpoint, or it is damaged.
        """
        checkpoint = weights.load(self.folder / "checkpoint.safetensors", None)
        state: State = _unflatten(json.loads(checkpoint.metadata["state"]), checkpoint.tensors)
        log = self.folder / "log.jsonl"
        if log.exists():
            lines = log.read_text().splitlines(keepends=True)
            kept = [line for line in lines if json.loads(line)["step"] <= state["step"]]
            log.write_text("".join(kept))
        return state


def check_finite(step: int, figures: Mapping[str, float]) -> None:
    """Stop a run whose figures are no numbers any more.

    Raises
    ------
    Diverged
        A figure is NaN or infinite.
    """
    for name, figure in figures.items():
        if not math.isfinite(figure):
            raise Diverged(f"{name} is {figure} at step {step}.")


def _flatten(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Collect the tensors of a nested state by name; return the rest of it as JSON values."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        # Pairs, not an object: an optimizer's keys are whole numbers, and JSON's are strings.
        pairs = [[key, _flatten(item, f"{name}/{key}", tensors)] for key, item in value.items()]
        return {"pairs": pairs}
    if isinstance(value, list | tuple):
        return [_flatten(item, f"{name}/{n}", tensors) for n, item in enumerate(value)]
    return value


def _unflatten(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Build the nested state again."""
    if isinstance(value, list):
        return [_unflatten(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    return {key: _unflatten(item, tensors) for key, item in value["pairs"]}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long to train: so many minutes or so many steps, whichever is over first.

    Raises
    ------
    ValueError
        Neither is given, or one is not above 0.
    """

    minutes: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        given = [limit for limit in (self.minutes, self.steps) if limit is not None]
        if not given or min(given) <= 0:
            raise ValueError("Give the minutes or the steps to train, above 0.")

    def share(self, step: int, elapsed_s: float) -> float:
        """Return the share of the budget that is spent, 0 at the start, 1 or more at the end."""
        by_time = 0.0 if self.minutes is None else elapsed_s / (60 * self.minutes)
        by_steps = 0.0 if self.steps is None else step / self.steps
        return max(by_time, by_steps)


def decay(share: float) -> float:
    """Return the factor on the learning rate: 1 for half the budget, then straight down to 0."""
    return min(1.0, max(0.0, 2 * (1 - share)))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, step: int, half_life: int) -> None:
    """Move an average network towards the one that is being trained.

    Running statistics are averaged with the weights, since they belong to them.

    Parameters
    ----------
    average : changed in place; same form as `network`
    network : the one being trained
    step : steps trained; at first the average follows closely, so that it forgets the start
    half_life : steps after which a network's part in the average has halved
    """
    kept = min(0.5 ** (1 / half_life), (1 + step) / (10 + step))
    theirs = network.state_dict()
    for name, mine in average.state_dict().items():
        if mine.is_floating_point():
            mine.lerp_(theirs[name], 1 - kept)
        else:
            mine.copy_(theirs[name])  # how many batches a batch norm has seen


def seeded(seed: int, *place: int) -> Generator:
    """Return a CPU generator that depends on the seed and the place alone.

    Drawn anew for each step (and device), it needs no saving: step 300 draws the same numbers
    whether the run was stopped before it or not, on one device or on many.
    """
    mixed = seed
    for number in place:
        # Knuth's multiplicative step (MMIX), so that neighbouring places share nothing.
        mixed = (mixed * 6364136223846793005 + number + 1442695040888963407) % 2**63
    return Generator().manual_seed(mixed)


class Stop:
    """Whether Ctrl-C or SIGTERM has asked a run to stop."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Note the wish; the loop looks at it after each step."""
        self.asked = True


@contextmanager
def catch_stop() -> Iterator[Stop]:
    """Turn Ctrl-C and SIGTERM into a wish to stop, so that a checkpoint can be saved first."""
    stop = Stop()
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
