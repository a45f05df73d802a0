"""Objectives in training: in any combination, resumed to the byte, counted by each player's own updates."""

import random
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from gantools.data.loader import batches
from gantools.objectives.constraints import plain_state
from gantools.plugins import manager
from gantools.testing import TaskConformance
from gantools.training.checkpoint import load_checkpoint, save_checkpoint
from gantools.training.trainer import Trainer

TINY = {
    "cyclegan": {"size": 32, "width": 4, "blocks": 1, "d_layers": 2, "pool_size": 2},
    "pix2pix": {"size": 32, "width": 4, "d_layers": 2},
}


def trainer_of(task: str, folder: Path, **settings: object) -> Trainer:
    suite = type("Suite", (TaskConformance,), {"task": task, "settings": TINY[task]})()
    return suite.trainer(folder, **settings)


def play(trainer: Trainer, start: int, end: int) -> None:
    """Make steps ``start`` to ``end``, each with the batches it would have had in a whole run."""
    config = trainer.config
    ahead = batches(trainer.data, start * config.n_critic, config.batch_size, config.accumulate, 0, pin=False)
    for step in range(start, end):
        trainer.updates.step(step, ahead, 1.0)


def names(kind: str) -> list[str]:
    return [entry.name for entry in manager().objectives if entry.kind == kind]


def combinations(count: int) -> list[dict[str, object]]:
    """Draw losses with two penalties and two constraints each, the same ones every time."""
    draw = random.Random(4)
    found = []
    while len(found) < count:
        constraints = draw.sample(names("constraint"), 2)
        if set(constraints) != {"weight-clipping", "spectral-norm"}:
            penalties = draw.sample(names("penalty"), 2)
            found.append({"objective": draw.choice(names("loss")), "penalty": penalties, "constraint": constraints})
    return found


@pytest.mark.parametrize("task", TINY)
@pytest.mark.parametrize(
    "settings", combinations(12), ids=lambda s: "+".join([s["objective"], *s["penalty"], *s["constraint"]])
)
def test_losses_penalties_and_constraints_train_in_any_combination(task, settings, tmp_path):
    trainer = trainer_of(task, tmp_path / "run", **settings)
    before = {name: value.clone() for name, value in trainer.updates.nets.named_parameters()}
    play(trainer, 0, 2)
    assert all(value.isfinite() for value in trainer.updates.totals.values())
    terms = {name.partition("/")[2].removesuffix("_a").removesuffix("_b") for name in trainer.updates.totals}
    assert {"adv", *settings["penalty"]} <= terms
    assert "historical-averaging" in terms or "historical-averaging" not in settings["constraint"]
    after = dict(trainer.updates.nets.named_parameters())
    assert all(value.isfinite().all() for value in after.values())
    still = [name for name, value in after.items() if torch.equal(value, before[name])]
    # A mean over all scores moves with the bias alone where the loss looks at differences of scores.
    assert not [name for name in still if not name.endswith("bias")]


RESUMED = {
    "historical averaging": ("cyclegan", {"constraint": ["historical-averaging"]}),
    "virtual batch norm": ("pix2pix", {"constraint": ["virtual-batch-norm"]}),
    "virtual batch norm of two critics": ("cyclegan", {"constraint": ["virtual-batch-norm"], "batch_size": 3}),
    "spectral norm of both": ("pix2pix", {"constraint": ["spectral-norm:on=both"]}),
    "minibatch layers": ("pix2pix", {"constraint": ["minibatch-discrimination:kernels=3", "minibatch-stddev"]}),
    "consistency": ("cyclegan", {"objective": "wgan", "penalty": ["consistency", "gp-one-sided"]}),
    "feature matching": ("pix2pix", {"penalty": ["feature-matching:every=2"], "n_critic": 2}),
    "dragan": ("pix2pix", {"objective": "minimax:smoothing=0.1", "penalty": ["dragan:every=2"]}),
    "ebgan": ("pix2pix", {"objective": "ebgan:pretrain=2", "penalty": ["pull-away"]}),
    "ebgan, stopped amidst pretraining": ("cyclegan", {"objective": "ebgan:pretrain=3"}),
}


@pytest.mark.parametrize(("task", "settings"), RESUMED.values(), ids=RESUMED.keys())
def test_a_resumed_run_equals_an_unbroken_one(task, settings, tmp_path):
    whole = trainer_of(task, tmp_path / "whole", **settings)
    play(whole, 0, 4)
    broken = trainer_of(task, tmp_path / "broken", **settings)
    play(broken, 0, 2)
    path = save_checkpoint(tmp_path, 2, {"updates": broken.updates.state_dict()})
    resumed = trainer_of(task, tmp_path / "broken", **settings)
    torch.manual_seed(99)
    resumed.updates.load_state_dict(load_checkpoint(path)["updates"])
    play(resumed, 2, 4)
    saved = [save_checkpoint(trainer.run.folder, 4, trainer.updates.state_dict()) for trainer in (whole, resumed)]
    assert saved[0].read_bytes() == saved[1].read_bytes()


def moves(trainer: Trainer, steps: int) -> list[dict[str, bool]]:
    """Say of each step and player whether it has moved."""
    found = []
    for step in range(steps):
        before = {name: nn.utils.parameters_to_vector(p.parameters) for name, p in players(trainer).items()}
        before = {name: value.detach().clone() for name, value in before.items()}
        play(trainer, step, step + 1)
        found.append(
            {
                name: not torch.equal(nn.utils.parameters_to_vector(p.parameters), before[name])
                for name, p in players(trainer).items()
            }
        )
    return found


def players(trainer: Trainer) -> dict[str, object]:
    return {"g": trainer.updates.g, "d": trainer.updates.d}


@pytest.mark.parametrize(("n_critic", "waits"), [(1, 3), (2, 1), (3, 1)])
def test_the_generator_waits_while_an_autoencoder_is_pretrained(n_critic, waits, tmp_path):
    trainer = trainer_of("pix2pix", tmp_path / "run", objective="ebgan:pretrain=3", n_critic=n_critic)
    found = moves(trainer, waits + 2)
    assert [step["d"] for step in found] == [True] * (waits + 2)
    assert [step["g"] for step in found] == [False] * waits + [True] * 2


def test_penalties_of_both_players_count_their_own_updates(tmp_path):
    lazy = {"penalty": ["feature-matching:every=2", "r1:every=3"], "n_critic": 2}
    trainer = trainer_of("pix2pix", tmp_path / "run", **lazy)
    due = []
    for step in range(5):
        trainer.updates.totals = {}
        play(trainer, step, step + 1)
        due.append((step, *("g/feature-matching" in trainer.updates.totals, "d/r1" in trainer.updates.totals)))
    # r1 is due at the critic's updates 0, 3, 6, 9, two of which make a step; feature matching at steps 0, 2, 4.
    assert due == [(0, True, True), (1, False, True), (2, True, False), (3, False, True), (4, True, True)]


def test_two_samples_of_the_history_are_needed_before_it_holds_anyone(tmp_path):
    trainer = trainer_of("cyclegan", tmp_path / "run", constraint=["historical-averaging"], lr_g=1e-2)
    held = []
    for step in range(3):
        trainer.updates.totals = {}
        play(trainer, step, step + 1)
        held.append([float(trainer.updates.totals.get(f"{p}/historical-averaging", -1)) for p in "gd"])
    assert held[0] == [-1, -1]  # there is no past yet
    assert held[1] == [0, 0]  # the past is where they are
    assert min(held[2]) > 0


@pytest.mark.parametrize("task", TINY)
def test_generators_under_spectral_norm_are_saved_plain_and_load_anywhere(task, tmp_path):
    trainer = trainer_of(task, tmp_path / "run", constraint=["spectral-norm:on=both"])
    play(trainer, 0, 2)
    average = trainer.updates.average.networks
    normalised = [path for path, module in average.named_modules() if is_parametrized(module)]
    state = plain_state(average)
    plain = nn.ModuleDict(trainer.task.generators()).eval()
    assert normalised
    assert set(state) == set(plain.state_dict())
    plain.load_state_dict(state)
    for path in normalised:
        assert torch.equal(plain.get_submodule(path).weight, average.get_submodule(path).weight)
    image = torch.rand(2, 3, 32, 32)
    for name, generator in plain.items():
        torch.testing.assert_close(generator(image), average[name](image))


def test_accumulated_passes_and_bfloat16_suit_every_penalty_at_once(tmp_path):
    chosen = names("penalty")
    settings = {"objective": "relativistic-average", "penalty": chosen, "batch_size": 4, "precision": "bf16"}
    for accumulate in (1, 2):
        trainer = trainer_of("pix2pix", tmp_path / "run", accumulate=accumulate, **settings)
        play(trainer, 0, 2)
        totals = {name.partition("/")[2]: float(value) for name, value in trainer.updates.totals.items()}
        assert set(totals) == {"adv", "l1", *chosen}
        assert all(value == value and abs(value) < 1e6 for value in totals.values())
