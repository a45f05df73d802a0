"""What a person sees while a run goes on: live bars on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from gantools.terminal import one_line


class Display(Protocol):
    """How a run talks."""

    def reading(self, name: str, done: int, total: int) -> None:
        """Tell how many of something, such as "pictures from photos", are read."""

    def started(self, step: int, total: int | None, summary: str) -> None:
        """Tell that training begins at ``step``; ``total`` may not be known yet."""

    def progress(self, step: int, total: int | None, remaining: float | None) -> None:
        """Tell how far the run is, after every step."""

    def logged(self, step: int, values: dict[str, float]) -> None:
        """Show the values of a logging step."""

    def note(self, message: str, warning: bool = False) -> None:
        """Say something in words."""

    def ended(self) -> None:
        """Leave the screen as it is."""


class Quiet:
    """Says nothing but warnings."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def reading(self, name: str, done: int, total: int) -> None:
        """Say nothing."""

    def started(self, step: int, total: int | None, summary: str) -> None:
        """Say nothing."""

    def progress(self, step: int, total: int | None, remaining: float | None) -> None:
        """Say nothing."""

    def logged(self, step: int, values: dict[str, float]) -> None:
        """Say nothing."""

    def note(self, message: str, warning: bool = False) -> None:
        """Print warnings alone."""
        if warning:
            self.console.print(one_line(f"warning: {message}"), markup=False, highlight=False, soft_wrap=True)

    def ended(self) -> None:
        """Say nothing."""


class Lines(Quiet):
    """Plain lines, one a logging step: for log files and pipes."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._total: int | None = None
        self._remaining: float | None = None

    def reading(self, name: str, done: int, total: int) -> None:
        """Print one line when a folder is done."""
        if done == total:
            self._print(f"read {total:,} {name}")

    def started(self, step: int, total: int | None, summary: str) -> None:
        """Print what is going to happen."""
        self._print(summary)

    def progress(self, step: int, total: int | None, remaining: float | None) -> None:
        """Remember for the next line."""
        self._total, self._remaining = total, remaining

    def logged(self, step: int, values: dict[str, float]) -> None:
        """Print one line."""
        losses = "  ".join(f"{name} {value:.3g}" for name, value in values.items() if _is_loss(name))
        of = f"/{self._total}" if self._total else ""
        self._print(
            f"step {step}{of}  {values['images_per_second']:.1f} images/s  left {_clock(self._remaining)}  {losses}"
        )

    def note(self, message: str, warning: bool = False) -> None:
        """Print a message on a line of its own."""
        self._print(f"warning: {message}" if warning else message)

    def _print(self, text: str) -> None:
        self.console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)


class Bars(Lines):
    """A live bar with speed, time left and a table of losses."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}"),
            console=console,
            expand=True,
        )
        self._task = self._bar.add_task("", total=None, state="")
        self._live = Live(self._bar, console=console, refresh_per_second=4)
        self._speed = ""

    def reading(self, name: str, done: int, total: int) -> None:
        """Move the bar while pictures are decoded."""
        self._live.start()
        self._bar.update(self._task, description="reading", completed=done, total=total, state=f"{done}/{total}")
        if done == total:
            super().reading(name, done, total)

    def started(self, step: int, total: int | None, summary: str) -> None:
        """Print what is going to happen and start the bar."""
        self._live.start()
        super().started(step, total, summary)
        self.progress(step, total, None)

    def progress(self, step: int, total: int | None, remaining: float | None) -> None:
        """Move the bar."""
        of = f"/{total}" if total else ""
        state = f"step {step}{of}  {self._speed}left {_clock(remaining)}"
        self._bar.update(self._task, description="training", completed=step, total=total, state=state)

    def logged(self, step: int, values: dict[str, float]) -> None:
        """Show the losses under the bar."""
        self._speed = f"{values['images_per_second']:.1f} images/s  "
        self._live.update(Group(self._bar, _loss_table(values)))

    def ended(self) -> None:
        """Stop the live display, leaving its last state."""
        self._live.stop()


def pick_display(console: Console, quiet: bool = False) -> Display:
    """Return bars on a terminal, lines elsewhere, or the quiet display."""
    if quiet:
        return Quiet(console)
    return Bars(console) if console.is_terminal else Lines(console)


def _loss_table(values: dict[str, float]) -> Table:
    """Return a line for each player's losses, and one for what was measured."""
    table = Table.grid(padding=(0, 2))
    for player, title in (("d", "critic"), ("g", "generator"), ("eval", "measured")):
        losses = {
            name.split("/")[1]: value
            for name, value in values.items()
            if name.startswith(player + "/") and _is_loss(name)
        }
        if losses:
            table.add_row(title, "  ".join(f"{name} {value:.3g}" for name, value in losses.items()))
    return table


def _is_loss(name: str) -> bool:
    kind = name.partition("/")[2]
    return bool(kind) and not kind.startswith(("score", "accuracy", "gradient"))


def _clock(seconds: float | None) -> str:
    return str(timedelta(seconds=round(seconds))).removeprefix("0:") if seconds is not None else "?"
