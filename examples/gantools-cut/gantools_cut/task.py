"""What CUT is: networks, a forward pass, two sides' losses, a translation and a sheet."""

from dataclasses import replace

import torch

from gantools.data.evaluated import unpaired_comparisons
from gantools.networks import ResNetGenerator, build_critic, init_weights, translate_any_size
from gantools.objectives import Sample
from gantools.task import Task
from gantools_cut.nce import Heads, at, channels, features, patch_nce, places


class CUT(Task):
    def generators(self):
        g = ResNetGenerator(width=self.config.width, blocks=self.config.blocks)
        return {"g": init_weights(g), "heads": Heads(channels(self.config.width))}

    def discriminators(self, needs):
        config = self.config
        return {"d": build_critic("patch", needs, width=config.width, size=config.size, layers=config.d_layers)}

    def forward(self, nets, batch, rng):
        if not (self.config.identity and torch.is_grad_enabled()):
            return {"fake": nets["g"](batch["a"])}
        fake, same = nets["g"](torch.cat([batch["a"], batch["b"]])).chunk(2)
        return {"fake": fake, "same": same}

    def d_losses(self, nets, batch, out, objective, rng):
        return objective.d_losses(nets["d"], Sample(batch["b"]), [(Sample(out["fake"]), 1.0)], rng)[0]

    def g_losses(self, nets, batch, out, objective, rng):
        losses, _ = objective.g_losses(nets["d"], Sample(out["fake"]), Sample(batch["b"]), rng)
        share = self.config.nce / 2 if self.config.identity else self.config.nce
        losses["nce"] = share * self._nce(nets, batch["a"], out["fake"], rng)
        if self.config.identity:
            losses["nce_same"] = share * self._nce(nets, batch["b"], out["same"], rng)
        return losses

    def _nce(self, nets, source, made, rng):
        g, heads = nets["g"], nets["heads"]
        of_source, of_made = features(g, source), features(g, made)
        drawn = places(of_source, self.config.patches, rng)
        return patch_nce(heads(at(of_made, drawn)), heads(at(of_source, drawn)), self.config.temperature)

    def translate(self, nets, images, options):
        return translate_any_size(nets["g"], images, ResNetGenerator.stride)

    def grid(self, nets, batch):
        return {"A": batch["a"], "A to B": nets["g"](batch["a"]), "B": batch["b"]}

    def comparisons(self):
        there, _ = unpaired_comparisons(self.config)
        return [replace(there, options={}, back=())]
