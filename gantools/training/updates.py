"""One step of the game: the discriminators' updates, then one of the generators'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from gantools.config import RunConfig
from gantools.data.order import rows_of
from gantools.data.pixels import to_unit
from gantools.errors import GanToolsError
from gantools.objectives import Losses, Objective
from gantools.randomness import StepRandom, derive_seed
from gantools.task import Batch, Networks, Outputs, Task
from gantools.training.backend import Backend
from gantools.training.ema import Average
from gantools.training.finetuning import Start

_NEVER = 2**50


class Updates:
    """Networks, optimizers and the averaged generator, and how one step changes them.

    A step makes ``n_critic`` discriminator updates, each on a fresh batch, and one generator update on the last of
    them, which shares that batch's forward pass where memory allows (no accumulation); with an ``n_critic`` of 0 the
    generator update alone. The first ``warm_up`` steps leave the generators' weights as they are. After a step on
    which ``watching`` was set, ``seen`` holds scores, accuracies and gradient norms. Where a loss is not finite,
    `breakdown` tells of it later, so that no step has to wait for its losses.

    Of several processes each makes the passes over its rows of every batch, and all make the same step from the sum of
    their gradients. `averages` and `state_dict` then have to be called by all of them.

    Where ``start`` holds weights to begin with, ``new`` are the names of the networks that it has not, and of parts.
    """

    def __init__(
        self,
        task: Task[Any],
        objective: Objective,
        config: RunConfig,
        backend: Backend,
        start: Start | None = None,
    ) -> None:
        self.task, self.objective, self.config, self.backend = task, objective, config, backend
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(config.seed, "init"))
            self.nets = Networks(task.generators(), task.discriminators(objective.needs))
            self.new = start.fill_generators(self.nets.generators, config) if start else []
            objective.prepare(self.nets.generators, "g")
            objective.prepare(self.nets.discriminators, "d")
        self.new += start.fill_discriminators(self.nets.discriminators) if start else []
        backend.place(self.nets)
        self.average = Average(self.nets.generators, config.ema)
        self.averaged = Networks(self.average.networks, self.nets.discriminators)
        if config.compile:  # not the discriminators: what is compiled has no second derivative, as penalties need
            for generator in self.nets.generators.values():
                backend.compile(generator)
        self.g = _Player(self.nets.generators, config, config.lr_g, backend.device)
        self.d = _Player(self.nets.discriminators, config, config.lr_d, backend.device)
        self.totals: Losses = {}
        self._g_steps = 0  # that are in the totals
        self._finite_until: Losses = {}
        self.watching = False
        self.seen: dict[str, list[Tensor]] = {}
        self._drops = any(isinstance(module, _DropoutNd) for module in self.nets.modules())
        self.processes = backend.processes

    def step(self, step: int, batches: Iterator[Batch], lr_factor: float) -> None:
        """Make step number ``step``, counted from 0."""
        config = self.config
        if self._drops:
            of_rank = [self.processes.rank] if self.processes.several else []
            torch.manual_seed(derive_seed(config.seed, "dropout", step, *of_rank))
        self.objective.watch = self._watch if self.watching else None
        self.g.set_lr(lr_factor)
        self.d.set_lr(lr_factor)
        self.objective.before_update(self.nets.generators, "g")
        for critic_step in range(config.batches):
            parts = [self.to_device(next(batches)) for _ in range(config.accumulate)]
            update = step * config.batches + critic_step
            last = critic_step == config.batches - 1
            both = not config.n_critic or (step >= config.warm_up and update >= self.objective.loss.pretrain)
            shared = config.accumulate == 1 and last and both
            outputs = self._update_d(parts, update, shared) if config.n_critic else []
        if both:
            self._update_g(parts, outputs, step, update)
            self._g_steps += 1
        if self.processes.several:
            self._agree(step)
        self.average.update(max(0, step - config.warm_up))

    def to_device(self, batch: Batch) -> Batch:
        """Move a batch to the device; uint8 pictures become floats in [-1, 1]."""
        device, layout = self.backend.device, self.backend.memory_format
        moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
        return {
            name: to_unit(value).contiguous(memory_format=layout) if value.dtype == torch.uint8 else value
            for name, value in moved.items()
        }

    def averages(self, steps: int) -> dict[str, float]:
        """Return the mean losses of the last ``steps`` steps and the values seen, and begin anew."""
        counts = {"g": self._g_steps, "d": steps}
        values = {name: total / counts[name.partition("/")[0]] for name, total in self.totals.items()}
        values |= {name: torch.stack(seen).mean() for name, seen in self.seen.items()}
        self.totals, self.seen, self._g_steps = {}, {}, 0
        numbers = torch.stack([value.float() for value in values.values()])
        self.processes.average([numbers])
        return dict(zip(values, numbers.tolist(), strict=True))

    def breakdown(self) -> tuple[int, list[str]] | None:
        """Return the first update that had losses which were not finite, and their names; None if all were finite."""
        if not self._finite_until:
            return None
        names, firsts = list(self._finite_until), torch.stack(list(self._finite_until.values())).tolist()
        firsts = [-last for last in self.processes.agree(*(-first for first in firsts))]
        if min(firsts) == _NEVER:
            return None
        return int(min(firsts)), [name for name, first in zip(names, firsts, strict=True) if first == min(firsts)]

    def largest_weight(self) -> float:
        """Return the largest absolute weight of both players; not finite if any weight is not."""
        return float(torch.stack([p.detach().abs().max() for p in (*self.g.parameters, *self.d.parameters)]).max())

    def drift(self) -> float:
        """Return how far a tensor's sum differs between processes: 0 where their arithmetic is the same."""
        if not self.processes.several:
            return 0.0
        sums = torch.stack([value.double().sum() for value in self.nets.state_dict().values()]).tolist()
        extremes = self.processes.agree(*sums, *(-value for value in sums))
        return max(high + low for high, low in zip(extremes[: len(sums)], extremes[len(sums) :], strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {
            "nets": self.nets.state_dict(),
            "average": self.average.networks.state_dict(),
            "g": self.g.optimizer.state_dict(),
            "d": self.d.optimizer.state_dict(),
            "backend": self.backend.state_dict(),
            "task": self._task_state(),
            "objective": self.objective.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned; GanToolsError if it is of other networks or objectives."""
        try:
            self.nets.load_state_dict(state["nets"])
            self.average.networks.load_state_dict(state["average"])
            self.g.load_state_dict(state["g"])
            self.d.load_state_dict(state["d"])
            self.backend.load_state_dict(state["backend"])
            self.task.load_state_dict(state["task"])
            self.objective.load_state_dict(state["objective"])
        except torch.OutOfMemoryError:
            raise
        except (KeyError, RuntimeError, ValueError) as error:
            raise GanToolsError(
                "the checkpoint does not fit what config.yaml and this version of the task describe",
                "resume with the settings and the version that it was written by, or begin anew from its weights: "
                "gantools train … --init RUN",
            ) from error

    def _agree(self, step: int) -> None:
        """Make equal what the processes' own rows have made different: statistics, and what constraints remember."""
        self.processes.average([buffer for buffer in self.nets.buffers() if buffer.is_floating_point()])
        if step == 0:  # a reference batch
            first = self.processes.share(_on_cpu(self.objective.state_dict()))
            if not self.processes.leads:
                self.objective.load_state_dict(first)

    def _task_state(self) -> dict[str, Any]:
        """Return the state of the task: one for all processes, to the first of them."""
        own = self.task.state_dict()
        return self.task.join_states(self.processes.gather(_on_cpu(own))) if self.processes.several else own

    def _update_d(self, parts: Sequence[Batch], update: int, shared: bool) -> list[Outputs]:
        self.objective.before_update(self.nets.discriminators, "d")
        outputs = []
        for i, batch in enumerate(parts):
            with torch.set_grad_enabled(shared), self.backend.autocast():
                out = self._forward(batch, update, i)
            outputs.append(out)
            detached = {name: value.detach() for name, value in out.items()}
            with self.backend.autocast():
                losses = self.task.d_losses(self.nets, batch, detached, self.objective, self._rng("d", update, i))
            self._descend("d", losses | self.objective.parameter_losses(self.nets.discriminators, "d"), update)
        self._finish("d", self.d)
        self.objective.after_update(self.nets.discriminators, "d")
        return outputs if shared else []

    def _update_g(self, parts: Sequence[Batch], outputs: Sequence[Outputs], step: int, update: int) -> None:
        for parameter in self.d.parameters:
            parameter.requires_grad_(False)
        for i, batch in enumerate(parts):
            with self.backend.autocast():
                out = outputs[i] if outputs else self._forward(batch, update, i)
                rng = self._rng("g", update, i, count=step)
                losses = self.task.g_losses(self.nets, batch, out, self.objective, rng)
            self._descend("g", losses | self.objective.parameter_losses(self.nets.generators, "g"), update)
        self._finish("g", self.g)
        self.objective.after_update(self.nets.generators, "g")
        for parameter in self.d.parameters:
            parameter.requires_grad_(True)

    def _forward(self, batch: Batch, update: int, part: int) -> Outputs:
        return self.task.forward(self.nets, batch, self._rng("forward", update, part))

    def _descend(self, player: str, losses: Losses, update: int) -> None:
        """One backward pass over the sum of the losses, which are kept for the log under ``player/name``."""
        share = 1 / (self.config.accumulate * (self.config.n_critic if player == "d" else 1))
        passes = self.config.accumulate * self.processes.count
        self.backend.backward(torch.stack(list(losses.values())).sum() / passes)
        for name, value in losses.items():
            key = f"{player}/{name}"
            part = value.detach() * share
            self.totals[key] = self.totals[key] + part if key in self.totals else part
            first = torch.where(part.isfinite(), _NEVER, update)
            known = self._finite_until.get(key)
            self._finite_until[key] = first if known is None else torch.minimum(known, first)

    def _finish(self, name: str, player: _Player) -> None:
        self.backend.add_gradients(player.parameters)
        if self.watching:
            self._watch("gradient_norm", self.backend.gradient_norm(player.optimizer, player.parameters), name)
        self.backend.step(player.optimizer)
        player.optimizer.zero_grad(set_to_none=True)

    def _watch(self, name: str, value: Tensor, player: str = "d") -> None:
        self.seen.setdefault(f"{player}/{name}", []).append(value)

    def _rng(self, phase: str, update: int, part: int, count: int | None = None) -> StepRandom:
        """Return the random numbers of a pass; ``count`` is the player's own count of updates."""
        total, parts = self.config.batch_size, self.config.accumulate
        rows = rows_of(total, parts, part, self.processes.rank, self.processes.count)
        count = update if count is None else count
        return StepRandom(
            self.config.seed, phase, update, rows=rows, total=total, device=self.backend.device, update=count
        )


_KIND = ("betas", "alpha", "momentum", "weight_decay", "decoupled_weight_decay")  # what tells optimizers apart


class _Player:
    """One side's parameters and optimizer; what a task has frozen itself stays out."""

    def __init__(self, networks: nn.Module, config: RunConfig, lr: float, device: torch.device) -> None:
        self.parameters = [parameter for parameter in networks.parameters() if parameter.requires_grad]
        self.lr = lr
        self.optimizer = _optimizer(config, self.parameters, lr, fused=device.type in {"cpu", "cuda"})

    def set_lr(self, factor: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * factor

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back the optimizer's state, each tensor laid out in memory as its parameter is: fused ones insist.

        GanToolsError if it is that of an optimizer with other settings, which would take the place of one's own.
        """
        [own], [there] = self.optimizer.param_groups, state["param_groups"]
        if any(_listed(own.get(name)) != _listed(there.get(name)) for name in _KIND):
            raise GanToolsError(
                "the checkpoint is of another optimizer, or other betas, than config.yaml says",
                "put back `optimizer` and `betas` there, or begin anew from its weights: gantools train … --init RUN",
            )
        self.optimizer.load_state_dict(state)
        for parameter, kept in self.optimizer.state.items():
            for name, value in kept.items():
                if isinstance(value, Tensor) and value.dim() and value.shape == parameter.shape:
                    kept[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _listed(value: Any) -> Any:
    """Return a tuple as a list, which it is in a checkpoint."""
    return list(value) if isinstance(value, tuple) else value


def _on_cpu(value: Any) -> Any:
    """Return nested dicts and lists with all tensors on the CPU, as other processes can take them."""
    if isinstance(value, Tensor):
        return value.cpu()
    if isinstance(value, dict):
        return {name: _on_cpu(item) for name, item in value.items()}
    return [_on_cpu(item) for item in value] if isinstance(value, list | tuple) else value


def _optimizer(config: RunConfig, parameters: list[nn.Parameter], lr: float, fused: bool) -> Optimizer:
    match config.optimizer:
        case "adam":
            return Adam(parameters, lr, config.betas, fused=fused)
        case "adamw":
            return AdamW(parameters, lr, config.betas, fused=fused)
        case "rmsprop":
            return RMSprop(parameters, lr)
        case "sgd":
            return SGD(parameters, lr, momentum=config.betas[0], fused=fused)
