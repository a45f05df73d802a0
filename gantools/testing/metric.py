"""The suite for metrics."""

# ruff: noqa: S101  (a test says what it expects by assert)

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gantools.data.comparison import Picture
from gantools.data.pixels import to_image
from gantools.metrics import Evidence, Metric
from gantools.metrics.backbones import Backbone
from gantools.metrics.pictures import PictureSet
from gantools.plugins import Reference

_N, _SIDE = 12, 24
_COLOURS = (("red", (0.9, -0.8, -0.8)), ("blue", (-0.8, -0.6, 0.9)))


class MetricConformance:
    """What `gantools evaluate` relies on in a metric. `gantools.testing.conformance` derives from it."""

    entry: ClassVar[Reference]

    @pytest.fixture
    def seen(self, tmp_path: Path) -> Evidence:
        """Evidence of everything that metrics look at."""
        return evidence(tmp_path)

    @property
    def metric(self) -> Metric:
        """A metric, newly made."""
        made: Metric = self.entry.load()()
        return made

    def test_it_describes_itself(self) -> None:
        """The list of metrics has a line about it, and its docstring says what it is."""
        metric = self.metric
        assert self.entry.summary, "there is no summary"
        assert metric.__doc__, "there is no docstring"
        assert metric.better in {"lower", "higher", None}, f"`better` is {metric.better!r}"

    def test_its_figure_is_finite_and_the_same_again(self, seen: Evidence) -> None:
        """Two looks at the same pictures give the same figure, of some pictures."""
        first, second = self.metric(seen), self.metric(seen)
        assert self.metric.applies(seen), "it does not apply to evidence that has everything"
        assert first == second, f"{first} became {second}"
        assert math.isfinite(first.value), f"the figure is {first.value}"
        assert first.n > 0, "it is of no pictures"

    def test_the_order_of_pictures_does_not_matter(self, seen: Evidence) -> None:
        """Everything turned round, with what belongs together, gives the same figure."""
        turned = replace(
            seen,
            made=_turned(seen.made),
            truth=list(reversed(range(_N))),
            source=seen.source and _turned(seen.source),
            back=seen.back and _turned(seen.back),
            prompts=list(reversed(seen.prompts)),
        )
        value, other = self.metric(seen).value, self.metric(turned).value
        assert other == pytest.approx(value, rel=1e-5, abs=1e-6), f"{value} became {other}"

    def test_it_does_not_apply_where_what_it_needs_is_missing(self, seen: Evidence) -> None:
        """Without pairs, a way back, domains, words or training pictures, metrics that need them stand back."""
        bare = Evidence(seen.made, seen.real)
        if self.metric.needs - {"set", "features"}:
            assert not self.metric.applies(bare), f"it needs {sorted(self.metric.needs)}, and applies without"
        else:
            assert math.isfinite(self.metric(bare).value)

    def test_noise_is_not_better_than_the_truth(self, seen: Evidence, tmp_path: Path) -> None:
        """Where one way is good, pictures that equal the truth are at least as good as noise."""
        metric = self.metric
        if metric.better is None:
            return
        noise = torch.rand(_N, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(2)) * 2 - 1
        true, bad = (
            metric(replace(seen, made=made, back=back)).value
            for made, back in ((seen.real, seen.source), [_pictures(tmp_path / "noise", noise)] * 2)
        )
        gain = true - bad if metric.better == "higher" else bad - true
        assert gain >= 0, f"{metric.better} is said to be better: the truth has {true}, noise {bad}"


def evidence(folder: Path) -> Evidence:
    """Return red and blue squares made out of grey ones, the true ones, and all else that metrics look at."""
    real = _squares(0)
    made = (real + 0.1 * torch.randn(real.shape, generator=torch.Generator().manual_seed(1))).clamp(-1, 1)
    grey = real.mean(1, keepdim=True).expand_as(real)
    images = {"real": real, "made": made, "source": grey, "back": grey, "training": _squares(3)}
    sets = {name: _pictures(folder / name, some) for name, some in images.items()}
    return Evidence(
        **sets,
        truth=range(_N),
        prompts=[f"a {_COLOURS[i % 2][0]} square" for i in range(_N)],
        domains={"coloured": sets["real"], "grey": sets["source"]},
        domain="coloured",
    )


def _squares(seed: int) -> Tensor:
    """Return [N, 3, side, side] in [-1, 1]: red and blue squares on white, each elsewhere."""
    images = torch.ones(_N, 3, _SIDE, _SIDE)
    for i in range(_N):
        colour = torch.tensor(_COLOURS[i % 2][1])[:, None, None]
        y, x = (seed + i) % 8, (3 * i + seed) % 10
        images[i, :, y : y + 12, x : x + 12] = colour
    return images


def _pictures(folder: Path, images: Tensor) -> PictureSet:
    """Write pictures, and return them as metrics see them."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for i, image in enumerate(images):
        path = folder / f"{i:02}.png"
        to_image(image).save(path)
        pictures.append(Picture(path.stem, path))
    return PictureSet(pictures, Backbone("thumbnails", _SIDE, _thumbnails), keep=False)


def _thumbnails(images: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Return reduced pictures as features: a metric is tested here, not a backbone."""
    small = avg_pool2d(images, 6)
    return small.flatten(1), small.flatten(1)[:, :10], [images, small]


def _turned(pictures: PictureSet) -> PictureSet:
    return PictureSet(pictures.pictures[::-1], pictures.backbone, pictures.background, pictures.keep)
