"""The task `toy`: the plain GAN game between two small networks, with data in the plane."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn

from gantools.objectives import Needs, Objective, Sample, Verdict
from gantools.objectives.base import sample_scores
from gantools.objectives.judge import judge, mixes_samples
from gantools.task import Batch, Losses, Networks, Outputs, StepRandom, Task
from gantools_lab.config import Config, parse_modes
from gantools_lab.measures import good_share, modes_covered, wasserstein
from gantools_lab.surface import Plane

_MATCHED = 300  # samples of the Wasserstein distance: 10 ms
_ARROWS = 80


class MLP(nn.Module):
    """``layers`` hidden layers of ``width`` with leaky ReLU, then ``head``: [N, inside] -> [N, outside]."""

    def __init__(self, inside: int, outside: int, width: int, layers: int) -> None:
        super().__init__()
        sizes = [inside, *[width] * layers]
        hidden = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.LeakyReLU(0.2))]
        self.body = nn.Sequential(*hidden)
        self.head = nn.Linear(width, outside)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inside] to [N, outside]."""
        result: Tensor = self.head(self.body(x))
        return result


class AutoEncoder(nn.Module):
    """A critic whose score is minus the mean squared reconstruction error (Zhao et al. 2017, eq. 1).

    Two coordinates go through a code of ``code`` values and back.
    """

    def __init__(self, width: int, layers: int, code: int = 1) -> None:
        super().__init__()
        self.encoder = MLP(2, code, width, layers)
        decoder = MLP(code, 2, width, layers)
        self.decoder, self.head = decoder.body, decoder.head

    def forward(self, x: Tensor) -> Verdict:
        """Judge points [N, 2]: scores [N], and the code as feature."""
        code = self.encoder(x)
        error = (self.head(self.decoder(code)) - x).square().mean(1)
        return Verdict(-error, (code,))


class Toy(Task[Config]):
    """Generator ``g`` from noise [N, z] to points [N, 2], discriminator ``d`` from points to scores [N, 1]."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._floor: float | None = None

    def generators(self) -> dict[str, nn.Module]:
        """Build the generator."""
        config = self.config
        return {"g": MLP(config.z, 2, config.width, config.layers)}

    def discriminators(self, needs: Needs) -> dict[str, nn.Module]:
        """Build the discriminator, without norm; where the objective wants one, an auto-encoder."""
        config = self.config
        if needs.critic == "autoencoder":
            return {"d": AutoEncoder(config.width, config.layers)}
        return {"d": MLP(2, 1, config.width, config.layers)}

    def forward(self, nets: Networks, batch: Batch, rng: StepRandom) -> Outputs:
        """Generate as many points as the batch has."""
        return {"fake": nets["g"](rng.normal(self.config.z))}

    def d_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the critic's losses."""
        losses, _ = objective.d_losses(nets["d"], Sample(batch["x"]), [(Sample(out["fake"]), 1.0)], rng)
        return losses

    def g_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the generator's losses."""
        losses, _ = objective.g_losses(nets["d"], Sample(out["fake"]), Sample(batch["x"]), rng)
        return losses

    def grid(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """Show the data, the samples over faint data, and the critic's scores over the plane: [1, 3, 384, 384] each.

        Arrows at some of the samples show the critic's gradient there, relative to the longest.
        """
        data, fake = batch["x"], self._samples(nets, batch)
        plane = Plane(data.cpu())
        with _still(nets["d"]) as critic:
            scores = _scores_apart(critic, plane.points.to(data.device), self.config.batch_size)
            slopes = _slopes(critic, fake[:_ARROWS])
        return {
            "data": plane.scatter(),
            "samples": plane.scatter(fake.cpu()),
            "critic": plane.surface(scores.cpu(), fake[:_ARROWS].cpu(), slopes.cpu()),
        }

    def report(self, nets: Networks, batch: Batch) -> dict[str, float]:
        """Return modes covered, the share of good samples, and the Wasserstein distance from the data beside its floor.

        The distance is exact for 300 samples and 300 points; the floor is that between two samples of the data.
        """
        name, data, fake = self.config.data, batch["x"].cpu(), self._samples(nets, batch).cpu()
        if self._floor is None:
            self._floor = wasserstein(data[:_MATCHED], data[_MATCHED : 2 * _MATCHED])
        measured = {"modes": float(modes_covered(fake, name))} if parse_modes(name) else {}
        return measured | {
            "good": good_share(fake, name),
            "wasserstein": wasserstein(fake[:_MATCHED], data[:_MATCHED]),
            "wasserstein_floor": self._floor,
        }

    @torch.no_grad()
    def _samples(self, nets: Networks, batch: Batch) -> Tensor:
        """Return as many samples as there are data in the sheet, from the same noise every time."""
        z = torch.randn(len(batch["x"]), self.config.z, generator=torch.Generator().manual_seed(0))
        fake: Tensor = nets["g"](z.to(batch["x"].device))
        return fake


@contextmanager
def _still(critic: nn.Module) -> Iterator[nn.Module]:
    """Switch a critic's dropout off for as long as this lasts."""
    training = critic.training
    try:
        yield critic.eval()
    finally:
        critic.train(training)


def _scores(critic: nn.Module, points: Tensor) -> Tensor:
    """Return the score of each point, [N]."""
    return sample_scores(judge(critic, Sample(points)).score)


def _scores_apart(critic: nn.Module, points: Tensor, size: int) -> Tensor:
    """Return the score of each point, [N]; a critic that looks at its batch is shown random batches of ``size``."""
    if not mixes_samples(critic):
        return _scores(critic, points)
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0)).to(points.device)
    scores = torch.cat([_scores(critic, part) for part in torch.split(points[order], size)])
    return scores[order.argsort()]


def _slopes(critic: nn.Module, points: Tensor) -> Tensor:
    """Return the gradient of the score at each point, [N, 2]."""
    with torch.inference_mode(False), torch.enable_grad():
        leaves = points.clone().requires_grad_(True)
        (slopes,) = torch.autograd.grad(_scores(critic, leaves).sum(), leaves)
    return slopes
