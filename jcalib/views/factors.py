"""The figures of the four switches: the 24 cells, how joint - cross is shared, and each setting against another."""

from typing import TYPE_CHECKING, Any

from jcalib.studies.verdicts import format_ccc
from jcalib.views.style import BAND, COLOURS, DIM, INK, exact_ticks, figure, look, rows_from_top

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PLACES = {"valence": (-0.24, "V"), "mean": (0.0, ""), "arousal": (0.24, "A")}
ROWS = [(key, axis) for key in ("other", "joint", "itself") for axis in ("time", "feature")]  # of the chart of cells
COLUMNS = [(normaliser, combine) for normaliser in ("softmax", "tanh") for combine in ("reweight", "map")]
CORNERS = {("other", "time", "softmax", "reweight"): "vanilla", ("joint", "feature", "tanh", "map"): "joint"}
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
            exact_ticks(ax.xaxis, signed=True)
        words = "difference in CCC: V valence, A arousal, plain dot their mean; grey: within the margin of"
        fig.supxlabel(f"{words} {format_ccc(margin, 2)}", size=8.5, color=DIM)
    return fig


def plot_cells(table: "pd.DataFrame") -> "Figure":
    """Draw the CCC of every cell, mean of valence and arousal: darker is higher; joint and vanilla are framed.

    Args:
        table: as `Study.cells()` gives it; a cell that was not run stays empty.
    """
    with look():
        fig, ax = figure(width=6.4, height=3.6, grid="none")
        low, high = table["mean"].min(), table["mean"].max()
        for one in table.to_dict("records"):
            _cell(ax, one, 0.08 + 0.84 * (one["mean"] - low) / max(high - low, 1e-9))
        rows_from_top(ax, [f"key {key}, {axis} axis" for key, axis in ROWS])
        ax.set_xticks(range(len(COLUMNS)), [f"{normaliser}\n{combine}" for normaliser, combine in COLUMNS], color=INK)
        ax.set_xlim(-0.5, len(COLUMNS) - 0.5)
        ax.spines["bottom"].set_visible(False)
        ax.set_xlabel("CCC, mean of valence and arousal, with its 95 % interval")
    return fig


def _cell(ax: Any, one: dict[Any, Any], shade: float) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    x, y = COLUMNS.index((one["normaliser"], one["combine"])), ROWS.index((one["key"], one["axis"]))
    name = CORNERS.get((one["key"], one["axis"], one["normaliser"], one["combine"]), "")
    frame = COLOURS["cross" if name == "vanilla" else "joint"] if name else "white"
    look_of: dict[str, Any] = {
        "facecolor": to_rgba(COLOURS["joint"], shade),
        "edgecolor": frame,
        "lw": 2.6 if name else 1,
    }
    ax.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, zorder=3 if name else 2, **look_of))
    words = {"color": "white" if shade > 0.5 else INK, "ha": "center", "va": "center", "zorder": 4}
    ax.text(x, y - 0.15, f"{format_ccc(one['mean'])} {name}".strip(), size=8.5, weight="bold", **words)
    ax.text(x, y + 0.2, f"[{format_ccc(one['low'])}, {format_ccc(one['high'])}]", size=6.5, **words)


def _title(shown: "pd.DataFrame", title: str) -> str:
    """Return the panel's title with what the four add up to."""
    total = shown.loc[shown["target"] == "mean", "difference"].sum()
    return f"{title}, in all {_signed(total)}"


def _interval(ax: Any, y: float, row: dict[Any, Any], letter: str) -> None:
    hue = COLOURS["joint"] if row["difference"] > 0 else COLOURS["cross"]
    width, strength = (1.6, 0.6) if letter else (2.4, 1)
    ax.plot([row["low"], row["high"]], [y, y], color=hue, lw=width, alpha=strength, zorder=2)
    ax.plot(row["difference"], y, "o", ms=8 if letter else 5, color=hue, mec="white", mew=0.6, zorder=3)
    ax.text(row["difference"], y, letter, color="white", size=5.5, weight="bold", ha="center", va="center_baseline")
    if not letter:
        words = f"{_signed(row['difference'])}  [{_signed(row['low'])}, {_signed(row['high'])}]"
        ax.text(1.02, y, words, transform=ax.get_yaxis_transform(), color=DIM, size=7, va="center")


def _signed(value: float) -> str:
    if round(value, 4) == 0:
        return "0"
    return ("+" if value > 0 else "") + format_ccc(value).replace("-", "−")
