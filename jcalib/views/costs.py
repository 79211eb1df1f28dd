"""The figure of what a fusion gives for what it costs."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.views.style import DIM, INK, colour, exact_ticks, figure, look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

PANELS = {
    "flops": "operations of one sequence (million)",
    "latency_ratio": "time of one sequence, over that of {}",
    "peak_kb": "peak memory of one sequence (KiB)",
}
RADII = (9, 15, 22, 30, 40, 52)  # points from a dot to its name, tried in this order
ANGLES = np.radians([0, 30, -30, 60, -60, 90, -90, 120, -120, 150, -150, 180])


def plot_cost(table: "pd.DataFrame") -> "Figure":
    """Draw CCC, with its 95 % interval, against operations, time and memory; up and to the left is better.

    Args:
        table: as `Study.cost()` gives it.
    """
    with look():
        fig, axes = figure(1, len(PANELS), width=9.6, height=3.6, sharey=True)
        for ax, (column, words) in zip(axes, PANELS.items(), strict=True):
            _points(ax, _cost(table, column), table)
            ax.set_xlabel(words.format(table["ratio_to"].iloc[0]))
        axes[0].set_ylabel("CCC, mean of V and A")
        exact_ticks(axes[0].yaxis)
        fig.draw_without_rendering()  # names are placed where there is room, so places must be known
        for ax, column in zip(axes, PANELS, strict=True):
            _names(ax, _cost(table, column), table)
    return fig


def _cost(table: "pd.DataFrame", column: str) -> np.ndarray:
    return table[column].to_numpy(dtype=float) / (1e6 if column == "flops" else 1)


def _points(ax: Any, values: np.ndarray, table: "pd.DataFrame") -> None:
    """Fusions cost from once to fifty times as much: the axis is logarithmic, or most would stand on one spot."""
    from matplotlib.ticker import LogLocator, NullLocator

    for x, one in zip(values, table.to_dict("records"), strict=True):
        hue = colour(one["fusion"])
        ax.plot([x, x], [one["low"], one["high"]], color=hue, lw=1.4, alpha=0.5)
        ax.plot(x, one["mean"], "o", ms=6, color=hue, mec="white", mew=0.6, zorder=3)
    ax.set_xscale("log")
    ax.set_xlim(values.min() / 1.5, values.max() * 2)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _names(ax: Any, values: np.ndarray, table: "pd.DataFrame") -> None:
    """Name each dot at the near place where the name, and the line that leads to it, cover least."""
    from matplotlib.transforms import Bbox

    point = ax.figure.dpi / 72  # pixels
    low, dots, high = (ax.transData.transform(np.column_stack([values, table[end]])) for end in ("low", "mean", "high"))
    intervals = [Bbox([one - point, other + point]) for one, other in zip(low, high, strict=True)]
    taken = [Bbox([dot - 4 * point, dot + 4 * point]) for dot in dots]
    style: dict[str, Any] = {"textcoords": "offset points", "size": 7.5, "color": INK, "va": "center", "ha": "center"}
    leads = {"arrowstyle": "-", "color": DIM, "lw": 0.6, "shrinkA": 0, "shrinkB": 3}
    for number in np.argsort(-dots[:, 1], kind="stable"):
        at = values[number], table["mean"].iloc[number]
        text = ax.annotate(table["fusion"].iloc[number], at, (0, 0), **style, arrowprops=leads, zorder=5)
        text.set_in_layout(False)  # the layout is done
        box = text.get_window_extent()
        offsets = _offsets(box.width / point)
        moved = [box.translated(*(point * offset)) for offset in offsets]
        lines = [dots[number] + point * np.outer(np.linspace(6 / np.hypot(*one), 1, 8), one) for one in offsets]
        costs = [_covered(*one, taken, intervals, ax.bbox) / point**2 for one in zip(moved, lines, strict=True)]
        best = int(np.argmin(costs + 0.3 * np.repeat(RADII, len(ANGLES))))
        text.set_position(offsets[best])
        taken.append(moved[best])


def _offsets(width: float) -> list[np.ndarray]:
    """Return where a name's middle may lie from its dot, in points: all around, near places first."""
    around = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
    return [radius * one + (one[0] * width / 2, 0) for radius in RADII for one in around]


def _covered(box: "Bbox", line: np.ndarray, taken: "list[Bbox]", thin: "list[Bbox]", panel: "Bbox") -> float:
    """Return what a name and its line would cover, or leave the panel by, in square pixels; of intervals less."""

    def shared(other: "Bbox") -> float:
        found = box.intersection(box, other)
        return found.width * found.height if found else 0.0

    def crosses(other: "Bbox") -> bool:
        return any(other.contains(*place) for place in line)

    area = box.width * box.height
    hidden = sum(shared(other) + 0.3 * area * crosses(other) for other in taken)
    return hidden + sum(0.4 * shared(other) for other in thin) + 2 * (area - shared(panel))
