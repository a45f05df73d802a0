"""StarGAN (Choi et al. 2018): adversarial (eq. 8), classification (eq. 2 and 3) and reconstruction (eq. 4) losses.

Not the paper's are the identity loss, the self-regularisation (Shrivastava et al. 2017, second term of eq. 4, as a mean
over the pixels) and the projection; ``--preset paper`` leaves them out.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, interpolate, l1_loss, one_hot, pad

from gantools.data.evaluated import domain_comparisons
from gantools.errors import GanToolsError
from gantools.networks import translate_any_size
from gantools.objectives import Needs, Objective, Sample
from gantools.task import Batch, Comparison, Graph, Losses, Networks, Outputs, StepRandom, Task, View
from gantools_stargan.config import Config, Options
from gantools_stargan.networks import Discriminator, EnergyDiscriminator, Generator, Recogniser
from gantools_stargan.targets import Target, every_target, read_source, read_target


class StarGAN(Task[Config]):
    """Generator ``g`` from pictures and target labels, discriminator ``d`` with a patch head and a domain head."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if not config.domains:
            raise GanToolsError("--data missing: pictures of several domains are needed", "give --data DIR")
        self.names = [name for names in config.domains for name in names]
        self.kinds = list(config.labels)
        self.slices: list[slice] = []
        for names in config.domains:
            start = self.slices[-1].stop if self.slices else 0
            self.slices.append(slice(start, start + len(names)))

    def generators(self) -> dict[str, nn.Module]:
        """Build the generator, and for attributes a recogniser, so that a translation can keep what it does not change.

        With several data sets the generator is told of which one the labels are.
        """
        config = self.config
        sets = len(self.slices) if len(self.slices) > 1 else 0
        labels = len(self.names) + sets
        shape = (config.width, config.blocks, config.upsample, config.skips, config.norm, config.smoothing)
        networks: dict[str, nn.Module] = {"g": Generator(labels, *shape)}
        if self._recognises:
            networks["recogniser"] = Recogniser(len(self.names))
        return networks

    @property
    def _recognises(self) -> bool:
        """Whether there is a network that sees which attributes a picture has."""
        return self.config.recogniser and "independent" in self.kinds

    def discriminators(self, needs: Needs) -> dict[str, nn.Module]:
        """Build the discriminator, without norm layers: every penalty suits it."""
        config = self.config
        width, layers = config.d_width or config.width, config.halvings
        if needs.critic == "autoencoder":
            return {"d": EnergyDiscriminator(len(self.names), config.size, width, min(layers, 3))}
        shape = (len(self.names), config.size, width, layers, config.projection)
        return {"d": Discriminator(*shape, edges=config.smoothing, fine=config.d_fine)}

    def forward(self, nets: Networks, batch: Batch, rng: StepRandom) -> Outputs:
        """Translate to the target labels."""
        return {"fake": nets["g"](batch["image"], self._input(batch["target"], batch["set"]))}

    def d_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the critic's losses, and how badly it tells the domains of real pictures."""
        real, fake = self._sample(batch["image"], batch["label"]), self._sample(out["fake"], batch["target"])
        losses, verdict = objective.d_losses(nets["d"], real, [(fake, 1.0)], rng)
        told = self._classification(verdict.aux["domains"], batch["label"], batch["set"])
        return losses | {"classification": self.config.classification * told}

    def g_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return adversarial, classification, identity, self-regularisation and reconstruction losses."""
        config = self.config
        real, fake = self._sample(batch["image"], batch["label"]), self._sample(out["fake"], batch["target"])
        terms, verdict = objective.g_losses(nets["d"], fake, real, rng)
        losses = {name: config.adversarial * value for name, value in terms.items()}
        told = self._classification(verdict.aux["domains"], batch["target"], batch["set"])
        losses["classification"] = config.classification * told
        if "recogniser" in nets.generators:
            seen = nets["recogniser"](batch["image"])
            losses["recognition"] = self._classification(seen, batch["label"], batch["set"])
        if config.identity:
            change = (out["fake"] - batch["image"]).abs().mean((1, 2, 3))
            same = (batch["target"] == batch["label"]).all(1)
            losses["identity"] = config.identity * (change * same).mean()
        if config.self_regularisation:
            source = _nearest(batch["image"], out["fake"], config.reach)
            losses["self-regularisation"] = config.self_regularisation * l1_loss(out["fake"], source)
        if config.reconstruction:
            back = nets["g"](out["fake"], self._input(batch["label"], batch["set"]))
            losses["reconstruction"] = config.reconstruction * l1_loss(back, batch["image"])
        return losses

    def variants(self, options: Options) -> dict[str, Options]:
        """Return a translation for each target; `all` stands for every domain or attribute."""
        config = self.config
        if not options.to:
            known = ", ".join(self.names)
            raise GanToolsError(
                "--to missing: which domain to translate into?", f"give --to with one of {known}, or all"
            )
        every = every_target(config.domains, self.kinds, relative=self._recognises or options.from_ is not None)
        everything = any(to.lower() == "all" for to in options.to)
        specs = list(dict.fromkeys(spec for to in options.to for spec in (every if to.lower() == "all" else [to])))
        targets = [read_target(spec, config.domains, self.kinds) for spec in specs]
        self._check_source(options.from_, targets)
        single = {spec: options.model_copy(update={"to": [spec]}) for spec in specs}
        return single if everything or len(single) > 1 else {"": single[specs[0]]}

    def _check_source(self, given: str | None, targets: Sequence[Target]) -> None:
        """Raise GanToolsError if --from fits no target that changes a picture's own labels, or is needed for one."""
        if given is None:
            if any(target.relative for target in targets) and not self._recognises:
                raise GanToolsError(
                    "these weights do not see which attributes a picture has, and --to +A,-B changes these",
                    "say what it has with --from A,B or --from none, or name all that it shall have: --to A,B",
                )
            return
        relative = [target.number for target in targets if target.relative]
        if not relative:
            raise GanToolsError(
                "--from has no meaning here", "it goes with --to +A,-B, which keeps the other attributes"
            )
        for number in relative:
            read_source(given, number, self.config.domains)

    def translate(self, nets: Networks, images: Tensor, options: Options) -> Tensor:
        """Translate pictures of any size to the one target that the options name."""
        target = read_target(options.to[0], self.config.domains, self.kinds)
        label = torch.zeros(len(images), len(self.names), device=images.device)
        if target.relative:
            label = self._labels_of(nets, images, target.number, options.from_)
        label[:, list(target.on)] = 1
        label[:, list(target.off)] = 0
        number = torch.full((len(images),), target.number, device=images.device)
        return self._apply(nets, images, self._input(label, number))

    def view(self, options: Options) -> View:
        """Return that the generator is convolutional."""
        return View(Generator.stride)

    def settled(self, nets: Networks, image: Tensor, options: Options) -> Options:
        """Return options that say which attributes a picture has, or most of several, where they are to be kept."""
        target = read_target(options.to[0], self.config.domains, self.kinds)
        if not target.relative or options.from_ is not None:
            return options
        seen = self._labels_of(nets, image, target.number, None).mean(0)
        names = [name for name, share in zip(self.names, seen.tolist(), strict=True) if share > 0.5]
        return options.model_copy(update={"from_": ",".join(names) or "none"})

    def _labels_of(self, nets: Networks, images: Tensor, number: int, given: str | None) -> Tensor:
        """Return the labels of pictures [N, C]: as given, or as the recogniser sees them."""
        label = torch.zeros(len(images), len(self.names), device=images.device)
        part = self.slices[number]
        if given is not None:
            label[:, list(read_source(given, number, self.config.domains))] = 1
            return label
        side = (self.config.size, self.config.size)  # what it was trained on
        seen = nets["recogniser"](interpolate(images, side, mode="bilinear", antialias=True))
        label[:, part] = (seen[:, part] > 0).to(label.dtype)
        return label

    def source(self, options: Options) -> str:
        """Return the pictures of the batch that are translated."""
        return "image"

    def graphs(self, nets: Networks) -> dict[str, Graph]:
        """Return the generator: ``labels`` has a 1 for each domain asked for, then one for the data set it is of."""
        labels = len(self.names) + (len(self.slices) if len(self.slices) > 1 else 0)
        stride = Generator.stride
        alone = {"recogniser": False}
        return {"": Graph("g", {"image": (3, 0, 0), "labels": (labels,)}, stride, 2 * stride, settings=alone)}

    def comparisons(self) -> list[Comparison]:
        """Translate into each domain the pictures of all others."""
        return domain_comparisons(self.config, told=not self._recognises)

    def grid(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """Show sources, and a column for each domain or attribute."""
        columns = {"source": batch["image"]}
        for number, (part, kind) in enumerate(zip(self.slices, self.kinds, strict=True)):
            mine = torch.full_like(batch["set"], number)
            for i in range(part.start, part.stop):
                label = torch.zeros_like(batch["label"])
                if kind == "independent":  # of pictures of this set, one attribute is turned over
                    label = batch["label"] * (batch["set"] == number)[:, None]
                label[:, i] = 1 - label[:, i]
                columns[f"±{self.names[i]}" if kind == "independent" else self.names[i]] = self._apply(
                    nets, batch["image"], self._input(label, mine)
                )
        return columns

    def metadata(self) -> dict[str, Any]:
        """Return the names of all domains."""
        return {"domains": self.names}

    def _sample(self, image: Tensor, label: Tensor) -> Sample:
        """Return what the discriminator judges: with a projection, pictures together with their labels."""
        return Sample(image, (label,) if self.config.projection else ())

    def _input(self, label: Tensor, number: Tensor) -> Tensor:
        """Return what the generator is told: the labels, and with several data sets the one they are of (eq. 7)."""
        if len(self.slices) == 1:
            return label
        return torch.cat([label, one_hot(number, len(self.slices)).to(label.dtype)], 1)

    def _classification(self, logits: Tensor, label: Tensor, number: Tensor) -> Tensor:
        """Return the mean over samples: cross-entropy of exclusive domains, binary ones summed over attributes."""
        total = logits.new_zeros(len(logits), dtype=torch.float32)
        for i, (part, kind) in enumerate(zip(self.slices, self.kinds, strict=True)):
            mine, truth = logits[:, part].float(), label[:, part]
            if kind == "exclusive":
                loss = cross_entropy(mine, truth.argmax(1), reduction="none")
            else:
                loss = binary_cross_entropy_with_logits(mine, truth, reduction="none").sum(1)
            total = total + loss * (number == i)
        return total.mean()

    def _apply(self, nets: Networks, images: Tensor, told: Tensor) -> Tensor:
        told = told.expand(len(images), -1)
        return translate_any_size(lambda x: nets["g"](x, told), images, Generator.stride)


@torch.no_grad()
def _nearest(source: Tensor, made: Tensor, reach: int) -> Tensor:
    """Return for each pixel of ``made`` the colour of ``source`` most like it, at most ``reach`` pixels from there."""
    if not reach:
        return source
    height, width = source.shape[2:]
    around = pad(source, [reach] * 4, mode="replicate")
    nearest, least = source, (made - source).abs().sum(1, keepdim=True)
    for down, right in itertools.product(range(2 * reach + 1), repeat=2):
        colour = around[..., down : down + height, right : right + width]
        distance = (made - colour).abs().sum(1, keepdim=True)
        nearest = torch.where(distance < least, colour, nearest)
        least = torch.minimum(distance, least)
    return nearest
