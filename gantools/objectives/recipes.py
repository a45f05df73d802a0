"""Recipes: a loss with all that its paper sets. They override the task's preset; flags override them."""

from gantools.objectives.base import Recipe

WGAN_GP = Recipe(
    loss="wgan",
    penalties=("gp:weight=10",),
    settings={"n_critic": 5, "lr_g": 1e-4, "lr_d": 1e-4, "betas": (0.0, 0.9), "optimizer": "adam"},
    paper="Gulrajani et al. 2017, Improved Training of Wasserstein GANs, algorithm 1",
)
