"""The suite for tasks.

A plugin whose data are of a kind of its own derives from it, for pytest::

    from gantools.testing import TaskConformance


    class TestMyTask(TaskConformance):
        task = "my-task"
        settings = {"size": 32, "width": 4}

        def data(self, folder): ...
"""

# ruff: noqa: S101  (a test says what it expects by assert)

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args, get_origin

import torch
from PIL import Image
from rich.console import Console
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from gantools.config import Options, RunConfig, Settings
from gantools.data.loader import batches
from gantools.data.pixels import to_bytes, to_image, to_unit
from gantools.errors import GanToolsError
from gantools.inference.large import Tiling, translate_tiled
from gantools.inference.model import Model, load_model
from gantools.objectives import Losses, Recipe
from gantools.objectives.judge import mixes_samples
from gantools.plugins import Reference, manager
from gantools.randomness import StepRandom
from gantools.registry import load_object
from gantools.task import Batch
from gantools.training.checkpoint import list_checkpoints, load_checkpoint
from gantools.training.display import Quiet
from gantools.training.run import Run, resolve
from gantools.training.sheets import draw_sheet
from gantools.training.trainer import Trainer
from gantools.weights.find import find_weights
from gantools.weights.header import plugin_of, read_header, save_weights

_SIZES = ((32, 32), (31, 45), (64, 17), (5, 7), (1, 1))
_PICTURES = 4


class TaskConformance:
    """Derive from it, name the task, and give settings that make its networks tiny; pytest does the rest.

    ``options`` are those that `translate` cannot do without. For data of another kind than the
    built-in ones, override `data`.
    """

    task: ClassVar[str]
    settings: ClassVar[Settings] = {}
    options: ClassVar[Settings] = {}

    def data(self, folder: Path) -> Settings:
        """Write some pictures below ``folder`` and return the settings that name them, if the task takes pictures."""
        layouts: dict[str, Settings] = {
            "captions": {"data": folder},
            "domains": {"data": [folder]},
            "paired": {"a": folder / "a", "b": folder / "b"},
            "unpaired": {"a": folder / "a", "b": folder / "b"},
        }
        kind = manager().tasks.get(self.task).data
        if kind not in layouts:
            return {}
        side = int(self.settings.get("size", 32)) + 4
        for name in ("a", "b"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for i in range(_PICTURES):
                to_image(_noise(i, 3, side, side)).save(folder / name / f"{i}.png")
                if kind == "captions":
                    (folder / name / f"{i}.txt").write_text(f"picture {i} of {name}\n", encoding="utf-8")
        return layouts[kind]

    def trainer(self, folder: Path, checkpoint: Path | None = None, **settings: Any) -> Trainer:
        """Return a trainer of the task, ready to train a run in ``folder``."""
        small: Settings = {"device": "cpu", "batch_size": 2, "steps": 2, "log_every": 1, **self.settings}
        info, config = resolve(self.task, small | self.data(folder.with_name("data")) | settings)
        state = load_checkpoint(checkpoint) if checkpoint else None
        folder.mkdir(parents=True, exist_ok=True)
        return Trainer(Run(folder, info, config), Quiet(Console(file=io.StringIO())), state)

    def test_networks_build(self, tmp_path: Path) -> None:
        """The same seed gives the same networks, and weights fit into generators built anew."""
        first, second = (self.trainer(tmp_path / "run") for _ in range(2))
        nets = first.updates.nets
        assert len(nets.generators), "there is no generator"
        assert not set(nets.generators) & set(nets.discriminators), "a generator and a discriminator share a name"
        _expect_equal(nets, second.updates.nets, "networks built twice")
        anew = nn.ModuleDict(first.task.generators()).state_dict()
        assert list(anew) == list(nets.generators.state_dict()), "generators built anew have other parameters"

    def test_losses_are_finite_scalars(self, tmp_path: Path) -> None:
        """Both players have losses, each a finite number with a name."""
        trainer = self.trainer(tmp_path / "run")
        for losses in _both_players(trainer):
            assert losses, "a player has no losses"
            for name, loss in losses.items():
                assert loss.shape == (), f"loss `{name}` has shape {tuple(loss.shape)}"
                assert loss.isfinite(), f"loss `{name}` is {loss.item()}"

    def test_gradients_stay_with_their_player(self, tmp_path: Path) -> None:
        """A player's losses send gradients to all of its own parameters and to none of the other's."""
        trainer = self.trainer(tmp_path / "run", objective="lsgan")
        nets = trainer.updates.nets
        learned = {name for name, parameter in nets.named_parameters() if parameter.requires_grad}
        for player, losses in zip(("discriminators", "generators"), _both_players(trainer), strict=True):
            torch.autograd.backward(list(losses.values()))
            reached = {name for name, parameter in nets.named_parameters() if parameter.grad is not None}
            own = {name for name in learned if name.startswith(player)}
            assert own <= reached, f"no gradient reaches {sorted(own - reached)}"
            assert reached <= own, f"the losses of the {player} reach {sorted(reached - own)}"
            nets.zero_grad()

    def test_training_moves_every_parameter(self, tmp_path: Path) -> None:
        """No parameter is without effect."""
        trainer = self.trainer(tmp_path / "run", objective="lsgan")
        parameters = [(name, p) for name, p in trainer.updates.nets.named_parameters() if p.requires_grad]
        before = [parameter.detach().clone() for _, parameter in parameters]
        _make_steps(trainer, 3)
        still = [name for (name, now), was in zip(parameters, before, strict=True) if torch.equal(now, was)]
        assert not still, f"three steps leave {still} as they were"

    def test_random_numbers_come_from_rng_alone(self, tmp_path: Path) -> None:
        """A step does not depend on the global generator."""
        trained = []
        for seed in (1, 2):
            trainer = self.trainer(tmp_path / "run")
            torch.manual_seed(seed)
            _make_steps(trainer, 1)
            trained.append(trainer.updates.nets)
        _expect_equal(trained[0], trained[1], "steps with different global seeds")

    def test_losses_are_means_over_samples(self, tmp_path: Path) -> None:
        """A batch in two parts gives the same update: what --accumulate and several processes rely on."""
        moved = []
        for accumulate in (1, 2):
            trainer = self.trainer(tmp_path / "run", accumulate=accumulate, optimizer="sgd", objective="lsgan")
            nets = trainer.updates.nets
            if mixes_samples(nets) or any(isinstance(module, _DropoutNd) for module in nets.modules()):
                return  # batch statistics and dropout are not the same for two halves
            before = nn.utils.parameters_to_vector(nets.parameters()).detach()
            _make_steps(trainer, 1)
            moved.append(nn.utils.parameters_to_vector(nets.parameters()).detach() - before)
        whole, split = moved
        difference = float((split - whole).norm() / whole.norm())
        assert difference < 1e-2, f"an update in two parts differs by {difference:.1%}"

    def test_translation_keeps_size_and_range(self, tmp_path: Path) -> None:
        """Pictures of any size come back in that size and in [-1, 1], with every choice of options."""
        trainer = self.trainer(tmp_path / "run")
        for options in self._every_option(trainer):
            for height, width in _SIZES:
                images = _noise(0, 2, 3, height, width)
                result = _translate(trainer, images, options)
                assert result.shape == images.shape, f"{tuple(images.shape)} became {tuple(result.shape)}"
                assert result.isfinite().all(), f"a translation of {height} x {width} pixels is not finite"
                assert result.abs().max() <= 1, f"a translation reaches {float(result.abs().max())}"

    def test_grid_renders(self, tmp_path: Path) -> None:
        """Every column of the sample sheet has as many pictures as the others, and they can be drawn."""
        trainer = self.trainer(tmp_path / "run")
        with torch.inference_mode():
            columns = trainer.task.grid(trainer.updates.averaged, trainer.updates.to_device(trainer.data.sheet()))
        lengths = {title: len(images) for title, images in columns.items()}
        assert len(set(lengths.values())) == 1, f"columns are of different lengths: {lengths}"
        for title, images in columns.items():
            assert images.shape[1] == 3, f"column `{title}` has pictures of {images.shape[1]} channels"
            assert images.abs().max() <= 1, f"column `{title}` leaves [-1, 1]"
        draw_sheet(columns, tmp_path / "sheet.png")
        with Image.open(tmp_path / "sheet.png") as sheet:
            sheet.verify()

    def test_weights_describe_themselves(self, tmp_path: Path) -> None:
        """A trained run's weights need nothing but their header to translate as in training."""
        trainer = self.trainer(tmp_path / "run")
        assert trainer.fit() == "finished"
        model = load_model(find_weights(tmp_path / "run"), "cpu")
        assert (model.header.task, model.header.plugin) == (self.task, plugin_of(self.task))
        if "generate" in trainer.run.task.capabilities:
            self._expect_generation(model)
        images = _noise(0, 2, 3, 33, 40)
        for options in self._every_option(trainer):
            expected = _translate(trainer, images, options)
            result = model.run(images, options, 0)
            assert torch.equal(result, expected), "loaded weights translate differently"
        save_weights(tmp_path / "again.safetensors", model.networks.generators.state_dict(), model.header)
        assert read_header(tmp_path / "again.safetensors") == model.header, "the header does not survive a file"

    def test_tiles_make_the_whole_picture(self, tmp_path: Path) -> None:
        """What `view` says holds: in tiles a picture comes out as it does whole, or in tiles of another size."""
        if "translate" not in manager().tasks.get(self.task).capabilities:
            return
        trainer = self.trainer(tmp_path / "run", steps=1)
        trainer.fit()
        model = load_model(find_weights(tmp_path / "run"), "cpu")
        _redraw(model.networks)
        image = to_image(_noise(0, model.channels, 70, 150))
        for options in self._every_option(trainer):
            if model.task.view(options) is None:
                continue
            whole = to_image(model.run(to_unit(to_bytes(image))[None], options, 0)[0])
            if not model.is_steady(options):  # in one piece it drops elsewhere
                whole = translate_tiled(model, image, options, 0, Tiling(96, "exact"))
            made = translate_tiled(model, image, options, 0, Tiling(48, "exact"))
            away = (to_bytes(made).int() - to_bytes(whole).int()).abs().max()
            assert away <= 1, f"tiles differ from the whole by {int(away)} of 255: `view` promises too much"

    def test_resuming_changes_nothing(self, tmp_path: Path) -> None:
        """Two steps, a checkpoint and two further steps are four steps, to the last bit."""
        whole = self.trainer(tmp_path / "whole", steps=4, checkpoint_every=2)
        whole.fit()
        middle = list_checkpoints(whole.run.checkpoints)[0]
        rest = self.trainer(tmp_path / "rest", middle, steps=4)
        assert rest.step == 2
        rest.fit()
        _expect_equal(whole.updates.nets, rest.updates.nets, "whole and resumed networks")
        _expect_equal(whole.updates.averaged, rest.updates.averaged, "whole and resumed averages")

    def test_a_run_may_begin_with_weights(self, tmp_path: Path) -> None:
        """`--init RUN` takes over generators, discriminators, and the settings that build them."""
        first = self.trainer(tmp_path / "first")
        first.fit()
        second = self.trainer(tmp_path / "second", init=tmp_path / "first", seed=1)
        _expect_equal(first.updates.average.networks, second.updates.nets.generators, "generators begun with")
        _expect_equal(first.updates.average.networks, second.updates.average.networks, "averages begun with")
        _expect_equal(first.updates.nets.discriminators, second.updates.nets.discriminators, "discriminators")

    def test_every_objective_trains(self, tmp_path: Path) -> None:
        """Two steps with every registered loss, penalty, constraint and recipe leave everything finite.

        Each player's update finds a finite gradient at every one of its parameters. What a network cannot have (virtual
        batch norm without norms) has to be refused by an error that names it.
        """
        for entry in manager().objectives:
            self.expect_training(entry, tmp_path / "run")

    def expect_training(self, entry: Reference, folder: Path) -> None:
        """Expect that two steps with an objective leave everything finite, or that it is refused by name."""
        try:
            trainer = self.trainer(folder, **_asking_for(entry))
        except GanToolsError as error:
            if any(name in error.message for name in _parts(entry)):
                return
            raise AssertionError(f"`{entry.name}` is refused: {error.message}") from error
        try:
            missed = _without_gradient(trainer)
            _make_steps(trainer, 2)
            assert not missed, f"no finite gradient reaches {sorted(missed)}"
            _expect_finite(trainer)
        except Exception as error:
            error.add_note(f"with the {entry.kind} `{entry.name}`, in `{self.task}`")
            raise

    def test_bf16_stays_finite(self, tmp_path: Path) -> None:
        """A step in mixed precision leaves everything finite."""
        trainer = self.trainer(tmp_path / "run", precision="bf16")
        _make_steps(trainer, 1)
        _expect_finite(trainer)

    def _expect_generation(self, model: Model) -> None:
        """Expect that a picture depends on seed, prompt and number alone."""
        first, second = model.generate("a red bird", n=2, seed=3)
        assert first.tobytes() != second.tobytes(), "two draws of noise give the same picture"
        among = model.generate([*(f"bird {i}" for i in range(9)), "a red bird"], n=1, seed=3)[-1][0]
        assert among.tobytes() == first.tobytes(), "a picture depends on what else is asked for"
        other = model.generate("a red bird", seed=4)[0]
        assert other.tobytes() != first.tobytes(), "another seed gives the same picture"

    def _every_option(self, trainer: Trainer) -> Iterator[Options]:
        """Yield the default options, and each with one choice made differently; none if the task translates nothing."""
        if "translate" not in trainer.run.task.capabilities:
            return
        cls: type[Options] = load_object(trainer.run.task.options)
        yield cls(**self.options)
        for name, field in cls.model_fields.items():
            if get_origin(field.annotation) is Literal:
                others = (choice for choice in get_args(field.annotation) if choice != field.default)
                yield from (cls(**{**self.options, name: choice}) for choice in others)


def _noise(seed: int, *shape: int) -> Tensor:
    """Return numbers uniform in [-1, 1)."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def _redraw(networks: nn.Module) -> None:
    """Draw weights so large that pixels far away and statistics tell."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for parameter in networks.parameters():
            if parameter.dim() > 1:
                nn.init.kaiming_normal_(parameter)


def _batches(trainer: Trainer) -> Iterator[Batch]:
    config: RunConfig = trainer.config
    return batches(trainer.data, 0, config.batch_size, config.accumulate, 0, pin=False)


def _make_steps(trainer: Trainer, count: int) -> None:
    ahead = _batches(trainer)
    for step in range(count):
        trainer.updates.step(step, ahead, 1.0)


def _both_players(trainer: Trainer) -> Iterator[Losses]:
    """Yield the discriminators' losses, then the generators', as the trainer asks for them."""
    task, updates = trainer.task, trainer.updates
    total = trainer.config.batch_size
    batch = updates.to_device(next(_batches(trainer)))

    def rng(phase: str) -> StepRandom:
        return StepRandom(0, phase, rows=slice(0, total), total=total, device="cpu")

    out = task.forward(updates.nets, batch, rng("forward"))
    detached = {name: value.detach() for name, value in out.items()}
    yield task.d_losses(updates.nets, batch, detached, updates.objective, rng("d"))
    updates.nets.discriminators.requires_grad_(False)
    yield task.g_losses(updates.nets, batch, out, updates.objective, rng("g"))
    updates.nets.discriminators.requires_grad_(True)


@torch.inference_mode()
def _translate(trainer: Trainer, images: Tensor, options: Options) -> Tensor:
    torch.manual_seed(0)  # as the command line does, for tasks that draw noise
    result: Tensor = trainer.task.translate(trainer.updates.averaged, images, options)
    return result


def _asking_for(entry: Reference) -> Settings:
    return {"objective": entry.name} if entry.kind in {"loss", "recipe"} else {entry.kind: [entry.name]}


def _parts(entry: Reference) -> list[str]:
    """Return the names of an entry, and of what a recipe is put together from."""
    if entry.kind != "recipe":
        return [entry.name]
    recipe: Recipe = entry.load()
    return [entry.name, *(spec.partition(":")[0] for spec in (recipe.loss, *recipe.penalties, *recipe.constraints))]


def _without_gradient(trainer: Trainer) -> set[str]:
    """Return a set that is filled, update by update, with parameters that have no finite gradient in their own."""
    names = {parameter: name for name, parameter in trainer.updates.nets.named_parameters()}
    backend, missed = trainer.updates.backend, set[str]()
    step = backend.step

    def looking(optimizer: Optimizer) -> None:
        for group in optimizer.param_groups:
            missed.update(names[p] for p in group["params"] if p.grad is None or not p.grad.isfinite().all())
        step(optimizer)

    backend.step = looking  # type: ignore[method-assign]
    return missed


def _expect_equal(first: nn.Module, second: nn.Module, what: str) -> None:
    one, other = first.state_dict(), second.state_dict()
    assert list(one) == list(other), f"{what} have different parameters"
    unlike = [name for name, value in one.items() if not torch.equal(value, other[name])]
    assert not unlike, f"{what} differ in {unlike}"


def _expect_finite(trainer: Trainer) -> None:
    broken = [name for name, value in trainer.updates.totals.items() if not value.isfinite()]
    broken += [name for name, value in trainer.updates.nets.named_parameters() if not value.isfinite().all()]
    assert not broken, f"not finite after a step: {broken}"
