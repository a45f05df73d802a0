"""Whether some translations are better than others of the same pictures: a paired bootstrap.

    python benchmarks/paired.py MADE OTHERS TRUTH

Three folders with pictures of equal names: two ways to translate the same sources, and what is true. Each draw takes
the same pictures from all three, so that what makes a picture hard for both does not blur their difference. KID x1000
on EfficientNet-Lite0 features, without pairs of a name (`kid`) and with them (`kid-all`), and L1 in [0, 1]. What stands
behind ± is the standard deviation of 1,000 draws; "standard errors" is the difference as a multiple of its own. The
ratio is that of MADE to OTHERS, and means little where a KID is near 0 or below. Pictures are taken to be independent:
where some are nearly copies of others, the errors are too small.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from gantools.data.comparison import Picture
from gantools.data.folders import list_images
from gantools.metrics.backbones import load_backbone
from gantools.metrics.pictures import PictureSet
from gantools.metrics.sets import kernel_distances

DRAWS = 1000


def main() -> None:
    """Print a row for each metric."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("made", "others", "truth"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    folders = [{path.stem: path for path in list_images(one)} for one in (options.made, options.others, options.truth)]
    names = sorted(folders[2])
    if any(sorted(folder) != names for folder in folders):
        parser.error("the three folders have to hold pictures of the same names")
    made, others, truth = (
        PictureSet([Picture(name, folder[name]) for name in names], load_backbone()) for folder in folders
    )
    print(f"{len(names)} pictures\n")
    print("| | made | others | difference | standard errors | ratio |\n|---|---|---|---|---|---|")
    kin = range(len(names))
    for name, apart in (("kid", True), ("kid-all", False)):
        rows = [kernel_distances(one.features.pooled, truth.features.pooled, kin, apart) for one in (made, others)]
        report(name, *rows, decimals=1)
    report("l1", *(drawn(distances(one, truth)) for one in (made, others)), decimals=4)


def report(name: str, made: Tensor, others: Tensor, decimals: int) -> None:
    """Print a row; the first of each values is that of all pictures, the rest those of the draws."""
    difference = made - others
    columns = [in_words(values, decimals) for values in (made, others, difference)]
    columns += [f"{float(difference[0] / difference[1:].std()):.1f}", in_words(made / others, 2)]
    print(f"| {name} | {' | '.join(columns)} |")


def in_words(values: Tensor, decimals: int) -> str:
    """Return the first of the values, and the standard deviation of the others."""
    return f"{float(values[0]):.{decimals}f} ± {float(values[1:].std()):.{decimals}f}"


def distances(made: PictureSet, truth: PictureSet) -> Tensor:
    """Return each picture's mean absolute difference from its truth, in [0, 1]."""
    return torch.stack([(a.double() - b.double()).abs().mean() / 255 for a, b in zip(made, truth, strict=True)])


def drawn(values: Tensor) -> Tensor:
    """Return the mean, and those of bootstrap draws, the same for any values of the same number."""
    random = torch.Generator().manual_seed(0)
    rows = torch.randint(len(values), (DRAWS, len(values)), generator=random)
    return torch.cat([values.mean()[None], values[rows].mean(1)])


if __name__ == "__main__":
    main()
