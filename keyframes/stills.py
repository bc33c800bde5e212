"""Stills: a seed becomes a style, a style a picture, and a walk goes from style to style."""

import copy
import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor
from torchvision.utils import make_grid

from keyframes.form import Form
from keyframes.generator import Generator
from keyframes.latents import OwnFields
from pix2pix import weights
from pix2pix.inner import Inner
from pix2pix.threads import one_thread

# Files that do not name these are from before there were any.
BEFORE: dict[str, float] = {
    "n_octaves": 0,
    "n_spots": 0,
    "n_ridges": 0,
    "n_fine": 0,
    "n_lines": 0,
    "n_layers": 0,
    "softness": 0.0,
    "hardness": 0.0,
    "warped": False,
}
# Numbers that are told, in their order in a style; older files give each a name of its own.
NAMED = (
    "cloud_place", "horizon", "sun_size", "sun_x", "sun_y", "water", "street", "scale", "place",
)  # fmt: skip

N_AVERAGED = 4096  # styles whose mean is taken
N_AT_ONCE = 8  # pictures painted together for a sheet


class Stills:
    """A theme's generator, made ready for painting, in float32.

    The same seed gives the same style, and the same batch of styles the same bits on the same
    machine. In another batch the last bits may differ, as with `pix2pix.painter.Painter`.

    Parameters
    ----------
    generator : left as it is; its weights are copied

    Attributes
    ----------
    device : where stills are painted
    generator : the copy that paints them there, frozen
    """

    def __init__(self, generator: Generator) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        # Styles are always made on the CPU: they are cheap, and then never differ.
        self._styler = copy.deepcopy(generator).to("cpu", torch.float32).eval()
        self.generator = copy.deepcopy(self._styler).requires_grad_(requires_grad=False)
        self.generator.to(self.device).to(memory_format=torch.channels_last)
        noise = torch.randn(
            N_AVERAGED, generator.form.n_noise, generator=torch.Generator().manual_seed(0)
        )
        with torch.inference_mode(), one_thread():
            self._mean_style = self._styler.style(noise).mean(0)

    @torch.inference_mode()
    def style(self, seed: int) -> Tensor:
        """Return the style (D,) of a seed of 0 or more, float32, on the CPU."""
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, self._styler.form.n_noise, generator=generator)
        with one_thread():
            own: Tensor = self._styler.style(noise)[0]
        return torch.lerp(self._mean_style, own, self._styler.form.truncation)

    def steer(self, styles: Tensor, truncation: Tensor, push: Tensor, towards: Tensor) -> Tensor:
        """Bring styles nearer to their mean, and push them.

        Parameters
        ----------
        styles : (B, D)
        truncation : (B, 1); 1 leaves them, 0 gives the mean
        push : (B, 1); 1 goes as far as a style is from the mean
        towards : (D,), a style

        Returns
        -------
        (B, D); where truncation is 1 and push is 0, the same to the bit.
        """
        mean = self._mean_style
        return styles + (truncation - 1) * (styles - mean) + push * (towards - mean)

    @torch.inference_mode()
    def paint(
        self,
        styles: Tensor,
        height: int,
        width: int,
        own: OwnFields | None = None,
        density: float = 1.0,
        inner: Inner | None = None,
    ) -> Tensor:
        """Paint the picture of each style.

        A mixture of two styles is a style too: a walk between two stills is a line of them.

        Parameters
        ----------
        styles : (B, D) float32
        height, width : size of the pictures, 1 or more; learnt with a shorter side of 256
        own : fields of the user's own pictures, made for this size; None: of seeds alone
        density : how many times as fine as usual the pixels lie: 2 for a shorter side of 512
        inner : what is done to a layer of the generator

        Returns
        -------
        Tensor
            (B, 3, height, width) float32 in [0, 1], on the painter's device.
        """
        styles = styles.to(self.device)
        knots = self.generator.fields(styles, height, width, density, inner)
        if own is not None:
            knots = own.mix_into(knots)
        return self.generator.read_whole(knots, styles, height, width, density).add(1).mul(0.5)


def save_generator(path: Path, generator: Generator) -> str:
    """Write the generator of a theme in half precision; return the file's SHA-256."""
    tensors = {name: tensor.half() for name, tensor in generator.state_dict().items()}
    # Half-way through a training lines are softer than its form says: as they are, it paints.
    form = replace(generator.form, hardness=generator.hardness)
    return weights.save(path, tensors, {"keyframes": json.dumps(asdict(form))})


def load_generator(stored: weights.Weights) -> Generator:
    """Build the generator that `save_generator` wrote.

    Raises
    ------
    pix2pix.weights.BrokenWeights
        The file holds something else.
    """
    try:
        generator = Generator(_read_form(stored.metadata["keyframes"]))
        generator.load_state_dict({n: tensor.float() for n, tensor in stored.tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        message = "The weights file holds no keyframe generator that this version knows."
        raise weights.BrokenWeights(message) from error
    return generator


def _read_form(text: str) -> Form:
    written = BEFORE | json.loads(text)
    named = {name: written.pop(name, None) for name in NAMED}
    told = {name: place for name, place in named.items() if place is not None}
    return Form(**{"told": told} | written)


def load_stills(stored: weights.Weights) -> Stills:
    """Build the stills of a shipped theme."""
    return Stills(load_generator(stored))


def walk(start: Tensor, end: Tensor, n: int) -> Tensor:
    """Return n styles (n, D) on the line from one style to another, both included."""
    return torch.lerp(start, end, torch.linspace(0, 1, n)[:, None])


def paint_all(
    stills: Stills, styles: Tensor, height: int, width: int, density: float = 1.0
) -> Tensor:
    """Paint any number of styles, a few at a time; (B, 3, height, width) on the CPU."""
    starts = range(0, len(styles), N_AT_ONCE)
    parts = [
        stills.paint(styles[s : s + N_AT_ONCE], height, width, density=density).cpu()
        for s in starts
    ]
    return torch.cat(parts)


def sheet(stills: Stills) -> Tensor:
    """Draw 24 stills, two walks, and four wide stills in one picture (3, H, W) in [0, 1]."""
    styles = torch.stack([stills.style(seed) for seed in range(24)])
    walks = torch.cat([walk(styles[0], styles[1], 8), walk(styles[2], styles[3], 8)])
    square = make_grid(paint_all(stills, torch.cat([styles, walks]), 256, 256), nrow=8)
    wide = make_grid(paint_all(stills, styles[:4], 256, 456), nrow=4)
    picture: Tensor = square.new_zeros(3, square.shape[1] + wide.shape[1], square.shape[2])
    picture[:, : square.shape[1]] = square
    picture[:, square.shape[1] :, : wide.shape[2]] = wide
    return picture
