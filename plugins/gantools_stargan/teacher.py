"""A generator that another one learns from: distillation (Hinton et al. 2015; of GANs, Aguinaldo et al. 2019)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

import gantools
from gantools.errors import GanToolsError
from gantools.objectives.base import precise
from gantools.task import Batch
from gantools_stargan.aligned import Aligned, maps
from gantools_stargan.labels import Labels


def load_teacher(path: Path, labels: Labels, device: torch.device) -> nn.Module:
    """Return the generator of weights with these labels; GanToolsError if they have others, or none can be read."""
    try:
        model = gantools.load(path, str(device), engine="torch")
    except GanToolsError as error:
        raise GanToolsError(f"--teacher {path}: {error.message}", error.hint) from None
    config = model.header.config
    theirs = [names.split(",") for names in config.get("select", [])] if model.header.task == "stargan" else []
    if (theirs, config.get("labels")) != (labels.sets, labels.kinds):
        known = "; ".join(map(", ".join, theirs)) or model.header.task
        raise GanToolsError(
            f"--teacher {path} knows {known}, not {'; '.join(map(', '.join, labels.sets))}",
            "give weights of the same data sets, their domains or attributes in the same order, as --select has it",
        )
    return model.networks["g"]


@torch.no_grad()
def aims(teacher: nn.Module, labels: Labels, aligned: Aligned | None, batch: Batch) -> Tensor:
    """Return what the pictures of a batch are to become [N, 3, H, W]: what the teacher makes of them.

    Into its own domain a picture is to stay. Of two aligned domains what is known comes first: each other's pictures.
    Into a third domain a drawing is to become what the teacher makes of its twin without outlines, and into the first
    what it makes, with outlines, of what it has made without.
    """
    image, target, number = batch["image"], batch["target"], batch["set"]
    shown, first_to, goes_on = image, target, torch.zeros(len(image), dtype=torch.bool, device=image.device)
    if aligned:
        shown, first_to, goes_on = aligned.by_way(batch)
    made = precise(teacher(shown, labels.told(first_to, number)))
    rows = torch.nonzero(goes_on).flatten()
    if len(rows):  # an instance norm takes no empty batch
        again = teacher(made[rows].to(image.dtype), labels.told(target[rows], number[rows]))
        made = made.index_copy(0, rows, precise(again))
    if aligned:
        made = torch.where(maps(aligned.between(batch) & (batch["twinned"] > 0)), batch["twin"], made)
    return torch.where(maps((target == batch["label"]).all(1)), image, made)
