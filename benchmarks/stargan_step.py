"""Time and peak memory of a StarGAN training step, beside the same step written out plainly.

    python benchmarks/stargan_step.py --threads 1 [--size 64 --batch 8 --width 24] [--check]

A step is five critic updates and one of the generator, as in the paper. "plain" makes the same updates of the same
networks, with torch's own layers, in the order in which the paper tells them: every critic update translates with a
graph and cuts it off, judges real and generated pictures in passes of their own, and the generator translates once
more; only the points between real and generated pictures are drawn as gantools draws them. At first all gradients of a
step have to agree, in float64. Then steps of the two alternate; the ratio is the median over the pairs, in processor
time. Each peak comes from a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import islice, repeat
from time import process_time
from typing import Any

import torch
from plain_step import DESCENT, apart, in_unit, optimizers
from torch import Tensor
from torch.nn.functional import cross_entropy, l1_loss
from usual_layers import with_usual_layers

PAIRS, DOMAINS, CRITIC, TOLERANCE = 7, 4, 5, 1e-5
Step = Callable[[int], None]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {"threads": 1, "size": 64, "batch": 8, "width": 24}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--check", action="store_true", help="compare gradients, and stop")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        step = makers()[options.one](options)
        for number in range(3):
            step(number)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    # Before anything large is made here: a new process's peak counts from that of the one that starts it.
    peaks = {} if options.check else {name: peak(name) for name in makers()}
    far = apart(partial(make, options, torch.float64, **DESCENT) for make in makers().values())
    print(f"gradients agree to {far:.1e} of the largest")
    if far > TOLERANCE:
        sys.exit("which is too far")
    if options.check:
        return
    seconds = compare(options)
    ratio = statistics.median(plain / ours for ours, plain in zip(seconds["gantools"], seconds["plain"], strict=True))
    print(f"StarGAN step, {options.size} px, batch {options.batch}, width {options.width}, wgan-gp, n_critic")
    print(f"{CRITIC}, float32, {options.threads} threads; median of {PAIRS} pairs\n")
    print("| step | s | peak MB |\n|---|---|---|")
    for name, times in seconds.items():
        print(f"| {name} | {statistics.median(times):.3f} | {peaks[name]:.0f} |")
    print(f"\nplain / gantools: {ratio:.2f}")
    print(json.dumps({"ratio": ratio, "seconds": seconds, "peak_mb": peaks}), file=sys.stderr)


def makers() -> dict[str, Callable[..., Step]]:
    """Return what makes a step of each kind."""
    return {"gantools": ours, "plain": plain}


def peak(name: str) -> float:
    """Return the peak memory in MB of a process that makes steps of one kind alone."""
    return float(subprocess.run([sys.executable, *sys.argv, "--one", name], check=True, stdout=-1, text=True).stdout)


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


def ours(options: argparse.Namespace, dtype: torch.dtype = torch.uint8, **settings: Any) -> Step:
    """Return a step as `gantools train stargan` makes it."""
    updates = build(options, **settings)
    batches = repeat(batch(options, dtype))
    return lambda number: updates.step(number, batches, 1.0)


def plain(options: argparse.Namespace, dtype: torch.dtype = torch.uint8, **settings: Any) -> Step:
    """Return a step of WGAN-GP, classification and reconstruction written out plainly."""
    updates = build(options, **settings)
    nets = with_usual_layers(updates.nets)
    g, d = nets["g"], nets["d"]
    step_d, step_g = optimizers(updates)
    batches = repeat(batch(options, dtype))

    def step(number: int) -> None:
        for update, sample in enumerate(islice(batches, CRITIC), CRITIC * number):
            image, label, target = in_unit(sample["image"]), sample["label"], sample["target"]
            real = d(image)
            fake_image = g(image, target)
            fake = d(fake_image.detach())
            share = shares(updates.config, update).to(image.dtype)
            between = (share * image + (1 - share) * fake_image.detach()).requires_grad_()
            loss = fake.score.mean() - real.score.mean() + 10 * penalty(d(between).score, between)
            step_d(loss + cross_entropy(real.aux["domains"], label.argmax(1)))
        fake_image = g(image, target)
        fake = d(fake_image)
        loss = cross_entropy(fake.aux["domains"], target.argmax(1)) - fake.score.mean()
        step_g(loss + 10 * l1_loss(g(fake_image, label), image))

    return step


def shares(config: Any, update: int) -> Tensor:
    """Return where between real and generated each point lies, [N, 1, 1, 1]."""
    from gantools.randomness import StepRandom

    count = config.batch_size
    random = StepRandom(config.seed, "d", update, rows=slice(0, count), total=count, device="cpu")
    return random.uniform(1, 1, 1)


def penalty(score: Tensor, points: Tensor) -> Tensor:
    """Return the mean of (norm of the gradient - 1)², of each sample's mean score."""
    (slope,) = torch.autograd.grad(score.mean((1, 2, 3)).sum(), points, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def batch(options: argparse.Namespace, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return a batch as the data set gives it, of random pixels: in [-1, 1], unless they are whole numbers."""
    labels = torch.eye(DOMAINS)[torch.arange(options.batch) % DOMAINS]
    chance = torch.Generator().manual_seed(0)
    pictures = torch.randint(256, (options.batch, 3, options.size, options.size), dtype=torch.uint8, generator=chance)
    pictures = pictures if dtype == torch.uint8 else pictures.to(dtype) / 127.5 - 1
    return {"image": pictures, "label": labels, "target": labels.flip(0), "set": torch.zeros(options.batch).long()}


def build(options: argparse.Namespace, **more: Any) -> Any:
    """Return the updates that `gantools train stargan` makes."""
    from gantools.objectives.grammar import build_objective
    from gantools.training.backend import Backend
    from gantools.training.run import load_task, resolve
    from gantools.training.updates import Updates

    given: dict[str, Any] = {name: getattr(options, name) for name in ("threads", "size", "width")}
    given |= {"batch_size": options.batch, "device": "cpu", "n_critic": CRITIC, "labels": "exclusive", "ema": 0.0}
    given |= {
        "projection": False,
        "identity": 0.0,
        "reconstruction": 10.0,
        "objective": "wgan-gp",
    }  # the paper's losses
    info, config = resolve("stargan", {**given, **more, "select": ",".join(f"domain{i}" for i in range(DOMAINS))})
    backend = Backend(config.device, config.precision, config.threads)
    return Updates(load_task(info, config), build_objective(config), config, backend)


if __name__ == "__main__":
    main()
