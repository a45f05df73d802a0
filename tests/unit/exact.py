"""Losses written out in 50 digits, and the comparison of ours with them.

The digits make the papers' formulas usable as they stand, cancellation and all, and central differences exact.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from functools import cache
from typing import NamedTuple

import pytest
import torch

from gantools.objectives import Judged, Loss, Sample, Verdict

Numbers = Sequence[Decimal]
Terms = list[Decimal]  # what a loss is the sum of
H = Decimal("1e-15")


class WrittenOut(NamedTuple):
    """Both players' losses of real scores, generated scores, and the distances of the samples behind them."""

    d: Callable[[Numbers, Numbers, Numbers], Terms]
    g: Callable[[Numbers, Numbers, Numbers], Terms]


def mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


@cache
def softplus(x: Decimal) -> Decimal:
    return (1 + x.exp()).ln()


def tanh(x: Decimal) -> Decimal:
    return ((2 * x).exp() - 1) / ((2 * x).exp() + 1)


def lambert_of_exp(z: Decimal) -> Decimal:
    """W(exp(z)): the w with w + log w = z, by Newton's method on log w."""
    y = z if z < 1 else z.ln()
    for _ in range(10):
        e = y.exp()
        y -= (y + e - z) / (1 + e)
    return y.exp()


def slope(function: Callable[[Decimal], Decimal], at: Decimal) -> Decimal:
    return (function(at + H) - function(at - H)) / (2 * H)


def slopes(function: Callable[[Numbers], Decimal], at: Numbers) -> list[Decimal]:
    return [slope(lambda x, i=i: function([*at[:i], x, *at[i + 1 :]]), value) for i, value in enumerate(at)]


def judged(score: torch.Tensor, distances: Sequence[float] | None = None) -> Judged:
    """Scores of samples whose values lie at mean distances from 0."""
    away = torch.zeros(len(score)) if distances is None else torch.tensor(distances)
    signs = torch.tensor([1.0, -0.5, 1.5]).view(1, 3, 1, 1)
    return Judged(Sample(away.view(-1, 1, 1, 1) * signs), Verdict(score))


def compare(loss: Loss, written: WrittenOut, scores: Sequence[float], dtype: torch.dtype) -> None:
    """Compare values score by score, and gradients of a batch, to 9 digits in float64 and to 5 in float32."""
    rel = {torch.float64: 1e-9, torch.float32: 1e-5}[dtype]
    for score in scores:
        for real, fake in ([score], [0.3125]), ([0.3125], [score]):
            _compare(loss, written, real, fake, dtype, rel)
    _compare(loss, written, scores, [*scores[3:], *scores[:3]], dtype, rel)


def _compare(
    loss: Loss, written: WrittenOut, reals: Sequence[float], fakes: Sequence[float], dtype: torch.dtype, rel: float
) -> None:
    real, fake = (torch.tensor(values, dtype=dtype, requires_grad=True) for values in (reals, fakes))
    distances = [0.25 * (1 + i % 4) for i in range(len(reals))]
    of_real, of_fake = judged(real), judged(fake, distances)
    with localcontext(prec=50):
        r, f, away = ([Decimal(x) for x in values] for values in (real.tolist(), fake.tolist(), distances))
        for ours, theirs in (
            (loss.d_loss(of_real, of_fake), written.d),
            (loss.g_loss(of_fake, of_real), written.g),
        ):
            terms = theirs(r, f, away)
            scale = float(sum(map(abs, terms)))
            assert ours.item() == pytest.approx(float(sum(terms)), rel=0, abs=rel * scale)
            expected = [
                *slopes(lambda x, theirs=theirs: sum(theirs(x, f, away)), r),
                *slopes(lambda x, theirs=theirs: sum(theirs(r, x, away)), f),
            ]
            found = torch.autograd.grad(ours, [real, fake], materialize_grads=True)
            assert torch.cat(found).tolist() == pytest.approx([float(x) for x in expected], rel=rel, abs=1e-30)
