"""The networks behind the stills: a picture codec, and a GAN on the codec's latent maps."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

FACTOR = 16  # pixels of a picture to one place of its latent map, along each side
SLOPE = 0.2  # of the leaky ReLUs, as in Karras et al. 2018


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


def depth_to_space(x: Tensor) -> Tensor:
    """Double the sides: (B, 4C, H, W) to (B, C, 2H, 2W).

    `F.pixel_shuffle` with the channels innermost: whole runs of channels are moved, which on a
    processor in `channels_last` is ten times as fast.
    """
    B, C, H, W = x.shape
    y = x.permute(0, 2, 3, 1).reshape(B, H, W, 2, 2, C // 4).transpose(2, 3)
    return y.reshape(B, 2 * H, 2 * W, C // 4).permute(0, 3, 1, 2)


class Special(nn.Module):
    """A module whose weights start otherwise than those of a plain layer."""

    def start(self, generator: RandomGenerator) -> None:
        """Change the weights that `initialise` has drawn."""
        raise NotImplementedError


class Block(Special):
    """Two 3×3 convolutions beside a straight path."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_channels, n_channels, 3, padding=1)
        self.second = nn.Conv2d(n_channels, n_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (B, C, H, W)."""
        y: Tensor = self.second(F.leaky_relu(self.first(F.leaky_relu(x, SLOPE)), SLOPE))
        return x + y

    def start(self, generator: RandomGenerator) -> None:  # noqa: ARG002
        """Begin with the straight path nearly alone."""
        self.second.weight.mul_(0.2)


class Widen(Special):
    """Double the sides: a 1×1 convolution and depth to space."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, 4 * n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_in, H, W) to (B, n_out, 2H, 2W)."""
        return depth_to_space(self.conv(x))

    def start(self, generator: RandomGenerator) -> None:  # noqa: ARG002
        """Begin as a plain repeat of each pixel, not as a chequerboard (Aitken et al. 2017)."""
        n_out = len(self.conv.weight) // 4
        self.conv.weight.copy_(self.conv.weight[:n_out].repeat(4, 1, 1, 1))


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


class Attention(Special):
    """Let each place of a small map look at all others (Zhang et al. 2019), four heads."""

    N_HEADS = 4

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.asked = nn.Conv2d(n_channels, 3 * n_channels, 1)
        self.told = nn.Conv2d(n_channels, n_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (B, C, H, W)."""
        B, C, H, W = x.shape
        n_head = C // self.N_HEADS
        asked = self.asked(x).reshape(B, 3, self.N_HEADS, n_head, H * W)
        query, key, value = asked.unbind(1)
        # Written out, because the fused kernel has no second derivative, which R1 and R2 want.
        weight = torch.softmax(query.transpose(2, 3) @ key * n_head**-0.5, dim=-1)
        seen = (value @ weight.transpose(2, 3)).reshape(B, C, H, W)
        y: Tensor = self.told(seen)
        return x + y

    def start(self, generator: RandomGenerator) -> None:  # noqa: ARG002
        """Begin with each place seeing mostly itself."""
        self.told.weight.mul_(0.2)


class StyledConv(Special):
    """A 3×3 convolution whose channels the style weighs and shifts, then a leaky ReLU.

    Weighed on the way in and brought back to unit strength on the way out by the weights alone
    (Karras et al. 2020); so no statistics of the map are taken, and its size does not matter.
    """

    def __init__(self, n_in: int, n_out: int, n_style: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.scale = nn.Linear(n_style, n_in)
        self.shift = nn.Linear(n_style, n_out)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Map (B, n_in, h, w) and styles (B, n_style) to (B, n_out, h, w)."""
        scale = 1 + self.scale(style)
        power = scale.float().square() @ self.conv.weight.float().square().sum((2, 3)).T
        strength = torch.rsqrt(power + 1e-6).to(scale.dtype)
        y = self.conv(x * scale[:, :, None, None])
        y = y * strength[:, :, None, None] + self.shift(style)[:, :, None, None]
        return F.leaky_relu(y, SLOPE) * 2**0.5

    def start(self, generator: RandomGenerator) -> None:  # noqa: ARG002
        """Begin with a style that weighs, but silences nothing."""
        self.scale.weight.mul_(0.5)
        self.shift.weight.mul_(0.5)


def double(x: Tensor) -> Tensor:
    """Double the sides of a map, smoothly."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


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
        self.last = nn.Conv2d(width, form.n_latents, 3, padding=1)

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
        latents: Tensor = self.last(x)[:, :, top : top + height, left : left + width]
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


def halve(x: Tensor) -> Tensor:
    """Halve the sides of a map, rounded up."""
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


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
