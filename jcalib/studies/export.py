"""A study as files: tables as CSV and LaTeX, figures as PNG and vector PDF."""

from pathlib import Path
from typing import TYPE_CHECKING

from jcalib.files import replacing
from jcalib.studies import families
from jcalib.studies.factors import cell_names, to_latex

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
        style.save(study.plot_scores(), folder, "scores", families.scores(study.sums)),
    ]
    if set(cell_names()) <= set(study.runs):
        effects = study.factors()
        written.append(_text(folder / "factors.tex", to_latex(effects) + "\n"))
        written.append(style.save(study.plot_factors(), folder, "factors", effects))
    return written


def _csv(table: "pd.DataFrame") -> str:
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _text(path: Path, text: str) -> Path:
    with replacing(path) as beside:
        beside.write_text(text)
    return path
