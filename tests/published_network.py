"""The generator of pytorch-CycleGAN-and-pix2pix, written anew: its tensors have the same names."""

import torch
from torch import Tensor, nn

NORMS = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": nn.Identity}


class Nested(nn.Module):
    """A level of the published network and, inside it, all that are deeper."""

    def __init__(
        self, channels: list[int], n_out: int, norm: str, *, dropout: bool, outermost: bool = True
    ) -> None:
        super().__init__()
        self.outermost = outermost
        n_in, n_mine, *deeper = channels
        has_bias = norm == "instance"
        down: list[nn.Module] = [nn.Conv2d(n_in, n_mine, 4, 2, 1, bias=has_bias)]
        if not outermost:
            down.insert(0, nn.LeakyReLU(0.2, inplace=True))  # so the skip carries what it leaves
            down += [NORMS[norm](n_mine)] if deeper else []
        if deeper:
            down.append(
                Nested([n_mine, *deeper], n_mine, norm, dropout=dropout, outermost=False),
            )
        n_inside = 2 * n_mine if deeper else n_mine
        has_bias |= outermost
        up = [nn.ReLU(inplace=True), nn.ConvTranspose2d(n_inside, n_out, 4, 2, 1, bias=has_bias)]
        up.append(nn.Tanh() if outermost else NORMS[norm](n_out))
        if dropout and deeper and n_in == n_mine:
            up.append(nn.Dropout(0.5))
        self.model = nn.Sequential(*down, *up)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_in, H, W) to (B, n_out, H, W), with x before it where a skip ends here."""
        y: Tensor = self.model(x)
        return y if self.outermost else torch.cat([x, y], 1)


class PublishedUNet(nn.Module):
    """The whole generator: unet_256, with other n_levels unet_128 and the like."""

    def __init__(
        self, width: int, norm: str, *, n_in: int = 3, n_levels: int = 8, dropout: bool = False
    ) -> None:
        super().__init__()
        inner = [width * min(2**level, 8) for level in range(n_levels)]
        self.model = Nested([n_in, *inner], 3, norm, dropout=dropout)


def make_published(width: int, norm: str, **form: int) -> PublishedUNet:
    """Make such a network whose every tensor is random and whose picture has contrast."""
    network = PublishedUNet(width, norm, **form)
    generator = torch.Generator().manual_seed(width)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.ndim > 1:
                nn.init.kaiming_normal_(tensor, a=0.2, generator=generator)
            elif name.endswith(("running_var", "weight")):
                tensor.uniform_(0.5, 2, generator=generator)
            elif tensor.is_floating_point():
                tensor.uniform_(-0.5, 0.5, generator=generator)
    return network.eval()
