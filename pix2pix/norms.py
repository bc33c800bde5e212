"""Batch norm over the pictures of all devices, on any kind of device."""

from typing import Any, cast

import torch
from torch import Tensor, distributed, nn


class _SumOverDevices(torch.autograd.Function):
    """Sum a tensor over all devices; the gradient is summed over them, too."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


class BatchNorm(nn.BatchNorm2d):
    """Batch norm that sees the batches of all devices as one while it trains.

    torch's own SyncBatchNorm works on graphics cards only; with each device's own statistics, two
    of them would not learn what one does with twice the batch.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        alone = not distributed.is_initialized() or distributed.get_world_size() == 1
        if alone or not self.training:
            return super().forward(x)
        n_devices = distributed.get_world_size()
        numbers = x.float()
        # Each device has as many pictures, so the mean of their means is the mean of all.
        moments = torch.stack([numbers.mean((0, 2, 3)), numbers.square().mean((0, 2, 3))])
        summed: Tensor = _SumOverDevices.apply(moments)
        mean, square = summed / n_devices
        variance = square - mean.square()
        self._remember(mean.detach(), variance.detach(), n_devices * x.numel() // x.shape[1])
        scale = self.weight * torch.rsqrt(variance + self.eps)
        y = (numbers - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]
        normed: Tensor = y.to(x.dtype)
        return normed

    def _remember(self, mean: Tensor, variance: Tensor, n: int) -> None:
        """Move the running statistics as torch does, with the variance of a sample of n."""
        momentum = cast(float, self.momentum)
        cast(Tensor, self.running_mean).lerp_(mean, momentum)
        cast(Tensor, self.running_var).lerp_(variance * (n / (n - 1)), momentum)
        cast(Tensor, self.num_batches_tracked).add_(1)
