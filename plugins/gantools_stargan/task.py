"""StarGAN (Choi et al. 2018): adversarial (eq. 8), classification (eq. 2 and 3) and reconstruction (eq. 4) losses.

Not the paper's are the identity loss, the self-regularisation (Shrivastava et al. 2017, second term of eq. 4, as a mean
over the pixels), what is kept of details and plain areas, the distances between pairs and of what aligned drawings
become, a teacher, the projection, real pictures with a wrong label among what is made (Reed et al. 2016, algorithm 1),
the penalty on the domain logits and the palette: ``--preset paper`` leaves them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, l1_loss

from gantools.data.decode import parse_background
from gantools.data.evaluated import domain_comparisons
from gantools.errors import GanToolsError
from gantools.networks import translate_any_size
from gantools.objectives import Needs, Objective, Sample
from gantools.objectives.base import precise
from gantools.task import Batch, Comparison, Graph, Losses, Networks, Outputs, StepRandom, Task, View
from gantools_stargan.aligned import Aligned
from gantools_stargan.config import Config, Options
from gantools_stargan.discriminators import Discriminator, EnergyDiscriminator, Recogniser
from gantools_stargan.generator import Generator, Palette
from gantools_stargan.labels import Labels
from gantools_stargan.regularisation import details, distance, paired, plain
from gantools_stargan.targets import Target, every_target, read_source, read_target
from gantools_stargan.teacher import aims, load_teacher

_EVERY = 4  # updates between penalties on the domain logits


class StarGAN(Task[Config]):
    """Generator ``g`` from pictures and target labels, discriminator ``d`` with a patch head and a domain head."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if not config.domains:
            raise GanToolsError("--data missing: pictures of several domains are needed", "give --data DIR")
        self.labels = Labels(config.domains, config.labels)
        if config.palette and "independent" in self.labels.kinds:
            raise GanToolsError(
                "--palette is for exclusive domains: an attribute has no colours of its own", "leave it out"
            )
        if config.paired and "independent" in self.labels.kinds:
            raise GanToolsError("--paired is for exclusive domains: of an attribute there are no pairs", "leave it out")

        there = set(config.aligned or ()) <= set(self.labels.names)  # an evaluation may select fewer
        self.aligned = Aligned(self.labels, *config.aligned) if config.aligned and there else None
        self._teacher: nn.Module | None = None

    def generators(self) -> dict[str, nn.Module]:
        """Build the generator, and for attributes a recogniser, so that a translation can keep what it does not change.

        With several data sets the generator is told of which one the labels are.
        """
        config = self.config
        shape = (config.width, config.blocks, config.upsample, config.skips, config.norm)
        ends = (config.smoothing, config.palette, config.refine, config.tanh_slope)
        networks: dict[str, nn.Module] = {"g": Generator(self.labels.inputs, *shape, *ends)}
        if self._recognises:
            networks["recogniser"] = Recogniser(len(self.labels.names))
        return networks

    @property
    def _recognises(self) -> bool:
        """Whether there is a network that sees which attributes a picture has."""
        return self.config.recogniser and "independent" in self.labels.kinds

    def discriminators(self, needs: Needs) -> dict[str, nn.Module]:
        """Build the discriminator, without norm layers: every penalty suits it."""
        config = self.config
        width, layers = config.d_width or config.width, config.halvings
        if needs.critic == "autoencoder":
            if config.mismatched:
                raise GanToolsError(
                    f"--mismatched has no meaning with {config.objective}: an auto-encoder is told no labels",
                    "leave it out, or take another --objective",
                )
            return {"d": EnergyDiscriminator(len(self.labels.names), config.size, width, min(layers, 3))}
        shape = (len(self.labels.names), config.size, width, layers, config.projection)
        return {"d": Discriminator(*shape, edges=config.smoothing, fine=config.d_fine)}

    def forward(self, nets: Networks, batch: Batch, rng: StepRandom) -> Outputs:
        """Translate to the target labels."""
        return {"fake": nets["g"](batch["image"], self.labels.told(batch["target"], batch["set"]))}

    def d_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the critic's losses, and how badly it tells the domains of real pictures."""
        config = self.config
        real, fake = self._sample(batch["image"], batch["label"]), self._sample(out["fake"], batch["target"])
        fakes = [(fake, 1 - config.mismatched)]
        if config.mismatched:
            others = self.labels.others(batch["label"], batch["set"], rng)
            fakes.append((self._sample(batch["image"], others), config.mismatched))
        losses, verdict = objective.d_losses(nets["d"], real, fakes, rng)
        unsure = self.labels.classification(verdict.aux["domains"], batch["label"], batch["set"])
        losses["classification"] = config.classification * unsure
        if config.domain_penalty and rng.update % _EVERY == 0:
            steepness = self.labels.penalty(nets["d"], real, batch["label"], batch["set"])
            losses["domain-penalty"] = _EVERY * config.domain_penalty * steepness
        return losses

    def g_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return adversarial, classification and reconstruction losses, and those that hold a picture to another."""
        config = self.config
        losses = self._judged(nets, batch, out, objective, rng) if config.n_critic else {}
        if "recogniser" in nets.generators:
            seen = nets["recogniser"](batch["image"])
            losses["recognition"] = self.labels.classification(seen, batch["label"], batch["set"])
        palette = nets["g"].palette
        if isinstance(palette, Palette):
            noise = rng.normal(*batch["image"].shape[1:])
            labels = self.labels.told(batch["label"], batch["set"])
            losses["palette"] = palette.loss(batch["image"], labels, noise)
        if config.teacher:
            return losses | self._taught(batch, out["fake"], config.teacher)
        return losses | self._held(nets, batch, out["fake"])

    def _judged(
        self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom
    ) -> dict[str, Tensor]:
        """Return what the discriminator says of translations: the adversarial and the classification loss."""
        config = self.config
        real, fake = self._sample(batch["image"], batch["label"]), self._sample(out["fake"], batch["target"])
        terms, verdict = objective.g_losses(nets["d"], fake, real, rng)
        losses = {name: config.adversarial * value for name, value in terms.items()}
        unsure = self.labels.classification(verdict.aux["domains"], batch["target"], batch["set"])
        return losses | {"classification": config.classification * unsure}

    def _taught(self, batch: Batch, fake: Tensor, teacher: Path) -> dict[str, Tensor]:
        """Return how far translations are from the teacher's, as pixels, and as details and plain areas."""
        config = self.config
        if self._teacher is None:
            self._teacher = load_teacher(teacher, self.labels, fake.device)
        aim = aims(self._teacher, self.labels, self.aligned, batch)
        losses = {"taught": config.exact * l1_loss(precise(fake), aim)}
        if config.details:
            losses["details"] = config.details * details(fake, aim)
        if config.plain:
            losses["plain"] = config.plain * plain(fake, aim)
        return losses

    def _held(self, nets: Networks, batch: Batch, fake: Tensor) -> dict[str, Tensor]:
        """Return the losses that hold translations to their sources, to pairs, and to the way back."""
        config = self.config
        losses: dict[str, Tensor] = {}
        if config.identity:
            change = (fake - batch["image"]).abs().mean((1, 2, 3))
            same = (batch["target"] == batch["label"]).all(1)
            losses["identity"] = config.identity * (change * same).mean()
        source = self.aligned.source(batch) if self.aligned else batch["image"]
        if config.self_regularisation:
            far = distance(fake, source, config.reach, config.chroma)
            losses["self-regularisation"] = config.self_regularisation * far
        if config.details:
            losses["details"] = config.details * details(fake, source)
        if config.plain:
            losses["plain"] = config.plain * plain(fake, source)
        if config.paired:
            background = [value / 127.5 - 1 for value in parse_background(config.background)]
            wrong = paired(fake, source, batch["partner"], background)
            if self.aligned:
                wrong = wrong * ~self.aligned.between(batch)  # these are known to the pixel
            losses["paired"] = config.paired * (wrong * batch["known"]).mean()
        if config.reconstruction or self.aligned:
            losses |= self._way_back(nets, batch, fake)
        return losses

    def _way_back(self, nets: Networks, batch: Batch, fake: Tensor) -> Losses:
        """Return the reconstruction loss, and for aligned domains how far all is from where it should be instead."""
        config = self.config
        if not self.aligned:
            again = nets["g"](fake, self.labels.told(batch["label"], batch["set"]))
            return {"reconstruction": config.reconstruction * l1_loss(again, batch["image"])}
        back = self.aligned.back(nets, batch, fake)
        wrong = (nets["g"](back.start, back.labels) - back.end).abs().mean((1, 2, 3))
        return {
            "aligned": config.exact * (back.far + back.exact * wrong).mean(),
            "reconstruction": config.reconstruction * (~back.exact * wrong).mean(),
        }

    def variants(self, options: Options) -> dict[str, Options]:
        """Return a translation for each target; `all` stands for every domain or attribute."""
        config = self.config
        if not options.to:
            known = ", ".join(self.labels.names)
            raise GanToolsError(
                "--to missing: which domain to translate into?", f"give --to with one of {known}, or all"
            )
        every = every_target(config.domains, self.labels.kinds, relative=self._recognises or options.from_ is not None)
        everything = any(to.lower() == "all" for to in options.to)
        specs = list(dict.fromkeys(spec for to in options.to for spec in (every if to.lower() == "all" else [to])))
        targets = [read_target(spec, config.domains, self.labels.kinds) for spec in specs]
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
        target = read_target(options.to[0], self.config.domains, self.labels.kinds)
        label = torch.zeros(len(images), len(self.labels.names), device=images.device)
        if target.relative:
            label = self._labels_of(nets, images, target.number, options.from_)
        label[:, list(target.on)] = 1
        label[:, list(target.off)] = 0
        number = torch.full((len(images),), target.number, device=images.device)
        return self._apply(nets, images, self.labels.told(label, number))

    def view(self, options: Options) -> View:
        """Return that the generator is convolutional."""
        return View(Generator.stride)

    def settled(self, nets: Networks, image: Tensor, options: Options) -> Options:
        """Return options that say which attributes a picture has, or most of several, where they are to be kept."""
        target = read_target(options.to[0], self.config.domains, self.labels.kinds)
        if not target.relative or options.from_ is not None:
            return options
        seen = self._labels_of(nets, image, target.number, None).mean(0)
        names = [name for name, share in zip(self.labels.names, seen.tolist(), strict=True) if share > 0.5]
        return options.model_copy(update={"from_": ",".join(names) or "none"})

    def _labels_of(self, nets: Networks, images: Tensor, number: int, given: str | None) -> Tensor:
        """Return the labels of pictures [N, C]: as given, or as the recogniser sees them."""
        label = torch.zeros(len(images), len(self.labels.names), device=images.device)
        part = self.labels.slices[number]
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
        stride = Generator.stride
        alone = {"recogniser": False}
        return {
            "": Graph("g", {"image": (3, 0, 0), "labels": (self.labels.inputs,)}, stride, 2 * stride, settings=alone)
        }

    def comparisons(self) -> list[Comparison]:
        """Translate into each domain the pictures of all others."""
        return domain_comparisons(self.config, told=not self._recognises)

    def grid(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """Show sources, and a column for each domain or attribute."""
        columns = {"source": batch["image"]}
        for number, (part, kind) in enumerate(zip(self.labels.slices, self.labels.kinds, strict=True)):
            mine = torch.full_like(batch["set"], number)
            for i in range(part.start, part.stop):
                label = torch.zeros_like(batch["label"])
                if kind == "independent":  # of pictures of this set, one attribute is turned over
                    label = batch["label"] * (batch["set"] == number)[:, None]
                label[:, i] = 1 - label[:, i]
                columns[f"±{self.labels.names[i]}" if kind == "independent" else self.labels.names[i]] = self._apply(
                    nets, batch["image"], self.labels.told(label, mine)
                )
        return columns

    def metadata(self) -> dict[str, Any]:
        """Return the names of all domains."""
        return {"domains": self.labels.names}

    def _sample(self, image: Tensor, label: Tensor) -> Sample:
        """Return what the discriminator judges: with a projection, pictures together with their labels."""
        return Sample(image, (label,) if self.config.projection else ())

    def _apply(self, nets: Networks, images: Tensor, told: Tensor) -> Tensor:
        told = told.expand(len(images), -1)
        return translate_any_size(lambda x: nets["g"](x, told), images, Generator.stride)
