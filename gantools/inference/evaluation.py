"""Evaluating weights: make the pictures, then let every metric look at them and at the untouched sources."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from gantools.config import RunConfig, Settings, validate
from gantools.data.comparison import Comparison, Picture, readable, readable_pictures
from gantools.data.decode import Background
from gantools.errors import GanToolsError, in_words
from gantools.metrics.backbones import Backbone, load_backbone
from gantools.metrics.base import Evidence, Metric, Value
from gantools.metrics.pictures import PictureSet
from gantools.plugins import TaskInfo, manager
from gantools.registry import load_object
from gantools.storage import write_atomically

if TYPE_CHECKING:
    from gantools.inference.model import Model

log = logging.getLogger("gantools")
Report = Callable[[str, int, int], None]
MADE, UNTRANSLATED = "made", "untranslated"


@dataclass(frozen=True)
class Row:
    """One comparison's figures: of the pictures that were made and, where there are sources, of these as they are.

    ``pictures`` is a hash of what was compared: figures of equal ones can be set beside each other.
    """

    title: str
    pictures: str
    made: dict[str, Value] = field(default_factory=dict)
    untranslated: dict[str, Value] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return {"made": {metric: {value, std_error, n}}, "untranslated": …}, with chances where they are known."""
        parts = {MADE: self.made, UNTRANSLATED: self.untranslated}
        return {name: {key: _plain(value) for key, value in part.items()} for name, part in parts.items() if part}


def _plain(value: Value) -> dict[str, float | int | None]:
    return {name: x for name, x in value._asdict().items() if name != "chance" or x is not None}


def evaluate(
    model: Model,
    comparisons: Sequence[Comparison],
    out: Path,
    metrics: Sequence[str] = (),
    features: str = "lite0",
    samples: int = 1,
    seed: int = 0,
    training: Sequence[Picture] = (),
    report: Report = lambda what, done, total: None,
) -> list[Row]:
    """Return a row for each comparison; the pictures are left below ``out``.

    ``metrics`` are names of registered ones; all that apply if there are none. ``samples`` are painted of each prompt.
    Pictures of ``training`` are those that the weights may have learned by heart. A picture that cannot be read and a
    metric that fails are warned of and left out.
    """
    chosen = pick_metrics(metrics)
    backbone = load_backbone(features)
    comparisons, training = readable(comparisons), readable_pictures(training)
    check_metrics(metrics, comparisons, features, samples, training)
    learned = PictureSet(training, backbone, model.background) if training else None
    goes_back = any("back" in metric.needs for metric in chosen.values())
    rows = []
    for comparison in comparisons:
        maker = _Maker(model, backbone, out / _file_word(comparison.title), seed, goes_back, report)
        made = replace(maker.evidence(comparison, samples), training=learned)
        figures = [_figures(chosen, seen, report) for seen in (made, _as_is(made))]
        rows.append(Row(comparison.title, comparison.fingerprint(), *figures))
    return rows


def comparisons_for(info: TaskInfo, trained: RunConfig, data: Settings) -> list[Comparison]:
    """Return what to compare on other data than a task was trained on, named by its data settings."""
    selected, given = getattr(trained, "select", []), data.get("data")
    settings = trained.model_dump()
    if given and selected and len(given) != len(selected):
        if not data.get("select"):
            raise GanToolsError(
                f"data sets here: {len(given)}; that were trained on: {len(selected)}",
                "give as many, in that order, or name what to compare with --select NAME,… for each",
            )
        settings |= {"attributes": [], "labels": []}  # nobody knows which of them are meant
    config = validate(type(trained), {**settings, **data})
    found: list[Comparison] = load_object(info.task)(config).comparisons()
    return found


def asked(
    metrics: Sequence[str] = (), features: str = "lite0", samples: int = 1, seed: int = 0, training: bool = False
) -> dict[str, Any]:
    """Return in plain data what an evaluation was asked for, to keep with its figures."""
    return {"metrics": list(metrics), "features": features, "samples": samples, "seed": seed, "training": training}


def save_rows(model: Model, rows: Sequence[Row], path: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Write the figures as JSON, with the weights that they are of and what was asked; return what was written."""
    figures = {
        "task": model.header.task,
        "step": model.header.step,
        "sha256": model.sha256,
        "asked": dict(asked),
        "rows": {row.title: row.as_json() for row in rows},
        "pictures": {row.title: row.pictures for row in rows},
    }
    text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return figures


def check_metrics(
    names: Sequence[str],
    comparisons: Sequence[Comparison],
    features: str = "lite0",
    samples: int = 1,
    training: Sequence[Picture] = (),
    flags: str = "--metrics",
) -> None:
    """Raise GanToolsError for a metric, by its name, that none of the comparisons has what it needs for.

    The error says which metrics the ``flags`` could name instead.
    """
    if not names:
        return
    backbone = load_backbone(features)
    seen = [_foreseen(comparison, backbone, samples, training) for comparison in comparisons]
    for name, metric in pick_metrics(names).items():
        if not any(_applies(name, metric, one) for one in seen):
            here = [
                other for other, one in pick_metrics(()).items() if any(_applies(other, one, some) for some in seen)
            ]
            raise GanToolsError(
                f"there is nothing here that `{name}` can be measured on",
                f"{_missing(metric)}; here {flags} can be {', '.join(here)}" if here else _missing(metric),
            )


def pick_metrics(names: Sequence[str]) -> dict[str, Metric]:
    """Return the registered metrics of these names, or all; GanToolsError suggests what was meant."""
    registry = manager().metrics
    for name in names:
        metric, _, features = name.rpartition("_")
        if name not in registry.names() and metric in registry.names():
            raise GanToolsError(f"unknown metric `{name}`", f"give `{metric}`; its features are --features {features}")
    return {name: registry.get(name).load()() for name in names or registry.names()}


def figure_name(name: str, metric: Metric, features: str = "lite0") -> str:
    """Return what a metric's figure is called: where it looks at features, their backbone is part of it."""
    return f"{name}_{features}" if "features" in metric.needs else name


def _figures(metrics: Mapping[str, Metric], seen: Evidence | None, report: Report) -> dict[str, Value]:
    """Return what every metric that applies says; names of those that look at features end in the backbone's."""
    if seen is None:
        return {}
    applying = {name: metric for name, metric in metrics.items() if _applies(name, metric, seen)}
    found = {}
    for done, (name, metric) in enumerate(applying.items(), start=1):
        try:
            found[figure_name(name, metric, seen.made.backbone.name)] = _in_numbers(metric(seen))
        except Exception as error:  # whatever a plugin's metric raises: the other figures are worth keeping
            log.warning("the metric `%s` has no figure: %s", name, in_words(error))
        report("measuring", done, len(applying))
    return found


def _applies(name: str, metric: Metric, seen: Evidence) -> bool:
    """Whether a metric applies; one that fails to say so does not."""
    try:
        return metric.applies(seen)
    except Exception as error:  # of a plugin
        log.warning("the metric `%s` cannot be asked: %s", name, in_words(error))
        return False


def _in_numbers(value: Value) -> Value:
    """Return a figure in plain numbers; an error if it holds something else, or none that is finite."""
    if not isinstance(value, Value):
        raise TypeError(f"it gave a {type(value).__name__}, not a Value")
    if not math.isfinite(value.value):
        raise ArithmeticError(f"it came to {float(value.value)}")
    error, chance = (None if x is None or not math.isfinite(x) else float(x) for x in (value.std_error, value.chance))
    return Value(float(value.value), error, int(value.n), chance)


def _as_is(seen: Evidence) -> Evidence | None:
    """Return the evidence of the sources as they are, or None if there are none."""
    if seen.source is None:
        return None
    return Evidence(seen.source, seen.real, seen.truth, domains=seen.domains, domain=seen.domain)


@dataclass(frozen=True)
class _Maker:
    """Makes one comparison's pictures below a folder, translated back too if anybody looks at that."""

    model: Model
    backbone: Backbone
    folder: Path
    seed: int
    goes_back: bool
    report: Report

    def evidence(self, comparison: Comparison, samples: int) -> Evidence:
        """Make the pictures and return all that metrics look at."""
        if comparison.prompts:
            made, truth, prompts = self._painted(comparison, samples)
            return Evidence(self._set(made, keep=False), self._set(comparison.real), truth, prompts=prompts)
        made = self._translated(comparison.sources, comparison.there(), "translated")
        back = self._translated(made, comparison.back, "back") if comparison.back and self.goes_back else None
        return Evidence(
            self._set(made, keep=False),
            self._set(comparison.real),
            comparison.truth,
            self._set(comparison.sources),
            self._set(back, keep=False) if back else None,
            domains={name: self._set(pictures) for name, pictures in comparison.domains.items()},
            domain=comparison.domain,
        )

    def _translated(self, sources: Sequence[Picture], options: Sequence[Mapping[str, Any]], what: str) -> list[Picture]:
        results = (
            self.model.translate(source.open(), self.seed, **chosen)
            for source, chosen in zip(sources, options, strict=True)
        )
        return self._kept([source.name for source in sources], results, what)

    def _painted(self, comparison: Comparison, samples: int) -> tuple[list[Picture], list[int | None], list[str]]:
        from gantools.inference.generation import paint, wishes_for

        wishes = wishes_for(comparison.prompts, samples)
        names = [f"{i // samples:05}-{wish.index}" for i, wish in enumerate(wishes)]
        made = self._kept(names, paint(self.model, wishes, self.seed, **comparison.options), "painted")
        truth = comparison.truth or (None,) * len(comparison.prompts)
        return made, [one for one in truth for _ in range(samples)], [wish.prompt for wish in wishes]

    def _kept(self, names: Sequence[str], results: Iterator[Image.Image], what: str) -> list[Picture]:
        """Write pictures as PNG, so that they can be looked at and need no memory."""
        kept = []
        for name, image in zip(_distinct(names), results, strict=True):
            place = self.folder / what / f"{name}.png"
            write_atomically(place, partial(image.save, format="PNG"))
            kept.append(Picture(name, place))
            self.report(what, len(kept), len(names))
        return kept

    def _set(self, pictures: Sequence[Picture], keep: bool = True) -> PictureSet:
        background: Background = self.model.background
        return PictureSet(pictures, self.backbone, background, keep)


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names with those that were there before numbered: `x.png` and `x.jpg`, or `x` of two folders."""
    taken: dict[str, None] = {}
    for name in names:
        numbered = chain([name], (f"{name}-{i}" for i in count(2)))
        taken[next(one for one in numbered if one not in taken)] = None
    return list(taken)


def _foreseen(comparison: Comparison, backbone: Backbone, samples: int, training: Sequence[Picture]) -> Evidence:
    """Return what there will be to look at, with other pictures in the place of those that are yet to be made."""

    def of(pictures: Sequence[Picture]) -> PictureSet:
        return PictureSet(pictures, backbone)

    each = samples if comparison.prompts else 1
    count = len(comparison.prompts) * samples or len(comparison.sources)
    return Evidence(
        made=of(comparison.real[:1] * count),
        real=of(comparison.real),
        truth=[index for index in comparison.truth for _ in range(each)],
        source=of(comparison.sources) if comparison.sources else None,
        back=of(comparison.sources) if comparison.back else None,
        prompts=[text for text in comparison.prompts for _ in range(each)],
        domains={name: of(pictures) for name, pictures in comparison.domains.items()},
        domain=comparison.domain,
        training=of(training) if training else None,
    )


def _missing(metric: Metric) -> str:
    """Say what a metric needs."""
    needs = {
        "set": f"at least {metric.fewest} pictures on both sides",
        "pairs": "real pictures named as the sources are",
        "back": "a task that translates back",
        "domains": "pictures of several domains",
        "prompts": "captions, for some metrics with words for colours",
        "training": "the pictures that were trained on, --training DIR",
    }
    wanted = [needs[need] for need in sorted(metric.needs) if need in needs]
    return f"it needs {' and '.join(wanted) or 'other data'}"


def _file_word(title: str) -> str:
    return re.sub(r"[^-+=.\w]", "_", title)
