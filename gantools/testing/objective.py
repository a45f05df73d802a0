"""The suite for losses, penalties, constraints and recipes."""

# ruff: noqa: S101  (a test says what it expects by assert)

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from gantools.config import RunConfig, Settings
from gantools.networks import build_critic
from gantools.objectives import Losses, Objective, Sample, Verdict
from gantools.objectives.base import Judged
from gantools.objectives.description import describe
from gantools.objectives.grammar import build_objective
from gantools.plugins import Reference, manager
from gantools.randomness import StepRandom
from gantools.registry import load_object
from gantools.testing.task import TaskConformance

_N, _SIDE = 8, 16
_TINY = {"size": 32, "width": 4, "blocks": 1, "d_layers": 2, "pool_size": 2, "noise": 3}
_PICTURES = ("unpaired", "paired", "domains")


class ObjectiveConformance:
    """What every task relies on in an entry of the objective layer. `gantools.testing.conformance` derives from it."""

    entry: ClassVar[Reference]

    def objective(self) -> Objective:
        """Return the entry, with its options as they are by default, and the loss `lsgan` if it brings none."""
        return build_objective(RunConfig(**self._asked(), batch_size=_N))

    def test_it_describes_itself(self) -> None:
        """`gantools objectives show` has all that it shows of an entry."""
        about = describe(self.entry)
        wanted = {
            "summary": about.summary,
            "use": about.use,
            "formula_d or formula_g": about.formula_d + about.formula_g,
        }
        missing = [name for name, text in wanted.items() if not text]
        assert not missing, f"`{self.entry.name}` says nothing of {missing}"
        silent = [option.name for option in about.options if not option.help]
        assert not silent, f"options without a description: {silent}"

    def test_losses_are_finite_scalars(self) -> None:
        """Both players have losses, each a finite number, of usual and of very large scores."""
        for scale in (1.0, 100.0):
            for losses in _both_players(*self._prepared(), scale * _images(0), scale * _images(1)):
                for name, loss in losses.items():
                    assert loss.shape == (), f"loss `{name}` has shape {tuple(loss.shape)}"
                    assert loss.isfinite(), f"loss `{name}` is {loss.item()}"

    def test_both_players_learn(self) -> None:
        """The critic's losses send finite gradients to its parameters, the generator's to the picture."""
        (objective, d), fake = self._prepared(), _images(1).requires_grad_(True)
        d_losses, g_losses = _both_players(objective, d, _images(0), fake)
        for player, losses, learned in (("critic", d_losses, list(d.parameters())), ("picture", g_losses, [fake])):
            found = torch.autograd.grad(_total(losses), learned, retain_graph=True, materialize_grads=True)
            assert all(gradient.isfinite().all() for gradient in found), f"a gradient of the {player} is not finite"
            assert any(gradient.abs().sum() > 0 for gradient in found), f"no gradient reaches the {player}"

    def test_a_higher_score_means_more_real(self) -> None:
        """Critics gain by scoring real pictures higher and generated ones lower, generators by being scored higher."""
        if self.entry.kind not in {"loss", "recipe"}:
            return
        loss = self.objective().loss
        for lower, higher, other in ((0.3, 0.6, 0.5), (-0.6, -0.3, -0.5)):  # where the targets are 0 and 1, or -1 and 1
            low, high, rival = (_judged(score) for score in (lower, higher, other))
            gains = (
                loss.d_loss(high, rival) < loss.d_loss(low, rival),
                loss.d_loss(rival, low) < loss.d_loss(rival, high),
                loss.g_loss(high, rival) < loss.g_loss(low, rival),
            )
            if all(gains):
                return
        raise AssertionError("a higher score does not mean more real: see the signs of d_loss and g_loss")

    def test_every_task_trains_with_it(self, tmp_path: Path) -> None:
        """Two steps of every installed task for pictures leave everything finite."""
        for info in manager().tasks:
            if info.data not in _PICTURES:
                continue
            fields = load_object(info.config).model_fields
            tiny = {name: value for name, value in _TINY.items() if name in fields}
            suite = type("Suite", (TaskConformance,), {"task": info.name, "settings": tiny})()
            suite.expect_training(self.entry, tmp_path / info.name / "run")

    def _asked(self) -> Settings:
        name, kind = self.entry.name, self.entry.kind
        return {"objective": name} if kind in {"loss", "recipe"} else {kind: [name]}

    def _prepared(self) -> tuple[Objective, nn.Module]:
        """Return the objective, and a small critic as it wants one."""
        torch.manual_seed(0)
        objective = self.objective()
        networks = nn.ModuleDict({"d": build_critic("patch", objective.needs, width=4, size=_SIDE, layers=1)})
        objective.prepare(networks, "d")
        return objective, networks["d"]


def _both_players(objective: Objective, d: nn.Module, real: Tensor, fake: Tensor) -> tuple[Losses, Losses]:
    d_losses, _ = objective.d_losses(d, Sample(real), [(Sample(fake.detach()), 1.0)], _rng())
    g_losses, _ = objective.g_losses(d, Sample(fake), Sample(real), _rng())
    return d_losses | objective.parameter_losses(nn.ModuleDict({"d": d}), "d"), g_losses


def _images(seed: int) -> Tensor:
    return torch.rand(_N, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def _judged(score: float) -> Judged:
    return Judged(Sample(_images(2)), Verdict(torch.full((_N, 1), score)))


def _rng() -> StepRandom:
    return StepRandom(0, "conformance", rows=slice(0, _N), total=_N, device="cpu")


def _total(losses: Losses) -> Tensor:
    return torch.stack(list(losses.values())).sum()
