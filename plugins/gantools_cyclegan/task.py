"""CycleGAN (Zhu et al. 2017): adversarial, cycle (eq. 2) and identity (section 5.2) losses in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gantools.data.evaluated import unpaired_comparisons
from gantools.errors import GanToolsError
from gantools.networks import ResNetGenerator, build_critic, by_picture, init_weights, translate_any_size
from gantools.objectives import Needs, Objective, Sample
from gantools.task import Batch, Comparison, Graph, Losses, Networks, Outputs, StepRandom, Task, View
from gantools_cyclegan.config import Config, Options
from gantools_cyclegan.pool import ImagePool, join_pools

_SIDES = ("a", "b")
_WAYS = ("a2b", "b2a")


class CycleGAN(Task[Config]):
    """Generators ``g_ab`` and ``g_ba``, discriminators ``d_a`` and ``d_b``."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.pools = {side: ImagePool(config.pool_size) for side in _SIDES}

    @property
    def ways(self) -> tuple[str, ...]:
        """The directions that there are generators for."""
        return _WAYS if self.config.directions == "both" else (self.config.directions,)

    def generators(self) -> dict[str, nn.Module]:
        """Build one ResNet generator a direction."""
        return {f"g_{way[0]}{way[2]}": init_weights(self._generator()) for way in self.ways}

    def discriminators(self, needs: Needs) -> dict[str, nn.Module]:
        """Build one critic a side; their instance norm suits every penalty."""
        config = self.config
        if config.directions != "both":
            raise GanToolsError(f"--directions {config.directions} cannot be trained", "leave it out")
        width = config.d_width or config.width
        return {
            f"d_{side}": build_critic(config.critic, needs, width=width, size=config.size, layers=config.d_layers)
            for side in _SIDES
        }

    def forward(self, nets: Networks, batch: Batch, rng: StepRandom) -> Outputs:
        """Translate both ways; the identity pass shares the batch of the generator that it goes through."""
        out = {}
        for source, target in (("a", "b"), ("b", "a")):
            generator = nets[f"g_{source}{target}"]
            if torch.is_grad_enabled() and self.config.identity:
                both = _apply(generator, torch.cat([batch[source], batch[target]]))
                out[f"fake_{target}"], out[f"same_{target}"] = torch.split(both, len(batch[source]))
            else:
                out[f"fake_{target}"] = _apply(generator, batch[source])
        return out

    def d_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return each critic's losses, generated pictures coming through the pool."""
        losses: Losses = {}
        for side in _SIDES:
            fake = self.pools[side].query(out[f"fake_{side}"], rng)
            terms, _ = objective.d_losses(nets[f"d_{side}"], Sample(batch[side]), [(Sample(fake), 1.0)], rng)
            losses |= {f"{name}_{side}": value for name, value in terms.items()}
        return losses

    def g_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return adversarial, cycle and identity losses of both directions."""
        config = self.config
        losses: Losses = {}
        for source, target in (("a", "b"), ("b", "a")):
            fake = out[f"fake_{target}"]
            terms, _ = objective.g_losses(nets[f"d_{target}"], Sample(fake), Sample(batch[target]), rng)
            losses |= {f"{name}_{target}": config.adversarial * value for name, value in terms.items()}
            if config.cycle:
                back = _apply(nets[f"g_{target}{source}"], fake)
                losses[f"cycle_{source}"] = config.cycle * l1_loss(back, batch[source])
            if config.identity:
                same = out[f"same_{target}"]
                losses[f"identity_{target}"] = config.cycle * config.identity * l1_loss(same, batch[target])
        return losses

    def translate(self, nets: Networks, images: Tensor, options: Options) -> Tensor:
        """Translate pictures of any size in the direction asked for."""
        way = self._way(options)
        generator = nets[f"g_{way[0]}{way[2]}"]
        if self.config.inference == "stored":
            return _apply(generator, images)
        return by_picture(generator, lambda x: _apply(generator, x), images)

    def view(self, options: Options) -> View:
        """Return that the network is convolutional."""
        return View(ResNetGenerator.stride)

    def variants(self, options: Options) -> dict[str, Options]:
        """Return the one translation; GanToolsError if the weights have no such direction."""
        self._way(options)
        return {"": options}

    def source(self, options: Options) -> str:
        """Return the side that the direction starts from."""
        return self._way(options)[0]

    def _way(self, options: Options) -> str:
        """Return the direction asked for, or the first there is."""
        way = options.direction or self.ways[0]
        if way not in self.ways:
            raise GanToolsError(
                f"these weights have no direction {way}", f"they translate {self.ways[0]} only; leave --direction out"
            )
        return way

    def graphs(self, nets: Networks) -> dict[str, Graph]:
        """Return the directions, each a network of its own."""
        stride = ResNetGenerator.stride
        found = {
            way: Graph(
                f"g_{way[0]}{way[2]}", {"image": (3, 0, 0)}, stride, 2 * stride,
                by_picture=self.config.inference != "stored", settings={"directions": way},
            )
            for way in self.ways
        }  # fmt: skip
        return found if len(found) > 1 else {"": found[self.ways[0]]}

    def comparisons(self) -> list[Comparison]:
        """Translate both ways, and back again; weights of one direction only there."""
        rows = unpaired_comparisons(self.config)
        if self.config.directions == "both":
            return rows
        return [replace(row, back=()) for row in rows if row.options["direction"] in self.ways]

    def grid(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """Show source, translation and cycle in both directions."""
        columns: dict[str, Tensor] = {}
        for source, target in (("a", "b"), ("b", "a")):
            fake = _apply(nets[f"g_{source}{target}"], batch[source])
            a, b = source.upper(), target.upper()
            columns |= {
                a: batch[source],
                f"{a} to {b}": fake,
                f"{a} to {b} to {a}": _apply(nets[f"g_{target}{source}"], fake),
            }
        return columns

    def state_dict(self) -> dict[str, Any]:
        """Return both pools."""
        return {side: pool.state_dict() for side, pool in self.pools.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore both pools."""
        for side, pool in self.pools.items():
            pool.load_state_dict(state[side])

    def join_states(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return both pools, each position's history from the process that keeps it."""
        return {side: join_pools([state[side] for state in states]) for side in self.pools}

    def _generator(self) -> ResNetGenerator:
        config = self.config
        return ResNetGenerator(
            width=config.width, blocks=config.blocks, upsample=config.upsample, norm=config.norm,
            dropout=config.dropout, downsample=config.downsample, skips=config.skips,
        )  # fmt: skip


def _apply(generator: nn.Module, images: Tensor) -> Tensor:
    return translate_any_size(generator, images, ResNetGenerator.stride)
