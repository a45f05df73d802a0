"""Plain words when training goes wrong."""

from __future__ import annotations

from collections import deque

from torch import Tensor

_WINDOW = 20


class Watch:
    """Looks at logged values and sheets, and says each thing once.

    A critic that ranks every pair rightly over 20 log lines is too strong, unless a recipe wants it at its optimum
    (``n_critic`` above 1). Outputs whose mutual distance is under a tenth of their sources' over two sheets collapse.
    """

    def __init__(self, n_critic: int) -> None:
        self._strong_is_fine = n_critic > 1
        self._accuracy: deque[float] = deque(maxlen=_WINDOW)
        self._alike: dict[str, int] = {}
        self._said: set[str] = set()

    def logged(self, values: dict[str, float]) -> str | None:
        """Return a warning that follows from the logged values, once."""
        if "d/accuracy" in values:
            self._accuracy.append(values["d/accuracy"])
        certain = len(self._accuracy) == _WINDOW and min(self._accuracy) > 0.99
        if certain and not self._strong_is_fine:
            return self._once(
                "the critic tells every real picture from every translation; if the sheets stop improving, "
                "try --spectral-norm, --penalty r1, or a lower --lr-d"
            )
        return None

    def sheet(self, columns: dict[str, Tensor]) -> str | None:
        """Return a warning that follows from a sample sheet, once."""
        spread = {title: _spread(images) for title, images in columns.items() if len(images) > 1}
        for title, value in spread.items():
            alike = value < 0.1 * max(spread.values())
            self._alike[title] = self._alike.get(title, 0) + 1 if alike else 0
            if self._alike[title] == 2:
                return self._once(
                    f"the pictures of column `{title}` look all alike: the outputs may be collapsing; "
                    "try another --objective, --augment color,translation, or a lower --lr-g"
                )
        return None

    def _once(self, message: str) -> str | None:
        if message in self._said:
            return None
        self._said.add(message)
        return message


def _spread(images: Tensor) -> float:
    """Return the mean absolute difference between different pictures."""
    flat = images.float().flatten(1)
    differences = [(flat[i + 1 :] - flat[i]).abs().mean(1) for i in range(len(flat) - 1)]
    return float(sum(float(d.sum()) for d in differences) / sum(map(len, differences)))
