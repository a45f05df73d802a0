"""The core's own registrations, made through the same hooks as everybody else's. Strings only: nothing is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gantools.hookspecs import hookimpl
from gantools.registry import load_object

_ENTRIES: dict[str, dict[str, dict[str, tuple[str, str]]]] = {
    "loss": {
        "losses": {
            "minimax": ("Minimax", "the original zero-sum game"),
            "nonsaturating": ("NonSaturating", "minimax, with a generator loss that keeps its gradient"),
            "lsgan": ("LeastSquares", "squared distance to target scores"),
            "lsgan-pearson": ("LeastSquaresPearson", "lsgan with the targets that make it a Pearson χ²"),
            "hinge": ("Hinge", "a margin for the critic, the bare score for the generator"),
            "wgan": ("Wasserstein", "difference of mean scores; needs a Lipschitz critic"),
            "relativistic-average": ("RelativisticAverage", "real scores above the average generated one"),
            "ebgan": ("EnergyBased", "the critic is an auto-encoder, its error the energy"),
            "loss-sensitive": ("LossSensitive", "a margin that grows with the distance of two samples"),
        },
        "divergences": {
            "f-total-variation": ("TotalVariation", "f-GAN: total variation"),
            "f-kl": ("KullbackLeibler", "f-GAN: KL(data ‖ generated), covers modes"),
            "f-reverse-kl": ("ReverseKullbackLeibler", "f-GAN: KL(generated ‖ data), drops modes"),
            "f-pearson": ("Pearson", "f-GAN: Pearson's χ²"),
            "f-neyman": ("Neyman", "f-GAN: Neyman's χ²"),
            "f-squared-hellinger": ("SquaredHellinger", "f-GAN: squared Hellinger distance"),
            "f-jeffrey": ("Jeffrey", "f-GAN: KL in both directions"),
            "f-jensen-shannon": ("JensenShannon", "f-GAN: twice the Jensen-Shannon divergence"),
            "f-weighted-jensen-shannon": ("WeightedJensenShannon", "f-GAN: Jensen-Shannon with weight π"),
            "f-gan": ("GAN", "f-GAN: the original game as a divergence"),
        },
    },
    "penalty": {
        "penalties": {
            "gp": ("GradientPenalty", "gradient norm 1 between real and generated"),
            "gp-one-sided": ("OneSidedGradientPenalty", "gradient norm at most 1 between real and generated"),
            "dragan": ("Dragan", "gradient norm 1 near real samples"),
            "r1": ("R1", "gradient norm 0 at real samples"),
            "r2": ("R2", "gradient norm 0 at generated samples"),
            "consistency": ("Consistency", "two passes with dropout agree on real samples"),
            "matching-aware": ("MatchingAware", "gradient norm 0 at real pairs, for picture and condition"),
        },
        "matching": {
            "feature-matching": ("FeatureMatching", "generator: the critic's features agree on average"),
            "pull-away": ("PullAway", "generator: samples point into different directions"),
        },
    },
    "constraint": {
        "constraints": {
            "weight-clipping": ("WeightClipping", "every weight within [-c, c]"),
            "spectral-norm": ("SpectralNorm", "every layer's largest singular value is 1"),
            "historical-averaging": ("HistoricalAveraging", "parameters stay near their average"),
        },
        "batches": {
            "minibatch-stddev": ("MinibatchStddev", "the critic sees how much the batch varies"),
            "minibatch-discrimination": ("MinibatchDiscrimination", "the critic sees how close samples are"),
            "virtual-batch-norm": ("VirtualBatchNorm", "norms by a fixed reference batch"),
        },
    },
    "recipe": {
        "recipes": {
            "wgan-clip": ("WGAN_CLIP", "wgan + weight-clipping, RMSprop, n_critic 5"),
            "wgan-gp": ("WGAN_GP", "wgan + gp with the paper's optimizer and n_critic"),
            "sngan": ("SNGAN", "hinge + spectral-norm with the paper's optimizer and n_critic"),
            "dragan-gan": ("DRAGAN_GAN", "nonsaturating + dragan"),
            "ct-gan": ("CT_GAN", "wgan + gp + consistency, with dropout in the critic"),
            "df-gan": ("DF_GAN", "hinge + matching-aware, two time scales"),
            "ebgan-pt": ("EBGAN_PT", "ebgan + pull-away"),
        },
    },
}  # kind, module of gantools.objectives, name: class and summary


@hookimpl
def gantools_register_objectives(register: Callable[..., None]) -> None:
    """Register the objective layer's entries."""
    for kind, modules in _ENTRIES.items():
        for module, entries in modules.items():
            for name, (attribute, summary) in entries.items():
                register(name, kind, f"gantools.objectives.{module}:{attribute}", summary)


@hookimpl
def gantools_register_datasets(register: Callable[..., None]) -> None:
    """Register the kinds of data."""
    register("paired", "gantools.data.paired:PairedImages", "pairs of pictures, in two folders or side by side")
    register("captions", "gantools.data.captioned:CaptionImages", "pictures with captions")
    register("domains", "gantools.data.domains:DomainImages", "pictures of several kinds, or with attributes")
    register("unpaired", "gantools.data.unpaired:UnpairedImages", "two sets of pictures without pairs")


_METRICS: dict[str, dict[str, tuple[str, str]]] = {
    "sets": {
        "kid": ("KernelDistance", "KID x1000, unbiased: how far the pictures are from the real ones, as a whole"),
        "kid-all": ("KernelDistanceOfAll", "KID that counts a picture and its own truth too, as other programs do"),
        "fid": ("FrechetDistance", "FID: the same by mean and covariance; falls with the number of pictures"),
        "precision": ("Precision", "share of the pictures that lie among the real ones"),
        "recall": ("Recall", "share of the real pictures that lie among these"),
        "is": ("InceptionScore", "Inception-Score-like: clear and varied to the backbone's classes"),
        "diversity": ("Diversity", "how far the pictures lie from each other; real ones have 1"),
    },
    "nearest": {
        "nearest": ("Nearest", "distance from the nearest training picture; unseen real ones have 1, copies 0"),
    },
    "pairs": {
        "l1": ("MeanAbsolute", "mean absolute difference from the truth, in [0, 1]"),
        "psnr": ("SignalToNoise", "peak signal-to-noise ratio to the truth, in dB"),
        "ssim": ("StructuralSimilarity", "structural similarity to the truth; equal is 1"),
        "lpips": ("PerceptualDistance", "LPIPS-like: difference of deep features from those of the truth"),
        "cycle": ("CycleError", "mean absolute difference after the way there and back, in [0, 1]"),
    },
    "meaning": {
        "domain": ("DomainAccuracy", "share that a linear classifier takes for the domain asked for"),
        "retrieval": ("Retrieval", "share among whose 5 nearest real pictures is their own caption's"),
        "colour": ("ColourAccuracy", "share whose main colour is the one that the words name"),
    },
}  # module of gantools.metrics, name: class and summary


@hookimpl
def gantools_register_metrics(register: Callable[..., None]) -> None:
    """Register the metrics."""
    for module, entries in _METRICS.items():
        for name, (attribute, summary) in entries.items():
            register(name, f"gantools.metrics.{module}:{attribute}", summary)


@hookimpl
def gantools_find_weights(reference: str) -> Path | None:
    """Find weights on the Hugging Face hub."""
    found: Path | None = load_object("gantools.weights.hub:fetch")(reference) if reference.startswith("hf://") else None
    return found


@hookimpl
def gantools_step_logged(run: Any, step: int, values: dict[str, float]) -> None:
    """Hand the values to TensorBoard, where the run asks for it."""
    if run.config.tensorboard:
        load_object("gantools.training.tensorboard:logged")(run, step, values)


@hookimpl
def gantools_run_saved(run: Any, step: int, kind: str, path: Path) -> None:
    """Hand sheets to TensorBoard, where the run asks for it."""
    if run.config.tensorboard:
        load_object("gantools.training.tensorboard:saved")(run, step, kind, path)


@hookimpl
def gantools_run_finished(run: Any) -> None:
    """Close TensorBoard's file."""
    if run.config.tensorboard:
        load_object("gantools.training.tensorboard:finished")(run)
