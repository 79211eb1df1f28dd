"""A video's predicted valence and arousal over time, with what the seeds disagree on and the calibrated interval."""

import io
import re
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.views.style import DIM, INK, LINE, colour, figure, look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TARGETS = ("valence", "arousal")
MOST = 900  # points of a line; a longer recording is averaged in as many bins
MISSING = {"face": colour("visual"), "voice": colour("audio")}
# A page's own colours, where it has them, take the place of these.
PAGE_COLOURS = {INK: "ink", DIM: "dim", LINE: "faint"}


def plot_traces(table: "pd.DataFrame", fusion: str = "joint", width: float = 8.6) -> "Figure":
    """Draw valence and arousal: the mean over seeds, its spread, and the interval; below, where a modality is missing.

    Args:
        table: one row a frame, as `Prediction.frame()` gives it.
        fusion: whose colour.
        width: inches.
    """
    points = thinned(table)
    missing = [one for one in MISSING if not table[one].all()]
    heights = [1, 1] + [0.12 * len(missing)] * bool(missing)
    fig, axes = figure(len(heights), 1, width, 1.75 * sum(heights) + 0.5, sharex=True, height_ratios=heights)
    with look():
        for ax, target in zip(axes, TARGETS, strict=False):
            draw_trace(ax, points, target, colour(fusion))
            ax.set(ylabel=target, ylim=(-1.05, 1.05), yticks=[-1, -0.5, 0, 0.5, 1])
        axes[0].legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
        if missing:
            _draw_missing(axes[-1], table, missing)
        axes[-1].set_xlabel("time (s)")
        axes[-1].set_xlim(table["time"].iloc[0], max(table["time"].iloc[-1], table["time"].iloc[0] + 1e-3))
    return fig


def draw_trace(ax: Any, points: "pd.DataFrame", target: str, rgb: str) -> None:
    """Draw one target on axes of its own.

    Args:
        ax: where to.
        points: rows of a prediction's table.
        target: "valence" or "arousal".
        rgb: colour of the line and its bands.
    """
    time, mean, spread = (points[name].to_numpy(float) for name in ("time", target, f"{target}_spread"))
    low, high = (points[f"{target}_{end}"].to_numpy(float) for end in ("low", "high"))
    if np.isfinite(low).any():
        ax.fill_between(time, low, high, color=rgb, alpha=0.13, linewidth=0, label="90 % interval")
    if np.isfinite(spread).any():
        ax.fill_between(time, mean - spread, mean + spread, color=rgb, alpha=0.35, linewidth=0, label="± sd of seeds")
    ax.plot(time, mean, color=rgb, linewidth=1.5, label="mean of seeds")
    ax.axhline(0, color=DIM, linewidth=0.6)


def thinned(table: "pd.DataFrame", most: int = MOST) -> "pd.DataFrame":
    """Average a long recording into bins of time, so that a picture of hours stays small.

    Args:
        table: one row a frame.
        most: rows to keep.

    Returns:
        At most so many rows; a bin's interval reaches from its lowest low to its highest high.
    """
    if len(table) <= most:
        return table
    bins = table.groupby(np.arange(len(table)) * most // len(table))
    ends = {f"{target}_{end}": {"low": "min", "high": "max"}[end] for target in TARGETS for end in ("low", "high")}
    return bins.agg({name: ends.get(name, "mean") for name in table.columns})


def traces_svg(table: "pd.DataFrame", fusion: str, name: str) -> str:
    """Return the traces as an inline picture that takes the page's colours, light or dark.

    Args:
        table: one row a frame.
        fusion: whose colour.
        name: of the video, for who cannot see the picture.
    """
    import matplotlib

    fig = plot_traces(table, fusion)
    fig.patch.set_alpha(0)
    for ax in fig.axes:
        ax.patch.set_alpha(0)
    file = io.StringIO()
    with look(), matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        fig.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = re.sub(r"^.*?(?=<svg)", "", file.getvalue(), flags=re.DOTALL)
    for own, page in {**PAGE_COLOURS, colour(fusion): "trace"}.items():
        svg = svg.replace(own, f"var(--{page}, {own})")
    svg = svg.replace("'DejaVu Sans'", "system-ui, sans-serif")
    svg = re.sub(r"(\d\.\d\d)\d+", r"\1", svg)  # a hundredth of a point is fine enough
    # Two pictures on one page must not share names.
    mark = re.sub(r"\W", "", f"{name}{len(table)}") or "t"
    svg = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{mark}-", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(describe(table, name))}" class="traces" ', 1)


def describe(table: "pd.DataFrame", name: str) -> str:
    """Say in words what the traces show."""
    said = [f"Predicted traces of {name} over {table['time'].iloc[-1] - table['time'].iloc[0]:.1f} s"]
    for target in TARGETS:
        known = table[target].dropna()
        said.append(
            f"{target} from {known.min():+.2f} to {known.max():+.2f}, mean {known.mean():+.2f}"
            if len(known)
            else f"no {target}: neither face nor voice"
        )
    return "; ".join(said) + "."


def _draw_missing(ax: Any, table: "pd.DataFrame", missing: list[str]) -> None:
    """Ribbons where a modality is missing, one a modality."""
    times = table["time"].to_numpy(float)
    after = np.append(times[1:], times[-1] + (times[-1] - times[-2] if len(times) > 1 else 0.04))
    for row, one in enumerate(missing):
        starts, stops = _spans(~table[one].to_numpy(bool))
        spans = [(times[a], after[b - 1] - times[a]) for a, b in zip(starts, stops, strict=True)]
        ax.broken_barh(spans, (row - 0.3, 0.6), color=MISSING[one])
    ax.set_yticks(range(len(missing)), [f"no {one}" for one in missing])
    ax.set_ylim(len(missing) - 0.5, -0.5)
    ax.grid(False)
    ax.spines["left"].set_visible(False)


def _spans(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the starts and stops of the stretches that are True."""
    steps = np.diff(np.concatenate([[0], flags.astype(int), [0]]))
    return np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
