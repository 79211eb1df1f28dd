"""The figures that compare fusions: differences with their intervals, the scores behind them, learning curves.

Each is drawn from a table alone, the one that is saved beside it as CSV.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.studies.statistics import TOO_FEW
from jcalib.studies.verdicts import format_ccc
from jcalib.views.style import BAND, DIM, INK, colour, dashes, exact_ticks, figure, look, rows_from_top

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LETTERS = {"valence": "V", "arousal": "A"}
MARKERS = {"V": "o", "A": "s"}
APART = 0.4  # of a row, between valence above and arousal below
PANELS = {
    "loss": "training loss, 1 − CCC",
    "selection_valence": "valence CCC, selection",
    "selection_arousal": "arousal CCC, selection",
}


def plot_differences(table: "pd.DataFrame") -> "Figure":
    """Draw differences of CCC as dots with 95 % intervals, the largest first, over the margin that does not matter.

    Args:
        table: one row a comparison, as `studies.families.overview` or `Family.frame()` gives them: a, b, target,
            difference, low, high, margin. Targets of one pair share a row, valence above arousal.
    """
    pairs = table.groupby(["a", "b"], sort=False)["difference"].mean().sort_values(ascending=False).index
    several = table["target"].nunique() > 1
    margin = float(table["margin"].iloc[0])
    with look():
        fig, ax = figure(width=6.4, height=0.75 + (0.5 if several else 0.3) * len(pairs), grid="x")
        ax.axvspan(-margin, margin, color=BAND, lw=0, zorder=0)
        ax.axvline(0, color=DIM, lw=0.9, ls=(0, (3, 3)), zorder=1)
        for row, (a, b) in enumerate(pairs):
            chosen = table[(table["a"] == a) & (table["b"] == b)].sort_values("target", ascending=False)
            for place, one in enumerate(chosen.to_dict("records")):
                _interval(ax, row + 0.38 * (place - (len(chosen) - 1) / 2), one)
        rows_from_top(ax, [f"{a} − {b}" for a, b in pairs])
        exact_ticks(ax.xaxis, signed=True)
        of = "V valence, A arousal, plain their mean" if several else "mean of valence and arousal"
        ax.set_xlabel(f"difference in CCC ({of}); grey: within the margin of {_plain(margin, 2)}")
    return fig


def plot_scores(table: "pd.DataFrame") -> "Figure":
    """Draw CCC a fusion for valence (V, above) and arousal (A, below): the mean over seeds, and a small one a seed.

    Args:
        table: one row a fusion, target and seed, as `studies.families.scores` gives them: fusion, target, seed, ccc.
    """
    names = [str(name) for name in table.groupby("fusion")["ccc"].mean().sort_values(ascending=False).index]
    with look():
        fig, ax = figure(width=6.4, height=0.75 + 0.37 * len(names), grid="both")
        for row, name in enumerate(names):
            for place, (target, letter) in enumerate(LETTERS.items()):
                seeds = table.loc[(table["fusion"] == name) & (table["target"] == target), "ccc"].to_numpy()
                y = row + APART * (place - 0.5)
                spread = np.linspace(-0.14, 0.14, len(seeds)) if len(seeds) > 1 else np.zeros(1)
                small: dict[str, Any] = {"s": 9, "alpha": 0.45, "lw": 0, "zorder": 3}
                ax.scatter(seeds, y + spread, marker=MARKERS[letter], color=colour(name), **small)
                _lettered(ax, seeds.mean(), y, colour(name), letter)
        rows_from_top(ax, names)
        exact_ticks(ax.xaxis)
        ax.set_xlabel("CCC on the report persons (V valence, A arousal; small ones are seeds)")
    return fig


def plot_curves(history: "pd.DataFrame") -> "Figure":
    """Draw learning curves: the mean over seeds, in a band from the lowest to the highest seed.

    Args:
        history: one row an epoch and seed: epoch, seed, and a column a panel (loss, selection_valence,
            selection_arousal); with a column fusion, one line a fusion.
    """
    table = history if "fusion" in history else history.assign(fusion="")
    panels = [str(column) for column in table if column not in ("epoch", "seed", "fusion")]
    names = list(dict.fromkeys(table["fusion"]))
    with look():
        fig, axes = figure(1, len(panels), width=2.7 * len(panels) + 0.3, height=2.5, squeeze=False)
        for ax, column in zip(axes[0], panels, strict=True):
            for name in names:
                seeds = table[table["fusion"] == name].groupby("epoch")[column].agg(["mean", "min", "max"])
                hue = colour(name) if name else INK
                ax.fill_between(seeds.index, seeds["min"], seeds["max"], color=hue, alpha=0.14, lw=0)
                ax.plot(seeds.index, seeds["mean"], color=hue, lw=1.5, ls=dashes(name), label=name)
            ax.set_title(PANELS.get(column, column.replace("_", " ")))
            ax.set_xlabel("epoch")
            ax.xaxis.get_major_locator().set_params(integer=True)
            exact_ticks(ax.yaxis)
        if names != [""]:
            handles, labels = axes[0, 0].get_legend_handles_labels()
            fig.legend(handles, labels, loc="outside lower center", ncols=len(names), handlelength=2.6)
    return fig


def _interval(ax: Any, y: float, row: dict[str, Any]) -> None:
    hue = colour(row["a"])
    ax.plot([row["low"], row["high"]], [y, y], color=hue, lw=2.2, zorder=2)
    if row["target"] in LETTERS:
        _lettered(ax, row["difference"], y, hue, LETTERS[row["target"]])
    else:
        ax.plot(row["difference"], y, "o", ms=6, color=hue, zorder=3)
    interval = f"({TOO_FEW})" if np.isnan(row["low"]) else f"[{_plain(row['low'])}, {_plain(row['high'])}]"
    words = f"{_plain(row['difference'])}  {interval}"
    ax.text(1.02, y, words, transform=ax.get_yaxis_transform(), color=DIM, size=7.5, va="center")


def _lettered(ax: Any, x: float, y: float, hue: str, letter: str) -> None:
    """Draw a disc (V) or a square (A) with a white letter in it."""
    ax.plot(x, y, MARKERS[letter], ms=10 if letter == "V" else 8.5, color=hue, mec="white", mew=0.8, zorder=4)
    ax.text(x, y, letter, color="white", size=6.5, weight="bold", ha="center", va="center_baseline", zorder=5)


def _plain(value: float, digits: int = 3) -> str:
    """Return a CCC for a figure: with a typographic minus."""
    if round(value, digits + 2) == 0:
        return "0"
    return format_ccc(value, digits).replace("-", "−")
