"""`gantools sweep TASK --vary KEY=A,B`: many runs one after another, and `gantools sweep DIR` to go on with them."""

from __future__ import annotations

import inspect
import os
import shlex
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantools.cli.console import hushed, put, say, steps_bar, talk, tell
from gantools.cli.options import extra, make_command, model_options
from gantools.cli.tasks import TaskGroup, fill
from gantools.cli.uniform import make_uniform
from gantools.config import RunConfig
from gantools.plugins import TaskInfo
from gantools.registry import load_object

if TYPE_CHECKING:
    from gantools.sweep.plan import Sweep
    from gantools.sweep.running import Outcome

_HELP = (
    "Train every combination of some settings with several seeds, evaluate the runs and compare them. "
    "`gantools sweep TASK --help` lists the options; `gantools sweep DIR` goes on with a sweep that was interrupted."
)
_VARY = (
    "KEY=VALUE,VALUE: values of a setting; repeatable. Where there is a `;`, it alone separates values, "
    "as in 'penalty=r1;gp:weight=10,every=4'; 'KEY=VALUE;' is one value with its commas"
)
_PANEL = "Sweep"


class _SweepGroup(TaskGroup):
    """Takes the folder of a sweep in place of a task, too."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        looks_like_one = args and (Path(args[0]).is_dir() or os.sep in args[0])
        if looks_like_one and args[0] not in self.commands:
            return "DIR", make_uniform("sweep DIR", _folder_command()), args
        return super().resolve_command(ctx, args)


def command() -> TaskGroup:
    """Build the group of tasks."""
    group = _SweepGroup(name="sweep", help=_HELP, no_args_is_help=True, subcommand_metavar="TASK|DIR [OPTIONS]")
    return fill(group, _task_command)


def _task_command(info: TaskInfo) -> Any:
    from gantools.training.run import default_settings

    config: type[RunConfig] = load_object(info.config)
    settings = model_options(config, default_settings(config, "cuda"), default_settings(config, "cpu"))
    parameters = [
        extra("vary", list[str], help=_VARY, rich_help_panel=_PANEL),
        extra(
            "seeds", int, help="runs of each combination, from --seed on \\[default: 3]", min=1, rich_help_panel=_PANEL
        ),
        extra(
            "metrics", list[str], help="NAME,NAME,… to evaluate by in the end \\[default: all that apply]",
            rich_help_panel=_PANEL,
        ),
        extra(
            "out", Path, names=["-o", "--out"], help="folder of the sweep \\[default: sweeps/TASK/N]",
            rich_help_panel=_PANEL,
        ),
        extra("dry_run", bool, names=["--dry-run"], help="list the runs and stop", rich_help_panel=_PANEL),
        extra("retry", bool, names=["--retry"], help="try failed runs again", rich_help_panel=_PANEL),
        *(parameter for parameter in settings if parameter.name != "out"),
        extra("config", Path, help="YAML file of settings; flags override it", rich_help_panel="Output"),
    ]  # fmt: skip

    def sweep(
        vary: Sequence[str] = (),
        seeds: int = 3,
        metrics: Sequence[str] = (),
        out: Path | None = None,
        dry_run: bool = False,
        retry: bool = False,
        config: Path | None = None,
        **settings: Any,
    ) -> None:
        from gantools.sweep.plan import new_sweep, next_folder
        from gantools.sweep.running import check_evaluation

        names = [name.strip() for text in metrics for name in text.split(",") if name.strip()]
        planned = new_sweep(info.name, vary, seeds, settings, config, names).checked()
        check_evaluation(planned)
        if dry_run:
            _list(planned)
            return
        folder = out or next_folder(info.name)
        planned.save(folder)
        _run(planned, folder, retry)

    return make_command(info.name, f"{_HELP.partition('.')[0]}: {info.summary}.", parameters, sweep)


def _folder_command() -> Any:
    folder = typer.Argument(help="folder of a sweep", show_default=False, metavar="DIR")
    parameters = [
        inspect.Parameter("folder", inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[Path, folder]),
        extra("retry", bool, names=["--retry"], help="try failed runs again"),
    ]

    def go_on(folder: Path, retry: bool = False) -> None:
        from gantools.sweep.plan import read_sweep

        _run(read_sweep(folder).checked(), folder, retry)

    return make_command("DIR", "Go on with a sweep: what is done is not done again.", parameters, go_on)


def _list(sweep: Sweep) -> None:
    """Print the runs' names, and what they share."""
    for planned in sweep.runs:
        put(planned.name)
    shared = ", ".join(f"{name} {value}" for name, value in sweep.settings.items())
    tell(f"{len(sweep.runs)} runs of {sweep.task}; all with: {shared or 'the defaults'}")
    tell("leave --dry-run out to train them")


def _run(sweep: Sweep, folder: Path, retry: bool) -> None:
    """Make all runs, tell of each in a line, and print the comparison."""
    from gantools.sweep.running import Runner
    from gantools.training.display import pick_display

    again = f"gantools sweep {shlex.quote(str(folder))}"
    if not sweep.settings.get("eval_data") and "eval_data" not in sweep.vary and sweep.can_be_evaluated:
        say("warning: evaluating on the training data, which flatters; --eval-data DIR names others")
    total = len(sweep.runs)
    runner = Runner(sweep, folder, partial(pick_display, talk, hushed()), steps_bar, retry)
    outcomes: list[Outcome] = []
    try:
        for outcome in runner.run_all():
            outcomes.append(outcome)
            _tell(outcomes, total)
    except KeyboardInterrupt:
        _end_early(outcomes, total, again, 130)
    if outcomes[-1].outcome == "interrupted":
        _end_early(outcomes[:-1], total, again, 75 if outcomes[-1].signal == signal.SIGTERM else 130)
    _conclude(outcomes, folder, again)


def _tell(outcomes: Sequence[Outcome], total: int) -> None:
    """Print a line for the last run; what went wrong is said even if all else is quiet."""
    from gantools.sweep.running import minutes_left

    last = outcomes[-1]
    words = "done before" if last.earlier and last.outcome == "finished" else last.outcome
    words = "failed before" if last.earlier and last.outcome == "failed" else words
    step = f" at step {last.step:,}" if last.step else ""
    took = "" if last.earlier else f", {last.minutes:.1f} min"
    trouble = f"; {last.trouble}" if last.trouble else ""
    left = minutes_left(outcomes, total)
    ahead = f"; about {left:.0f} min left" if left is not None and left >= 0.5 and not last.earlier else ""
    line = say if last.trouble else tell
    line(f"{len(outcomes)}/{total}  {last.name}: {words}{step}{took}{trouble}{ahead}")


def _end_early(outcomes: Sequence[Outcome], total: int, again: str, code: int) -> None:
    say(f"interrupted after {len(outcomes)} of {total} runs")
    say(f"go on with: {again}")
    raise typer.Exit(code)


def _conclude(outcomes: Sequence[Outcome], folder: Path, again: str) -> None:
    """Print the comparison, where everything is, and what to type next; exit with 1 if a run failed."""
    from gantools.cli.compare import show

    place = shlex.quote(str(folder))
    finished = [outcome for outcome in outcomes if outcome.outcome == "finished"]
    if finished:
        tell("")
        show([folder], (), False, folder)
        tell(f"again:      gantools compare {place} --metric NAME,…; the runs are in {folder}")
    failed = len(outcomes) - len(finished)
    if failed:
        say(f"{failed} of {len(outcomes)} runs failed; try them again with: {again} --retry")
    bare = sum(bool(outcome.trouble) for outcome in finished)
    if bare:
        say(f"{bare} of {len(outcomes)} runs could not be evaluated; try it again with: {again}")
    if failed or bare:
        raise typer.Exit(1)
