"""A study as files: tables as CSV and LaTeX, figures as PNG and vector PDF."""

from pathlib import Path
from typing import TYPE_CHECKING

from jcalib.files import replacing
from jcalib.studies.factors import cell_names, to_latex
from jcalib.studies.latex import booktabs
from jcalib.studies.verdicts import format_ccc, format_interval

if TYPE_CHECKING:
    import pandas as pd

    from jcalib.studies import Study


def write_study(study: "Study", folder: Path) -> list[Path]:
    """Write what `Study.write` promises."""
    from jcalib.views import style

    written = [
        _text(folder / "frame.csv", _csv(study.frame())),
        _text(folder / "table.csv", _csv(study.table())),
        _text(folder / "table.tex", study.to_latex() + "\n"),
        style.save(study.plot(), folder, "differences", study.comparisons()),
        style.save(study.plot_scores(), folder, "scores", study.scores()),
    ]
    if set(cell_names()) <= set(study.runs):
        effects = study.factors()
        written.append(style.save(study.plot_cells(), folder, "cells", study.cells()))
        written.append(_text(folder / "factors.tex", to_latex(effects) + "\n"))
        written.append(style.save(study.plot_factors(), folder, "factors", effects))
    return written


def table_to_latex(table: "pd.DataFrame", note: str = "") -> str:
    """Return a study's table for a paper.

    Args:
        table: as `Study.table()` gives it.
        note: a last line in small print.
    """
    rows = []
    for one in table.to_dict("records"):
        ccc = [format_ccc(one[name]) for name in ("ccc_valence", "ccc_arousal", "mean")]
        interval = format_interval(one["low"], one["high"])
        rows.append([one["fusion"].replace("_", r"\_"), *ccc, interval, f"{one['parameters']:,}"])
    head = ["Fusion", "Valence", "Arousal", "Mean", r"95 \% interval", "Parameters"]
    return booktabs(head, rows, "lccccr", note)


def _csv(table: "pd.DataFrame") -> str:
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _text(path: Path, text: str) -> Path:
    with replacing(path) as beside:
        beside.write_text(text)
    return path
