"""Networks that something else than torch runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gantools.device import pick_device
from gantools.errors import GanToolsError


class OnnxNetwork(nn.Module):
    """A network that onnxruntime runs on the CPU: called as the one it was exported from.

    ``names`` are the inputs in the order of its arguments; those that it does not look at are not in the file.
    ``settled`` are the settings that it was exported with, and cannot do otherwise.
    """

    def __init__(self, session: Any, names: Sequence[str], settled: Mapping[str, Any]) -> None:
        super().__init__()
        self._session, self._names, self.settled = session, list(names), dict(settled)
        self._wanted = {one.name for one in session.get_inputs()}

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run the network on tensors of any device."""
        arrays = {name: value.detach().cpu().numpy() for name, value in zip(self._names, inputs, strict=True)}
        (result,) = self._session.run(None, {name: arrays[name] for name in self._wanted})
        return torch.from_numpy(result).to(inputs[0].device)


def on_cpu(device: str) -> str:
    """Return "cpu" for "auto" and "cpu"; GanToolsError for a device that onnxruntime is not installed for here."""
    if device != "auto" and pick_device(device) != "cpu":
        raise GanToolsError(
            f"onnxruntime runs networks on the CPU, not on {device}",
            "leave the device out, or let torch run the weights there",
        )
    return "cpu"
