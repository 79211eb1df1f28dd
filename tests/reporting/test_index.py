"""The first page is made from records, whatever is missing."""

import copy
import re
from pathlib import Path

import pytest
from invented_report import ROLES, fill, records
from references import external, references

from jcalib.fusion import about
from jcalib.reporting.index import context, count, score, write_index
from jcalib.reporting.pages import duration
from jcalib.settings import preset


def pictures(page: str) -> list[str]:
    return re.findall(r'<img src="([^"]+)"', page)


def test_everything_is_on_the_page(tmp_path: Path) -> None:
    page = fill(tmp_path, records())
    assert "<h1>Does joint cross-attention fuse face and voice better" in page
    assert "by <strong>.021</strong>" in page
    assert ".024 was in reach." in page
    corpus = preset("quick").corpus
    assert f"{corpus.split.persons} persons × {corpus.seconds:g} s, {corpus.regime} regime" in page
    assert "2 seeds" in page, "those that were trained, not the preset's"
    assert "2 of 2 audits hold" in page
    assert "Found in 3_attention." in page
    assert "1_corpus 400 MB" in page
    assert set(pictures(page)) == {f"figures/{role}.png" for roles in ROLES.values() for role in roles}
    assert 'class="banner"' not in page
    assert 'class="missing"' not in page
    assert page.count("1 min 15 s") == 5
    assert "0.18 M" in page and "[.58, .64]" in page
    assert external(page) == []
    assert "<script" not in page


def test_the_table_is_safe_and_complete(tmp_path: Path) -> None:
    page = fill(tmp_path, records())
    assert '<tr style="--c: #0072b2">' in page
    assert "display:none" not in page
    rows = re.findall(r"<tr style.*?</tr>", page, re.DOTALL)
    assert ["<td>yes</td>" in row for row in rows] == [True, False, False]
    assert ["<td>no</td>" in row for row in rows] == [False, True, False]
    assert rows[2].count("<td>–</td>") == 3


def test_the_abstracts_claims_are_on_the_page_and_what_was_not_run_has_no_number(tmp_path: Path) -> None:
    made = records()
    claim = {"claim": "scores higher than vanilla", "test": "joint - cross", "measured": "36 persons"}
    ran = {**claim, "verdict": "supported", "number": 0.0987, "low": 0.0767, "high": 0.1206}
    not_run = {**claim, "claim": "gains", "verdict": "not run", "number": None, "low": None, "high": None}
    made["4_ablation"]["claims"] = [ran, not_run]
    page = fill(tmp_path, made)
    assert '<td>supported</td><td class="n">.099</td><td>[.077, .121]</td>' in page
    assert '<td>not run</td><td class="n">–</td><td>–</td>' in page


def test_a_line_below_the_table_says_what_each_fusion_is(tmp_path: Path) -> None:
    page = fill(tmp_path, records())
    lines = re.findall(r"<dt>.*?</span>(\w+)</dt>\s*<dd>(.*?)</dd>", page)
    assert lines == [(name, about(name)) for name in ("joint", "cross")], "mine has nothing to say"


def test_audits_say_why(tmp_path: Path) -> None:
    made = records()
    made["1_corpus"]["audits"][0] |= {"why": "A recording's mean <says> who it is."}
    assert "<small>A recording&#39;s mean &lt;says&gt; who it is.</small>" in fill(tmp_path, made)


def test_every_table_has_headers_and_every_picture_an_alternative(tmp_path: Path) -> None:
    page = fill(tmp_path, records())
    assert '<html lang="en">' in page
    assert page.count("<table") == page.count("<thead")
    assert len(re.findall(r'<img [^>]*alt="[^"]+"', page)) == page.count("<img")
    assert re.findall(r"<th(?! scope)[ >]", page) == []


def test_a_report_that_has_not_begun_says_so(tmp_path: Path) -> None:
    page = fill(tmp_path, {})
    assert "No verdict yet." in page
    assert "chapter “4 · Ablation” has not run yet" in page
    assert "Still running" in page
    assert pictures(page) == []
    assert "status.json" not in references(page)


def test_an_empty_folder_makes_a_page(tmp_path: Path) -> None:
    page = write_index(tmp_path).read_text()
    assert "This report has no chapter on ablation." in page


@pytest.mark.parametrize("status", ["failed", "timeout", "dead kernel", "refused"])
def test_a_failed_chapter_leaves_a_sentence_and_no_picture(status: str, tmp_path: Path) -> None:
    made = records()
    made["4_ablation"] |= {"status": status, "error": "ValueError: <9> clips"}
    page = fill(tmp_path, made)
    assert "No verdict." in page
    assert "ValueError: &lt;9&gt; clips" in page
    assert page.count("Nothing to show: chapter “4 · Ablation”") == 3
    assert not {"figures/differences.png", "figures/scores.png"} & set(pictures(page))
    assert "figures/dependence.png" in pictures(page)
    assert '<li class="bad">' in page


def test_every_chapter_may_fail(tmp_path: Path) -> None:
    made = {chapter: {**one, "status": "failed", "error": "no"} for chapter, one in records().items()}
    page = fill(tmp_path, made)
    assert pictures(page) == []
    assert page.count('<li class="bad">') == 5


def test_a_picture_that_is_gone_is_not_shown(tmp_path: Path) -> None:
    fill(tmp_path, records())
    (tmp_path / "figures" / "scores.png").unlink()
    page = write_index(tmp_path).read_text()
    assert "figures/scores.png" not in page
    assert "No picture of the scores was made." in page


def test_a_failed_audit_is_a_red_line(tmp_path: Path) -> None:
    made = records()
    made["1_corpus"]["audits"][1] |= {"holds": False, "value": -0.31}
    page = fill(tmp_path, made)
    assert "1 of 2 audits of the corpus failed." in page
    assert "time only is −0.310, expected within .05 of 0." in page
    assert "1 of 2 audits hold" in page
    assert "1 audit failed" in page


def test_an_unchanged_chapter_counts_as_good(tmp_path: Path) -> None:
    made = copy.deepcopy(records())
    made["4_ablation"]["status"] = "unchanged"
    assert "by <strong>.021</strong>" in fill(tmp_path, made)
    assert context(tmp_path)["cards"][3].good


@pytest.mark.parametrize(
    ("value", "text"), [(0.584, ".58"), (-0.031, "−.03"), (1.0, "1.00"), (-0.001, ".00"), (None, "–"), (0.0, ".00")]
)
def test_scores_are_printed_as_in_papers(value: float | None, text: str) -> None:
    assert score(value) == text


@pytest.mark.parametrize(("value", "text"), [(184_321, "0.18 M"), (640, "640"), (None, "–")])
def test_counts(value: float | None, text: str) -> None:
    assert count(value) == text


def test_an_audit_that_too_few_persons_could_judge_has_not_failed(tmp_path: Path) -> None:
    made = records()
    made["1_corpus"]["audits"][1] |= {"holds": None}
    page = fill(tmp_path, made)
    assert "of the corpus failed" not in page and "too few persons" in page


def test_words_about_a_fusion_are_markdown_and_the_time_is_that_of_the_chapters(tmp_path: Path) -> None:
    made = records()
    made["4_ablation"]["table"][0] |= {"beats_single": "joint beats it by **.163** CCC."}
    page = fill(tmp_path, made)
    assert "joint beats it by <strong>.163</strong> CCC." in page
    total = sum(record["seconds"] for record in made.values() if record.get("seconds"))
    assert f"<span>{duration(total)} of chapters</span>" in page


def test_audits_that_nobody_could_judge_are_not_said_to_hold(tmp_path: Path) -> None:
    made = records()
    for audit in made["1_corpus"]["audits"]:
        audit["holds"] = None
    page = fill(tmp_path, made)
    assert "Too few persons for the audits to judge" in page and "audits hold" not in page
