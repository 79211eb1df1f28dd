"""One look for every figure: a colour per fusion, fonts, a light grid, and files that are the same bytes twice.

Figures are made without pyplot, so that nothing is shown twice and no state leaks between notebooks. Joint, cross and
mixer have colours of Okabe and Ito's set, which holds under colour blindness, relatives of a fusion hues near by. One
colour serves on white and on a dark page, so all are of a middle lightness (contrast 3 on either); every picture also
names its rows or lines, so that it reads in grey.
"""

import zlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jcalib.files import replacing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

INK = "#1c2330"
DIM = "#667085"
LINE = "#e3e6ea"
BAND = "#eceef1"

COLOURS = {
    "joint": "#0072b2",
    "recursive": "#2c62de",
    "gated": "#4a8de0",
    "released": "#8e55e2",
    "mixer": "#009e73",
    "lstm": "#477641",
    "cross": "#d55e00",
    "cross_wide": "#a4542a",
    "cross_untied": "#c67a72",
    "cross_scaled": "#947506",
    "transformer": "#7d64a9",
    "mean": "#6e6e6e",
    "concat": "#8c8c8c",
    "visual": "#2d97b8",
    "audio": "#bb3c94",
}
DASHES: dict[str, Any] = {
    "recursive": (0, (8, 1.5)),
    "gated": (0, (2, 1)),
    "released": (0, (8, 1.5, 1, 1.5)),
    "mixer": (0, (5, 1.5)),
    "lstm": (0, (2, 2)),
    "cross": (0, (6, 1.5, 1.5, 1.5)),
    "cross_wide": (0, (6, 1.5, 1.5, 1.5, 1.5, 1.5)),
    "cross_untied": (0, (4, 1, 1, 1)),
    "cross_scaled": (0, (2, 1, 1, 1)),
    "transformer": (0, (4, 3)),
    "mean": (0, (1, 1.2)),
    "concat": (0, (3, 2)),
    "visual": (0, (1, 2.5)),
    "audio": (0, (3, 1.5, 1, 1.5, 1, 1.5)),
}
SPARE = ("#ad8449", "#bd486f", "#568988", "#6a9239", "#ef5350", "#c94fd0")

RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 8.5,
    "axes.labelcolor": DIM,
    "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "text.color": INK,
    "xtick.color": LINE,
    "xtick.labelcolor": DIM,
    "xtick.labelsize": 8,
    "ytick.color": LINE,
    "ytick.labelcolor": DIM,
    "ytick.labelsize": 8,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,  # journals refuse the default, Type 3
}


def colour(name: str) -> str:
    """Return the colour of a fusion; a user's own fusion gets a spare one that depends only on its name."""
    return COLOURS.get(name) or SPARE[zlib.crc32(name.encode()) % len(SPARE)]


def dashes(name: str) -> Any:
    """Return the line style of a fusion, which tells lines apart where colours cannot."""
    return DASHES.get(name, "solid")


def look() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws in this style: `with look(): ...`."""
    import matplotlib

    return matplotlib.rc_context(RC)


def figure(
    rows: int = 1,
    columns: int = 1,
    width: float = 6.4,
    height: float | None = None,
    grid: Literal["x", "y", "both", "none"] = "both",
    **subplots: Any,
) -> tuple["Figure", Any]:
    """Make a figure and its axes, with constrained layout and without pyplot.

    Args:
        rows, columns: how many axes.
        width, height: inches; the height defaults to 2.6 a row.
        grid: along which axis light lines are drawn; "none" for maps.
        **subplots: passed to `Figure.subplots` (sharex, width_ratios, squeeze, ...).

    Returns:
        The figure, and one Axes or an array of them, as `Figure.subplots` gives.
    """
    import numpy as np
    from matplotlib.figure import Figure

    with look():
        fig = Figure(figsize=(width, height or 2.6 * rows), layout="constrained")
        axes = fig.subplots(rows, columns, **subplots)
        for ax in np.ravel(axes):
            if grid != "none":
                ax.grid(True, axis=grid)
            # Ticks are made when they are drawn, outside this context: what they look like is fixed here.
            ax.tick_params(length=0, labelsize=RC["xtick.labelsize"], labelcolor=DIM)
    return fig, axes


def save(fig: "Figure", folder: Path | str, name: str, data: "pd.DataFrame | None" = None, dpi: int = 200) -> Path:
    """Write a figure as PNG and vector PDF, and the numbers behind it as CSV.

    The files hold no date and no version, so the same figure gives the same bytes.

    Args:
        fig: the figure.
        folder: where the files go; made if it is missing.
        name: the files' name, without suffix.
        data: the table that the figure was drawn from.
        dpi: of the PNG, and of pictures in the PDF.

    Returns:
        The path of the PNG.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    unsigned: dict[str, dict[str, None]] = {
        "png": {"Software": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    with look():
        for kind, metadata in unsigned.items():
            with replacing(folder / f"{name}.{kind}") as part:
                fig.savefig(part, format=kind, dpi=dpi, metadata=metadata)
    if data is not None:
        with replacing(folder / f"{name}.csv") as part:
            data.to_csv(part, index=False, float_format="%.6g", lineterminator="\n")
    return folder / f"{name}.png"


def rows_from_top(ax: Any, labels: Iterable[str]) -> None:
    """Name the rows of a dot plot, the first on top."""
    labels = list(labels)
    ax.set_yticks(range(len(labels)), labels, color=INK)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.spines["left"].set_visible(False)


def exact_ticks(axis: Any, signed: bool = False) -> None:
    """Let an axis of CCCs have steps of 1, 2 or 5, and name each tick with as many decimals as the steps need.

    Args:
        axis: `ax.xaxis` or `ax.yaxis`.
        signed: a plus stands before what is above 0, for differences.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, axis.get_majorticklocs(), signed)))


def _tick(value: float, ticks: Iterable[float], signed: bool) -> str:
    """Return a tick as papers print a CCC: .025, −.05, 0."""
    digits = next(digits for digits in range(12) if all(abs(round(one, digits) - one) < 1e-9 for one in ticks))
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return "0"
    return ("−" if value < 0 else "+" if signed else "") + text.removeprefix("0" if "." in text else "")
