"""StarGAN's settings: for training, and for translating."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from gantools.config import Options as BaseOptions
from gantools.config import Settings, option
from gantools.data.settings import DomainSettings
from gantools.errors import GanToolsError

_DEEPEST = 6


class Config(DomainSettings):
    """Training settings. The defaults give a good picture soonest; ``--preset paper`` gives the paper's."""

    needs_critic: ClassVar[bool] = False  # there may be a teacher

    objective: str = option("wgan-gp", "adversarial loss or recipe, NAME[:key=value,…]", "Objective")
    width: int = option(64, "channels of the generator's first layer", "Networks", ge=1, le=4096)
    blocks: int = option(6, "residual blocks of the generator", "Networks", ge=0, le=64)
    upsample: Literal["resize", "blur", "transpose"] = option(
        "resize",
        "how the generator enlarges: blur, slower, leaves no hatching; transpose, the paper's, can leave checkerboards",
        "Networks",
    )
    skips: bool = option(
        True, "hand lines and colours of the source on, and paint over it; not the paper's", "Networks"
    )
    norm: Literal["demodulation", "instance"] = option(
        "demodulation",
        "what labels do to the generator: scale every layer's weights, which are then demodulated; "
        "or, with the paper's instance norm, enter the first layer alone",
        "Networks",
    )
    smoothing: bool = option(
        False,
        "end the generator with a filter that evens out nearly flat colours, as strong as each domain needs it, and "
        "show the discriminator small differences enlarged: for icons and drawings; not the paper's",
        "Networks",
    )
    palette: bool = option(
        False,
        "end the generator with a table of colours for each domain, learned from its pictures, that moves each colour "
        "towards one the domain has: for icons and drawings; not the paper's",
        "Networks",
    )
    refine: bool = option(
        False,
        "let the generator look once more at full size, by two convolutions, for small faces and letters; "
        "not the paper's",
        "Networks",
    )
    tanh_slope: float = option(
        0.0,
        "least slope of the generator's tanh for gradients that lead back from an end of the range; with 0 what is "
        "white can hardly become anything else; 0.5 is a good start; not the paper's",
        "Networks",
        ge=0,
        le=1,
    )
    recogniser: bool = option(
        True,
        "learn to see which attributes a picture has, so that --to +A keeps the others; not the paper's",
        "Networks",
    )
    d_width: int | None = option(
        None, "channels of the discriminator's first layer [default: as --width]", "Networks", ge=1, le=4096
    )
    d_layers: int | None = option(
        None,
        "halvings of the discriminator [default: down to 2 x 2 patches, 6 at most]",
        "Networks",
        ge=1,
    )
    d_fine: int = option(
        0,
        "let the discriminator score small patches too, after so many halvings (2: of some 18 pixels), for styles "
        "that are in lines and surfaces; not the paper's",
        "Networks",
        ge=0,
    )
    projection: bool = option(
        True, "let the discriminator judge patches as ones of their domain; not the paper's", "Networks"
    )
    classification: float = option(1.0, "weight of the classification losses", "Losses", ge=0)
    domain_penalty: float = option(
        0.0,
        "weight of the gradient penalty on the domain logits, without which a fleck may please them; not the paper's",
        "Losses",
        ge=0,
    )
    mismatched: float = option(
        0.0,
        "share, among what the discriminator is to call made, of real pictures with a label they don't have; for "
        "losses with a bound, as nonsaturating and hinge; not the paper's",
        "Losses",
        ge=0,
        lt=1,
    )
    identity: float = option(
        2.0,
        "weight of the identity loss: targets that change nothing (rare with many attributes); not the paper's",
        "Losses",
        ge=0,
    )
    self_regularisation: float = option(
        0.0,
        "weight of the distance between a picture and its translation: higher keeps more; not the paper's",
        "Losses",
        ge=0,
    )
    reach: int = option(
        0,
        "how many pixels away --self-regularisation looks for the pixel of the source most like each: with 2 an "
        "outline may take the colour beside it; not the paper's",
        "Losses",
        ge=0,
        le=8,
    )
    chroma: float = option(
        0.0,
        "how much more a change of tint costs --self-regularisation than one of brightness (1: twice as much); not "
        "the paper's",
        "Losses",
        ge=0,
    )
    details: float = option(
        0.0,
        "weight of keeping what is small and stands out of one colour, as eyes and letters do; not the paper's",
        "Losses",
        ge=0,
    )
    paired: float = option(
        0.0,
        "weight of the distance to the picture of the same name in the target's domain, for data that show the same "
        "things in several; it may lie up to 3 pixels off; not the paper's",
        "Losses",
        ge=0,
    )
    aligned: tuple[str, str] | None = option(
        None,
        "two domains, FIRST SECOND, whose pictures of the same name lie exactly on each other, the second's without "
        "the first's outlines; with --paired or --teacher, and --exact; not the paper's",
        "Losses",
    )
    exact: float = option(
        0.0,
        "weight of what --aligned domains know to the pixel: each other's pictures, what the first's should become in "
        "others, and the way back, without --reconstruction; 60 is a good start; or of what --teacher makes: 100; "
        "not the paper's",
        "Losses",
        ge=0,
    )
    teacher: Path | None = option(
        None,
        "a weights file or run of the same domains whose translations to learn, of drawings without outlines with "
        "--aligned; with --exact, and --n-critic 0 for no critic beside it; not the paper's",
        "Losses",
    )
    plain: float = option(
        0.0,
        "weight of keeping free of spots what is plain in the source; shading may come; not the paper's",
        "Losses",
        ge=0,
    )
    reconstruction: float = option(5.0, "weight of the reconstruction loss", "Losses", ge=0)
    adversarial: float = option(1.0, "weight of the generator's adversarial loss", "Losses", ge=0)

    @model_validator(mode="after")
    def _networks_fit(self) -> Self:
        if self.size % 4:
            raise ValueError(f"--size {self.size} is no multiple of 4; {self.size // 4 * 4} is the next below")
        if self.reach and not self.self_regularisation:
            raise ValueError("--reach has no meaning without --self-regularisation")
        if self.chroma and not self.self_regularisation:
            raise ValueError("--chroma has no meaning without --self-regularisation")
        if self.domain_penalty and not self.classification:
            raise ValueError("--domain-penalty has no meaning without --classification")
        if self.mismatched and not self.projection:
            raise ValueError("--mismatched needs --projection: without it the discriminator is told no labels")
        if self.d_layers and not self.size >> self.d_layers:
            raise ValueError(f"--d-layers {self.d_layers} leaves nothing of {self.size} pixels; give fewer")
        if self.d_fine >= self.halvings:
            raise ValueError(
                f"--d-fine {self.d_fine} is not below the discriminator's {self.halvings} halvings; give fewer, "
                "or more --d-layers"
            )
        return self

    @model_validator(mode="after")
    def _what_is_known_fits(self) -> Self:
        if self.aligned and self.aligned[0] == self.aligned[1]:
            raise ValueError(f"--aligned {' '.join(self.aligned)}: give two domains, not one twice")
        if self.aligned and not self.exact:
            raise ValueError("--aligned needs a weight: give --exact 60")
        if self.teacher and not self.exact:
            raise ValueError("--teacher needs a weight: give --exact 100")
        return self

    def check(self) -> None:
        """Raise GanToolsError if there is nobody to learn from: finished weights say nothing of their teacher."""
        if self.teacher and not self.teacher.exists():
            raise GanToolsError(
                f"--teacher {self.teacher}: no such file or run folder", "give weights of these domains"
            )
        if self.aligned and not (self.paired or self.teacher):
            raise GanToolsError("--aligned has no meaning without --paired or --teacher", "give --paired 60")
        if self.exact and not (self.aligned or self.teacher):
            raise GanToolsError("--exact has no meaning without --aligned or --teacher", "leave it out")
        if not (self.n_critic or self.teacher):
            raise GanToolsError("--n-critic 0 leaves nobody to learn from", "give --teacher WEIGHTS, or leave it out")

    @property
    def partnered(self) -> bool:
        """Whether samples come with the picture of the same name in the target's domain."""
        return self.paired > 0 and not self.teacher

    @property
    def twins(self) -> tuple[str, str] | None:
        """The two domains of ``--aligned``."""
        return self.aligned

    @field_validator("aligned", mode="before")
    @classmethod
    def _two_words(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @property
    def halvings(self) -> int:
        """Those of the discriminator: as set, or so many that 2 x 2 patches are left or 3 x 3, and 6 at most."""
        return self.d_layers or max(1, min(_DEEPEST, self.size.bit_length() - 2))

    presets: ClassVar[dict[str, Settings]] = {
        # Choi et al. 2018, sections 3 and 5: 200,000 critic steps are 40,000 of ours; rates fall over the last half
        "paper": {
            "size": 128, "load_size": 128, "flip": True, "batch_size": 16, "steps": 40_000, "decay_from": 0.5,
            "lr_g": 1e-4, "lr_d": 1e-4, "betas": (0.5, 0.999), "optimizer": "adam", "ema": 0.0, "augment": "",
            "objective": "wgan-gp", "n_critic": 5, "width": 64, "blocks": 6, "upsample": "transpose",
            "skips": False, "norm": "instance", "smoothing": False, "palette": False, "refine": False,
            "tanh_slope": 0.0,
            "d_width": 64, "d_layers": 6, "d_fine": 0, "projection": False, "classification": 1.0,
            "domain_penalty": 0.0, "mismatched": 0.0, "identity": 0.0, "self_regularisation": 0.0, "reach": 0,
            "chroma": 0.0, "details": 0.0, "plain": 0.0, "paired": 0.0, "aligned": None, "exact": 0.0, "teacher": None,
            "reconstruction": 10.0, "adversarial": 1.0,
        }
    }  # fmt: skip

    @classmethod
    def for_device(cls, device: str) -> Settings:
        """Return small pictures and networks for a CPU; a GPU has the paper's."""
        if device == "cpu":
            return {"size": 64, "width": 24, "batch_size": 8, "steps": 3000}
        return {"size": 128, "batch_size": 16, "steps": 40_000}

    @classmethod
    def for_recipe(cls, name: str) -> Settings:
        """Return the paper's first beta, which is not that of WGAN-GP's own paper."""
        return {"betas": (0.5, 0.999)} if name == "wgan-gp" else {}


class Options(BaseOptions):
    """Settings of a translation."""

    to: list[str] = Field(
        [],
        description="domain to translate into, or all; attributes: A,B (no others) or +A,-B (others kept); repeatable",
    )
    from_: str | None = Field(
        None, description="attributes of the source, A,B or none, for --to +A; otherwise they are recognised"
    )

    @field_validator("to", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value or []

    @field_validator("from_", mode="before")
    @classmethod
    def _joined(cls, value: object) -> object:
        return ",".join(value) or "none" if isinstance(value, list) else value
