"""The figure of a search: every trial, not the best row."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.views.style import colour, dashes, exact_ticks, figure, look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from jcalib.studies.space import Dimension

COLUMNS = 4


def plot_search(table: "pd.DataFrame", space: "Sequence[Dimension]") -> "Figure":
    """Draw each trial's CCC on the selection persons in order, with the best so far, and against each setting.

    Args:
        table: as `Search.frame()` gives it.
        space: the settings that were searched.
    """
    rows = -(-(1 + len(space)) // COLUMNS)
    with look():
        fig, axes = figure(rows, COLUMNS, width=9.6, height=0.5 + 2.1 * rows, sharey=True, squeeze=False)
        panels = axes.ravel()
        names = list(dict.fromkeys(table["fusion"]))
        for name, aside in zip(names, np.linspace(-0.2, 0.2, len(names)), strict=True):
            one = table[table["fusion"] == name]
            so_far = {"color": colour(name), "ls": dashes(name), "lw": 1.4, "label": name}
            panels[0].step(one["trial"], one["ccc"].cummax(), where="post", **so_far)
            _dots(panels[0], one["trial"], one, name)
            for ax, dimension in zip(panels[1:], space, strict=False):
                values = one[dimension.name]
                _dots(ax, values if dimension.between else values.map(dimension.values.index) + aside, one, name)
        panels[0].set_xlabel("trial (line: best so far)")
        panels[0].xaxis.get_major_locator().set_params(integer=True)
        for ax, dimension in zip(panels[1:], space, strict=False):
            _scale(ax, dimension)
        for ax in panels[1 + len(space) :]:
            ax.remove()
        for ax in axes[:, 0]:
            ax.set_ylabel("CCC, selection persons")
            exact_ticks(ax.yaxis)
        handles, labels = panels[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 7), handlelength=2.6)
    return fig


def _dots(ax: Any, x: "pd.Series", one: "pd.DataFrame", name: str) -> None:
    """Draw a fusion's trials; its best one has a ring."""
    ax.scatter(x, one["ccc"], s=16, color=colour(name), alpha=0.6, lw=0, zorder=3)
    best = one["best"]
    ax.scatter(x[best], one.loc[best, "ccc"], s=60, facecolor="none", edgecolor=colour(name), lw=1.4, zorder=4)


def _scale(ax: Any, dimension: "Dimension") -> None:
    ax.set_xlabel(dimension.name.replace("_", " "))
    if dimension.logarithmic:
        ax.set_xscale("log")
    elif not dimension.between:
        ax.set_xticks(range(len(dimension.values)), [f"{value:g}" for value in dimension.values])
        ax.set_xlim(-0.5, len(dimension.values) - 0.5)
