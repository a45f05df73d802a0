"""log.jsonl and curves.png: what a run leaves for reading and for plotting."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from gantools.errors import GanToolsError
from gantools.storage import write_atomically


class RunLog:
    """One JSON object a logging step: step, seconds, images_per_second, and the losses by name."""

    def __init__(self, path: Path, up_to: int = 0, evaluated: bool = True) -> None:
        """Cut an earlier log back to a step; ``evaluated=False`` leaves out what was measured at that step."""
        self.path = path
        rows = [row for row in read_log(path) if row["step"] <= up_to] if path.exists() else []
        if not evaluated:
            rows = [row for row in rows if row["step"] < up_to or "seconds" in row]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def write(self, row: dict[str, Any]) -> None:
        """Append a row; GanToolsError if the disk refuses."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:
            hint = "check free space and permissions; gantools resume goes on from the last checkpoint"
            raise GanToolsError(f"cannot write {self.path}: {error.strerror}", hint) from None


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a log, up to a line that a crash cut off or that is none of ours."""
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            break
        if not isinstance(row, dict) or not isinstance(row.get("step"), int):
            break
        rows.append(row)
    return rows


def curves_of(rows: list[dict[str, Any]]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return what belongs into one panel each, by its title: the (step, value) of every name; losses first."""
    panels: dict[str, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for name, value in row.items():
            player, slash, loss = name.partition("/")
            if slash:
                panels[_panel(player, loss)][name].append((row["step"], value))
    return dict(sorted(panels.items(), key=lambda item: not item[0].startswith("losses")))


def draw_curves(rows: list[dict[str, Any]], path: Path) -> None:
    """Plot the losses of each player and the critic's accuracy over steps into a PNG."""
    from matplotlib.figure import Figure

    panels = curves_of(rows)
    if not panels:
        return
    figure = Figure(figsize=(10, 2.6 * len(panels)), layout="constrained")
    all_axes = figure.subplots(len(panels), squeeze=False)[:, 0]
    for axes, (title, curves) in zip(all_axes, panels.items(), strict=True):
        for name, points in curves.items():
            axes.plot(*zip(*points, strict=True), label=name, linewidth=1)
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_xlabel("step")
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png", dpi=110))


def _panel(player: str, loss: str) -> str:
    if player == "eval":
        return loss.replace("_", " ")
    for kind in ("score", "accuracy", "gradient"):
        if loss.startswith(kind):
            return {"score": "scores of the critic", "accuracy": "accuracy of the critic"}.get(kind, "gradient norms")
    return {"d": "losses of the discriminator", "g": "losses of the generator"}.get(player, player)
