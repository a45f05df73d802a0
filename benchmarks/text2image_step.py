"""Time and peak memory of a text-to-image training step, beside the same step written out plainly.

    python benchmarks/text2image_step.py DATA --threads 1 [--check] [--captions 5000]

DATA are pictures with captions, such as the folder ``train`` of what ``examples/build_datasets.py words`` makes. A step
is one update of the critic and one of the generator, with the task's default settings on a CPU but for the averaged
generator, which is left out. "plain" makes the same updates of the same networks with torch's own layers, separate
passes for real, generated and mismatched pictures, torch's default Adam, and a critic whose gradients are computed in
the generator's update too. At first both are compared on one batch, in float64: losses and gradients have to agree to
1e-5. Steps of the two alternate; the ratio is the median over the pairs, in processor time. Each peak comes from a
process of its own.

Last comes what it costs to embed captions for the first time, and for the second time, from the cache.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice, product
from pathlib import Path
from time import process_time
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.optim import Adam, Optimizer
from usual_layers import with_usual_layers

PAIRS, BATCHES, TOLERANCE = 7, 4, 1e-5
Batch = dict[str, Tensor]


@dataclass
class Stepper:
    """Something that makes steps: the losses of the last one are in ``losses``."""

    nets: Any
    optimizers: Mapping[str, Optimizer]
    step: Callable[[int], None]
    losses: Callable[[], dict[str, float]]


def main() -> None:
    """Check, measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--captions", type=int, default=5000, help="captions to embed; 0 for none")
    parser.add_argument("--check", action="store_true", help="compare losses and gradients, and stop")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config, batches = load(options)
    if options.one:
        stepper = MAKERS[options.one](config, cycle(batches))
        for number in range(3):
            stepper.step(number)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    # Before anything large is made here: a new process's peak counts from that of the one that starts it.
    peaks = {} if options.check else {name: peak(name) for name in MAKERS}
    print(f"losses and gradients agree to {check(config, batches):.1e}\n")
    if options.check:
        return
    seconds = compare(config, batches)
    ratio = statistics.median(plain / ours for ours, plain in zip(seconds["gantools"], seconds["plain"], strict=True))
    print(f"text2image step, {config.size} px, batch {config.batch_size}, width {config.width}, {config.objective},")
    print(f"float32, --threads {options.threads}; median of {PAIRS} pairs\n")
    print("| step | s | peak MB |\n|---|---|---|")
    for name, times in seconds.items():
        print(f"| {name} | {statistics.median(times):.3f} | {peaks[name]:.0f} |")
    print(f"\nplain / gantools: {ratio:.2f}")
    embedding = embed_twice(options.data, options.captions) if options.captions else ()
    if embedding:
        print(f"\nembedding {options.captions} captions: {embedding[0]:.2f} s, again {embedding[1]:.2f} s")
    print(json.dumps({"ratio": ratio, "seconds": seconds, "peak_mb": peaks, "embedding": embedding}), file=sys.stderr)


def load(options: argparse.Namespace) -> tuple[Any, list[Batch]]:
    """Return the task's settings, and some batches as training would have them, pictures in [-1, 1]."""
    from gantools.data.captioned import CaptionImages
    from gantools.data.pixels import to_unit
    from gantools.training.run import resolve

    given = {"data": options.data, "device": "cpu", "threads": options.threads, "ema": 0.0}
    config: Any = resolve("text2image", given)[1]
    data = CaptionImages(config, lambda *_: None)
    samples = [{**data[k], "image": to_unit(data[k]["image"])} for k in range(BATCHES * config.batch_size)]
    parts = [samples[start : start + config.batch_size] for start in range(0, len(samples), config.batch_size)]
    return config, [{name: torch.stack([sample[name] for sample in part]) for name in part[0]} for part in parts]


def ours(config: Any, batches: Iterator[Batch], lr_factor: float = 1.0) -> Stepper:
    """Make steps as `gantools train text2image` does."""
    updates = build(config)

    def losses() -> dict[str, float]:
        return {name: float(value) for name, value in updates.totals.items()}

    def step(number: int) -> None:
        updates.totals = {}
        updates.step(number, batches, lr_factor)

    return Stepper(updates.nets, {"d": updates.d.optimizer, "g": updates.g.optimizer}, step, losses)


def plain(config: Any, batches: Iterator[Batch], lr_factor: float = 1.0) -> Stepper:
    """Make DF-GAN's steps, written out plainly; only the noise is drawn as gantools draws it."""
    from gantools.randomness import StepRandom

    nets = with_usual_layers(build(config).nets)
    g, d = nets["g"], nets["d"]
    rows = slice(0, config.batch_size)
    rates = {"d": config.lr_d, "g": config.lr_g}
    optimizers = {name: Adam(nets[name].parameters(), rates[name] * lr_factor, config.betas) for name in rates}
    found: dict[str, Tensor] = {}

    def step(number: int) -> None:
        batch = next(batches)
        image, sentence = batch["image"], batch["sentence"]
        random = StepRandom(config.seed, "forward", number, rows=rows, total=rows.stop, device="cpu")
        fake = g(random.normal(config.noise), sentence, batch["tokens"], batch["mask"])
        pair = image.clone().requires_grad_(), sentence.clone().requires_grad_()
        real, generated = d(*pair).score, d(fake.detach(), sentence).score
        mismatched = d(image, batch["other"]).score
        found["d/adv"] = relu(1 - real).mean() + relu(1 + generated).mean() / 2 + relu(1 + mismatched).mean() / 2
        found["d/matching-aware"] = 2 * slope(real, pair).pow(6).mean()
        optimizers["d"].zero_grad()
        torch.autograd.backward(found["d/adv"] + found["d/matching-aware"])
        optimizers["d"].step()
        found["g/adv"] = -d(fake, sentence).score.mean()
        optimizers["g"].zero_grad()
        torch.autograd.backward(found["g/adv"])
        optimizers["g"].step()

    return Stepper(nets, optimizers, step, lambda: {name: value.item() for name, value in found.items()})


MAKERS: dict[str, Callable[..., Stepper]] = {"gantools": ours, "plain": plain}


def slope(score: Tensor, inputs: tuple[Tensor, ...]) -> Tensor:
    """Return the norm of each sample's gradient with respect to all inputs together."""
    parts = torch.autograd.grad(score.mean((1, 2, 3)).sum(), inputs, create_graph=True)
    return torch.cat([part.flatten(1) for part in parts], 1).square().sum(1).sqrt()


def build(config: Any) -> Any:
    """Return the updates that `gantools train text2image` makes."""
    from gantools.objectives.grammar import build_objective
    from gantools.plugins import manager
    from gantools.training.backend import Backend
    from gantools.training.run import load_task
    from gantools.training.updates import Updates

    task = load_task(manager().tasks.get("text2image"), config)
    return Updates(task, build_objective(config), config, Backend(config.device, config.precision, config.threads))


def check(config: Any, batches: list[Batch]) -> float:
    """Return the largest difference of losses and gradients, relative to each one's largest value; stop if it is large.

    In float64, as sums over all pixels of a batch nearly cancel. The weights are moved about first, as some are 0 in
    the beginning; the rates are 0, so that the generator's gradient comes from the same critic.
    """
    seen = []
    batch = {name: part.double() if part.is_floating_point() else part for name, part in batches[0].items()}
    torch.set_default_dtype(torch.float64)
    for make in MAKERS.values():
        stepper = make(config, iter([batch]), lr_factor=0.0)
        stir(stepper.nets)
        gradients: dict[str, Tensor] = {}
        for name, optimizer in stepper.optimizers.items():
            optimizer.register_step_pre_hook(keeper(stepper.nets[name], name, gradients))
        stepper.step(0)
        losses = {name: torch.tensor(value) for name, value in stepper.losses().items()}
        seen.append(losses | gradients)
    torch.set_default_dtype(torch.float32)
    first, second = seen
    if first.keys() != second.keys():
        sys.exit(f"other losses or gradients: {sorted(first.keys() ^ second.keys())}")
    worst = max(first, key=lambda name: difference(first[name], second[name]))
    far = difference(first[worst], second[worst])
    if far > TOLERANCE:
        sys.exit(f"{worst} differs by {far:.1e} of its largest value")
    return far


def stir(nets: nn.Module) -> None:
    """Add the same noise to the weights of equal networks."""
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in nets.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=random), alpha=0.02)


def keeper(network: nn.Module, name: str, kept: dict[str, Tensor]) -> Callable[..., None]:
    """Return a hook that keeps a network's gradients before the optimizer uses them."""

    def keep(*_: Any) -> None:
        kept.update({f"{name}.{path}": p.grad.clone() for path, p in network.named_parameters() if p.grad is not None})

    return keep


def difference(a: Tensor, b: Tensor) -> float:
    """Return the largest difference relative to the largest value."""
    largest = max(float(a.abs().max()), float(b.abs().max()))
    return float((a - b).abs().max()) / largest if largest else 0.0


def compare(config: Any, batches: list[Batch]) -> dict[str, list[float]]:
    """Return the processor seconds of alternating steps, without those of the first pair."""
    steppers = {name: make(config, cycle(batches)) for name, make in MAKERS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in steppers}
    for number in range(PAIRS + 1):
        for name, stepper in steppers.items():
            began = process_time()
            stepper.step(number)
            seconds[name].append(process_time() - began)
    return {name: times[1:] for name, times in seconds.items()}


def peak(name: str) -> float:
    """Return the peak memory in MB of a process that makes steps of one kind alone."""
    again = [sys.executable, *sys.argv, "--one", name]
    return float(subprocess.run(again, check=True, stdout=subprocess.PIPE, text=True).stdout)


def embed_twice(data: Path, count: int) -> tuple[float, float]:
    """Return the processor seconds of embedding captions with an empty cache, and of doing it again."""
    from gantools.data.captions import read_captions
    from gantools.text.cache import embed
    from gantools.text.encoder import load_encoder

    texts = sorted({text for captioned in read_captions(data) for text in captioned.texts})
    captions = [f"{first} beside {second}" for first, second in islice(product(texts, texts), count)]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANTOOLS_CACHE"] = folder
        seconds = []
        for _ in range(2):
            began = process_time()
            embed(load_encoder(), captions)
            seconds.append(process_time() - began)
    return seconds[0], seconds[1]


if __name__ == "__main__":
    main()
