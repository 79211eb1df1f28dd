"""Who a prediction listens to: cross-talk, shares and interaction by condition, over a recording, and under noise."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jcalib.views.corpus import draw_ribbons
from jcalib.views.style import BAND, DIM, INK, colour, dashes, figure, look, rows_from_top

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LEAST = 0.05  # target units: below it there is nothing to share
MARKERS = ("o", "s", "^", "D", "v", "P")
_UNITS = {"interaction": "mean |interaction| (target units)"}
_PARTS = {"audio": ("voice", (0, (3, 1.5, 1, 1.5, 1, 1.5))), "visual": ("face", "solid")}


def plot_conditions(averages: "pd.DataFrame", measures: Sequence[str]) -> "Figure":
    """Draw measures by condition, the fusions beside each other on one scale, with 95 % intervals.

    Args:
        averages: from `explain.by_condition`.
        measures: which of them, one panel each.
    """
    conditions, fusions = (list(dict.fromkeys(averages[name])) for name in ("condition", "fusion"))
    rows = 0.32 * len(conditions) + 0.9
    fig, axes = figure(1, len(measures), 2.6 + 1.9 * len(measures), rows, sharey=True, squeeze=False, grid="x")
    with look():
        for ax, measure in zip(axes.flat, measures, strict=True):
            for number, fusion in enumerate(fusions):
                part = averages[(averages["fusion"] == fusion) & (averages["measure"] == measure)]
                part = part.set_index("condition").reindex(conditions)
                y = np.arange(len(conditions)) + 0.34 * ((number + 0.5) / len(fusions) - 0.5) * 2
                _dots(ax, part, y, fusion, MARKERS[number % len(MARKERS)])
            ax.set_title(measure, fontsize=9)
            ax.set_xlabel(_UNITS.get(measure, "share (0 to 1)"))
            ax.set_xlim(left=min(0, ax.get_xlim()[0]) if (averages["value"] < 0).any() else 0)
        clips = averages.drop_duplicates("condition").set_index("condition")["clips"]
        rows_from_top(axes[0, 0], [f"{name} ({clips[name]} clips)" for name in conditions])
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=len(fusions))
    return fig


def plot_course(
    tables: "Mapping[str, pd.DataFrame]",
    recording: str,
    target: str,
    truth: Mapping[str, ArrayLike] | None = None,
    unit: str = "s",
) -> "Figure":
    """Draw who carries the prediction over one recording, each fusion in its colour, on one scale, truth as ribbons.

    Grey bands: |voice| + |face| is at most .05, so that there is nothing to share.

    Args:
        tables: by fusion, from `explain.clip_table`.
        recording: which one.
        target: whose prediction.
        truth: "time" (T,) and episodes (T,) bool of the recording, for the ribbons; None without.
        unit: of the time.
    """
    shown = {name: np.asarray(values) for name, values in (truth or {}).items() if name != "time"}
    count = len(tables) + 1
    ribbons = 0.2 * len(shown)
    heights = [1.25] * count + [ribbons] * bool(shown)
    fig, axes = figure(len(heights), 1, 7.2, sum(heights) + 0.7, sharex=True, height_ratios=heights, grid="x")
    courses = {name: table[table["recording"] == recording] for name, table in tables.items()}
    largest = max(float(np.abs(one[["audio", "visual"]]).max().max()) for one in courses.values())
    with look():
        for ax, (name, one) in zip(axes, courses.items(), strict=False):
            _draw_parts(ax, one, name)
            ax.set_ylim(-1.1 * largest, 1.1 * largest)
            ax.set_ylabel(f"{name}\n({target})", color=INK)
        for name, one in courses.items():
            axes[count - 1].plot(
                one["time"], one["interaction"], color=colour(name), linestyle=dashes(name), label=name
            )
        axes[count - 1].axhline(0, color=DIM, linewidth=0.6)
        axes[count - 1].set_ylabel(f"interaction\n({target})", color=INK)
        axes[count - 1].legend(loc="upper right", ncols=len(courses))
        if shown and truth is not None:
            draw_ribbons(axes[-1], np.asarray(truth["time"], dtype=float), shown)
        axes[0].legend(loc="upper right", ncols=2)
        axes[-1].set_xlabel(f"time in {recording} ({unit})")
    return fig


def plot_against_noise(found: "Mapping[str, pd.DataFrame]", target: str) -> "Figure":
    """Draw the voice's share and the interaction while noise takes over one modality, with 95 % intervals.

    Args:
        found: by fusion, from `explain.share_against_noise`.
        target: whose prediction.
    """
    fig, axes = figure(2, 2, 7.2, 4.4, sharex=True, sharey="row")
    with look():
        for column, (noisy, word) in enumerate((("audio", "voice"), ("visual", "face"))):
            for number, (name, table) in enumerate(found.items()):
                part = table[table["noisy"] == noisy]
                for row, value, low, high in (
                    (0, "value", "low", "high"),
                    (1, "interaction", "interaction_low", "interaction_high"),
                ):
                    ax = axes[row, column]
                    marker = MARKERS[number % len(MARKERS)]
                    style: dict[str, Any] = {"linestyle": dashes(name), "marker": marker, "markersize": 4}
                    ax.plot(part["noise"], part[value], color=colour(name), label=name, **style)
                    ax.fill_between(part["noise"], part[low], part[high], color=colour(name), alpha=0.15, linewidth=0)
            axes[0, column].set_title(f"noise on the {word}")
            axes[1, column].set_xlabel(f"share of the {word}'s variance that is noise")
        axes[0, 0].set(ylim=(0, 1), ylabel="voice's share (0 to 1)")
        axes[1, 0].set_ylabel(f"mean |interaction|\n({target})")
        axes[1, 0].set_ylim(bottom=0)
        axes[0, 1].legend(loc="best")
    return fig


def _dots(ax: Any, part: "pd.DataFrame", y: np.ndarray, fusion: str, marker: str) -> None:
    value = part["value"].to_numpy(dtype=float)
    ends = np.stack([value - part["low"].to_numpy(dtype=float), part["high"].to_numpy(dtype=float) - value])
    style: dict[str, Any] = {"color": colour(fusion), "marker": marker, "markersize": 5, "linestyle": "none"}
    ax.errorbar(value, y, xerr=np.nan_to_num(ends), elinewidth=1.4, label=fusion, **style)


def _draw_parts(ax: Any, one: "pd.DataFrame", fusion: str) -> None:
    """Voice and face, signed; grey where there is nothing to share."""
    time = one["time"].to_numpy()
    nothing = (one["abs_both"] <= LEAST).to_numpy()
    ax.fill_between(time, 0, 1, where=nothing, transform=ax.get_xaxis_transform(), color=BAND, linewidth=0, step="mid")
    for part, (word, line) in _PARTS.items():
        ax.plot(time, one[part], color=colour(fusion), linestyle=line, label=word, linewidth=1.6)
    ax.axhline(0, color=DIM, linewidth=0.6)
