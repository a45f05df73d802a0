"""Device, precision and processes. The only file that names Lightning Fabric.

Networks are never wrapped: after each phase's one backward pass the gradients are averaged over the processes in one
message. A penalty's double backward, a frozen critic, a pass through the bare module are then nothing special, and no
gradient can stay unsynchronised.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Literal, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from gantools.device import pick_device, pick_precision

log = logging.getLogger("gantools")
_FABRIC_PRECISION: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "32": "32-true",
    "bf16": "bf16-mixed",
    "16": "16-mixed",
}


class Backend:
    """One process's view of the machine: where tensors live, how gradients are made, who may write files."""

    def __init__(self, device: str, precision: str, threads: int | None) -> None:
        if threads:
            torch.set_num_threads(threads)
        self.device = torch.device(pick_device(device))
        self.precision = pick_precision(precision, self.device)
        index = self.device.index
        self._fabric = Fabric(
            accelerator=self.device.type,
            devices=[index] if index is not None else 1,
            precision=_FABRIC_PRECISION[self.precision],
        )
        self._fabric.launch()
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "16")
        # Faster where tensor cores are (measured by others); on CPUs it gains nothing with instance norm (measured).
        self.memory_format = torch.channels_last if self.device.type == "cuda" else torch.contiguous_format
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and talks."""
        return bool(self._fabric.is_global_zero)

    @property
    def threads(self) -> int:
        """CPU threads in use."""
        return torch.get_num_threads()

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device, in the memory format that is fastest there."""
        return network.to(self.device, memory_format=self.memory_format)  # type: ignore[call-overload,no-any-return]

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context of the forward passes."""
        return cast("AbstractContextManager[None]", self._fabric.autocast())

    def backward(self, loss: Tensor) -> None:
        """Add the loss's gradients, scaled if precision is 16."""
        torch.autograd.backward(self._scaler.scale(loss))

    def step(self, optimizer: Optimizer, parameters: Iterable[nn.Parameter]) -> None:
        """Average the gradients over the processes and let the optimizer step."""
        self._average(parameters)
        self._scaler.step(optimizer)
        self._scaler.update()

    def gradient_norm(self, optimizer: Optimizer, parameters: Iterable[nn.Parameter]) -> Tensor:
        """Return the norm of all gradients; call it before `step`."""
        self._scaler.unscale_(optimizer)
        return torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])

    def state_dict(self) -> dict[str, float]:
        """Return the state of the loss scaler."""
        return cast("dict[str, float]", self._scaler.state_dict())

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Restore the loss scaler."""
        if state:
            self._scaler.load_state_dict(state)

    def _average(self, parameters: Iterable[nn.Parameter]) -> None:
        if self._fabric.world_size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = cast("Tensor", self._fabric.all_reduce(torch.cat([g.flatten() for g in gradients]), reduce_op="mean"))
        for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))
