"""pix2pix (Isola et al. 2017): a conditional adversarial loss (eq. 1) and an L1 loss (eq. 3)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gantools.data.evaluated import paired_comparisons
from gantools.networks import (
    ResNetGenerator,
    UNetGenerator,
    build_critic,
    by_picture,
    init_weights,
    translate_any_size,
    translate_at_size,
)
from gantools.networks.unet import unet_depth
from gantools.objectives import Needs, Objective, Sample
from gantools.task import Batch, Comparison, Graph, Losses, Networks, Outputs, StepRandom, Task, View
from gantools_pix2pix.config import Config, Options


class Pix2Pix(Task[Config]):
    """Generator ``g`` from pictures ``a`` to pictures ``b``; discriminator ``d`` sees both."""

    keeps_shape = False

    def generators(self) -> dict[str, nn.Module]:
        """Build a U-Net or a ResNet generator."""
        config = self.config
        if config.generator == "unet":
            unet = UNetGenerator(
                config.in_channels, config.out_channels, config.width, config.size, config.norm, config.dropout,
                config.dropping,
            )  # fmt: skip
            return {"g": init_weights(unet)}
        resnet = ResNetGenerator(
            config.in_channels, config.out_channels, config.width, config.blocks, config.upsample, config.norm,
            config.block_dropout, config.downsample,
        )  # fmt: skip
        return {"g": init_weights(resnet)}

    def discriminators(self, needs: Needs) -> dict[str, nn.Module]:
        """Build the conditional critic."""
        config = self.config
        channels, width = config.in_channels + config.out_channels, config.d_width or config.width
        d = build_critic(config.critic, needs, channels, width, config.size, config.d_layers, config.norm)
        return {"d": d}

    def forward(self, nets: Networks, batch: Batch, rng: StepRandom) -> Outputs:
        """Make ``b`` from ``a``."""
        return {"fake": self._apply(nets["g"], batch["a"])}

    def d_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the critic's losses on pairs (a, b) and (a, G(a))."""
        real, fake = Sample(batch["b"], (batch["a"],)), Sample(out["fake"], (batch["a"],))
        losses, _ = objective.d_losses(nets["d"], real, [(fake, 1.0)], rng)
        return {name: self.config.adversarial_d * value for name, value in losses.items()}

    def g_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the adversarial loss and the L1 distance to the truth."""
        real, fake = Sample(batch["b"], (batch["a"],)), Sample(out["fake"], (batch["a"],))
        terms, _ = objective.g_losses(nets["d"], fake, real, rng)
        losses = {name: self.config.adversarial * value for name, value in terms.items()}
        return losses | {"l1": self.config.l1 * l1_loss(out["fake"], batch["b"])}

    def translate(self, nets: Networks, images: Tensor, options: Options) -> Tensor:
        """Translate pictures of any size, by the convention asked for or the one the weights were trained for.

        A U-Net sees the whole picture in its innermost pixel and works well at the size it was trained for alone.
        """
        config, generator = self.config, nets["g"]

        def apply(pictures: Tensor) -> Tensor:
            if self._resizes(options):
                return translate_at_size(lambda x: self._apply(generator, x), pictures, config.size, config.detail)
            return self._apply(generator, pictures)

        if (options.inference or config.inference) == "stored":
            return apply(images)
        return by_picture(generator, apply, images)

    def view(self, options: Options) -> View:
        """Return that the network is convolutional, or that a U-Net is shown the whole picture at its own size."""
        if self._resizes(options):
            return View(size=self.config.size, detail=self.config.detail)
        return View(self._stride[0])

    def graphs(self, nets: Networks) -> dict[str, Graph]:
        """Return the generator; the size that a U-Net is at its best at is the one it was trained for."""
        stride, smallest = self._stride
        config = self.config
        return {
            "": Graph(
                "g", {"image": (config.in_channels, 0, 0)}, stride, smallest,
                by_picture=config.inference != "stored", settings={"inference": config.inference},
            )
        }  # fmt: skip

    def _resizes(self, options: Options) -> bool:
        """Whether pictures are scaled to the size that a U-Net was trained for."""
        wanted = self.config.resize if options.resize is None else options.resize
        return wanted and self.config.generator == "unet"

    @property
    def _stride(self) -> tuple[int, int]:
        """What the sides of pictures are multiples of, and their least; a U-Net goes down to a single pixel."""
        if self.config.generator == "unet":
            stride = 2 ** unet_depth(self.config.size)
            return stride, stride
        return ResNetGenerator.stride, 2 * ResNetGenerator.stride

    def _apply(self, generator: nn.Module, images: Tensor) -> Tensor:
        """Run a generator on pictures of any size."""
        return translate_any_size(generator, images, *self._stride)

    def comparisons(self) -> list[Comparison]:
        """Translate every source, and compare it with its target."""
        return paired_comparisons(self.config)

    def grid(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """Show the source, the picture made from it, and the truth."""
        return {"A": batch["a"], "A to B": self.translate(nets, batch["a"], Options()), "B": batch["b"]}
