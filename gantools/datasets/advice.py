"""What to do about a data set, in words, and the command that trains on it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from gantools.datasets.check import Checked
from gantools.datasets.inspection import Look

_FEW, _SMALL = 50, 200  # pictures of a kind
_UNBALANCED = 5
_SQUARISH, _WIDE = 1.25, 1.5
_SIZES = (256, 128, 64, 32)


def advise(checked: Checked) -> list[str]:
    """Return advice, the most important first; empty if there is nothing to say."""
    looks = [look for name in checked.counts for look in checked.group(name)]
    found = [_of_kind(checked), _of_number(checked), _of_balance(checked), _of_size(checked, looks)]
    found += [_of_halves(checked, looks) or _of_shape(checked, looks)]
    found += [_of_borders(checked, looks), _of_colours(checked), _of_transparency(looks), _of_plain(looks)]
    found += [_of_copies(checked), _of_tests(checked)]
    return [advice for advice in found if advice]


def train_command(checked: Checked) -> str | None:
    """Return the command that trains on a data set, or None if no task learns from it."""
    if checked.task is None:
        return None
    size = fitting_size(checked)
    flags = [*checked.layout.flags, *(["--size", str(size)] if size < _SIZES[0] else [])]  # else as the device likes it
    if min(checked.counts.values()) < _SMALL:
        flags += ["--augment", "color,translation,cutout"]
    if _framed(checked):
        flags += ["--trim", "--pad", "8"]
    return shlex.join(["gantools", "train", checked.task.name, *flags])


def fitting_size(checked: Checked) -> int:
    """Return a side in pixels that most pictures have, 256 at most."""
    sides = [min(_shown_size(checked, sizes["median"])) for sizes in checked.sizes.values()]
    return next((size for size in _SIZES if size <= min(sides)), _SIZES[-1])


def _shown_size(checked: Checked, size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of what is learned: half of a side-by-side picture."""
    return (size[0] // 2, size[1]) if _halved(checked) else size


def _of_kind(checked: Checked) -> str | None:
    if checked.layout.kind:
        return None
    return (
        "one folder of pictures trains nothing by itself: a second folder makes a CycleGAN, captions beside the "
        "pictures text to image, and `gantools data prepare --make edges` pairs for pix2pix"
    )


def _of_number(checked: Checked) -> str | None:
    few = {name: count for name, count in checked.counts.items() if count < _SMALL}
    if not few:
        return None
    counts = ", ".join(f"{name} {count}" for name, count in few.items())
    how = "very few pictures" if min(few.values()) < _FEW else "few pictures"
    return f"{how} ({counts}): --augment color,translation,cutout keeps the critic from learning them by heart"


def _of_balance(checked: Checked) -> str | None:
    least, most = min(checked.counts, key=checked.counts.__getitem__), max(checked.counts.values())
    if most <= _UNBALANCED * max(1, checked.counts[least]):
        return None
    return f"{least} has {checked.counts[least]} pictures and another kind {most}: the rarer will be learned worse"


def _of_size(checked: Checked, looks: Sequence[Look]) -> str | None:
    size = fitting_size(checked)
    small = [look for look in looks if min(_shown_size(checked, look.size)) < size]
    if small:
        return f"smaller than {size} pixels, and enlarged in training: {len(small)}, such as {small[0].path}"
    if size < _SIZES[0]:
        return f"--size {size} is enough: larger ones would only enlarge these pictures"
    return "large enough for any --size; the default is what the device is fast enough for"


def _of_halves(checked: Checked, looks: Sequence[Look]) -> str | None:
    whole = [look for look in looks if look.size[0] < _WIDE * look.size[1]] if _halved(checked) else []
    if not whole:
        return None
    example = f"{len(whole)}, such as {whole[0].path}"
    return f"not twice as wide as high, and cut in two halves all the same: {example}; pairs can be two folders, too"


def _halved(checked: Checked) -> bool:
    """Say whether each picture is a pair."""
    return any(len(files) == 1 for files in checked.layout.pairs)


def _of_shape(checked: Checked, looks: Sequence[Look]) -> str | None:
    sizes = [_shown_size(checked, look.size) for look in looks]
    long = sum(max(size) > _SQUARISH * min(size) for size in sizes)
    if long < len(sizes) / 10:
        return None
    crops = f"`gantools data prepare --size {fitting_size(checked)}` crops them"
    return f"far from square, and squeezed in training: {long}; {crops}"


def _framed(checked: Checked) -> bool:
    """Say whether most pictures of every kind are drawings on a plain ground, and are learned without pairs."""
    framed = [sum(look.bordered for look in checked.group(name)) > 0.8 * checked.counts[name] for name in checked.sizes]
    return checked.layout.kind in {"unpaired", "domains"} and all(framed)


def _of_borders(checked: Checked, looks: Sequence[Look]) -> str | None:
    if not _framed(checked):
        return None
    return "drawings on a plain ground: --trim --pad 8 frames them alike, so that the critic judges style and not size"


def _of_colours(checked: Checked) -> str | None:
    grey = [name for name in checked.sizes if all(look.grey for look in checked.group(name))]
    if not grey or checked.layout.kind != "paired" or len(checked.counts) != 2:
        return None
    first = grey[0] == next(iter(checked.counts))
    return f"{grey[0]} is grey: {'--in-channels' if first else '--out-channels'} 1 saves work"


def _of_transparency(looks: Sequence[Look]) -> str | None:
    count = sum(look.transparent for look in looks)
    return f"transparent in part: {count}; --background says what lies below, white if not given" if count else None


def _of_plain(looks: Sequence[Look]) -> str | None:
    plain = [look for look in looks if look.plain]
    if not plain:
        return None
    return f"of one colour only: {len(plain)}, such as {plain[0].path}; leave out what means nothing"


def _of_copies(checked: Checked) -> str | None:
    exact = checked.duplicates["exact"]
    if not exact:
        return None
    return f"copies of other files: {sum(len(some) - 1 for some in exact)}; remove them, or they count double"


def _of_tests(checked: Checked) -> str | None:
    if checked.layout.held_out or checked.layout.kind == "":
        return None
    return "no test pictures: `gantools data prepare --test 0.1` holds some back, for `gantools evaluate`"
