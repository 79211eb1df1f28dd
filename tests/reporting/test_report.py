"""A report executes what changed, survives a failing chapter, and can be trusted about both."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jcalib.reporting import report as module
from jcalib.reporting.report import plan, unchanged, write_report
from jcalib.settings import UserError

WriteNotebook = Callable[..., Path]


def statuses(made: module.Report) -> dict[str, str]:
    return {result.chapter: result.status for result in made.results}


@pytest.fixture
def chapters(write: WriteNotebook) -> WriteNotebook:
    write("1_corpus", title="1 · Corpus")
    write("2_train", "raise ValueError('broken')", title="2 · Train")
    return write


def test_a_plan_checks_everything_first(chapters: WriteNotebook, tmp_path: Path) -> None:
    planned = plan("smoke", tmp_path / "report", seeds="4")
    assert [step.parameters for step in planned.steps] == [{"preset": "smoke", "seeds": 4}] * 2
    assert planned.id.startswith("smoke-")
    assert list(planned.frame()["chapter"]) == ["1_corpus", "2_train"]
    with pytest.raises(UserError, match="did you mean 'seeds'"):
        plan("smoke", sedes=1)
    with pytest.raises(UserError, match="takes int"):
        plan("smoke", seeds="many")
    with pytest.raises(UserError, match="unknown preset"):
        plan("smok")


def test_a_parameter_that_says_the_default_changes_nothing(chapters: WriteNotebook) -> None:
    assert plan("smoke", seeds=3).id == plan("smoke").id
    assert plan("smoke", seeds=3).steps[0].parameters == {"preset": "smoke"}


def test_a_report_does_not_mix_with_other_files(chapters: WriteNotebook, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UserError, match="holds something else"):
        plan("smoke", tmp_path)
    with pytest.raises(UserError, match="is a file"):
        plan("smoke", tmp_path / "thesis.tex")
    assert plan("smoke", tmp_path / "new").folder == tmp_path / "new"


def test_a_report_is_named_by_its_settings(chapters: WriteNotebook) -> None:
    assert plan("smoke").id == plan("smoke").id
    assert len({plan("smoke").id, plan("quick").id, plan("smoke", seeds=9).id}) == 3
    assert plan("smoke").folder.parent.name == "reports"


def test_chapters_run_again_only_when_something_changed(
    chapters: WriteNotebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_package", lambda: "source")
    out = tmp_path / "report"
    assert unchanged(plan("smoke", out)) == ()
    first = write_report("smoke", out)
    assert statuses(first) == {"1_corpus": "ok", "2_train": "failed"}
    assert unchanged(plan("smoke", out)) == ("1_corpus",)
    assert (first.status, first.exit_code) == ("failed", 1)
    assert "ValueError: broken" in (out / "2_train.html").read_text()
    assert "ValueError: broken" in first.index.read_text()
    assert json.loads((out / "status.json").read_text())["chapters"]["2_train"]["error"] == "ValueError: broken"

    chapters("2_train", title="2 · Train")
    second = write_report("smoke", out)
    assert statuses(second) == {"1_corpus": "unchanged", "2_train": "ok"}
    assert json.loads((out / "chapters" / "1_corpus.json").read_text())["status"] == "unchanged"
    assert (second.status, second.exit_code) == ("ok", 0)
    assert "broken" not in (out / "2_train.html").read_text()

    monkeypatch.setattr(module, "run_chapter", lambda chapter, *_: pytest.fail(f"{chapter} was executed"))
    assert set(statuses(write_report("smoke", out)).values()) == {"unchanged"}


@pytest.mark.parametrize("change", ["package", "inputs", "parameter", "source", "version"])
def test_what_makes_a_chapter_stale(
    change: str, chapters: WriteNotebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_package", lambda: "source")
    origin = {"versions": {"torch": "2"}, "device": {"name": "x"}}
    before = module._keys(plan("smoke"), origin, {})
    assert module._keys(plan("smoke"), origin, {}) == before
    planned, inputs = plan("smoke"), {}
    if change == "package":
        monkeypatch.setattr(module, "_package", lambda: "other")
    if change == "inputs":
        inputs = {"corpus": "abc"}
    if change == "parameter":
        planned = plan("smoke", seeds=9)
    if change == "source":
        chapters("1_corpus", "1 + 1")
    if change == "version":
        origin = {**origin, "versions": {"torch": "3"}}
    after = module._keys(planned, origin, inputs)
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_a_change_spares_the_chapters_before_it(chapters: WriteNotebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_package", lambda: "source")
    origin = {"versions": {}, "device": {}}
    before = module._keys(plan("smoke"), origin, {})
    chapters("2_train", "1 + 1")
    after = module._keys(plan("smoke"), origin, {})
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_the_package_hash_is_of_its_source() -> None:
    assert len(module._package()) == 64
    assert module._package() == module._package()
