"""How well StarGAN weights translate between styles in which the same things are drawn, as the emoji are.

    python benchmarks/styles.py WEIGHTS --train DIR --test DIR [--out DIR] [--json FILE]

DIR has a sub-folder for each domain of the weights; the test pictures are named alike in all of them. One row for each
target style, over the pictures of all other styles translated into it:

- recognised: the share in which a style classifier sees the target. It is a logistic regression on the 1280 pooled
  features of EfficientNet-Lite0 (ImageNet, 128 px), fitted to the real training pictures, and knows nothing of the
  discriminator that the weights were trained against. Its accuracy on real test pictures is printed above the table.
- kid, kid_source: KID x1000 between those translations, or the untranslated pictures, and the real test pictures of the
  style, as benchmarks/quality.py has it, with bootstrap standard errors.
- l1, l1_source: mean absolute difference in [0, 1] from the same thing as the target style draws it.
- own_l1: what translating pictures of the style into itself changes; own_recognised: whether it stays recognised.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from quality import features, kid, list_pictures, load_weights, read
from torch import Tensor
from torch.nn.functional import cross_entropy

RIDGE, ROUNDS = 1e-4, 200


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
    classify = fit([features(list_pictures(str(train / style))) for style in styles])
    right = [float((classify(true[style]) == i).double().mean()) for i, style in enumerate(styles)]
    rows, seen = {}, []
    for i, target in enumerate(styles):
        others = [style for style in styles if style != target]
        made = {source: list_pictures(str(out / f"{source}-to-{target}")) for source in styles}
        found = {source: features(made[source]) for source in styles}
        recognised = torch.cat([classify(found[source]) == i for source in others])
        seen.append(recognised)
        pooled, untouched = (torch.cat([which[source] for source in others]) for which in (found, true))
        rows[target] = dict(
            zip(
                ("recognised", "kid", "kid_error", "kid_source", "kid_source_error", "l1", "l1_source"),
                (
                    float(recognised.double().mean()),
                    *kid(pooled, true[target], paired=False),
                    *kid(untouched, true[target], paired=False),
                    sum(distance(made[source], real[target]) for source in others) / len(others),
                    sum(distance(real[source], real[target]) for source in others) / len(others),
                ),
                strict=True,
            ),
            own_l1=distance(made[target], real[target]),
            own_recognised=float((classify(found[target]) == i).double().mean()),
        )
    return {
        "classifier_accuracy": sum(right) / len(right),
        "recognised": float(torch.cat(seen).double().mean()),
        "targets": rows,
    }


def fit(classes: list[Tensor]) -> Any:
    """Fit a logistic regression to features of each class, and return what tells the class of others."""
    x, y = torch.cat(classes), torch.cat([torch.full((len(part),), i) for i, part in enumerate(classes)])
    mean, scale = x.mean(0), x.std(0) + 1e-6
    weight = torch.zeros(x.shape[1] + 1, len(classes), dtype=x.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def logits(z: Tensor) -> Tensor:
        return (z - mean) / scale @ weight[:-1] + weight[-1]

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = cross_entropy(logits(x), y) + RIDGE * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return lambda z: logits(z).detach().argmax(1)


def distance(some: dict[str, Path], others: dict[str, Path]) -> float:
    """Return the mean absolute difference of pictures of equal name, in [0, 1]."""
    by_stem = {Path(name).stem: path for name, path in others.items()}
    return sum(float((read(path) - read(by_stem[Path(name).stem])).abs().mean()) for name, path in some.items()) / len(
        some
    )


if __name__ == "__main__":
    main()
