"""Who a prediction listens to: cross-talk, shares and interaction by condition, over a recording, and under noise."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jcalib.views.corpus import draw_ribbons
from jcalib.views.robustness import name_severities
from jcalib.views.style import BAND, DIM, INK, colour, dashes, figure, look, rows_from_top

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LEAST = 0.05  # target units: below it there is nothing to share
MARKERS = ("o", "s", "^", "D", "v", "P")
MOST_COLUMNS = 4
_ABOVE: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.1}  # no line is there
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
        axes[count - 1].legend(ncols=len(courses), **_ABOVE)
        if shown and truth is not None:
            draw_ribbons(axes[-1], np.asarray(truth["time"], dtype=float), shown)
        axes[0].legend(ncols=2, **_ABOVE)
        axes[-1].set_xlabel(f"time in {recording} ({unit})")
    return fig


def plot_shares_under(found: "Mapping[str, pd.DataFrame]", target: str) -> "Figure":
    """Draw the voice's share and the interaction against severity, a column a kind, with 95 % intervals.

    Args:
        found: by fusion, from `explain.shares_under`.
        target: whose prediction.
    """
    kinds = list(dict.fromkeys(next(iter(found.values()))["kind"]))
    columns = min(len(kinds), MOST_COLUMNS)
    rows = 2 * -(-len(kinds) // columns)
    # Of one or two persons there is no interval.
    highest = max(float(table[["interaction", "interaction_high"]].max().max()) for table in found.values())
    fig, axes = figure(rows, columns, max(7.2, 2.4 * columns), 2.2 * rows, squeeze=False)
    with look():
        for place, kind in enumerate(kinds):
            upper, lower = axes[2 * (place // columns) :, place % columns][:2]
            for number, (name, table) in enumerate(found.items()):
                part = table[table["kind"] == kind]
                _course_of(upper, part, ("value", "low", "high"), name, number)
                _course_of(lower, part, ("interaction", "interaction_low", "interaction_high"), name, number)
            name_severities(lower, part)
            upper.set(ylim=(0, 1), title=kind)
            upper.set_xticks(lower.get_xticks(), [])
            lower.set_ylim(0, 1.05 * highest)
        for ax in axes.flat[len(kinds) :] if len(kinds) % columns else ():
            ax.set_visible(ax.has_data())
        for ax in axes[::2, 0]:
            ax.set_ylabel("voice's share (0 to 1)")
        for ax in axes[1::2, 0]:
            ax.set_ylabel(f"mean |interaction|\n({target})")
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(found))
    return fig


def _course_of(ax: Any, part: "pd.DataFrame", columns: tuple[str, str, str], fusion: str, number: int) -> None:
    value, low, high = columns
    style: dict[str, Any] = {"linestyle": dashes(fusion), "marker": MARKERS[number % len(MARKERS)], "markersize": 4}
    ax.plot(range(len(part)), part[value], color=colour(fusion), label=fusion, **style)
    ax.fill_between(range(len(part)), part[low], part[high], color=colour(fusion), alpha=0.15, linewidth=0)


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
