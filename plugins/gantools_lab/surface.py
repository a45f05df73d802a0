"""Pictures of the plane: points, and a critic's scores as a heat map."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.figure import Figure

from gantools.data.pixels import to_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

SIDE = 384
_CELLS = 96
_DPI = 100


class Plane:
    """A square window on the plane around data [N, 2], a quarter of their extent wider than they are."""

    def __init__(self, data: Tensor) -> None:
        self.data = data
        low, high = data.amin(0), data.amax(0)
        self.centre = (low + high) / 2
        self.half = 1.25 * float((high - low).max()) / 2
        outermost = self.half * (1 - 1 / _CELLS)  # the middle of the last cell
        x, y = (torch.linspace(-outermost, outermost, _CELLS) + float(middle) for middle in self.centre)
        self._x, self._y = x.numpy(), y.numpy()
        self.points = torch.cartesian_prod(y, x).flip(1)

    def scatter(self, samples: Tensor | None = None) -> Tensor:
        """Draw the data, or samples [N, 2] over faint data; how many lie outside is said in a corner."""
        figure, axes = self._axes()
        axes.plot(*self.data.T.numpy(), ".", color="#3465a4" if samples is None else "#c9cdd2", markersize=3, mew=0)
        if samples is not None:
            axes.plot(*samples.T.numpy(), ".", color="#cc3311", markersize=3, mew=0)
            outside = float(((samples - self.centre).abs() > self.half).any(1).float().mean())
            if outside:
                axes.text(0.98, 0.02, f"{outside:.1%} outside", transform=axes.transAxes, ha="right", fontsize=8)
        return _picture(figure)

    def surface(self, scores: Tensor, points: Tensor, slopes: Tensor) -> Tensor:
        """Draw scores at `points` [96 · 96] as a heat map with contours, and slopes [N, 2] at some points as arrows.

        The longest arrow is a tenth of the window, however steep the scores are.
        """
        figure, axes = self._axes()
        grid = scores.reshape(_CELLS, _CELLS).numpy()
        x, y = self.centre.tolist()
        window = (x - self.half, x + self.half, y - self.half, y + self.half)
        axes.imshow(grid, extent=window, origin="lower", interpolation="bilinear", aspect="auto", cmap="viridis")
        if np.ptp(grid) > 0:
            lines = axes.contour(self._x, self._y, grid, levels=8, colors="white", linewidths=0.6, linestyles="solid")
            axes.clabel(lines, fontsize=7)
        longest = slopes.norm(dim=1).max().clamp(min=torch.finfo(slopes.dtype).tiny)
        arrows = (slopes / longest).T.numpy()
        axes.quiver(*points.T.numpy(), *arrows, color="#ff5533", width=0.004, scale=10, scale_units="width")
        return _picture(figure)

    def _axes(self) -> tuple[Figure, Axes]:
        """Return a figure with the window's axes."""
        figure = Figure(figsize=(SIDE / _DPI, SIDE / _DPI), dpi=_DPI)
        axes = figure.add_axes((0.075, 0.055, 0.915, 0.935))
        x, y = self.centre.tolist()
        axes.set_xlim(x - self.half, x + self.half)
        axes.set_ylim(y - self.half, y + self.half)
        axes.tick_params(labelsize=7, length=2, pad=2)
        return figure, axes


def _picture(figure: Figure) -> Tensor:
    """Render a figure as [1, 3, SIDE, SIDE] in [-1, 1]."""
    raw = io.BytesIO()
    figure.savefig(raw, format="rgba", dpi=_DPI)
    pixels = np.frombuffer(raw.getbuffer(), np.uint8).reshape(SIDE, SIDE, 4)[..., :3]
    return to_unit(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None])
