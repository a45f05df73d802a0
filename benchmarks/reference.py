r"""Train the reference's networks for the baselines of the default weights, and translate the test pictures.

    python benchmarks/reference.py pix2pix DEEPLIIF --a emoji/train/outline --b emoji/train/openmoji \
        --test emoji/test/outline --steps 2519 --batch 8 --out reference-pix2pix
    python benchmarks/reference.py cyclegan DEEPLIIF --a emoji/unpaired/noto --b emoji/unpaired/fluent3d \
        --test emoji/test/noto --steps 1282 --batch 4 --out reference-cyclegan

Networks, losses and pool of old pictures are the original authors' code of pix2pix and CycleGAN as the package deepliif
carries it; DEEPLIIF is the folder to which its wheel was unpacked (`pip download --no-deps deepliif==1.2.7`). They are
trained in the order of the authors' program, by its losses: pix2pix with the minimax loss and 100 L1; CycleGAN with
least squares, cycle 10, identity 5 and a pool of 50. ResNet of 6 blocks, PatchGAN, Adam at 0.0002 with betas of 0.5 and
0.999; the rate stays, where the program lets it fall over the second half. Pictures are 64 x 64, mirrored at random;
float32; seed 0. All norms are instance norms and there is no dropout: with batch norm and dropout, its default for
pix2pix, the same 2,519 steps came to KID 155 and L1 0.071 in place of 131 and 0.063.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from gantools.data.decode import open_image, to_rgb
from gantools.data.folders import list_images
from gantools.data.pixels import to_bytes, to_image, to_unit

WHITE = (255, 255, 255)
SIZE = 64
Training = tuple[nn.Module, Iterator[dict[str, float]]]


def main() -> None:
    """Train, and write the translations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["pix2pix", "cyclegan"])
    parser.add_argument("deepliif", type=Path)
    for name in ("a", "b", "test", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name, value in {"steps": 1282, "batch": 4, "width": 32, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    random.seed(0)
    code = Code(options.deepliif, options.width)
    a, b = (torch.stack([*read(folder).values()]) for folder in (options.a, options.b))
    generator, steps = {"pix2pix": pix2pix, "cyclegan": cyclegan}[options.task](code, a, b, options.batch)
    start = perf_counter()
    for step, losses in enumerate(itertools.islice(steps, options.steps), start=1):
        if step % 50 == 0:
            print(f"step {step}, {perf_counter() - start:.0f} s, {losses}", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        for name, image in read(options.test).items():
            to_image(generator(image[None])[0]).save(options.out / f"{name}.png")


class Code:
    """The authors' code, without the rest of the package, whose imports ask for much else."""

    def __init__(self, folder: Path, width: int) -> None:
        for name in ("deepliif", "deepliif.models", "deepliif.util"):
            package = sys.modules[name] = ModuleType(name)
            package.__path__ = [str(folder / name.replace(".", "/"))]
        vars(sys.modules["deepliif.util"])["util"] = None  # imported by the networks for display alone
        from deepliif.models import networks
        from deepliif.util.image_pool import ImagePool

        self.networks, self.pool, self.width = networks, ImagePool, width

    def generator(self) -> nn.Module:
        """Build a ResNet of 6 blocks with the authors' initial weights."""
        result: nn.Module = self.networks.define_G(3, 3, self.width, "resnet_6blocks", "instance")
        return result

    def critic(self, channels: int) -> nn.Module:
        """Build a PatchGAN with the authors' initial weights."""
        result: nn.Module = self.networks.define_D(channels, self.width, "basic", 3, "instance")
        return result


def pix2pix(code: Code, a: Tensor, b: Tensor, batch: int) -> Training:
    """Return the generator, and its training step by step."""
    gan, generator, critic = code.networks.GANLoss("vanilla"), code.generator(), code.critic(6)
    optimizer, critics = adam(generator), adam(critic)

    def steps() -> Iterator[dict[str, float]]:
        for rows in orders(len(a), batch):
            flips = at_random(rows)
            source, truth = mirrored(a[rows], flips), mirrored(b[rows], flips)
            fake = generator(source)
            told = [(torch.cat([source, fake.detach()], 1), False), (torch.cat([source, truth], 1), True)]
            update(critics, sum(gan(critic(pair), real) for pair, real in told) / 2)
            critic.requires_grad_(False)
            l1 = nn.functional.l1_loss(fake, truth)
            update(optimizer, gan(critic(torch.cat([source, fake], 1)), True) + 100 * l1)
            critic.requires_grad_(True)
            yield {"l1": float(l1.detach())}

    return generator, steps()


def cyclegan(code: Code, a: Tensor, b: Tensor, batch: int) -> Training:
    """Return the generator from a to b, and the training of both step by step."""
    gan, l1 = code.networks.GANLoss("lsgan"), nn.functional.l1_loss
    there, back = (code.generator() for _ in range(2))
    sees_b, sees_a = (code.critic(3) for _ in range(2))
    optimizer, critics = adam(there, back), adam(sees_a, sees_b)
    old_a, old_b = code.pool(50), code.pool(50)

    def steps() -> Iterator[dict[str, float]]:
        for rows, others in zip(orders(len(a), batch), orders(len(b), batch), strict=False):
            real_a, real_b = (mirrored(x[some], at_random(some)) for x, some in ((a, rows), (b, others)))
            fake_b, fake_a = there(real_a), back(real_b)
            cycle = l1(back(fake_b), real_a) + l1(there(fake_a), real_b)
            identity = l1(there(real_b), real_b) + l1(back(real_a), real_a)
            for critic in (sees_a, sees_b):
                critic.requires_grad_(False)
            update(optimizer, gan(sees_b(fake_b), True) + gan(sees_a(fake_a), True) + 10 * cycle + 5 * identity)
            for critic in (sees_a, sees_b):
                critic.requires_grad_(True)
            pairs = [(sees_b, real_b, old_b.query(fake_b)), (sees_a, real_a, old_a.query(fake_a))]
            update(critics, sum((gan(sees(real), True) + gan(sees(fake), False)) / 2 for sees, real, fake in pairs))
            yield {"cycle": float(cycle.detach()), "identity": float(identity.detach())}

    return there, steps()


def update(optimizer: torch.optim.Optimizer, loss: Any) -> None:
    """Take a step down a loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def adam(*networks: nn.Module) -> torch.optim.Optimizer:
    """Return the authors' optimizer of some networks."""
    return torch.optim.Adam(itertools.chain(*(one.parameters() for one in networks)), 2e-4, (0.5, 0.999))


def orders(count: int, batch: int) -> Iterator[list[int]]:
    """Yield batches of row numbers without end, epoch after epoch."""
    rows = itertools.chain.from_iterable(torch.randperm(count).tolist() for _ in itertools.count())
    while True:
        yield list(itertools.islice(rows, batch))


def at_random(rows: list[int]) -> list[bool]:
    """Return for each row whether to mirror it."""
    return [random.random() < 0.5 for _ in rows]


def mirrored(images: Tensor, flips: list[bool]) -> Tensor:
    """Mirror some pictures of a batch."""
    return torch.stack([image.flip(2) if flip else image for image, flip in zip(images, flips, strict=True)])


def read(folder: Path) -> dict[str, Tensor]:
    """Return the pictures of a folder by name, over white, as [3, 64, 64] in [-1, 1]."""
    images = {
        path.stem: to_rgb(open_image(path), WHITE).resize((SIZE, SIZE), Image.BICUBIC) for path in list_images(folder)
    }
    return {name: to_unit(to_bytes(image)[None])[0] for name, image in images.items()}


if __name__ == "__main__":
    main()
