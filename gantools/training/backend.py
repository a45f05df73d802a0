"""Device and precision. The only file that names Lightning Fabric.

Networks are never wrapped, and each phase has one backward pass, after which the processes add up their gradients: a
penalty's double backward, a frozen critic, a pass through the bare module are then nothing special.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Literal, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from torch import Tensor, nn
from torch.optim import Optimizer

from gantools.data.loader import cores
from gantools.device import pick_device, pick_precision
from gantools.training.processes import Processes

_FABRIC_PRECISION: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "32": "32-true",
    "bf16": "bf16-mixed",
    "16": "16-mixed",
}


log = logging.getLogger("gantools")


class Backend:
    """The machine: where tensors live, and how forward and backward passes are made there."""

    def __init__(self, device: str, precision: str, threads: int | None, processes: Processes | None = None) -> None:
        self.processes = processes or Processes()
        self._set_threads(threads)
        self.device = self._own(torch.device(pick_device(device)))
        self.precision = pick_precision(precision, self.device)
        index = self.device.index
        self._fabric = Fabric(
            accelerator=self.device.type,
            devices=[index] if index is not None else 1,
            precision=_FABRIC_PRECISION[self.precision],
            plugins=[LightningEnvironment()] if self.processes.several else None,  # what a launcher says is read by us
        )
        self._fabric.launch()
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "16")
        # Faster where tensor cores are (measured by others); on CPUs it gains nothing with instance norm (measured).
        self.memory_format = torch.channels_last if self.device.type == "cuda" else torch.contiguous_format
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True

    @property
    def threads(self) -> int:
        """CPU threads in use."""
        return torch.get_num_threads()

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device, in the memory format that is fastest there."""
        network.to(self.device)
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.dim() == 4:  # with more dimensions, channels_last is none
                tensor.data = tensor.data.contiguous(memory_format=self.memory_format)
        return network

    def compile(self, network: nn.Module) -> None:
        """Compile a network at its first pass; where that fails, a warning says why, and it runs as it is."""
        network.compile(backend=_compiled)

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context of the forward passes."""
        return cast("AbstractContextManager[None]", self._fabric.autocast())

    def backward(self, loss: Tensor) -> None:
        """Add the loss's gradients, scaled if precision is 16."""
        torch.autograd.backward(self._scaler.scale(loss))

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the sum of all processes' gradients; what overflows in one does so in all."""
        if self.processes.several:
            self.processes.add([p.grad for p in parameters if p.grad is not None])

    def step(self, optimizer: Optimizer) -> None:
        """Let the optimizer step, unless precision is 16 and a gradient has overflowed."""
        self._scaler.step(optimizer)
        self._scaler.update()

    def gradient_norm(self, optimizer: Optimizer, parameters: Iterable[nn.Parameter]) -> Tensor:
        """Return the norm of all gradients; call it at most once before each `step`."""
        self._scaler.unscale_(optimizer)
        return torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])

    def _set_threads(self, threads: int | None) -> None:
        """Use as many threads as asked for; several processes share the cores out, unless OMP_NUM_THREADS is set."""
        if threads is None and self.processes.several and "OMP_NUM_THREADS" not in os.environ:
            threads = max(1, cores() // self.processes.place.local_count)
        if threads:
            torch.set_num_threads(threads)

    def _own(self, device: torch.device) -> torch.device:
        """Return the GPU that is this process's own, where there are several processes and GPUs."""
        if not self.processes.several or device.type != "cuda":
            return device
        own = torch.device("cuda", self.processes.place.local_rank % torch.cuda.device_count())
        torch.cuda.set_device(own)
        return own

    def state_dict(self) -> dict[str, float]:
        """Return the state of the loss scaler."""
        return cast("dict[str, float]", self._scaler.state_dict())

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Restore the loss scaler."""
        if state:
            self._scaler.load_state_dict(state)


def _compiled(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., object]:
    from torch._functorch import config
    from torch._inductor.compile_fx import compile_fx

    eager = "force_non_lazy_backward_lowering"  # else the backward pass is compiled, and may fail, out of reach of this
    settings = {eager: True} if hasattr(config, eager) else {}
    try:
        with config.patch(settings):
            return cast("Callable[..., object]", compile_fx(graph, inputs))
    except Exception as error:  # a compiler's failures have no common type
        log.warning("not compiled: %s", str(error).strip().partition("\n")[0] or type(error).__name__)
        return graph.forward
