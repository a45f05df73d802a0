"""Text to image (Tao et al. 2022, DF-GAN): a matching-aware critic judges picture and sentence together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gantools.data.evaluated import caption_comparisons
from gantools.errors import GanToolsError
from gantools.objectives import Needs, Objective, Sample
from gantools.task import Batch, Comparison, Graph, Losses, Networks, Outputs, StepRandom, Task
from gantools.text.encoder import TextEncoder, load_encoder
from gantools_text2image.config import Config, Options
from gantools_text2image.networks import Discriminator, EnergyDiscriminator, Generator

log = logging.getLogger("gantools")
_SAMPLES = 3


class TextToImage(Task[Config]):
    """Generator ``g`` from noise and a sentence; discriminator ``d`` of picture and sentence."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if config.size < 16 or config.size & (config.size - 1):
            raise GanToolsError(f"--size {config.size} is no power of 2 from 16 on", "give 64, 128 or 256")
        self.dim = config.text_dim or 0
        self.noise_shape = (config.noise,)

    @cached_property
    def encoder(self) -> TextEncoder:
        """The frozen encoder that the weights were, or are, trained with; GanToolsError if it is not to be had."""
        encoder = load_encoder(self.config.text_encoder, max_tokens=self.config.max_tokens)
        encoder.checked(self.config.text_sha256)
        return encoder

    def generators(self) -> dict[str, nn.Module]:
        """Build the generator."""
        config = self.config
        layout = config.generator == "layout"
        return {"g": Generator(self.dim, config.noise, config.size, config.width, config.attention, layout)}

    def discriminators(self, needs: Needs) -> dict[str, nn.Module]:
        """Build the discriminator, without norm layers: every penalty suits it."""
        width = self.config.d_width or self.config.width
        if needs.critic == "autoencoder":
            return {"d": EnergyDiscriminator(self.dim, width)}
        return {"d": Discriminator(self.dim, self.config.size, width)}

    def forward(self, nets: Networks, batch: Batch, rng: StepRandom) -> Outputs:
        """Paint each sample's sentence, or for a share of them one half-way to another's (Reed et al. 2016, eq. 5)."""
        sentence = batch["sentence"]
        noise = rng.normal(*self.noise_shape)
        if self.config.interpolated:
            between = rng.uniform() < self.config.interpolated
            sentence = torch.where(between[:, None], (sentence + batch["other"]) / 2, sentence)
        return {"fake": nets["g"](noise, sentence, batch["tokens"], batch["mask"]), "sentence": sentence}

    def d_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the critic's losses: real pairs against generated pictures and against another picture's words."""
        real = Sample(batch["image"], (batch["sentence"],))
        generated, mismatched = Sample(out["fake"], (out["sentence"],)), Sample(batch["image"], (batch["other"],))
        losses, _ = objective.d_losses(nets["d"], real, [(generated, 0.5), (mismatched, 0.5)], rng)
        return losses

    def g_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the adversarial loss, and an L1 loss to the caption's picture if it is asked for."""
        generated, real = Sample(out["fake"], (out["sentence"],)), Sample(batch["image"], (batch["sentence"],))
        losses, _ = objective.g_losses(nets["d"], generated, real, rng)
        if self.config.reconstruction:
            own = (out["sentence"] == batch["sentence"]).all(1)[:, None, None, None]
            losses["reconstruction"] = self.config.reconstruction * l1_loss(out["fake"] * own, batch["image"] * own)
        return losses

    def encode(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Return what the generator is told of prompts: sentence [N, D], tokens [N, T, D], mask [N, T].

        It warns of prompts that are longer than what is read.
        """
        if said := self.encoder.cut_short(prompts):
            log.warning("%s", said)
        return self.encoder.encode(prompts)._asdict()

    def generate(self, nets: Networks, batch: Batch, options: Options) -> Tensor:
        """Paint ``noise`` [N, Z] and encoded prompts."""
        noise = batch["noise"]
        if options.truncation is not None:
            noise = truncated(noise, options.truncation)
        return _paint(nets, batch, noise)

    def graphs(self, nets: Networks) -> dict[str, Graph]:
        """Return the generator; what it is told of words comes from the text encoder, which stays outside."""
        shapes: dict[str, tuple[int | str, ...]] = {
            "noise": self.noise_shape, "sentence": (self.dim,), "tokens": ("words", self.dim), "mask": ("words",),
        }  # fmt: skip
        return {"": Graph("g", shapes, masks=frozenset({"mask"}))}

    def comparisons(self) -> list[Comparison]:
        """Paint every picture's first caption."""
        return caption_comparisons(self.config)

    def grid(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """Show held-back pictures, and what is painted of their captions with several draws of noise."""
        columns = {"real": batch["image"]}
        for i in range(_SAMPLES):
            noise = torch.randn(len(batch["image"]), *self.noise_shape, device=batch["image"].device)
            columns[f"sample {i + 1}"] = _paint(nets, batch, noise)
        return columns

    def metadata(self) -> dict[str, Any]:
        """Return which encoder the weights need."""
        encoder = self.encoder
        return {
            "text_encoder": {
                "name": encoder.name,
                "sha256": encoder.sha256,
                "pooling": encoder.pooling,
                "dim": self.dim,
            }
        }


def truncated(noise: Tensor, limit: float) -> Tensor:
    """Map standard normal noise z to the normal distribution within ±l: Φ⁻¹(Φ(-l) + Φ(z) (1 - 2 Φ(-l)))."""
    low = torch.special.ndtr(torch.tensor(-limit, dtype=torch.float64, device=noise.device))
    share = torch.special.ndtr(noise.double())
    result: Tensor = torch.special.ndtri(low + share * (1 - 2 * low)).clamp(-limit, limit).to(noise.dtype)
    return result


def _paint(nets: Networks, batch: Batch, noise: Tensor) -> Tensor:
    result: Tensor = nets["g"](noise, batch["sentence"], batch["tokens"].to(noise.dtype), batch["mask"])
    return result.clamp(-1, 1)
