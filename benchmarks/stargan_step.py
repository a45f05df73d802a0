"""Time and peak memory of a StarGAN training step, beside the same step written out plainly.

    python benchmarks/stargan_step.py --threads 1 [--size 64 --batch 8 --width 24] [--objective wgan-gp]

A step is five critic updates and one of the generator, as in the paper. "plain" makes the same updates of the same
networks, with torch's own layers, in the order in which the paper tells them: every critic update translates with a
graph and cuts it off, judges real and generated pictures in passes of their own, and the generator translates once
more. Steps of the two alternate; the ratio is the median over the pairs, in processor time. Each peak comes from a
process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle, islice
from time import process_time
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, l1_loss
from usual_layers import with_usual_layers

PAIRS, DOMAINS, CRITIC = 7, 4, 5
Step = Callable[[int], None]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {"threads": 1, "size": 64, "batch": 8, "width": 24}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--objective", default="wgan-gp", help="for our own step; the plain one is always wgan-gp")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        step = makers()[options.one](options)
        for number in range(3):
            step(number)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    seconds = compare(options)
    peaks = {
        name: float(subprocess.run([sys.executable, *sys.argv, "--one", name], check=True, stdout=-1, text=True).stdout)
        for name in seconds
    }
    ratio = statistics.median(plain / ours for ours, plain in zip(seconds["gantools"], seconds["plain"], strict=True))
    print(
        f"StarGAN step, {options.size} px, batch {options.batch}, width {options.width}, {options.objective}, n_critic"
    )
    print(f"{CRITIC}, float32, {options.threads} threads; median of {PAIRS} pairs\n")
    print("| step | s | peak MB |\n|---|---|---|")
    for name, times in seconds.items():
        print(f"| {name} | {statistics.median(times):.3f} | {peaks[name]:.0f} |")
    print(f"\nplain / gantools: {ratio:.2f}")
    print(json.dumps({"ratio": ratio, "seconds": seconds, "peak_mb": peaks}), file=sys.stderr)


def makers() -> dict[str, Callable[[argparse.Namespace], Step]]:
    """Return what makes a step of each kind."""
    return {"gantools": ours, "plain": plain}


def compare(options: argparse.Namespace) -> dict[str, list[float]]:
    """Return the processor seconds of alternating steps, without those of the first pair."""
    steps = {name: make(options) for name, make in makers().items()}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(PAIRS + 1):
        for name, step in steps.items():
            began = process_time()
            step(number)
            seconds[name].append(process_time() - began)
    return {name: times[1:] for name, times in seconds.items()}


def ours(options: argparse.Namespace) -> Step:
    """Return a step as `gantools train stargan` makes it."""
    updates = build(options)
    batches = cycle(batch(options) for _ in range(1))
    return lambda number: updates.step(number, batches, 1.0)


def plain(options: argparse.Namespace) -> Step:
    """Return a step of WGAN-GP, classification and reconstruction written out plainly."""
    updates = build(options)
    nets = with_usual_layers(updates.nets)
    g, d = nets["g"], nets["d"]
    g_optimizer, d_optimizer = (torch.optim.Adam(net.parameters(), 1e-4, (0.5, 0.999)) for net in (g, d))
    batches = cycle(batch(options) for _ in range(1))

    def step(number: int) -> None:
        for sample in islice(batches, CRITIC):
            image, label, target = sample["image"].float() / 127.5 - 1, sample["label"], sample["target"]
            real = d(image)
            fake_image = g(image, target)
            fake = d(fake_image.detach())
            share = torch.rand(len(image), 1, 1, 1)
            between = (share * image + (1 - share) * fake_image.detach()).requires_grad_()
            loss = fake.score.mean() - real.score.mean() + 10 * penalty(d(between).score, between)
            d_optimizer.zero_grad()
            (loss + cross_entropy(real.aux["domains"], label.argmax(1))).backward()
            d_optimizer.step()
        fake_image = g(image, target)
        fake = d(fake_image)
        loss = cross_entropy(fake.aux["domains"], target.argmax(1)) - fake.score.mean()
        g_optimizer.zero_grad()
        (loss + 10 * l1_loss(g(fake_image, label), image)).backward()
        g_optimizer.step()

    return step


def penalty(score: Tensor, points: Tensor) -> Tensor:
    """Return the mean of (norm of the gradient - 1)², of each sample's mean score."""
    (slope,) = torch.autograd.grad(score.mean((1, 2, 3)).sum(), points, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def batch(options: argparse.Namespace) -> dict[str, Tensor]:
    """Return a batch as the data set gives it, of random pixels."""
    labels = torch.eye(DOMAINS)[torch.arange(options.batch) % DOMAINS]
    pictures = torch.randint(256, (options.batch, 3, options.size, options.size), dtype=torch.uint8)
    return {"image": pictures, "label": labels, "target": labels.flip(0), "set": torch.zeros(options.batch).long()}


def build(options: argparse.Namespace) -> Any:
    """Return the updates that `gantools train stargan` makes."""
    from gantools.objectives.grammar import build_objective
    from gantools.training.backend import Backend
    from gantools.training.run import load_task, resolve
    from gantools.training.updates import Updates

    given: dict[str, Any] = {name: getattr(options, name) for name in ("threads", "size", "width", "objective")}
    given |= {"batch_size": options.batch, "device": "cpu", "n_critic": CRITIC, "labels": "exclusive", "ema": 0.0}
    given |= {"projection": False, "identity": 0.0, "reconstruction": 10.0}  # the paper's losses
    info, config = resolve("stargan", {**given, "select": ",".join(f"domain{i}" for i in range(DOMAINS))})
    backend = Backend(config.device, config.precision, config.threads)
    return Updates(load_task(info, config), build_objective(config), config, backend)


if __name__ == "__main__":
    main()
