"""The figure of corruption: what is left of each fusion against how bad the input is."""

from typing import TYPE_CHECKING, Any

from jcalib.views.style import DIM, colour, dashes, figure, look

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
            _severities(ax, shown)
        for ax in axes.flat[len(kinds) :]:
            ax.set_visible(False)
        for ax in axes[:, 0]:
            ax.set_ylabel("CCC, mean of V and A")
            ax.yaxis.set_major_formatter(lambda value, _: _plain(round(value, 4)))
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 7), handlelength=2.6)
    return fig


def _curve(ax: Any, one: "pd.DataFrame", fusion: str, band: bool) -> None:
    places = range(len(one))
    ax.plot(places, one["ccc"], color=colour(fusion), ls=dashes(fusion), lw=1.5, marker="o", ms=3, label=fusion)
    if band:
        ax.fill_between(places, one["low"], one["high"], color=colour(fusion), alpha=0.14, lw=0)


def _severities(ax: Any, shown: "pd.DataFrame") -> None:
    """Name the severities: equal steps, as the summary weighs them."""
    one = shown[shown["fusion"] == shown["fusion"].iloc[0]]
    texts = ["clean" if clean else _plain(value) for value, clean in zip(one["severity"], one["clean"], strict=True)]
    ax.set_xticks(range(len(texts)), texts)
    ax.axhline(0, color=DIM, lw=0.7)
    ax.set_title(shown["kind"].iloc[0])
    ax.set_xlabel(shown["unit"].iloc[0])


def _plain(value: float) -> str:
    return f"{value:g}".replace("0.", ".", 1).replace("-", "−")
