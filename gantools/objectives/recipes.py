"""Recipes: a loss with all that its paper sets. They override the task's preset; flags override them."""

from gantools.objectives.base import Recipe

WGAN_CLIP = Recipe(
    loss="wgan",
    constraints=("weight-clipping:c=0.01",),
    settings={"n_critic": 5, "lr_g": 5e-5, "lr_d": 5e-5, "optimizer": "rmsprop"},
    paper="Arjovsky et al. 2017, Wasserstein GAN, algorithm 1",
    use="to compare with the first paper; for use, wgan-gp",
)

WGAN_GP = Recipe(
    loss="wgan",
    penalties=("gp:weight=10",),
    settings={"n_critic": 5, "lr_g": 1e-4, "lr_d": 1e-4, "betas": (0.0, 0.9), "optimizer": "adam"},
    paper="Gulrajani et al. 2017, Improved Training of Wasserstein GANs, algorithm 1",
    use="a critic's loss that falls as pictures get better; five critic updates a step make it slow",
)

SNGAN = Recipe(
    loss="hinge",
    constraints=("spectral-norm",),
    settings={"n_critic": 5, "lr_g": 2e-4, "lr_d": 2e-4, "betas": (0.0, 0.9), "optimizer": "adam"},
    paper="Miyato et al. 2018, Spectral Normalization for Generative Adversarial Networks, section 4",
    use="steady training of any critic; --n-critic 1 makes it five times as fast",
)

DRAGAN_GAN = Recipe(
    loss="nonsaturating",
    penalties=("dragan:weight=10",),
    settings={"n_critic": 1, "lr_g": 1e-4, "lr_d": 1e-4, "betas": (0.5, 0.9), "optimizer": "adam"},
    paper="Kodali et al. 2017, On Convergence and Stability of GANs, section 3",
    use="the original game with a critic that is smooth near the data",
)

CT_GAN = Recipe(
    loss="wgan",
    penalties=("gp:weight=10", "consistency:weight=2,margin=0"),
    settings={"n_critic": 5, "lr_g": 1e-4, "lr_d": 1e-4, "betas": (0.0, 0.9), "optimizer": "adam"},
    paper="Wei et al. 2018, Improving the Improved Training of Wasserstein GANs, algorithm 1",
    use="wgan-gp where the data are few: dropout and consistency keep the critic from learning them by heart",
)

EBGAN_PT = Recipe(
    loss="ebgan",
    penalties=("pull-away:weight=0.1",),
    paper="Zhao et al. 2017, Energy-based Generative Adversarial Networks, section 2.4",
    use="an auto-encoder for a critic, its generator kept from collapse",
)

DF_GAN = Recipe(
    loss="hinge",
    penalties=("matching-aware:weight=2,p=6",),
    settings={"n_critic": 1, "lr_g": 1e-4, "lr_d": 4e-4, "betas": (0.0, 0.9), "optimizer": "adam"},
    paper="Tao et al. 2022, DF-GAN: A Simple and Effective Baseline for Text-to-Image Synthesis, sections 3.2 and 4",
    use="pictures from text: a critic that judges picture and sentence together, flat around real pairs",
)
