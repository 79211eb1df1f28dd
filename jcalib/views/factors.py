"""The figure of the four switches: how joint - cross is shared among them, and each setting against another."""

from typing import TYPE_CHECKING, Any

from jcalib.studies.verdicts import format_ccc
from jcalib.views.style import BAND, COLOURS, DIM, figure, look, rows_from_top

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PLACES = {"valence": (-0.24, "V"), "mean": (0.0, ""), "arousal": (0.24, "A")}
PANELS = {"Shapley": "share of joint − cross (Shapley)", "contrast": "one setting against another"}


def plot_factors(table: "pd.DataFrame") -> "Figure":
    """Draw every effect with its 95 % interval, Shapley values left and contrasts right, on one scale.

    Args:
        table: as `studies.factors.factors` gives it.
    """
    margin = float(table["margin"].iloc[0])
    with look():
        fig, axes = figure(1, 2, width=9.6, height=3.1, grid="x", sharex=True)
        for ax, (kind, title) in zip(axes, PANELS.items(), strict=True):
            shown = table[table["kind"] == kind]
            rows = list(dict.fromkeys(zip(shown["switch"], shown["effect"], strict=True)))
            ax.axvspan(-margin, margin, color=BAND, lw=0, zorder=0)
            ax.axvline(0, color=DIM, lw=0.9, ls=(0, (3, 3)), zorder=1)
            for one in shown.to_dict("records"):
                offset, letter = PLACES[one["target"]]
                _interval(ax, rows.index((one["switch"], one["effect"])) + offset, one, letter)
            rows_from_top(ax, [f"{switch}\n{effect.replace(' - ', ' − ')}" for switch, effect in rows])
            ax.set_title(_title(shown, title) if kind == "Shapley" else title)
            ax.xaxis.set_major_formatter(lambda value, _: _signed(value, 2))
        words = "difference in CCC: V valence, A arousal, plain dot their mean; grey: within the margin of"
        fig.supxlabel(f"{words} {format_ccc(margin, 2)}", size=8.5, color=DIM)
    return fig


def _title(shown: "pd.DataFrame", title: str) -> str:
    """Return the panel's title with what the four add up to."""
    total = shown.loc[shown["target"] == "mean", "difference"].sum()
    return f"{title}, in all {_signed(total, 3)}"


def _interval(ax: Any, y: float, row: dict[Any, Any], letter: str) -> None:
    hue = COLOURS["joint"] if row["difference"] > 0 else COLOURS["cross"]
    width, strength = (1.6, 0.6) if letter else (2.4, 1)
    ax.plot([row["low"], row["high"]], [y, y], color=hue, lw=width, alpha=strength, zorder=2)
    ax.plot(row["difference"], y, "o", ms=8 if letter else 5, color=hue, mec="white", mew=0.6, zorder=3)
    ax.text(row["difference"], y, letter, color="white", size=5.5, weight="bold", ha="center", va="center_baseline")
    if not letter:
        words = f"{_signed(row['difference'], 3)}  [{_signed(row['low'], 3)}, {_signed(row['high'], 3)}]"
        ax.text(1.02, y, words, transform=ax.get_yaxis_transform(), color=DIM, size=7, va="center")


def _signed(value: float, digits: int) -> str:
    if round(value, digits + 1) == 0:
        return "0"
    return ("+" if value > 0 else "") + format_ccc(value, digits).replace("-", "−")
