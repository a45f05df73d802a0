"""The translation of a picture turned by 90° is the turned translation: that keeps contents where they are."""

import torch
from torch.nn.functional import l1_loss

from gantools.networks import ResNetGenerator, build_critic, init_weights, translate_any_size
from gantools.objectives import Sample
from gantools.task import Task


class GcGAN(Task):
    def generators(self):
        return {"g": init_weights(ResNetGenerator(width=self.config.width, blocks=self.config.blocks))}

    def discriminators(self, needs):
        config = self.config
        return {"d": build_critic("patch", needs, width=config.width, size=config.size, layers=config.d_layers)}

    def forward(self, nets, batch, rng):
        both = torch.cat([batch["a"], batch["a"].rot90(1, (2, 3))])
        upright, turned = nets["g"](both).chunk(2)
        return {"upright": upright, "turned": turned.rot90(-1, (2, 3))}

    def d_losses(self, nets, batch, out, objective, rng):
        fakes = [(Sample(fake), 0.5) for fake in out.values()]
        return objective.d_losses(nets["d"], Sample(batch["b"]), fakes, rng)[0]

    def g_losses(self, nets, batch, out, objective, rng):
        same = l1_loss(nets["g"](batch["b"]), batch["b"])
        geometry = l1_loss(out["upright"], out["turned"])
        losses = {"geometry": self.config.geometry * geometry, "identity": self.config.identity * same}
        for name, fake in out.items():
            terms, _ = objective.g_losses(nets["d"], Sample(fake), Sample(batch["b"]), rng)
            losses |= {f"{term}_{name}": value for term, value in terms.items()}
        return losses

    def translate(self, nets, images, options):
        return translate_any_size(nets["g"], images, ResNetGenerator.stride)

    def grid(self, nets, batch):
        return {"A": batch["a"], "A to B": nets["g"](batch["a"]), "B": batch["b"]}
