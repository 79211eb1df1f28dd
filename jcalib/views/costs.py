"""The figure of what a fusion gives for what it costs."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.views.style import INK, colour, exact_ticks, figure, look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

HIGH = 150  # points that an axis is high
PANELS = {
    "flops": "operations of one sequence (million)",
    "latency_ratio": "time of one sequence, over that of {}",
    "peak_kb": "peak memory of one sequence (KiB)",
}


def plot_cost(table: "pd.DataFrame") -> "Figure":
    """Draw CCC, with its 95 % interval, against operations, time and memory; up and to the left is better.

    Args:
        table: as `Study.cost()` gives it.
    """
    with look():
        fig, axes = figure(1, len(PANELS), width=9.6, height=3.0, sharey=True)
        for ax, (column, words) in zip(axes, PANELS.items(), strict=True):
            values = table[column] / (1e6 if column == "flops" else 1)
            _points(ax, values.to_numpy(), table)
            ax.set_xlabel(words.format(table["ratio_to"].iloc[0]))
            ax.set_xlim(0, 1.35 * values.max())
        axes[0].set_ylabel("CCC, mean of V and A")
        exact_ticks(axes[0].yaxis)
    return fig


def _points(ax: Any, values: np.ndarray, table: "pd.DataFrame") -> None:
    for x, one in zip(values, table.to_dict("records"), strict=True):
        hue = colour(one["fusion"])
        ax.plot([x, x], [one["low"], one["high"]], color=hue, lw=1.4, alpha=0.5)
        ax.plot(x, one["mean"], "o", ms=6, color=hue, mec="white", mew=0.6, zorder=3)
    _names(ax, values, table)


def _names(ax: Any, values: np.ndarray, table: "pd.DataFrame") -> None:
    """Name the points beside them; names at nearly one height are moved apart, up and down."""
    order = np.argsort(table["mean"].to_numpy())
    tall = table["high"].max() - table["low"].min()
    places = table["mean"].to_numpy()[order].astype(float)
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + 0.06 * tall)
    moved = places - table["mean"].to_numpy()[order]
    for number, up in zip(order, (moved - moved.mean()) / tall * HIGH, strict=True):
        at = (values[number], table["mean"].iloc[number])
        ax.annotate(
            table["fusion"].iloc[number], at, (6, up), textcoords="offset points", size=7.5, color=INK, va="center"
        )
