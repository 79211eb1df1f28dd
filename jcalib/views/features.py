"""Own features as one sees them: where the labels of each role lie."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jcalib.views.style import DIM, INK, SPARE, figure, look, rows_from_top

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGETS = ("valence", "arousal")
COLOURS = {"fusion": "#0072b2", "selection": SPARE[0], "report": "#009e73"}


def plot_labels(labels: Mapping[str, Sequence[ArrayLike]]) -> "Figure":
    """Draw where the labels of each role lie: a dot a recording, at its mean label, over the range of all labels.

    Args:
        labels: role to arrays (n, 2), valence and arousal in [-1, 1], one a recording; NaN where nobody annotated.
    """
    fig, axes = figure(1, 2, 7.2, 0.9 + 0.5 * len(labels), sharey=True, grid="x")
    with look():
        for column, (ax, target) in enumerate(zip(axes, TARGETS, strict=True)):
            for row, (role, recordings) in enumerate(labels.items()):
                _draw_role(
                    ax, row, [np.asarray(one, dtype=float)[:, column] for one in recordings], COLOURS.get(role, DIM)
                )
            ax.set(xlim=(-1.05, 1.05), xticks=[-1, -0.5, 0, 0.5, 1])
            ax.set_xlabel(f"{target} (−1 to 1)")
        rows_from_top(axes[0], [f"{role} ({len(recordings)})" for role, recordings in labels.items()])
    return fig


def _draw_role(ax: Any, row: int, recordings: list[np.ndarray], colour: str) -> None:
    known = [values[np.isfinite(values)] for values in recordings]
    known = [values for values in known if len(values)]
    if not known:
        return
    low, high = np.percentile(np.concatenate(known), [5, 95])
    means = np.array([values.mean() for values in known])
    ax.plot([low, high], [row, row], color=colour, linewidth=6, alpha=0.22, solid_capstyle="butt")
    shift = 0.28 * (np.arange(len(means)) * 0.618 % 1 - 0.5)  # dots that would lie on each other stand apart
    ax.plot(means, row + shift, "o", color=colour, markersize=3.6, alpha=0.75, markeredgewidth=0)
    ax.plot([means.mean()] * 2, [row - 0.3, row + 0.3], color=INK, linewidth=1.6)
