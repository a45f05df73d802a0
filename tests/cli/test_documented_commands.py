"""Every command line of the README and the docs: run on stand-in data, or resolved, or marked as needing more."""

import json
import re
import shlex
import shutil
import tarfile
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from gantools.cli.app import app
from gantools.config import RunConfig
from gantools.objectives.grammar import build_objective
from tests.cli.documented import PAGES, ROOT, Command, commands
from tests.conftest import EXAMPLES, uninstalled_plugins

MARKS = {"needs: gpu", "needs: network", "needs: launcher", "needs: plugin", "takes: long"}
TINY = {
    "cyclegan": "--size 16 --width 4 --blocks 1 --d-width 4 --d-layers 1",
    "pix2pix": "--size 16 --width 4 --blocks 1 --d-width 4 --d-layers 1",
    "stargan": "--size 16 --width 4 --blocks 1 --d-width 4 --d-layers 1 --n-critic 1",
    "text2image": "--size 16 --width 4 --d-width 4",
    "toy": "--width 8",
}
QUICK = "--batch-size 2 --steps 1 --device cpu --quiet"
# What is run, by how it begins, and what is added to make it quick.
RUN = {
    "train": "--dry-run",  # but for the first command of each task, to which TINY is added
    "translate": "--force --device cpu",
    "generate": "--force --device cpu",
    "resume": "--steps 1",
    "sweep": "--dry-run",
    "objectives": "",
    "report": "",
    "data check": "",
    "plugins list": "",
    "plugins new": "",
    "weights list": "",
    "weights show": "",
    "--version": "",
}
# What is only read, name by name and flag by flag: it takes long, or changes the machine. Other tests run it.
READ = [
    r"demo\b", r"doctor\b", r"ui\b", r"compare\b", r"evaluate\b", r"export\b", r"lab\b", r"plugins (un)?install\b",
    r"weights (import|push|pull|verify)\b", r"data (get|prepare)\b", r"sweep sweeps/", r".*hf://", r".*\.onnx\b",
    r".*--engine\b", r".*\.mp4\b",
]  # fmt: skip
_NAMES = ("objective", "penalty", "constraint")
PLUGINS = {
    "gantools_alpha_loss": EXAMPLES / "gantools-alpha-loss",
    "gantools_cut": EXAMPLES / "gantools-cut",
    "gantools_gcgan": ROOT / "tests" / "plugin_example",
}
FOLDERS = """
    horses zebras outlines drawings photos A B faces words birds test/A test/B test/outline test/openmoji AB/A AB/B
    styles/noto styles/twemoji facades/train facades/test celeba/images datasets/horse2zebra/trainA
    datasets/horse2zebra/trainB datasets/horse2zebra/testA datasets/facades/train emoji/train/outline
    emoji/train/openmoji emoji/test/outline emoji/test/openmoji emoji/test/noto"""
SINGLE = "photo.png photos/one.jpg outline.png emoji.png face.png drawing.png zebra.jpg large.png"
FOUND = [command for page in PAGES for command in commands(page)]
ONCE = [command for i, command in enumerate(FOUND) if command[2:] not in [other[2:] for other in FOUND[:i]]]


@pytest.fixture(scope="module", autouse=True)
def plugins():
    """The plugins that the docs build, imported from where they lie."""
    with uninstalled_plugins(PLUGINS):
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with all that the commands name: pictures, and tiny weights of each task."""
    place = tmp_path_factory.mktemp("docs")
    patch = pytest.MonkeyPatch()
    patch.chdir(place)
    patch.setenv("GANTOOLS_CACHE", str(place / "cache"))
    _pictures()
    for data in (  # translate without --weights takes the last
        "stargan --data faces --attributes list_attr_celeba.txt --out runs/faces", "stargan --data styles",
        "text2image --data words", "pix2pix --data AB", "cyclegan --data AB",
    ):  # fmt: skip
        result = call(f"train {data} {TINY[data.partition(' ')[0]]} {QUICK}".split())
        assert result.exit_code == 0, f"{data}: {result.stderr}"
    for name, task in (("zebras", "cyclegan"), ("birds", "text2image")):
        shutil.copy(f"runs/{task}/1/weights.safetensors", f"{name}.safetensors")
    yield place
    patch.undo()


def _pictures() -> None:
    """Put stand-ins where the docs have pictures."""
    Path("examples").symlink_to(EXAMPLES)
    for number, folder in enumerate(FOLDERS.split()):
        kind = ("noto", "fluent3d", "openmoji")[number % 3]
        Path(folder).mkdir(parents=True)
        for i, picture in enumerate(sorted((EXAMPLES / "test" / kind).glob("*.png"))):
            with Image.open(picture) as image:
                image.resize((32, 16) if "facades" in folder else (16, 16)).save(Path(folder, f"{i}.png"))
    for folder in ("words", "birds"):
        rows = [json.dumps({"file_name": f"{i}.png", "text": f"a red bird, number {i}"}) for i in range(12)]
        Path(folder, "metadata.jsonl").write_text("\n".join(rows))
    for folder in map(Path, ("horses", "zebras", "words")):
        files = sorted(folder.iterdir())
        for number in range(100):
            with tarfile.open(folder / f"{number:03}.tar", "w") as tar:
                for file in files[number::100]:
                    tar.add(file, file.name)
    for folder, names in ((".", "Smiling Young Male"), ("celeba", "Black_Hair Blond_Hair Brown_Hair Male Young")):
        count = len(names.split())
        rows = [f"{i}.png " + " ".join("1" if (i >> k) & 1 else "-1" for k in range(count)) for i in range(12)]
        Path(folder, "list_attr_celeba.txt").write_text("\n".join(["12", names, *rows, ""]))
    for name in SINGLE.split():
        Image.new("RGB", (20, 18), "teal").save(name)
    Path("prompts.txt").write_text("a red bird\n")
    Path("sweeps/pix2pix/1").mkdir(parents=True)  # a sweep is told from a task by its folder


def call(words):
    return CliRunner().invoke(app, list(words))


def read(words) -> None:
    """Read a command line as the program would, to its last flag, without doing what it says."""
    name, command, context, rest = "gantools", get_command(app), None, list(words)
    while True:
        context = command.make_context(name, rest, parent=context)
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        if not rest or not hasattr(command, "resolve_command"):
            return
        name, command, rest = command.resolve_command(context, rest)


def check_objectives(words) -> None:
    """Build what --objective, --penalty and --constraint name: a command that is only read never gets that far."""
    named = {flag: [value for key, value in pairwise(words) if key == f"--{flag}"] for flag in _NAMES}
    objective = named.pop("objective") or ["lsgan"]
    build_objective(RunConfig(objective=objective[-1], batch_size=1024, **named))


def treatment(command: Command) -> list[str] | None:
    """Return the words to run, or None for a command that is only read; an unknown one is a failure."""
    text = " ".join(command.words)
    if command.marks or any(re.match(begin, text) for begin in READ):
        return None
    if command.words[-1] == "--help":
        return list(command.words)
    begins = [begin for begin in RUN if f"{text} ".startswith(f"{begin} ")]
    assert begins, f"say in RUN or READ what this test should do with `gantools {text}`"
    more = RUN[begins[0]]
    if begins[0] == "train" and command.words[1] in TINY and command is _first(command.words[:2]):
        more = f"{TINY[command.words[1]]} {QUICK} --out made/{command.words[1]}"  # not the newest under runs
    return [*command.words, *more.split()]


def _first(words) -> Command:
    return next(other for other in ONCE if other.words[: len(words)] == words and "--preset" not in other.words)


@pytest.mark.parametrize("command", ONCE, ids=str)
def test_it_works(command: Command, place: Path, monkeypatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("GANTOOLS_CACHE", str(place / "cache"))
    assert set(command.marks) <= MARKS
    words = treatment(command)
    if words is None:
        read(command.words)
        if "needs: plugin" not in command.marks:
            check_objectives(command.words)
        return
    if words[:2] == ["plugins", "new"]:
        shutil.rmtree(f"gantools-{words[2]}", ignore_errors=True)
    result = call(words)
    assert result.exit_code == 0, f"{result.stderr[-2000:]}{result.exception!r}"


def test_there_are_many() -> None:
    assert len(FOUND) > 120
    assert {page.name for page in PAGES} >= {"README.md", "start.md", "theory.md", "plugins.md"}


@pytest.mark.parametrize("line", ["cyclgan --a A", "train cyclegan --objectve lsgan", "translate", "weights shwo x"])
def test_a_wrong_one_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|missing|did you mean"):
        read(shlex.split(line))


def test_a_new_verb_has_to_be_decided_on() -> None:
    with pytest.raises(AssertionError, match="RUN or READ"):
        treatment(Command("page.md", 1, ("paint", "a", "bird"), ()))


def test_flags_beside_those_of_other_programs_exist() -> None:
    """In the tables of coming-from.md each flag of the middle column is one of the section's task or its command."""
    text = (ROOT / "docs" / "coming-from.md").read_text(encoding="utf-8")
    tasks = {"pytorch": ("cyclegan", "pix2pix"), "StarGAN": ("stargan",), "DF-GAN": ("text2image",)}
    count = 0
    for section in text.split("\n## ")[1:]:
        known = next(names for start, names in tasks.items() if section.startswith(start))
        for row in re.findall(r"^\| `.*", section, re.MULTILINE):
            for code in re.findall(r"`([^`]+)`", row.split("|")[2]):
                verb = code.split()[0] if not code.startswith("-") else ""
                verbs = [verb.replace("gantools", "")] if verb else [f"train {task}" for task in known]
                flags = re.findall(r"--[\w-]+", code)
                count += len(flags)
                assert any(set(flags) <= _flags(words) for words in verbs) or verb == "gantools", (row, code)
    assert count > 60


@cache
def _flags(words: str) -> set[str]:
    result = call([*words.split(), "--help"])
    assert result.exit_code == 0, words
    both = re.findall(r"--\[no-\]([\w-]+)", result.stdout)
    return {
        *re.findall(r"--[\w-]+", result.stdout),
        *(f"--{name}" for name in both),
        *(f"--no-{name}" for name in both),
    }
