"""The layers of the networks behind the stills, made for processors and for any size of map."""

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2  # of the leaky ReLUs, as in Karras et al. 2018


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


def level(x: Tensor) -> Tensor:
    """Bring each place of a map to unit strength over its channels."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)


class StyledConv(Special):
    """A 3×3 convolution whose channels the style weighs and shifts, then a leaky ReLU.

    Each place comes in with unit strength (Karras et al. 2018), its channels are weighed, and the
    weights alone bring it back to unit strength on the way out (Karras et al. 2020). So nothing
    can grow from layer to layer, no statistics of the map are taken, and its size does not
    matter. Beyond the border the map goes on as it ends: a border of zeros was painted as a frame.
    """

    def __init__(self, n_in: int, n_out: int, n_style: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1, padding_mode="replicate", bias=False)
        self.scale = nn.Linear(n_style, n_in)
        self.shift = nn.Linear(n_style, n_out)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Map (B, n_in, h, w) and styles (B, n_style) to (B, n_out, h, w)."""
        scale = 1 + self.scale(style)
        power = scale.float().square() @ self.conv.weight.float().square().sum((2, 3)).T
        strength = torch.rsqrt(power + 1e-6).to(scale.dtype)
        y = self.conv(level(x) * scale[:, :, None, None])
        y = y * strength[:, :, None, None] + self.shift(style)[:, :, None, None]
        return F.leaky_relu(y, SLOPE) * 2**0.5

    def start(self, generator: RandomGenerator) -> None:  # noqa: ARG002
        """Begin with a style that weighs, but silences nothing."""
        self.scale.weight.mul_(0.5)
        self.shift.weight.mul_(0.5)


def double(x: Tensor) -> Tensor:
    """Double the sides of a map, smoothly."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def halve(x: Tensor) -> Tensor:
    """Halve the sides of a map, rounded up."""
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
