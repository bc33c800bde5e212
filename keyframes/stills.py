"""Stills: a seed becomes a style, a style a picture, and a walk goes from style to style."""

import copy
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from torchvision.utils import make_grid

from keyframes.networks import FACTOR, Decoder, Encoder, Form, Generator
from pix2pix import weights
from pix2pix.painter import Precision, choose_precision

# Styles are drawn towards their mean by this factor: a little less variety, fewer accidents
# (Karras et al. 2019, truncation). Chosen by looking at sheets.
TRUNCATION = 0.8
Network = TypeVar("Network", bound=nn.Module)

N_AVERAGED = 4096  # styles whose mean is taken
N_AT_ONCE = 8  # pictures decoded together for a sheet


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """The mean and the deviation of each latent channel over the training pictures, (C,)."""

    mean: Tensor
    deviation: Tensor

    def normalise(self, maps: Tensor) -> Tensor:
        """Bring latent maps (B, C, h, w) to mean 0 and deviation 1."""
        return (maps - _column(self.mean, maps)) / _column(self.deviation, maps)

    def restore(self, maps: Tensor) -> Tensor:
        """Undo `normalise`."""
        return maps * _column(self.deviation, maps) + _column(self.mean, maps)


def _column(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like)[:, None, None]


class Stills:
    """A theme's generator and decoder, made ready for painting.

    The same seed gives the same style, and the same batch of styles the same bits on the same
    machine. In another batch the last bits may differ, as with `pix2pix.painter.Painter`.

    Parameters
    ----------
    generator, decoder : left as they are; their weights are copied
    statistics : of the latents that the generator has learnt from
    precision : of painting; "bf16" is twice as fast where the machine knows it
    """

    def __init__(
        self,
        *,
        generator: Generator,
        decoder: Decoder,
        statistics: Statistics,
        precision: Precision,
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.statistics = statistics
        # Styles are always made on the CPU in float32: they are cheap, and then never differ.
        self._styler = copy.deepcopy(generator).to("cpu", torch.float32).eval()
        self._generator = self._ready(generator)
        self._decoder = self._ready(decoder)
        noise = torch.randn(
            N_AVERAGED, generator.form.n_noise, generator=torch.Generator().manual_seed(0)
        )
        with torch.inference_mode():
            self._mean_style = self._styler.style(noise).mean(0)

    def _ready(self, network: Network) -> Network:
        ready = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        ready.to(self.device, self.dtype)
        return ready.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def style(self, seed: int) -> Tensor:
        """Return the style (D,) of a seed of 0 or more, float32, on the CPU."""
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, self._styler.form.n_noise, generator=generator)
        style: Tensor = torch.lerp(self._mean_style, self._styler.style(noise)[0], TRUNCATION)
        return style

    @torch.inference_mode()
    def paint(self, styles: Tensor, height: int, width: int) -> Tensor:
        """Paint the picture of each style.

        A mixture of two styles is a style too: a walk between two stills is a line of them.

        Parameters
        ----------
        styles : (B, D) float32
        height, width : size of the pictures, 1 or more; learnt with a shorter side of 256

        Returns
        -------
        Tensor
            (B, 3, height, width) float32 in [0, 1], on the painter's device.
        """
        map_height, map_width = -(-height // FACTOR), -(-width // FACTOR)
        styles = styles.to(self.device, self.dtype)
        maps = self.statistics.restore(self._generator(styles, map_height, map_width))
        pictures = self._decoder(maps.contiguous(memory_format=torch.channels_last))
        top = (map_height * FACTOR - height) // 2
        left = (map_width * FACTOR - width) // 2
        cut: Tensor = pictures[:, :, top : top + height, left : left + width].float()
        return cut.add(1).mul(0.5).clamp(0, 1).contiguous()


@dataclass(frozen=True, kw_only=True)
class Networks:
    """What is shipped of a theme: enough for stills, and for pictures of the user's own."""

    form: Form
    encoder: Encoder
    decoder: Decoder
    generator: Generator
    statistics: Statistics


def save_networks(path: Path, networks: Networks) -> str:
    """Write the networks of a theme in half precision; return the file's SHA-256."""
    tensors = {
        f"{name}.{key}": tensor.half()
        for name, network in _named(networks).items()
        for key, tensor in network.state_dict().items()
    }
    tensors["statistics.mean"] = networks.statistics.mean
    tensors["statistics.deviation"] = networks.statistics.deviation
    return weights.save(path, tensors, {"keyframes": json.dumps(asdict(networks.form))})


def load_networks(stored: weights.Weights) -> Networks:
    """Build the networks that `save_networks` wrote.

    Raises
    ------
    pix2pix.weights.BrokenWeights
        The file holds something else.
    """
    try:
        form = Form(**json.loads(stored.metadata["keyframes"]))
        networks = Networks(
            form=form,
            encoder=Encoder(form),
            decoder=Decoder(form),
            generator=Generator(form),
            statistics=Statistics(
                mean=stored.tensors["statistics.mean"],
                deviation=stored.tensors["statistics.deviation"],
            ),
        )
        for name, network in _named(networks).items():
            start = f"{name}."
            network.load_state_dict(
                {
                    key.removeprefix(start): tensor.float()
                    for key, tensor in stored.tensors.items()
                    if key.startswith(start)
                }
            )
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        message = "The weights file holds no keyframe networks that this version knows."
        raise weights.BrokenWeights(message) from error
    return networks


def _named(networks: Networks) -> dict[str, nn.Module]:
    return {
        "encoder": networks.encoder,
        "decoder": networks.decoder,
        "generator": networks.generator,
    }


def load_stills(stored: weights.Weights) -> Stills:
    """Build the stills of a shipped theme, in the precision that suits the machine."""
    networks = load_networks(stored)
    return Stills(
        generator=networks.generator,
        decoder=networks.decoder,
        statistics=networks.statistics,
        precision=choose_precision(),
    )


def walk(start: Tensor, end: Tensor, n: int) -> Tensor:
    """Return n styles (n, D) on the line from one style to another, both included."""
    return torch.lerp(start, end, torch.linspace(0, 1, n)[:, None])


def paint_all(stills: Stills, styles: Tensor, height: int, width: int) -> Tensor:
    """Paint any number of styles, a few at a time; (B, 3, height, width) on the CPU."""
    starts = range(0, len(styles), N_AT_ONCE)
    parts = [stills.paint(styles[s : s + N_AT_ONCE], height, width).cpu() for s in starts]
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
