"""Layers of settings: which wins, and how mistakes are told."""

import pytest
import yaml

from gantools.config import RunConfig, merge, read_yaml, validate, write_yaml
from gantools.errors import GanToolsError
from gantools.objectives.grammar import build_objective
from gantools.objectives.losses import Wasserstein
from gantools.objectives.penalties import GradientPenalty
from gantools.plugins import manager
from gantools.registry import load_object
from gantools.training.run import resolve


@pytest.fixture
def settings_file(tmp_path):
    def write(content):
        path = tmp_path / "settings.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        return path

    return write


def configured(given=None, file=None):
    return resolve("cyclegan", {"device": "cpu", **(given or {})}, file)[1]


def test_each_layer_of_settings_overrides_the_one_before(settings_file):
    config = configured()
    assert (config.cycle, config.n_critic) == (10, 1)  # the fields' defaults
    assert (config.size, config.width, config.steps, config.lr_g) == (64, 32, 2000, 2e-4)  # the CPU's
    config = configured({"preset": "paper"})
    assert (config.size, config.width, config.steps, config.epochs, config.adversarial) == (256, 64, None, 200, 2)
    config = configured({"preset": "paper", "objective": "wgan-gp"})
    assert (config.width, config.lr_g, config.lr_d, config.betas, config.n_critic) == (64, 1e-4, 1e-4, (0, 0.9), 5)
    file = settings_file({"preset": "paper", "objective": "wgan-gp", "lr-g": 3e-4, "lr_d": 3e-4, "steps": 7})
    config = configured({}, file)
    assert (config.width, config.lr_g, config.lr_d, config.n_critic) == (64, 3e-4, 3e-4, 5)
    assert (config.steps, config.epochs) == (7, None)
    config = configured({"lr_d": 5e-4, "width": 16}, file)
    assert (config.width, config.lr_g, config.lr_d, config.n_critic) == (16, 3e-4, 5e-4, 5)


def test_flags_replace_the_files_recipe_and_preset_with_all_their_settings(settings_file):
    file = settings_file({"preset": "paper", "objective": "wgan-gp"})
    config = configured({"objective": "hinge", "preset": None}, file)
    assert (config.objective, config.n_critic, config.lr_g, config.width) == ("hinge", 1, 2e-4, 32)


def test_the_recipe_wgan_gp_is_the_papers_algorithm():
    config = configured({"objective": "wgan-gp"})
    # Gulrajani et al. 2017, algorithm 1: λ = 10, n_critic = 5, α = 0.0001, β₁ = 0, β₂ = 0.9.
    assert (config.n_critic, config.lr_g, config.lr_d, config.betas) == (5, 1e-4, 1e-4, (0, 0.9))
    assert config.optimizer == "adam"
    objective = build_objective(config)
    assert isinstance(objective.loss, Wasserstein)
    assert objective.penalties == {"gp": GradientPenalty(weight=10)}


@pytest.mark.parametrize(("name", "value"), [("steps", 5), ("epochs", 2.5), ("minutes", 3.0)])
def test_a_run_length_replaces_every_other_kind_of_length(name, value, settings_file):
    file = settings_file({"epochs": 9})
    for layers in (({name: value},), ({name: value, "preset": "paper"},), ({name: value}, file)):
        config = configured(*layers)
        lengths = {other: getattr(config, other) for other in ("steps", "epochs", "minutes")}
        assert lengths == {"steps": None, "epochs": None, "minutes": None, name: value}


def test_two_run_lengths_asked_for_at_once_exclude_each_other():
    with pytest.raises(GanToolsError, match="--steps and --minutes exclude each other"):
        configured({"steps": 5, "minutes": 3})


@pytest.mark.parametrize("content", ["steps:\n", "steps: null\nepochs: null\nminutes: null\n"])
def test_an_empty_run_length_does_not_make_a_run_endless(content, settings_file):
    assert configured({}, settings_file(content)).steps == 2000


def test_merging_leaves_its_layers_as_they_are():
    layers = [{"steps": 1, "size": 2}, {"epochs": 3}]
    merge(*layers)
    assert layers == [{"steps": 1, "size": 2}, {"epochs": 3}]


def test_what_a_run_writes_down_is_what_it_reads_back(tmp_path):
    path = tmp_path / "config.yaml"
    for given in (
        {"objective": "wgan-gp", "penalty": ["r1:every=4"], "a": "Bilder ä", "b": "b", "minutes": 0.5},
        {"preset": "paper", "constraint": ["spectral-norm"], "betas": [0.1, 0.2], "out": tmp_path},
    ):
        config = configured(given)
        write_yaml({"task": "cyclegan", **config.model_dump(mode="json")}, path)
        assert resolve("cyclegan", {}, path)[1] == config


def test_unknown_options_are_all_named_with_what_was_probably_meant(settings_file):
    with pytest.raises(GanToolsError) as caught:
        configured({"sise": 64, "colour_of_hats": 1})
    assert caught.value.message == "unknown option --sise, --colour-of-hats"
    assert "--sise: did you mean `size`" in caught.value.hint
    with pytest.raises(GanToolsError, match="unknown option --batch-sise"):
        configured({}, settings_file("batch-sise: 3"))


def test_all_problems_are_reported_at_once():
    with pytest.raises(GanToolsError) as caught:
        configured({"size": 4, "lr_g": -1, "critic": "blob", "background": "no colour", "ema": 1})
    for name, given in (("size", 4), ("lr-g", -1), ("critic", "'blob'"), ("background", "'no colour'"), ("ema", 1)):
        assert f"--{name}: " in caught.value.message
        assert f"(got {given})" in caught.value.message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 3, "accumulate": 2}, "--batch-size 3 is not a multiple of --accumulate 2"),
        ({"size": 64, "load_size": 60}, "--load-size 60 is smaller than --size 64"),
    ],
)
def test_options_that_do_not_go_together_are_refused(given, message):
    with pytest.raises(GanToolsError, match=message):
        configured(given)


LAUGHS = "&a0 [x, x]"  # 2^40 letters, written out
for i in range(1, 40):
    LAUGHS = f"&a{i} [{LAUGHS}, *a{i - 1}]"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("size: [64", "is not valid YAML"),
        ("size: 2020-01-00", "is not valid YAML"),  # found by fuzzing, as are the next three
        ('size: !!int ""', "is not valid YAML"),
        ("size: !!bool maybe", "is not valid YAML"),
        ("[" * 1500, "is not valid YAML"),
        ("a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40)), "unknown option"),
        ("width: &a [1]\n" + "size: " + "[" * 90 + "*a" + "]" * 90, "--size: input should be a valid integer"),
        ("- size\n- 64\n", "does not hold settings"),
        ("just words", "does not hold settings"),
        ("task: pix2pix\nsize: 64\n", "is for another task than cyclegan"),
        ("preset: papre", "unknown preset `papre`"),
        ("preset: [paper]", "--preset: input should be text"),
        ("init: 5", "--init: input should be text"),
        ("objective: " + LAUGHS, "--objective: input should be text"),
        ("objective: wgan-pg", "unknown objective `wgan-pg`"),
        ("size: large", "--size: input should be a valid integer"),
    ],
)
def test_a_bad_settings_file_is_told_from_python_errors(content, message, settings_file):
    with pytest.raises(GanToolsError, match=message) as caught:
        configured({}, settings_file(content))
    assert caught.value.hint


def test_a_settings_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "latin1.yaml").write_bytes(b"background: caf\xe9")
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "latin1.yaml"):
        with pytest.raises(GanToolsError) as caught:
            read_yaml(path)
        assert str(path) in caught.value.message


def test_an_empty_settings_file_sets_nothing(settings_file):
    assert read_yaml(settings_file("# nothing yet\n")) == {}


def test_a_configuration_cannot_be_changed_afterwards():
    config = validate(RunConfig, {})
    with pytest.raises(ValueError, match="frozen"):
        config.steps = 3


@pytest.mark.parametrize("task", manager().tasks.names())
def test_every_preset_of_every_task_is_valid(task):
    for preset in load_object(manager().tasks.get(task).config).presets:
        assert resolve(task, {"preset": preset, "device": "cpu"})[1].preset == preset


@pytest.mark.parametrize("task", manager().tasks.names())
def test_every_option_of_every_task_has_a_help_line_and_a_panel(task):
    for name, field in load_object(manager().tasks.get(task).config).model_fields.items():
        assert field.description, name
        assert "\n" not in field.description, name
        assert (field.json_schema_extra or {}).get("panel"), name
