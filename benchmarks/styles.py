"""How well StarGAN weights translate between styles in which the same things are drawn, as the emoji are.

    python benchmarks/styles.py WEIGHTS --train DIR --test DIR [--styles NAME,NAME,…] [--out DIR] [--json FILE]

DIR has a sub-folder for each domain of the weights; the test pictures are named alike in all of them. One row for each
target style, over the pictures of all other styles translated into it:

- recognised: the share in which a style classifier sees the target: a small convolutional network, trained here on the
  real training pictures alone, mirrored and shifted, that shares nothing with the discriminator of the weights. Its
  accuracy on real test pictures is printed above the table, and `untranslated` is how often it sees the target without.
  What is shown is cut out and scaled to 56 of 64 pixels before, in all pictures: how much of its frame a drawing fills
  (OpenMoji 49 of 64 pixels, Twemoji 63, at the median) would tell the styles apart, and a translation keeps it.
- kid, kid_source: KID x1000 between the translations, or the untranslated pictures, of one source style and the real
  test pictures of the target, as `gantools evaluate` has it: means over the source styles. Errors are those of
  bootstrap draws that take the same things from all styles.
- kid_framed, kid_framed_source: the same of pictures cut out and scaled alike; kid_framed_gain: how much lower the
  translations are, paired, as each draw has both.
- l1, l1_source: mean absolute difference in [0, 1] from the same thing as the target style draws it.
- own_l1: what translating pictures of the style into itself changes; own_recognised: whether it stays recognised.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from gantools.data.comparison import Picture
from gantools.data.decode import open_image, to_rgb
from gantools.data.folders import list_images
from gantools.data.framing import trimmed
from gantools.data.pixels import resized, to_bytes
from gantools.metrics.backbones import load_backbone
from gantools.metrics.pictures import PictureSet
from gantools.metrics.sets import kernel_distances

EPOCHS, SHIFT, SIDE, CONTENT = 25, 4, 64, 56
WHITE = (255, 255, 255)
Named = dict[str, Path]


def main() -> None:
    """Translate the test pictures, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("--train", type=Path, required=True, help="real pictures that the classifier learns from")
    parser.add_argument("--test", type=Path, required=True, help="real pictures to translate, and to compare with")
    parser.add_argument("--styles", type=lambda names: names.split(","), help="of the weights [default: all]")
    parser.add_argument("--out", type=Path, default=Path("styles"), help="folder for the translations")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    load_backbone()  # before the long work: the metric's network has to be there
    styles = translate(options.weights, options.styles, options.test, options.out)
    result = measure(styles, options.train, options.test, options.out)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(f"classifier on real test pictures: {result['classifier_accuracy']:.3f}")
    print(f"style recognised in all directions together: {result['recognised']:.3f}\n")
    names = list(next(iter(result["targets"].values())))
    print(f"| target | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for target, row in result["targets"].items():
        print(f"| {target} | {' | '.join(f'{row[name]:.3f}' for name in names)} |")


def translate(weights: str, chosen: list[str] | None, test: Path, out: Path) -> list[str]:
    """Write OUT/SOURCE-to-TARGET/NAME for every picture and every pair of styles; return the styles."""
    import gantools

    model = gantools.load(weights)
    styles = chosen or model.header.domains
    for source in styles:
        for name, path in list_pictures(test / source).items():
            for target, picture in model.translate(path, to=styles).items():
                place = out / f"{source}-to-{target}" / name
                place.parent.mkdir(parents=True, exist_ok=True)
                picture.convert("RGB").save(place.with_suffix(".png"))
    return styles


def measure(styles: list[str], train: Path, test: Path, out: Path) -> dict[str, Any]:
    """Return the classifier's accuracy, the share recognised, and a row of figures for each target."""
    real = {style: list_pictures(test / style) for style in styles}
    made = {(a, b): list_pictures(out / f"{a}-to-{b}") for a in styles for b in styles}
    framed_real = {style: framed(found, out / "framed" / style) for style, found in real.items()}
    framed_made = {key: framed(found, out / "framed" / "-to-".join(key)) for key, found in made.items()}
    learned = {style: framed(list_pictures(train / style), out / "framed" / f"train-{style}") for style in styles}
    classify = fit([pixels(learned[style]) for style in styles])
    right = [seen_as(classify, framed_real[style], i) for i, style in enumerate(styles)]
    rows = {}
    for i, target in enumerate(styles):
        others = [style for style in styles if style != target]
        framed_kid = [kid(framed_made[source, target], framed_real[target]) for source in others]
        framed_source = [kid(framed_real[source], framed_real[target]) for source in others]
        columns = {
            "recognised": [seen_as(classify, framed_made[source, target], i) for source in others],
            "untranslated": [seen_as(classify, framed_real[source], i) for source in others],
            "kid": [kid(made[source, target], real[target]) for source in others],
            "kid_source": [kid(real[source], real[target]) for source in others],
            "kid_framed": framed_kid,
            "kid_framed_source": framed_source,
            "kid_framed_gain": [before - after for before, after in zip(framed_source, framed_kid, strict=True)],
            "l1": [distance(made[source, target], real[target]) for source in others],
            "l1_source": [distance(real[source], real[target]) for source in others],
            "own_recognised": [seen_as(classify, framed_made[target, target], i)],
            "own_l1": [distance(made[target, target], real[target])],
        }
        rows[target] = averaged(columns)
    return {
        "classifier_accuracy": mean(right),
        "recognised": mean([row["recognised"] for row in rows.values()]),
        "targets": rows,
    }


def list_pictures(folder: Path) -> Named:
    """Return the pictures below a folder by their names relative to it, without ending."""
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in list_images(folder)}


def read(path: Path) -> Tensor:
    """Return a picture over white as [3, height, width] in [0, 1]."""
    return to_bytes(to_rgb(open_image(path), WHITE)).float() / 255


def framed(pictures: Named, folder: Path) -> Named:
    """Write each picture's content, scaled to the same size and centred on white, into a folder; return where."""
    from PIL import Image

    result = {}
    for name, path in pictures.items():
        content = trimmed(to_rgb(open_image(path), WHITE), WHITE)
        frame = Image.new("RGB", (SIDE, SIDE), WHITE)
        small = Image.fromarray(resized(content, CONTENT).permute(1, 2, 0).numpy())
        frame.paste(small, ((SIDE - CONTENT) // 2,) * 2)
        result[name] = folder / f"{name}.png"
        result[name].parent.mkdir(parents=True, exist_ok=True)
        frame.save(result[name])
    return result


def kid(pictures: Named, truth: Named) -> Tensor:
    """Return KID x1000, and that of each bootstrap draw; pairs of equal names are drawn together and not compared."""
    both = [PictureSet([Picture(name, some[name]) for name in truth], load_backbone()) for some in (pictures, truth)]
    return kernel_distances(*(one.features.pooled for one in both), kin=range(len(truth)))


def averaged(columns: dict[str, list[Any]]) -> dict[str, float]:
    """Return the mean over the source styles; that of KIDs has a column for its standard error too."""
    result: dict[str, float] = {}
    for name, values in columns.items():
        if isinstance(values[0], Tensor):
            drawn = torch.stack(values).mean(0)
            result[name], result[f"{name}_error"] = float(drawn[0]), float(drawn[1:].std())
        else:
            result[name] = mean(values)
    return result


def mean(values: list[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


def pixels(pictures: Named) -> Tensor:
    """Return pictures of one size as [N, 3, H, W] in [-1, 1]."""
    return torch.stack([read(path) for path in pictures.values()]) * 2 - 1


def fit(classes: list[Tensor]) -> nn.Module:
    """Train a network to tell the classes apart, and return it."""
    torch.manual_seed(0)
    x, y = torch.cat(classes), torch.cat([torch.full((len(part),), i) for i, part in enumerate(classes)])
    channels = [3, 24, 48, 96]
    layers = [
        nn.Sequential(nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
        for a, b in itertools.pairwise(channels)
    ]
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels[-1], len(classes)))
    network = nn.Sequential(*layers, *pooled)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for epoch in range(EPOCHS):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - epoch / EPOCHS)
        for rows in torch.randperm(len(x)).split(64):
            loss = cross_entropy(network(shifted(x[rows])), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network.eval()


def shifted(images: Tensor) -> Tensor:
    """Mirror half of the batches, and shift them over white: where a picture lies is no part of its style."""
    images = images.flip(3) if torch.rand(()) < 0.5 else images
    top, left = torch.randint(0, 2 * SHIFT + 1, (2,)).tolist()
    height, width = images.shape[2:]
    return pad(images, [SHIFT] * 4, value=1.0)[:, :, top : top + height, left : left + width]


@torch.inference_mode()
def seen_as(network: nn.Module, pictures: Named, label: int) -> float:
    """Return the share of pictures that a network takes for ones of a class."""
    return float((network(pixels(pictures)).argmax(1) == label).double().mean())


def distance(some: Named, others: Named) -> float:
    """Return the mean absolute difference of pictures of equal name, in [0, 1]."""
    by_stem = {Path(name).stem: path for name, path in others.items()}
    return sum(float((read(path) - read(by_stem[Path(name).stem])).abs().mean()) for name, path in some.items()) / len(
        some
    )


if __name__ == "__main__":
    main()
