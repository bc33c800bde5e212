"""The layers of the networks behind the stills, made for processors and for any size of map."""

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2  # of the leaky ReLUs, as in Karras et al. 2018


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
    """A convolution and instance norm, whose channels a style scales and shifts, then ReLU.

    Of 3×3, or of 3 along a side.

    The adaptive instance norm of Huang and Belongie 2017, as in Karras et al. 2019. It keeps every
    channel varied over the picture: without it a deep generator begins with flat colours. Beyond
    the border the map goes on as it ends: a border of zeros was painted as a frame.
    """

    def __init__(self, n_in: int, n_out: int, n_style: int, *, along: bool = False) -> None:
        super().__init__()
        convolution = nn.Conv1d if along else nn.Conv2d
        self.conv = convolution(n_in, n_out, 3, padding=1, padding_mode="replicate", bias=False)
        self.scale = nn.Linear(n_style, n_out)
        self.shift = nn.Linear(n_style, n_out)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        """Map (B, n_in, h, w), or (B, n_in, n) along a side, and styles (B, n_style)."""
        x = self.conv(x)
        # Norm, scale and shift in one pass over the map.
        variance, mean = _moments(x)
        scale = (1 + self.scale(styles)) * torch.rsqrt(variance + 1e-4) * 2**0.5
        shift = self.shift(styles) * 2**0.5 - mean * scale
        return F.leaky_relu(_rescale(x, scale, shift), SLOPE)

    def start(self, generator: RandomGenerator) -> None:  # noqa: ARG002
        """Begin with a style that weighs, but silences nothing."""
        self.scale.weight.mul_(0.35)
        self.shift.weight.mul_(0.35)


class StyledMix(Special):
    """A mixture of channels whose inputs a style weighs; it gives unit strength for unit strength.

    The weights are modulated and brought back to length `gain` (Karras et al. 2020), since there
    is no map here whose statistics could be taken.
    """

    def __init__(self, n_in: int, n_out: int, n_style: int, gain: float) -> None:
        super().__init__()
        self.gain = gain
        self.weight = nn.Parameter(torch.empty(n_out, n_in))
        self.scale = nn.Linear(n_style, n_in)
        self.shift = nn.Linear(n_style, n_out)

    def under(self, styles: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weights (B, n_out, n_in) and the shifts (B, n_out, 1) under styles."""
        weight = self.weight * (1 + self.scale(styles))[:, None]
        weight = weight * (self.gain * torch.rsqrt(weight.square().sum(2, keepdim=True) + 1e-6))
        return weight, self.shift(styles)[:, :, None]

    def start(self, generator: RandomGenerator) -> None:
        """Begin with random directions, and a style that silences nothing."""
        self.weight.normal_(generator=generator)
        self.scale.weight.mul_(0.35)
        self.shift.weight.mul_(0.7)


def mix(weights: Tensor, shifts: Tensor, x: Tensor) -> Tensor:
    """Return weights (B, n_out, n_in) times x (B, n_in, n) plus shifts that fit to it."""
    if len(x) == 1:  # on a processor the product of a batch of one takes half as long again
        return torch.addmm(shifts[0], weights[0], x[0])[None]
    return torch.baddbmm(shifts, weights, x)


def normalise(x: Tensor) -> Tensor:
    """Bring each channel of each map (B, C, ...) to mean 0 and variance 1 over the map."""
    variance, mean = _moments(x)
    scale = torch.rsqrt(variance + 1e-4)
    return _rescale(x, scale, -mean * scale)


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return variance and mean (B, C) float32 of each channel over its map (B, C, ...).

    On a processor torch's own `var_mean` takes five times as long where channels lie innermost.
    """
    plane = tuple(range(2, x.ndim))
    mean = x.mean(plane, dtype=torch.float32)
    squares = x.square().mean(plane, dtype=torch.float32)
    return (squares - mean.square()).clamp(min=0), mean


def _rescale(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Scale and shift each channel by (B, C), in the precision of the map."""
    return torch.addcmul(spread(shift.to(x.dtype), x), x, spread(scale.to(x.dtype), x))


def spread(values: Tensor, x: Tensor) -> Tensor:
    """Lay (B, C) over maps (B, C, ...)."""
    return values.reshape(*values.shape, *[1] * (x.ndim - 2))


def double(x: Tensor) -> Tensor:
    """Double the sides of a map, smoothly."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def halve(x: Tensor) -> Tensor:
    """Halve the sides of a map, rounded up."""
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


def spline(n_knots: int, positions: Tensor) -> Tensor:
    """Return the weights of knots in a cubic B-spline: smooth to the second derivative.

    Where the contours of a picture follow a map that was enlarged, a bilinear one shows its grid
    as corners in every curve.

    Parameters
    ----------
    n_knots : 1 or more; beyond the ends the first and the last one go on
    positions : (n,), where to read; knot k lies at k

    Returns
    -------
    (n, n_knots) float32; each row sums to 1.
    """
    knots = torch.arange(-2, n_knots + 2, dtype=torch.float64)
    d = (positions.double()[:, None].clamp(-0.5, n_knots - 0.5) - knots).abs()
    near, far = 2 / 3 - d.square() + d**3 / 2, (2 - d).clamp(min=0) ** 3 / 6
    weights = torch.where(d < 1, near, far)
    weights[:, 2] += weights[:, :2].sum(1)
    weights[:, -3] += weights[:, -2:].sum(1)
    return weights[:, 2:-2].float()


def initialise(network: nn.Module, generator: RandomGenerator) -> None:
    """Draw all weights from a CPU generator, so that every layer keeps its input's strength."""
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, a=SLOPE, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in reversed(list(network.modules())):  # a whole may change what its parts began with
        if isinstance(module, Special):
            with torch.no_grad():
                module.start(generator)
