"""The core's own registrations, made through the same hooks as everybody else's. Strings only: nothing is imported."""

from __future__ import annotations

from collections.abc import Callable

from gantools.hookspecs import hookimpl

_LOSSES = "gantools.objectives.losses"
_PENALTIES = "gantools.objectives.penalties"
_CONSTRAINTS = "gantools.objectives.constraints"
_RECIPES = "gantools.objectives.recipes"


@hookimpl
def gantools_register_objectives(register: Callable[..., None]) -> None:
    """Register the objective layer's entries."""
    register("minimax", "loss", f"{_LOSSES}:Minimax", "the original zero-sum game")
    register(
        "nonsaturating", "loss", f"{_LOSSES}:NonSaturating", "minimax, with a generator loss that keeps its gradient"
    )
    register("lsgan", "loss", f"{_LOSSES}:LeastSquares", "squared distance to target scores")
    register("hinge", "loss", f"{_LOSSES}:Hinge", "a margin for the critic, the bare score for the generator")
    register("wgan", "loss", f"{_LOSSES}:Wasserstein", "difference of mean scores; needs a Lipschitz critic")
    register("gp", "penalty", f"{_PENALTIES}:GradientPenalty", "gradient norm 1 between real and generated")
    register("r1", "penalty", f"{_PENALTIES}:R1", "gradient norm 0 at real samples")
    register("weight-clipping", "constraint", f"{_CONSTRAINTS}:WeightClipping", "every weight within [-c, c]")
    register("spectral-norm", "constraint", f"{_CONSTRAINTS}:SpectralNorm", "every layer's largest singular value is 1")
    register("wgan-gp", "recipe", f"{_RECIPES}:WGAN_GP", "wgan + gp with the paper's optimizer and n_critic")


@hookimpl
def gantools_register_datasets(register: Callable[..., None]) -> None:
    """Register the kinds of data."""
    register("paired", "gantools.data.paired:PairedImages", "pairs of pictures, in two folders or side by side")
    register("unpaired", "gantools.data.unpaired:UnpairedImages", "two sets of pictures without pairs")
