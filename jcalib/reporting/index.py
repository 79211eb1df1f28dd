"""The report's first page, made from what the chapters recorded and from nothing else.

A chapter that failed, or has not run, leaves a sentence where its numbers or pictures would be.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jcalib.files import read_json, replacing
from jcalib.reporting.markdown import inline
from jcalib.reporting.pages import TEMPLATES, duration, stylesheet, with_files
from jcalib.studies.verdicts import format_ccc, format_interval

QUESTION = "Does joint cross-attention fuse face and voice better than vanilla cross-attention?"
_SECTIONS = ("corpus", "train", "attention", "attribution")
_DATA = {"corpus": "The corpus", "features": "The features"}  # chapter 1 by what a report is made from
_ABOUT = {"features": "own features"}  # until chapter 1 knows more
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_WORDS = {
    "ok": "done",
    "unchanged": "unchanged",
    "failed": "failed",
    "timeout": "out of time",
    "dead kernel": "kernel died",
    "refused": "refused",
    "waiting": "not run yet",
}
_SENTENCES = {
    "failed": "failed",
    "timeout": "ran out of time",
    "dead kernel": "lost its kernel",
    "refused": "was refused",
    "waiting": "has not run yet",
}


@dataclass(frozen=True)
class Card:
    """A chapter on the first page."""

    chapter: str
    title: str
    question: str
    status: str
    word: str
    seconds: float | None
    error: str
    failed_audits: int
    has_page: bool

    @property
    def good(self) -> bool:
        """Whether its results stand."""
        return self.status in ("ok", "unchanged")


def write_index(folder: Path) -> Path:
    """Write `index.html` of a report from `report.json`, `provenance.json` and the records under `chapters/`.

    Args:
        folder: the report's folder; any of these files may be missing.

    Returns:
        The path of the page.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "markdown": lambda text: Markup(inline(str(text))),
        "duration": duration,
        "score": score,
        "count": count,
    }
    text = environment.get_template("index.html.j2").render(context(folder), css=Markup(stylesheet()))
    page = folder / "index.html"
    with replacing(page) as beside:
        beside.write_text(text, encoding="utf-8")
    return page


def context(folder: Path) -> dict[str, Any]:
    """Return what the first page's template needs.

    Args:
        folder: the report's folder.
    """
    report = _read(folder / "report.json")
    records = {path.stem: _read(path) for path in sorted((folder / "chapters").glob("*.json"))}
    order = report.get("chapters") or [{"chapter": name, "title": name, "question": ""} for name in records]
    cards = [_card(one, records.get(one["chapter"], {}), folder) for one in order]
    standing = {card.chapter: records[card.chapter] for card in cards if card.good}
    ablation = _of(standing, "ablation")
    source = report.get("source", "corpus")
    of = {word: source if word == "corpus" else word for word in _SECTIONS}
    table = [_row(row) for row in ablation.get("table", [])]
    return {
        "question": QUESTION,
        "report": report.get("id", folder.name),
        "facts": _facts(
            report.get("settings", {}),
            _first(standing.values(), "about") or _ABOUT.get(source),
            _first(standing.values(), "seeds"),
        ),
        "data_heading": _DATA[source],
        "left_out": report.get("left_out", []),
        "headline": ablation.get("headline", ""),
        "detectable": ablation.get("detectable", ""),
        "no_verdict": _why_nothing(cards, "ablation"),
        "table": table,
        "axis": _axis(table),
        "claims": [_claim(one) for one in ablation.get("claims", [])],
        "figures": _by_role(standing.values(), folder),
        "headlines": {word: _of(standing, of[word]).get("headline", "") for word in _SECTIONS},
        "missing": {word: _why_nothing(cards, of[word]) for word in _SECTIONS},
        "audits": [_audit(audit) for audit in _of(standing, of["corpus"]).get("audits", [])],
        "cards": cards,
        "seconds": sum(card.seconds or 0 for card in cards),
        "running": any(card.status == "waiting" for card in cards),
        "stages": [{"chapter": name, **stage} for name, one in standing.items() for stage in one.get("stages", [])],
        "peaks": {name: one["peak_mb"] for name, one in standing.items() if "peak_mb" in one},
        "seeds": _first(standing.values(), "seeds"),
        "data": _first(standing.values(), "data"),
        "settings": report.get("settings", {}),
        "provenance": _read(folder / "provenance.json"),
    }


def score(value: float | None) -> str:
    """Return a CCC as papers print it: ".58", "−.03", "–" where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(value):.2f}"
    return ("−" if value < 0 and float(text) else "") + text.removeprefix("0")


def count(value: float | None) -> str:
    """Return a number of parameters: "0.18 M", "640"."""
    if value is None:
        return "–"
    return f"{value / 1e6:.2f} M" if value >= 1e4 else f"{value:.0f}"


def _read(path: Path) -> dict[str, Any]:
    return read_json(path) if path.exists() else {}


def _of(records: Mapping[str, dict[str, Any]], word: str) -> dict[str, Any]:
    """Return the record of the chapter whose name ends in a word."""
    return next((record for name, record in records.items() if name.endswith(word)), {})


def _first(records: Iterable[Mapping[str, Any]], key: str) -> Any:
    return next((record[key] for record in records if record.get(key)), None)


def _card(entry: Mapping[str, str], record: Mapping[str, Any], folder: Path) -> Card:
    status = record.get("status", "waiting")
    return Card(
        chapter=entry["chapter"],
        title=entry["title"],
        question=entry["question"],
        status=status,
        word=_WORDS.get(status, status),
        seconds=record.get("seconds"),
        error=record.get("error") or "",
        failed_audits=sum(audit["holds"] is False for audit in record.get("audits", [])),
        has_page=(folder / f"{entry['chapter']}.html").exists(),
    )


def _why_nothing(cards: Iterable[Card], word: str) -> str:
    """Return why a chapter has nothing to show; empty if its results stand."""
    card = next((card for card in cards if card.chapter.endswith(word)), None)
    if card is None:
        return f"This report has no chapter on {word}."
    if card.good:
        return ""
    return f"Nothing to show: chapter “{card.title}” {_SENTENCES.get(card.status, card.word)}."


def _facts(settings: Mapping[str, Any], about: str | None = None, trained: Sequence[int] | None = None) -> list[str]:
    """Return the preset in a few words, with the seeds that were trained and data that is not the preset's own."""
    if not settings:
        return []
    corpus, seeds = settings["corpus"], len(trained) if trained else settings["seeds"]
    if about:
        return [settings["name"], about, f"{seeds} seeds"]
    persons = sum(corpus["split"].values())
    size = f"{persons} persons × {corpus['seconds']:g} s"
    return [settings["name"], f"{size}, {corpus['regime']} regime", f"{seeds} seeds"]


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    from jcalib.fusion import about  # torch is not needed to write a page that has no table

    colour = str(row.get("colour", ""))
    empty = dict.fromkeys(("ccc_valence", "ccc_arousal", "mean", "low", "high", "parameters", "beats_single"))
    said = {"about": about(str(row["fusion"])), "colour": colour if _COLOUR.fullmatch(colour) else "#888888"}
    return {**empty, "joint_against": "", **row, **said}


def _axis(table: Iterable[Mapping[str, Any]]) -> dict[str, float] | None:
    """Return start and width of the axis on which the table draws its intervals."""
    ends = [row[key] for row in table for key in ("low", "high") if row[key] is not None]
    if not ends:
        return None
    low, high = math.floor(min(ends) * 10) / 10, math.ceil(max(ends) * 10) / 10
    return {"low": low, "high": high, "width": max(high - low, 0.1)}


def _by_role(records: Iterable[Mapping[str, Any]], folder: Path) -> dict[str, dict[str, Any]]:
    """Return the figures that are there, by their place on the page."""
    figures = [with_files(figure, folder) for record in records for figure in record.get("figures", [])]
    return {figure["role"]: figure for figure in reversed(figures) if figure.get("role") and figure["there"]}


def _claim(one: Mapping[str, Any]) -> dict[str, str]:
    """Return a claim of `studies.claims` in words; what was not run has no number."""
    number, low, high = (one.get(name) for name in ("number", "low", "high"))
    interval = "–" if low is None or high is None else format_interval(low, high)
    shown = "–" if number is None else format_ccc(number)
    return {"claim": one["claim"], "verdict": one["verdict"], "number": shown, "interval": interval}


def _audit(audit: Mapping[str, Any]) -> dict[str, Any]:
    value = audit.get("value")
    shown = f"{value:.3f}".replace("-", "−") if isinstance(value, float) else str(value)
    said = {"name": audit["name"], "expected": str(audit["expected"]), "why": str(audit.get("why", ""))}
    return {**said, "value": shown, "holds": audit["holds"]}
