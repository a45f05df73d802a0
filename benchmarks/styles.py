"""How well StarGAN weights translate between styles in which the same things are drawn, as the emoji are.

    python benchmarks/styles.py WEIGHTS --train DIR --test DIR [--out DIR] [--json FILE]

DIR has a sub-folder for each domain of the weights; the test pictures are named alike in all of them. One row for each
target style, over the pictures of all other styles translated into it:

- recognised: the share in which a style classifier sees the target: a small convolutional network, trained here on the
  real training pictures alone, mirrored and shifted, that shares nothing with the discriminator of the weights. Its
  accuracy on real test pictures is printed above the table, and `untranslated` is how often it sees the target without.
- kid, kid_source: KID x1000 between the translations, or the untranslated pictures, of one source style and the real
  test pictures of the target, as benchmarks/quality.py has it: means over the source styles, of the errors too.
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
from quality import features, kid, list_pictures, load_weights, read
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

EPOCHS, SHIFT = 10, 8


def main() -> None:
    """Translate the test pictures, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("--train", type=Path, required=True, help="real pictures that the classifier learns from")
    parser.add_argument("--test", type=Path, required=True, help="real pictures to translate, and to compare with")
    parser.add_argument("--out", type=Path, default=Path("styles"), help="folder for the translations")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    load_weights()  # before the long work: the metric's network has to be there
    styles = translate(options.weights, options.test, options.out)
    result = measure(styles, options.train, options.test, options.out)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(f"classifier on real test pictures: {result['classifier_accuracy']:.3f}")
    print(f"style recognised in all directions together: {result['recognised']:.3f}\n")
    names = list(next(iter(result["targets"].values())))
    print(f"| target | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for target, row in result["targets"].items():
        print(f"| {target} | {' | '.join(f'{row[name]:.3f}' for name in names)} |")


def translate(weights: str, test: Path, out: Path) -> list[str]:
    """Write OUT/SOURCE-to-TARGET/NAME for every picture and every pair of styles; return the styles."""
    import gantools

    model = gantools.load(weights)
    styles: list[str] = model.header.domains
    for source in styles:
        for name, path in list_pictures(str(test / source)).items():
            for target, picture in model.translate(path, to="all").items():
                place = out / f"{source}-to-{target}" / name
                place.parent.mkdir(parents=True, exist_ok=True)
                picture.convert("RGB").save(place.with_suffix(".png"))
    return styles


def measure(styles: list[str], train: Path, test: Path, out: Path) -> dict[str, Any]:
    """Return the classifier's accuracy, the share recognised, and a row of figures for each target."""
    real = {style: list_pictures(str(test / style)) for style in styles}
    true = {style: features(real[style]) for style in styles}
    classify = fit([pixels(list_pictures(str(train / style))) for style in styles])
    right = [seen_as(classify, real[style], i) for i, style in enumerate(styles)]
    rows = {}
    for i, target in enumerate(styles):
        made = {source: list_pictures(str(out / f"{source}-to-{target}")) for source in styles}
        others = [style for style in styles if style != target]
        columns = {
            "recognised": [seen_as(classify, made[source], i) for source in others],
            "untranslated": [seen_as(classify, real[source], i) for source in others],
            "kid": [kid(features(made[source]), true[target], paired=True) for source in others],
            "kid_source": [kid(true[source], true[target], paired=True) for source in others],
            "l1": [distance(made[source], real[target]) for source in others],
            "l1_source": [distance(real[source], real[target]) for source in others],
            "own_recognised": [seen_as(classify, made[target], i)],
            "own_l1": [distance(made[target], real[target])],
        }
        rows[target] = {name: mean(values) for name, values in flat(columns).items()}
    return {
        "classifier_accuracy": mean(right),
        "recognised": mean([row["recognised"] for row in rows.values()]),
        "targets": rows,
    }


def flat(columns: dict[str, list[Any]]) -> dict[str, list[float]]:
    """Give the standard errors of KIDs a column of their own."""
    result: dict[str, list[float]] = {}
    for name, values in columns.items():
        if isinstance(values[0], tuple):
            result[name], result[f"{name}_error"] = ([value[i] for value in values] for i in range(2))
        else:
            result[name] = values
    return result


def mean(values: list[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


def pixels(pictures: dict[str, Path]) -> Tensor:
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
def seen_as(network: nn.Module, pictures: dict[str, Path], label: int) -> float:
    """Return the share of pictures that a network takes for ones of a class."""
    return float((network(pixels(pictures)).argmax(1) == label).double().mean())


def distance(some: dict[str, Path], others: dict[str, Path]) -> float:
    """Return the mean absolute difference of pictures of equal name, in [0, 1]."""
    by_stem = {Path(name).stem: path for name, path in others.items()}
    return sum(float((read(path) - read(by_stem[Path(name).stem])).abs().mean()) for name, path in some.items()) / len(
        some
    )


if __name__ == "__main__":
    main()
