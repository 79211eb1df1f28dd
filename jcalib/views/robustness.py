"""The figure of corruption: what is left of each fusion against how bad the input is."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.views.style import DIM, colour, dashes, exact_ticks, figure, look, rows_from_top

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLUMNS = 3
LEAST = 0.42  # of the height of a panel that names its fusions


def plot_robustness(table: "pd.DataFrame") -> "Figure":
    """Draw CCC against severity, a panel a kind of corruption, all on one scale, with 95 % bands.

    Args:
        table: as `Robustness.frame()` gives it; bands are drawn where there are at most three fusions, since more
            would hide each other.
    """
    kinds, fusions = (list(dict.fromkeys(table[name])) for name in ("kind", "fusion"))
    columns = min(COLUMNS, len(kinds))
    rows = -(-len(kinds) // columns)
    with look():
        fig, axes = figure(rows, columns, 2.65 * columns + 0.4, 2.15 * rows + LEAST, sharey=True, squeeze=False)
        for ax, kind in zip(axes.flat, kinds, strict=False):
            shown = table[table["kind"] == kind]
            for fusion in fusions:
                _curve(ax, shown[shown["fusion"] == fusion], fusion, band=len(fusions) <= 3)
            name_severities(ax, shown[shown["fusion"] == fusions[0]])
            ax.axhline(0, color=DIM, lw=0.7)
            ax.set_title(kind)
        for ax in axes.flat[len(kinds) :]:
            ax.set_visible(False)
        for ax in axes[:, 0]:
            ax.set_ylabel("CCC, mean of V and A")
            exact_ticks(ax.yaxis)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 7), handlelength=2.6)
    return fig


def _curve(ax: Any, one: "pd.DataFrame", fusion: str, band: bool) -> None:
    places = range(len(one))
    ax.plot(places, one["ccc"], color=colour(fusion), ls=dashes(fusion), lw=1.5, marker="o", ms=3, label=fusion)
    if band:
        ax.fill_between(places, one["low"], one["high"], color=colour(fusion), alpha=0.14, lw=0)


def plot_gains(gains: "pd.DataFrame") -> "Figure":
    """Draw what another training adds to each fusion's CCC, without corruption and on average along each curve.

    Args:
        gains: as `Robustness.against` gives it.
    """
    kinds, fusions = (list(dict.fromkeys(gains[name])) for name in ("kind", "fusion"))
    with look():
        fig, ax = figure(width=6.4, height=1.0 + (0.12 * len(fusions) + 0.1) * len(kinds), grid="x")
        ax.axvline(0, color=DIM, lw=0.9)
        for place, fusion in enumerate(fusions):
            one = gains[gains["fusion"] == fusion].set_index("kind").loc[kinds]
            ends = abs(one[["low", "high"]].sub(one["gain"], axis=0)).to_numpy().T
            y = np.arange(len(kinds)) + 0.7 * ((place + 0.5) / len(fusions) - 0.5)
            ax.errorbar(one["gain"], y, xerr=ends, fmt="o", ms=3.5, lw=1.2, color=colour(fusion), label=fusion)
        ax.set_xlabel("gain in CCC (mean of valence and arousal), on average along the curve")
        exact_ticks(ax.xaxis)
        rows_from_top(ax, kinds)
        fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=len(fusions))
    return fig


def name_severities(ax: Any, curve: "pd.DataFrame") -> None:
    """Name the severities along the lower edge: equal steps, as the summary weighs them.

    Args:
        ax: where they were drawn at 0, 1, 2, ...
        curve: their rows: severity, clean, unit.
    """
    texts = [
        "clean" if clean else _plain(value) for value, clean in zip(curve["severity"], curve["clean"], strict=True)
    ]
    ax.set_xticks(range(len(texts)), texts)
    ax.set_xlabel(curve["unit"].iloc[0])


def _plain(value: float) -> str:
    return f"{value:g}".replace("0.", ".", 1).replace("-", "−")
