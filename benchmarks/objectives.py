"""Step time of every registered objective beside `lsgan`'s, for a small CycleGAN, and the critic passes it makes.

Steps of lsgan and of the entry alternate, on one thread, and the median of their ratios counts; times are processor
times. So neither other processes nor a machine that changes its speed change much:

    python benchmarks/objectives.py
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from itertools import repeat
from time import perf_counter, process_time
from typing import Any

BATCH, SIZE, WIDTH, BLOCKS = 4, 64, 16, 3
HEADING = "| entry | kind | D updates a step | step time / lsgan's | D passes | batches in them | G passes | batches |"


def main() -> None:
    """Measure every entry and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5, help="steps of lsgan and of the entry in turn")
    parser.add_argument("names", nargs="*", help="entries to measure [default: all]")
    options = parser.parse_args()

    import torch

    from gantools.plugins import manager

    torch.set_num_threads(1)
    entries = [manager().objectives.get(name) for name in options.names] or list(manager().objectives)
    began = perf_counter()
    lsgan = Stepper({})
    seconds = statistics.median(lsgan.seconds() for _ in range(options.pairs))
    print(f"CycleGAN, batch {BATCH}, {SIZE} px, ResNet {BLOCKS} blocks width {WIDTH}, PatchGAN width {WIDTH}, float32,")
    print(
        f"1 thread; median of {options.pairs} pairs of steps; a step of lsgan takes {seconds:.3f} s of processor time\n"
    )
    print(HEADING)
    print("|" + "---|" * HEADING.count(" | ") + "---|")
    for entry in entries:
        given = {"objective": entry.name} if entry.kind in {"loss", "recipe"} else {entry.kind: [entry.name]}
        print(row(entry.name, entry.kind, lsgan, Stepper(given), options.pairs), flush=True)
    print(f"\n{perf_counter() - began:.0f} s in all")


def row(name: str, kind: str, lsgan: Stepper, stepper: Stepper, pairs: int) -> str:
    """Return a line of the table."""
    ratios = [stepper.seconds() / lsgan.seconds() for _ in range(pairs)]
    updates = stepper.updates.config.n_critic
    passes = stepper.passes()
    counts = [
        passes[player, what] / (updates if player == "d" else 1) for player in "dg" for what in ("calls", "batches")
    ]
    cells = [f"`{name}`", kind, updates, f"{statistics.median(ratios):.2f}", *(f"{count:g}" for count in counts)]
    return f"| {' | '.join(map(str, cells))} |"


class Stepper:
    """A CycleGAN's updates under one objective, warm."""

    def __init__(self, given: dict[str, Any]) -> None:
        import torch

        self.updates = build(given)
        pictures = torch.randint(256, (BATCH, 3, SIZE, SIZE), dtype=torch.uint8)
        self._batches = repeat({"a": pictures, "b": pictures.flip(0)})
        self._step = 0
        self.seconds()

    def seconds(self) -> float:
        """Make a step and return the processor time it took."""
        began = process_time()
        self.updates.step(self._step, self._batches, 1.0)
        self._step += 1
        return process_time() - began

    def passes(self) -> Counter[tuple[str, str]]:
        """Return how often a step passes through the first critic, by player, and how many batches of samples."""
        critic = next(iter(self.updates.nets.discriminators.values()))
        parameter = next(critic.parameters())
        found: Counter[tuple[str, str]] = Counter()

        def count(module: Any, inputs: Any, output: Any) -> None:
            player = "d" if parameter.requires_grad else "g"  # the generator's update finds the critic frozen
            found[player, "calls"] += 1
            found[player, "batches"] += len(inputs[0]) / BATCH

        hook = critic.register_forward_hook(count)
        self.seconds()
        hook.remove()
        return found


def build(given: dict[str, Any]) -> Any:
    """Return a CycleGAN's updates, as `gantools train` makes them; a recipe brings its own settings."""
    from gantools.objectives.grammar import build_objective
    from gantools.training.backend import Backend
    from gantools.training.run import load_task, resolve
    from gantools.training.updates import Updates

    small = {"size": SIZE, "width": WIDTH, "blocks": BLOCKS, "batch_size": BATCH, "device": "cpu", "threads": 1}
    info, config = resolve("cyclegan", {**small, "a": "a", "b": "b", **given})
    backend = Backend(config.device, config.precision, config.threads)
    return Updates(load_task(info, config), build_objective(config), config, backend)


if __name__ == "__main__":
    main()
