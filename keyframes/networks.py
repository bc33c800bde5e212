"""The networks behind the stills: a picture codec, and a GAN on the codec's latent maps."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.layers import (
    SLOPE,
    Attention,
    Block,
    Special,
    StyledConv,
    Widen,
    double,
    halve,
    level,
)

FACTOR = 16  # pixels of a picture to one place of its latent map, along each side


@dataclass(frozen=True, kw_only=True)
class Form:
    """The form of all networks of one theme.

    Raises
    ------
    ValueError
        A field is out of its range.
    """

    n_latents: int = 16  # channels of a latent map
    codec_width: int = 64  # channels at a quarter of the picture's side; 2 and 4 times that inside
    generator_width: int = 128  # channels at the latent map's own size; twice that inside
    critic_width: int = 128  # likewise
    n_noise: int = 128  # length of z, the noise behind a style
    n_style: int = 256  # length of w, the style of a still

    def __post_init__(self) -> None:
        for name, multiple in (("codec_width", 8), ("generator_width", 8), ("critic_width", 8)):
            if getattr(self, name) < multiple or getattr(self, name) % multiple:
                raise ValueError(f"{name} must be a multiple of {multiple}.")
        if min(self.n_latents, self.n_noise, self.n_style) < 1:
            raise ValueError("n_latents, n_noise and n_style must be 1 or more.")


class Encoder(nn.Sequential):
    """Picture (B, 3, H, W) in [−1, 1] to latent map (B, n_latents, H/16, W/16)."""

    def __init__(self, form: Form) -> None:
        width = form.codec_width
        super().__init__(
            nn.Conv2d(3, width, 4, stride=4),
            Block(width),
            nn.Conv2d(width, 2 * width, 2, stride=2),
            Block(2 * width),
            nn.Conv2d(2 * width, 4 * width, 2, stride=2),
            Block(4 * width),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(4 * width, form.n_latents, 3, padding=1),
        )
        self.n_latents = form.n_latents


class Decoder(nn.Sequential):
    """Latent map (B, n_latents, h, w) to picture (B, 3, 16h, 16w), about [−1, 1].

    It has no norms: what it paints at one place depends on the places around alone, so a wide
    picture costs what its pixels cost and looks like a square one.
    """

    def __init__(self, form: Form) -> None:
        width = form.codec_width
        super().__init__(
            nn.Conv2d(form.n_latents, 4 * width, 3, padding=1),
            Block(4 * width),
            Widen(4 * width, 2 * width),
            Block(2 * width),
            Widen(2 * width, width),
            Block(width),
            Widen(width, width // 2),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width // 2, width // 2, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            Widen(width // 2, width // 4),
            nn.LeakyReLU(SLOPE),
            # At full size, so that no border between blocks can show.
            nn.Conv2d(width // 4, 3, 3, padding=1),
        )


class PatchCritic(nn.Sequential):
    """Judge patches of pictures: (B, 3, H, W) to logits (B, 1, H/8, W/8), above 0 for true.

    The PatchGAN of Isola et al. 2017 with nothing beside the picture and no norms, whose
    statistics would tie the pictures of a batch to each other.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(4 * width, 4 * width, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(4 * width, 1, 3, padding=1),
        )


class Generator(Special):
    """Paint latent maps from styles.

    style ─▶ 4×4 ─▶ 8×8, attention ─▶ 16×16 ─▶ latent map; every convolution under the style.
    For another size the 4×4 is resampled to as many quarters, and the overhang cut off.
    """

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        width, n_style = form.generator_width, form.n_style
        # z to w: a straight part, which can be fitted, and a bent one, which is learnt.
        self.straight = nn.Linear(form.n_noise, n_style)
        self.bent = nn.Sequential(
            nn.Linear(form.n_noise, n_style),
            nn.LeakyReLU(SLOPE),
            nn.Linear(n_style, n_style),
            nn.LeakyReLU(SLOPE),
        )
        self.bent_last = nn.Linear(n_style, n_style)
        self.layout = nn.Linear(n_style, width * 16)
        self.at_quarter = self._stage([width, 2 * width, 2 * width])
        self.at_half = self._stage([2 * width, 2 * width, 2 * width])
        self.attention = Attention(2 * width)
        self.at_whole = self._stage([2 * width, width, width, width])
        self.last = nn.Conv2d(width, form.n_latents, 3, padding=1, padding_mode="replicate")

    def _stage(self, widths: list[int]) -> nn.ModuleList:
        n_style = self.form.n_style
        return nn.ModuleList(StyledConv(n_in, n_out, n_style) for n_in, n_out in pairwise(widths))

    def style(self, noise: Tensor) -> Tensor:
        """Map noise (B, n_noise) to styles (B, n_style)."""
        w: Tensor = self.straight(noise) + self.bent_last(self.bent(noise))
        return w

    def forward(self, styles: Tensor, height: int, width: int) -> Tensor:
        """Map styles (B, n_style) to latent maps (B, n_latents, height, width)."""
        quarters = (-(-height // 4), -(-width // 4))
        x = self.layout(styles).reshape(len(styles), -1, 4, 4)
        x = x.contiguous(memory_format=torch.channels_last)
        x = F.interpolate(x, size=quarters, mode="bilinear", align_corners=False)
        for conv in self.at_quarter:
            x = conv(x, styles)
        x = double(x)
        for conv in self.at_half:
            x = conv(x, styles)
        x = double(self.attention(x))
        for conv in self.at_whole:
            x = conv(x, styles)
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
        latents: Tensor = self.last(level(x))[:, :, top : top + height, left : left + width]
        return latents

    def start(self, generator: RandomGenerator) -> None:
        """Begin different everywhere, with maps of about unit variance and a straight mapping."""
        self.layout.bias.normal_(generator=generator)
        self.last.weight.mul_(0.3)
        self.bent_last.weight.zero_()

    @torch.no_grad()
    def fit_styles(self, styles: Tensor) -> None:
        """Let noise give styles with the mean and the main spreads of given ones.

        Parameters
        ----------
        styles : (n, n_style), n of at least twice n_style
        """
        centred = styles.float() - styles.float().mean(0)
        spreads, directions = torch.linalg.eigh(centred.T @ centred / len(styles))
        n_noise = min(self.form.n_noise, self.form.n_style)
        main = directions[:, -n_noise:] * spreads[-n_noise:].clamp(min=0).sqrt()
        self.straight.weight.zero_()
        self.straight.weight[:, :n_noise] = main
        self.straight.bias.copy_(styles.float().mean(0))


class Trunk(nn.Module):
    """See what is in a latent map: (B, n_latents, h, w) to (B, 2 · critic_width, h/4, w/4)."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        width = form.critic_width
        self.first = nn.Conv2d(form.n_latents, width, 3, padding=1)
        self.at_whole = Block(width)
        self.to_half = nn.Conv2d(width, 2 * width, 1)
        self.attention = Attention(2 * width)
        self.at_half = Block(2 * width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of latent maps."""
        x = self.to_half(halve(self.at_whole(self.first(x))))
        return halve(self.at_half(self.attention(x)))


class Stylist(nn.Module):
    """Find the style of a latent map of any size: (B, n_latents, h, w) to (B, n_style)."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        width = form.critic_width
        self.trunk = Trunk(form)
        self.narrow = nn.Conv2d(2 * width, width, 3, padding=1)
        self.last = nn.Linear(width * 16, form.n_style)

    def forward(self, x: Tensor) -> Tensor:
        """Return the styles of latent maps."""
        x = F.leaky_relu(self.narrow(self.trunk(x)), SLOPE)
        # As in the generator, a 4×4 lies over the whole map, whatever its shape.
        styles: Tensor = self.last(F.adaptive_avg_pool2d(x, 4).flatten(1))
        return styles


class Critic(nn.Module):
    """Judge latent maps of any size near 16×16: (B, n_latents, h, w) to logits (B,)."""

    N_GROUP = 8  # maps that are compared with each other
    N_SPREADS = 16  # channels that tell a group's spread; 16 keep the convolution on its fast path

    def __init__(self, form: Form) -> None:
        super().__init__()
        width = form.critic_width
        self.trunk = Trunk(form)
        self.at_quarter = nn.Conv2d(2 * width + self.N_SPREADS, 2 * width, 3, padding=1)
        self.inner = nn.Linear(2 * width, 2 * width)
        self.last = nn.Linear(2 * width, 1)

    def _spread(self, x: Tensor) -> Tensor:
        """Return how far the maps of a group differ (Karras et al. 2018), (B, N_SPREADS, h, w)."""
        B, C, H, W = x.shape
        n_group = min(self.N_GROUP, B)
        grouped = x.float().reshape(n_group, -1, self.N_SPREADS, C // self.N_SPREADS, H, W)
        spread = (grouped.var(0, correction=0) + 1e-6).sqrt().mean((2, 3, 4))
        return spread.to(x.dtype).repeat(n_group, 1)[:, :, None, None].expand(-1, -1, H, W)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B,), higher for true; B is a multiple of N_GROUP, or below it."""
        x = self.trunk(x)
        x = F.leaky_relu(self.at_quarter(torch.cat([x, self._spread(x)], 1)), SLOPE)
        x = F.leaky_relu(self.inner(x.mean((2, 3))), SLOPE)
        logits: Tensor = self.last(x)
        return logits[:, 0]


def initialise(network: nn.Module, generator: RandomGenerator) -> None:
    """Draw all weights from a CPU generator, so that every layer keeps its input's strength."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, a=SLOPE, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, Special):
            with torch.no_grad():
                module.start(generator)
