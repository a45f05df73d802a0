"""`gantools train TASK`: a sub-command for each registered task, its flags made from the task's Config."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from gantools.cli.console import hushed, put, say, talk, tell
from gantools.cli.options import extra, make_command, model_options
from gantools.cli.tasks import TaskGroup, fill
from gantools.config import RunConfig, Settings
from gantools.plugins import TaskInfo, manager
from gantools.registry import load_object
from gantools.training.processes import leads

if TYPE_CHECKING:
    from gantools.api import TrainedRun

_HELP = "Train a task on your own pictures. `gantools train TASK --help` lists the task's options."


def command() -> TaskGroup:
    """Build the group of tasks."""
    group = TaskGroup(name="train", help=_HELP, no_args_is_help=True, subcommand_metavar="TASK [OPTIONS]")
    return fill(group, _task_command)


def _task_command(info: TaskInfo) -> Any:
    from gantools.training.run import default_settings, new_run, resolve

    config: type[RunConfig] = load_object(info.config)
    parameters = [
        *model_options(config, default_settings(config, "cuda"), default_settings(config, "cpu")),
        extra("config", Path, help="YAML file of settings; flags override it", rich_help_panel="Output"),
        extra(
            "dry_run", bool, names=["--dry-run"], help="print the resolved settings and stop", rich_help_panel="Output"
        ),
    ]

    def train(config: Path | None = None, dry_run: bool = False, **settings: Any) -> None:
        _, resolved = resolve(info.name, settings, config)
        if dry_run:
            import yaml

            from gantools.objectives.grammar import build_objective

            build_objective(resolved)  # or says what is wrong with it, as the run would
            put(yaml.safe_dump({"task": info.name, **resolved.model_dump(mode="json")}, sort_keys=False).rstrip())
            return
        if resolved.eval_data and resolved.eval_every is None:
            say("warning: --eval-data is for --eval-every N, which is not given: nothing is evaluated")
        from gantools.api import fit
        from gantools.training.display import pick_display

        with preemptible():
            finish(fit(new_run(info, resolved), pick_display(talk, hushed())))

    return make_command(info.name, f"{info.summary[0].upper()}{info.summary[1:]}.", parameters, train)


@contextmanager
def preemptible() -> Iterator[None]:
    """End with 75 at a SIGTERM outside of training, too: while pictures are read, or the report is written."""

    def stop(number: int, frame: FrameType | None) -> None:
        say("stopped: there is nothing to save")
        sys.exit(75)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def read_flags(task: str, words: Sequence[str]) -> Settings:
    """Read flags of ``gantools train TASK`` into settings; a mistake in them ends the command as usage errors do."""
    found: Settings = {}
    config: type[RunConfig] = load_object(manager().tasks.get(task).config)
    reader = make_command(f"train {task}", "", model_options(config), found.update)
    try:
        reader.main(list(words), standalone_mode=True)
    except SystemExit as end:
        if end.code:
            raise
    return found


def finish(trained: TrainedRun) -> None:
    """Print a run's folder, say what to type next; exit as the outcome demands."""
    from gantools.weights.header import read_header

    run = shlex.quote(str(trained.folder))
    if leads():
        put(str(trained.folder))
    stopped = trained.outcome == "interrupted"
    (say if stopped else tell)(f"{trained.outcome} at step {trained.step:,}; results in {trained.folder}")
    if stopped:
        say(f"go on with: gantools resume {run}")
        raise typer.Exit(75 if trained.signal == signal.SIGTERM else 130)
    if not leads():
        return
    tell(f"look at:    {trained.folder / 'report.html'}, {max((trained.folder / 'samples').glob('*.png'))}")
    if "translate" in manager().tasks.get(trained.task).capabilities:
        to = " --to all" if read_header(trained.weights).domains else ""
        tell(f"try:        gantools translate PICTURE{to} --weights {run}")
    if "generate" in manager().tasks.get(trained.task).capabilities:
        tell(f'try:        gantools generate "WORDS" --weights {run}')
    tell(f"train on:   gantools resume {run} --steps 1000")
