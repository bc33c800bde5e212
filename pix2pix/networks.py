"""The networks of Isola et al. (2017): a U-Net that paints and a PatchGAN that judges."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from pix2pix.ear import Hearing
from pix2pix.norms import BatchNorm

WIDEST_FACTOR = 8  # channels grow w, 2w, 4w, 8w and stay there (paper, appendix 6.1)
N_DROPOUT_LEVELS = 3  # the three innermost decoder levels (paper, appendix 6.1.1)
N_HEEDING = 5  # decoder levels, from the innermost, that heed what the ear hears

Norm = Literal["batch", "instance"]


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """The form of a U-Net; the defaults are the paper's.

    Raises
    ------
    ValueError
        A field is out of its range.
    """

    n_levels: int = 8  # halvings of the picture; 8 take 256×256 to 1×1, so all of it is seen
    width: int = 64  # channels after the first halving
    n_skips: int = 7  # skip connections kept, counted from the innermost; at most n_levels − 1
    dropout: float = 0.5  # share of activations dropped in training, never in painting
    decoder: Literal["transposed", "even"] = "transposed"  # "even" shows no checkerboard
    norm: Norm = "batch"  # "instance" is each picture's own, not learnt
    n_heard: int = 0  # numbers that an ear beside the encoder hears; the paper has none
    emphasis: float = 1.0  # in painting, on what is heard beyond the usual (decision 24)

    def __post_init__(self) -> None:
        if not 2 <= self.n_levels <= 10:
            raise ValueError(f"n_levels must lie in 2..10, not {self.n_levels}.")
        if self.width < 1:
            raise ValueError(f"width must be 1 or more, not {self.width}.")
        if not 0 <= self.n_skips < self.n_levels:
            raise ValueError(f"n_skips must lie in 0..{self.n_levels - 1}, not {self.n_skips}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), not {self.dropout}.")
        if self.decoder not in ("transposed", "even"):
            raise ValueError(f"decoder must be transposed or even, not {self.decoder}.")
        if self.norm not in ("batch", "instance"):
            raise ValueError(f"norm must be batch or instance, not {self.norm}.")
        if self.n_heard < 0 or self.emphasis < 0:
            raise ValueError("n_heard and emphasis must be 0 or more.")

    def n_channels(self, level: int) -> int:
        """Return the encoder's channels at a level; level 0 is the outermost."""
        return int(self.width * min(2**level, WIDEST_FACTOR))


def _make_norm(norm: Norm | None, n_channels: int) -> nn.Module:
    if norm is None:
        return nn.Identity()
    return BatchNorm(n_channels) if norm == "batch" else nn.InstanceNorm2d(n_channels)


class HalvingConv(nn.Conv2d):
    """A 4×4 convolution with stride 2 that halves both sides."""

    def __init__(self, n_in: int, n_out: int, *, bias: bool) -> None:
        super().__init__(n_in, n_out, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_in, H, W) to (B, n_out, H/2, W/2)."""
        if x.shape[3] > 2:
            return super().forward(x)
        # In bfloat16 with AMX, PyTorch 2.15 reads memory that nothing was written to where a map
        # is two pixels wide and higher than that, as the innermost one of a tall frame is.
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), self.weight, self.bias, stride=2)


def _enlarge(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve (B, n_in, H, W) with a kernel (n_in, n_out, 4, 4), transposed, to 2H by 2W."""
    if x.shape[3] > 1:
        return F.conv_transpose2d(x, kernel, bias, stride=2, padding=1)
    # Its gradient is a convolution of a map two pixels wide: see `HalvingConv`.
    return F.conv_transpose2d(x, kernel, bias, stride=2)[:, :, 1:-1, 1:-1]


class DoublingConv(nn.ConvTranspose2d):
    """The paper's transposed 4×4 convolution with stride 2, which doubles both sides."""

    def __init__(self, n_in: int, n_out: int, *, bias: bool) -> None:
        super().__init__(n_in, n_out, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor, _output_size: list[int] | None = None) -> Tensor:
        """Map (B, n_in, H, W) to (B, n_out, 2H, 2W)."""
        return _enlarge(x, self.weight, self.bias)


class Down(nn.Module):
    """Halve the picture: leaky ReLU, 4×4 convolution with stride 2, norm."""

    def __init__(self, n_in: int, n_out: int, *, activated: bool, norm: Norm | None) -> None:
        super().__init__()
        self.activated = activated
        self.conv = HalvingConv(n_in, n_out, bias=norm is None)
        self.norm = _make_norm(norm, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_in, H, W) to (B, n_out, H/2, W/2)."""
        y: Tensor = self.norm(self.conv(F.leaky_relu(x, 0.2) if self.activated else x))
        return y


class EvenConv(nn.Module):
    """Double the picture by repeating its pixels, then convolve 3×3, in one cheaper step.

    The two together are a transposed 4×4 convolution with stride 2 whose kernel is the 3×3 one
    blurred by two pixels each way. Every output pixel then sums the whole 3×3 kernel, so that an
    even area stays even: no checkerboard (Odena et al. 2016), at the price of the paper's layer.
    Measured after 45 s of training: colours differed by their place in 4×4 squares by 2.6 steps
    of 255 with the paper's layer and by .1 with this one, and held-out L1 was a tenth lower.

        row of the 3×3 kernel   a   b   c
        row of the 4×4 kernel   a  a+b b+c  c      even pixels sum a + (b+c), odd ones (a+b) + c
    """

    def __init__(self, n_in: int, n_out: int, *, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out, 3, 3))
        self.bias = nn.Parameter(torch.empty(n_out)) if bias else None
        row = torch.tensor([[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
        self.register_buffer("blur", torch.kron(row, row), persistent=False)  # (3·3, 4·4)

    def kernel(self) -> Tensor:
        """Return the 4×4 kernel, (n_in, n_out, 4, 4)."""
        n_in, n_out = self.weight.shape[:2]
        return (self.weight.flatten(2) @ self.get_buffer("blur")).reshape(n_in, n_out, 4, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_in, H, W) to (B, n_out, 2H, 2W)."""
        return _enlarge(x, self.kernel(), self.bias)


class Up(nn.Module):
    """Double the picture: ReLU, transposed 4×4 convolution with stride 2, norm, dropout."""

    def __init__(
        self, n_in: int, n_out: int, *, even: bool, norm: Norm | None, dropout: float
    ) -> None:
        super().__init__()
        chosen = EvenConv if even else DoublingConv
        self.conv = chosen(n_in, n_out, bias=norm is None)
        self.norm = _make_norm(norm, n_out)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_in, H, W) to (B, n_out, 2H, 2W)."""
        y: Tensor = self.dropout(self.norm(self.conv(F.relu(x))))
        return y


class UNet(nn.Module):
    """Paint a frame from a spectrogram picture.

    level   0     1           7          encoder: down[0] … down[7]
            x ─▶ w ─▶ 2w … ─▶ 8w
            │    ┆    ┆        │         ┆ skips; the innermost `n_skips` are kept
            y ◀─ w ◀─ 2w … ◀───┘         decoder: up[7] … up[0]

    Sound and picture are not aligned in space, so the outer skips print the spectrogram's
    stripes on the frame: three fewer cure that, and cost less. What they have in common is time:
    an ear hears it, and the inner half of the decoder heeds that.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        innermost = config.n_levels - 1
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()  # by level: up[0] is the outermost and comes last
        for level in range(config.n_levels):
            n_channels = config.n_channels(level)
            n_outside = config.n_channels(level - 1) if level else 0
            # The outermost and the innermost have no norm.
            norm = config.norm if 0 < level < innermost else None
            self.down.append(Down(n_outside or 1, n_channels, activated=level > 0, norm=norm))
            # What comes from inside, beside what a skip brings from the encoder's same level.
            n_in = 2 * n_channels if self.has_skip(level) else n_channels
            dropped = level > innermost - N_DROPOUT_LEVELS and level > 0
            self.up.append(
                Up(
                    n_in,
                    n_outside or 3,
                    even=config.decoder == "even",
                    norm=config.norm if level > 0 else None,
                    dropout=config.dropout if dropped else 0.0,
                )
            )
        inner = range(innermost, max(0, innermost - N_HEEDING), -1)
        widths = [config.n_channels(level - 1) for level in inner]
        self.hearing = Hearing(config.n_heard, widths, config.emphasis) if config.n_heard else None

    def has_skip(self, level: int) -> bool:
        """Tell whether the decoder gets the encoder's picture of this level."""
        innermost = self.config.n_levels - 1
        return innermost - self.config.n_skips <= level < innermost

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, 1, H, W) to (B, 3, H, W), both in [−1, 1]; H, W multiples of 2**n_levels."""
        return self.decode(self.encode(x), self.listen(x))

    def listen(self, x: Tensor) -> Tensor | None:
        """Return what the ear hears, (B, n_heard), if there is one."""
        return self.hearing.listen(x) if self.hearing else None

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return the encoder's maps of each level, the outermost first."""
        encoded = []
        for down in self.down:
            x = down(x)
            encoded.append(x)
        return encoded

    def decode(self, encoded: list[Tensor], heard: Tensor | None) -> Tensor:
        """Paint from the encoder's maps and from what is heard."""
        x = encoded[-1]
        for level in reversed(range(self.config.n_levels)):
            x = self.up[level](torch.cat([encoded[level], x], 1) if self.has_skip(level) else x)
            if self.hearing and heard is not None:
                x = self.hearing.heed(self.config.n_levels - 1 - level, x, heard)
        return torch.tanh(x)


class PatchDiscriminator(nn.Module):
    """Judge 70×70 patches of a frame, beside the spectrogram picture that it belongs to."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        # C64-C128-C256-C512 of the paper: three halvings, then two steps at an eighth.
        self.first = nn.Conv2d(1 + 3, width, 4, stride=2, padding=1)
        channels = [width, 2 * width, 4 * width, 8 * width]
        strides = [2, 2, 1]
        self.convs = nn.ModuleList(
            nn.Conv2d(n_in, n_out, 4, stride=stride, padding=1, bias=False)
            for n_in, n_out, stride in zip(channels, channels[1:], strides, strict=False)
        )
        self.norms = nn.ModuleList(BatchNorm(n_out) for n_out in channels[1:])
        self.last = nn.Conv2d(channels[-1], 1, 4, padding=1)

    def forward(self, spectrograms: Tensor, frames: Tensor) -> Tensor:
        """Return logits, above 0 for true.

        Parameters
        ----------
        spectrograms : (B, 1, H, W) in [−1, 1]
        frames : (B, 3, H, W) in [−1, 1]

        Returns
        -------
        Tensor
            (B, 1, H/8 − 2, W/8 − 2), a logit a patch.
        """
        x = F.leaky_relu(self.first(torch.cat([spectrograms, frames], 1)), 0.2)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        logits: Tensor = self.last(x)
        return logits


def initialise(network: nn.Module, generator: Generator) -> None:
    """Draw the weights of a U-Net or a discriminator as the paper does, from a CPU generator."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | EvenConv):
            nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02, generator=generator)
            nn.init.zeros_(module.bias)
        elif isinstance(module, Hearing):
            module.start(generator)
