"""The one border where precision changes: float32 images outside, fast networks inside."""

import copy

import torch
from torch import Tensor, nn

from daug.bundled_models import Models


class FastNetworks:
    """The networks of a bundle as the engine asks them."""

    def __init__(self, models: Models, device: torch.device, *, fast: bool) -> None:
        self.device = device
        self.dtype = torch.bfloat16 if fast and has_fast_bf16(device) else torch.float32
        self.denoiser = copy.deepcopy(models.denoiser).to(device)
        self.classifier = copy.deepcopy(models.classifier).to(device)
        if self.dtype is torch.bfloat16:
            # Channels-last is 2.0 to 2.9 times as fast here, but only forwards: the classifier,
            # whose gradient is needed, stays as it is under autocast.
            self.denoiser.to(self.dtype).to(memory_format=torch.channels_last)
            # The last layer in float32: x_0 rounded to 8 bits would show as grain in the maps.
            unet: nn.Module = self.denoiser.unet
            unet.conv_out = _InFloat32(unet.get_submodule("conv_out"))

    def eps(self, x_t: Tensor, t: Tensor, alpha_bar: Tensor) -> Tensor:
        """Return the noise in x_t, float32 (B, 1, H, W), without a gradient."""
        with torch.no_grad():
            denoiser = self.denoiser
            output = denoiser(x_t.to(self.dtype, memory_format=torch.channels_last), t).float()
            return denoiser.to_eps(output, x_t, alpha_bar)

    def noisy_logits(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Return z of x_t, float32 (B, C), through which a gradient may pass."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is torch.bfloat16):
            logits: Tensor = self.classifier(x_t, t)
        return logits.float()

    def clean_logits(self, x_0: Tensor) -> Tensor:
        """Return z of clean images at t = 0, in float32: scores are compared between machines."""
        with torch.no_grad():
            logits: Tensor = self.classifier(x_0, torch.tensor(0, device=self.device))
        return logits


class _InFloat32(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer.float()

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.layer(x.float())
        return output


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether a device computes in bfloat16 faster than in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())
