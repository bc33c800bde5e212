"""Paint frames from spectrogram pictures, as fast as the machine can."""

import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pix2pix import weights
from pix2pix.ear import complete
from pix2pix.grids import cover, spread
from pix2pix.inner import Inner, Layer, apply
from pix2pix.networks import Down, EvenConv, UNet, UNetConfig, Up

Precision = Literal["bf16", "float32"]


class Painter:
    """A U-Net made ready for painting.

    The same batch gives the same bits on the same machine, in any order and at any time. The
    same window in another batch, or on another machine, may differ in its last bits, since a
    convolution may add up in another order: so a film fixes its batches by frame number.

    Parameters
    ----------
    network : left as it is; its weights are copied
    precision : "bf16" is twice as fast on processors and GPUs that know it, see
        `choose_precision`, and differs by about one step of 8-bit colour
    """

    def __init__(self, network: UNet, precision: Precision) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        folded = _Folded(network)
        folded.to(self.device, self.dtype).to(memory_format=torch.channels_last)
        if folded.hearing:
            folded.hearing.float()  # what is rounded there shakes the whole picture
        self._network = folded.eval()

    @torch.inference_mode()
    def paint(self, windows: Tensor, height: int, width: int, inner: Inner | None = None) -> Tensor:
        """Paint a frame for each spectrogram picture.

        The picture is spread over the smallest grid that covers the frame, painted there, and
        the frame is cut out of the middle: nothing is squashed.

        Parameters
        ----------
        windows : (B, 256, 256) float32 in [0, 1]
        height, width : size of the frames, 1 or more
        inner : what is done to a layer of the decoder

        Returns
        -------
        Tensor
            (B, 3, height, width) float32 in [0, 1], on the painter's device.
        """
        pictures = windows.to(self.device)[:, None]
        grid_height, grid_width = cover(height, width)
        x = spread(pictures, grid_height, grid_width)
        frames = self._network(x, self.dtype, inner)
        top, left = (grid_height - height) // 2, (grid_width - width) // 2
        cut: Tensor = frames[:, :, top : top + height, left : left + width]
        return cut.contiguous()


def choose_precision() -> Precision:
    """Return the fastest precision that this machine paints well in.

    Known by the machine alone, not tried out: a film that goes on after a stop must be painted as
    it was begun.
    """
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    able = torch.cpu.get_capabilities()
    # AVX-512's own bf16 multiplies twice as many numbers a cycle as float32 on AMD's processors,
    # and as many on Intel's, which then lose a third of the time to turning numbers over.
    doubled = able.get("avx512_bf16", False) and "AMD" in able.get("cpu_name", "")
    known = doubled or able.get("amx_bf16", False) or able.get("bf16", False)
    return "bf16" if known else "float32"


def save_network(path: Path, network: UNet) -> str:
    """Write a network to be shipped, in half precision; return the file's SHA-256."""
    tensors = {
        # Norms are tiny, and a variance may pass float16's range; they stay as they are.
        name: tensor.half() if tensor.ndim > 1 else tensor
        for name, tensor in network.state_dict().items()
    }
    return weights.save(path, tensors, {"unet": json.dumps(asdict(network.config))})


def load_network(stored: weights.Weights) -> UNet:
    """Build the network that `save_network` wrote.

    Raises
    ------
    weights.BrokenWeights
        The file holds something else.
    """
    try:
        network = UNet(UNetConfig(**json.loads(stored.metadata["unet"])))
        if network.hearing:
            network.hearing.start(torch.Generator().manual_seed(0))
        network.load_state_dict(complete(stored.tensors, network.state_dict()))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        message = "The weights file holds no pix2pix network that this version knows."
        raise weights.BrokenWeights(message) from error
    return network.eval()


def load_painter(stored: weights.Weights) -> Painter:
    """Build a painter from a shipped network, in the precision that suits the machine."""
    return Painter(load_network(stored), choose_precision())


# Layers of the decoder, in levels from the innermost: of 256×256, maps of 4×4, 8×8 and 32×32.
_LAYERS: dict[int, Layer] = {1: "coarse", 2: "middle", 4: "fine"}
_PIXELS = ((0, 0), (0, 1), (1, 0), (1, 1))  # of a 2×2 square, row and column


class _Folded(nn.Module):
    """A U-Net whose batch norms are folded into its convolutions, its last layer rearranged.

    The last layer has three channels at the full size, where a transposed convolution is slow.
    Each 2×2 square of its output depends on a 3×3 square of its input, each pixel on a 2×2
    corner of that; so one 2×2 convolution gives the four pixels as twelve channels, and the
    same sums come out in a third of the time:

        input    a b c      pixel (0, 0) of the square around e, from a b d e
                 d e f      pixel (0, 1)                        from b c e f
                 g h i      pixel (1, 0)                        from d e g h
                            pixel (1, 1)                        from e f h i
    """

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.has_skip = [network.has_skip(level) for level in range(network.config.n_levels)]
        self.down = nn.ModuleList(_fold(down) for down in network.down)
        self.up = nn.ModuleList(_fold(up) for up in network.up)
        self.hearing = copy.deepcopy(network.hearing)
        last = cast("nn.ConvTranspose2d", self.up.pop(0))
        kernel = last.weight.flip(2, 3)
        corners = [kernel[:, :, a::2, b::2] for a, b in _PIXELS]
        # (tanh(x) + 1) / 2 = sigmoid(2x); the factor of two is exact.
        self.corners = nn.Conv2d(kernel.shape[0], 4 * kernel.shape[1], 2, padding=1)
        self.corners.weight = nn.Parameter(2 * torch.cat(corners, 1).transpose(0, 1))
        self.corners.bias = nn.Parameter(2 * cast("Tensor", last.bias).repeat(4))

    def forward(self, x: Tensor, dtype: torch.dtype, inner: Inner | None = None) -> Tensor:
        """Map (B, 1, H, W) float32 in [−1, 1] to (B, 3, H, W) float32 in [0, 1].

        Parameters
        ----------
        dtype : that it paints in
        """
        heard = self.hearing.listen(x) if self.hearing else None
        x = x.to(dtype).contiguous(memory_format=torch.channels_last)
        encoded = []
        for level, conv in enumerate(self.down):
            # In place: a skip's reader takes the ReLU of it, which a leaky ReLU does not change.
            x = conv(F.leaky_relu_(x, 0.2) if level else x)
            encoded.append(x)
        for level in reversed(range(1, len(self.down))):
            x = torch.cat([encoded[level], x], 1) if self.has_skip[level] else x
            x = self.up[level - 1](F.relu_(x))
            if self.hearing and heard is not None:
                x = self.hearing.heed(len(self.down) - 1 - level, x, heard)
            x = apply(inner, _LAYERS.get(len(self.down) - 1 - level), x)
        x = torch.cat([encoded[0], x], 1) if self.has_skip[0] else x
        squares = self.corners(F.relu_(x)).float().sigmoid_()  # (B, 4 · 3, H/2 + 1, W/2 + 1)
        B, _, H, W = x.shape
        frames = x.new_empty((B, 3, 2 * H, 2 * W), dtype=torch.float32)
        for n, (a, b) in enumerate(_PIXELS):
            frames[:, :, a::2, b::2] = squares[:, 3 * n : 3 * n + 3, a : a + H, b : b + W]
        return frames


def _fold(layer: nn.Module) -> nn.Module:
    """Return a copy of a layer's convolution with its norm folded in, where that can be known."""
    layer = cast("Down | Up", copy.deepcopy(layer)).eval()
    conv = _plain(layer.conv) if isinstance(layer.conv, EvenConv) else layer.conv
    if isinstance(layer.norm, nn.BatchNorm2d):
        return fuse_conv_bn_eval(conv, layer.norm, transpose=isinstance(layer, Up))
    if isinstance(layer.norm, nn.InstanceNorm2d):  # each picture's own: known when it is painted
        return nn.Sequential(conv, layer.norm)
    return conv


def _plain(conv: EvenConv) -> nn.ConvTranspose2d:
    """Return an even convolution as the transposed one that it is."""
    n_in, n_out = conv.weight.shape[:2]
    plain = nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, bias=conv.bias is not None)
    plain.weight = nn.Parameter(conv.kernel().detach())
    plain.bias = conv.bias
    return plain.eval()
