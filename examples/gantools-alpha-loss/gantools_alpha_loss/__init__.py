"""The α-loss (Kurri et al. 2021), an adversarial loss for every task. Nothing is imported until it is used."""

from gantools import hookimpl


@hookimpl
def gantools_register_objectives(register):
    register("alpha-loss", "loss", "gantools_alpha_loss.loss:AlphaLoss", "a loss whose strictness is one number")
