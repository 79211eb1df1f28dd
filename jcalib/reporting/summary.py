"""A report in a few lines of text, for the end of a command: how long it took, and what it found."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jcalib.files import read_json
from jcalib.reporting.chapter import record_path
from jcalib.reporting.index import score
from jcalib.reporting.pages import duration
from jcalib.reporting.report import Report
from jcalib.studies.statistics import TOO_FEW
from jcalib.studies.verdicts import format_ccc

SHOWN = ("joint", "cross", "mixer")  # cross is the vanilla cross-attention of the question
_MARKS = re.compile(r"[*`]+")


def summary(report: Report) -> str:
    """Return chapters with their times, the headline, and joint, cross and mixer with their two differences.

    Args:
        report: a report that has been written.
    """
    records = {one.chapter: _record(report, one.chapter) for one in report.results}
    chapters = [_chapter(one.chapter, one.status, one.seconds, records[one.chapter]) for one in report.results]
    ablation = next((records[one.chapter] for one in report.results if one.good and "ablation" in one.chapter), {})
    parts = [columns(chapters), _plain(ablation.get("headline", "No headline: the ablation did not reach its end."))]
    parts += [_scores(ablation.get("table", [])), _differences(ablation.get("comparisons", []))]
    parts += [_plain(ablation.get("detectable", ""))]
    return "\n\n".join(part for part in parts if part)


def columns(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows of text as aligned columns."""
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _record(report: Report, chapter: str) -> dict[str, Any]:
    path = record_path(report.folder, chapter)
    return read_json(path) if path.exists() else {}


def _chapter(name: str, status: str, seconds: float, record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return name, how it ended, its time, and its stages of a second or more; or the error."""
    spent: dict[str, float] = {}
    for one in record.get("stages", []):
        spent[one["name"]] = spent.get(one["name"], 0.0) + one["seconds"]
    stages = [f"{stage} {duration(took)}" for stage, took in spent.items() if took >= 1]
    when = " when it was made" if status == "unchanged" else ""
    return name, status, duration(seconds) + when, record.get("error") or ", ".join(stages)


def _scores(table: list[dict[str, Any]]) -> str:
    found = {row["fusion"]: row for row in table}
    rows = [
        (name, *(score(row[key]) for key in ("ccc_valence", "ccc_arousal", "mean")), _interval(row))
        for name in SHOWN
        if (row := found.get(name))
    ]
    return columns([("CCC", "valence", "arousal", "mean", "95 % interval"), *rows]) if rows else ""


def _differences(comparisons: list[dict[str, Any]]) -> str:
    """Return joint - cross and joint - mixer on the mean, with intervals and what they mean."""
    rows = [
        (f"joint − {row['b']}", _signed(row["difference"]), _interval(row, _signed), row["verdict"])
        for row in comparisons
        if row["a"] == "joint" and row["b"] in SHOWN and row["target"] == "mean"
    ]
    return columns([("difference", "mean", "95 % interval", "verdict"), *rows]) if rows else ""


def _signed(value: float | None) -> str:
    """Return a difference with its sign, "+.021"."""
    if value is None:
        return "–"
    return ("+" if value > 0 else "") + format_ccc(value).replace("-", "−")


def _interval(row: Mapping[str, Any], written: Any = score) -> str:
    ends = row["low"], row["high"]
    return TOO_FEW if None in ends else f"[{', '.join(map(written, ends))}]"


def _plain(markdown: str) -> str:
    return _MARKS.sub("", markdown)
