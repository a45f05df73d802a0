"""Time of a CycleGAN and a pix2pix training step, beside the same step written out plainly.

    python benchmarks/plain_step.py --threads 1 [--tasks cyclegan pix2pix] [--sizes 64 128]

"plain" makes the same updates of the same networks as the papers' code does: torch's own layers, a pass for every batch
and purpose, real and generated pictures judged apart, Adam as it comes. First both make one step from the same weights,
and their gradients have to agree; then steps of the two alternate, and the ratio is the median over the pairs of
plain's time over ours, in processor time.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterable
from functools import partial
from itertools import repeat
from time import process_time
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torch.optim.optimizer import register_optimizer_step_pre_hook
from usual_layers import with_usual_layers

BATCH = {"cyclegan": 4, "cyclegan-transposed": 4, "pix2pix": 8, "pix2pix-unet": 8}
SETTINGS: dict[str, dict[str, Any]] = {
    "cyclegan": {"width": 32, "blocks": 6, "pool_size": 50},
    "cyclegan-transposed": {"width": 32, "blocks": 6, "pool_size": 50, "skips": False, "upsample": "transpose"},
    "pix2pix": {"width": 32, "generator": "resnet", "blocks": 6},
    "pix2pix-unet": {"width": 32, "generator": "unet", "dropout": 0.0},
}
DESCENT = {"optimizer": "sgd", "betas": (0.0, 0.0), "lr_g": 1e-3, "lr_d": 1e-3}  # Adam would magnify rounding
Step = Callable[[int], None]


def main() -> None:
    """Compare and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tasks", nargs="+", default=list(PLAIN), choices=list(PLAIN))
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.threads} threads, float32; median of {options.pairs} pairs, processor time\n")
    print("| task | size | plain, s | gantools, s | plain / gantools | largest difference of a gradient |")
    print("|---|---|---|---|---|---|")
    for task in options.tasks:
        for size in options.sizes:
            apart = difference(task, size, options.threads)
            plain, ours = seconds(task, size, options.threads, options.pairs)
            ratio = statistics.median(a / b for a, b in zip(plain, ours, strict=True))
            times = f"{statistics.median(plain):.3f} | {statistics.median(ours):.3f}"
            print(f"| {task} | {size} | {times} | {ratio:.2f} | {apart:.1e} |", flush=True)


def seconds(task: str, size: int, threads: int, pairs: int) -> tuple[list[float], list[float]]:
    """Return the processor seconds of alternating steps, without those of the first pair."""
    steps = [plain(task, build(task, size, threads)), ours(task, build(task, size, threads))]
    times: list[list[float]] = [[], []]
    for number in range(pairs + 1):
        for place, step in enumerate(steps):
            began = process_time()
            step(number)
            times[place].append(process_time() - began)
    return times[0][1:], times[1][1:]


def difference(task: str, size: int, threads: int) -> float:
    """Return how far the gradients of our step and the plain one are apart."""
    return apart(partial(make, task, build(task, size, threads, **DESCENT), torch.float64) for make in (ours, plain))


def apart(makers: Iterable[Callable[[], Step]]) -> float:
    """Return how far all gradients of one step of each are apart in float64, as a share of an update's largest."""
    found: list[list[Tensor]] = []
    hook = register_optimizer_step_pre_hook(lambda optimizer, *_: found[-1].append(gradients(optimizer)))
    torch.set_default_dtype(torch.float64)
    for make in makers:
        found.append([])
        make()(0)
    torch.set_default_dtype(torch.float32)
    hook.remove()
    return max(float((one - other).abs().max() / other.abs().max()) for one, other in zip(*found, strict=True))


def gradients(optimizer: torch.optim.Optimizer) -> Tensor:
    """Return all gradients that an optimizer is about to use."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return torch.cat([torch.zeros(0) if each.grad is None else each.grad.flatten() for each in parameters])


def ours(task: str, updates: Any, dtype: torch.dtype = torch.uint8) -> Step:
    """Return a step as `gantools train` makes it."""
    batches = repeat(batch(task, updates.config.size, dtype))
    return lambda number: updates.step(number, batches, 1.0)


def plain(task: str, updates: Any, dtype: torch.dtype = torch.uint8) -> Step:
    """Return the same step written out."""
    with_usual_layers(updates.nets)
    return PLAIN[task](updates, batch(task, updates.config.size, dtype))


def plain_cyclegan(updates: Any, sample: dict[str, Tensor]) -> Step:
    """Return CycleGAN's step written out: least squares, cycle 10, identity as the settings say, pools of 50."""
    nets, config = updates.nets, updates.config
    step_d, step_g = optimizers(updates)
    pools: dict[str, list[Tensor]] = {"a": [], "b": []}

    def step(number: int) -> None:
        a, b = (in_unit(sample[side]) for side in "ab")
        fake_b, fake_a = nets["g_ab"](a), nets["g_ba"](b)
        loss_d = 0.0
        for side, real, fake in (("a", a, fake_a), ("b", b, fake_b)):
            critic, shown = nets[f"d_{side}"], from_pool(pools[side], fake.detach(), config.pool_size)
            loss_d = loss_d + square(critic(real), 1) / 2 + square(critic(shown), 0) / 2
        step_d(loss_d)
        freeze(nets, True)
        loss = square(nets["d_b"](fake_b), 1) / 2 + square(nets["d_a"](fake_a), 1) / 2
        loss = loss + config.cycle * (l1_loss(nets["g_ba"](fake_b), a) + l1_loss(nets["g_ab"](fake_a), b))
        if config.identity:
            same = l1_loss(nets["g_ab"](b), b) + l1_loss(nets["g_ba"](a), a)
            loss = loss + config.cycle * config.identity * same
        step_g(loss)
        freeze(nets, False)
        average(updates)

    return step


def plain_pix2pix(updates: Any, sample: dict[str, Tensor]) -> Step:
    """Return pix2pix's step written out: a conditional critic, least squares, and L1."""
    nets, config = updates.nets, updates.config
    step_d, step_g = optimizers(updates)

    def step(number: int) -> None:
        a, b = (in_unit(sample[side]) for side in "ab")
        fake = nets["g"](a)
        real_loss = square(nets["d"](torch.cat([b, a], 1)), 1)
        step_d(config.adversarial_d * (real_loss + square(nets["d"](torch.cat([fake.detach(), a], 1)), 0)) / 2)
        freeze(nets, True)
        loss = config.adversarial * square(nets["d"](torch.cat([fake, a], 1)), 1) / 2
        step_g(loss + config.l1 * l1_loss(fake, b))
        freeze(nets, False)
        average(updates)

    return step


PLAIN: dict[str, Callable[[Any, dict[str, Tensor]], Step]] = {
    "cyclegan": plain_cyclegan,
    "cyclegan-transposed": plain_cyclegan,
    "pix2pix": plain_pix2pix,
    "pix2pix-unet": plain_pix2pix,
}


def in_unit(pictures: Tensor) -> Tensor:
    """Return pixels of 0 to 255 in [-1, 1]; floats are there already."""
    return pictures if pictures.is_floating_point() else pictures.float() / 127.5 - 1


def square(verdict: Tensor, label: float) -> Tensor:
    """Return the mean square distance of scores from a label."""
    return (verdict - label).square().mean()


def optimizers(updates: Any) -> tuple[Callable[[Tensor], None], Callable[[Tensor], None]]:
    """Return the two players' descents, by torch's own choice of implementation."""
    config = updates.config
    steps = []
    for networks, lr in ((updates.nets.discriminators, config.lr_d), (updates.nets.generators, config.lr_g)):
        if config.optimizer == "sgd":
            optimizer: Any = torch.optim.SGD(networks.parameters(), lr)
        else:
            optimizer = torch.optim.Adam(networks.parameters(), lr, config.betas)

        def descend(loss: Tensor, optimizer: Any = optimizer) -> None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        steps.append(descend)
    return steps[0], steps[1]


def freeze(nets: Any, frozen: bool) -> None:
    """Keep the discriminators out of the generators' backward pass, as the papers' code does."""
    for parameter in nets.discriminators.parameters():
        parameter.requires_grad_(not frozen)


@torch.no_grad()
def average(updates: Any) -> None:
    """Move the averaged generators, a tensor at a time."""
    kept: nn.ModuleDict = updates.average.networks
    for old, new in zip(kept.parameters(), updates.nets.generators.parameters(), strict=True):
        old.mul_(0.999).add_(new, alpha=0.001)


def from_pool(pool: list[Tensor], pictures: Tensor, size: int) -> Tensor:
    """Return pictures, half of them exchanged for earlier ones once the pool is full (Shrivastava et al. 2017)."""
    shown = []
    for picture in pictures:
        place = int(torch.randint(size, ())) if len(pool) == size and torch.rand(()) < 0.5 else None
        shown.append(picture if place is None else pool[place])
        if len(pool) < size:
            pool.append(picture)
        elif place is not None:
            pool[place] = picture
    return torch.stack(shown)


def batch(task: str, size: int, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return a batch as the data set gives it, of random pixels: in [-1, 1], unless they are whole numbers."""
    chance = torch.Generator().manual_seed(0)
    pictures = torch.randint(256, (BATCH[task], 3, size, size), dtype=torch.uint8, generator=chance)
    pictures = pictures if dtype == torch.uint8 else pictures.to(dtype) / 127.5 - 1
    return {"a": pictures, "b": pictures.flip(0)}


def build(task: str, size: int, threads: int, **more: Any) -> Any:
    """Return the updates that `gantools train` makes."""
    from gantools.objectives.grammar import build_objective
    from gantools.training.backend import Backend
    from gantools.training.run import load_task, resolve
    from gantools.training.updates import Updates

    given = {"size": size, "batch_size": BATCH[task], "device": "cpu", "objective": "lsgan", "threads": threads}
    info, config = resolve(task.partition("-")[0], {**given, **SETTINGS[task], **more, "a": "a", "b": "b"})
    backend = Backend(config.device, config.precision, config.threads)
    return Updates(load_task(info, config), build_objective(config), config, backend)


if __name__ == "__main__":
    main()
