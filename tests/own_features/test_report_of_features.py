"""A report of own features: its plan, what it refuses before it starts, its chapters, and its pages in a browser."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from references import external

from jcalib.files import ROOT
from jcalib.reporting import notebooks
from jcalib.reporting.forecast import forecast, inputs_of
from jcalib.reporting.report import plan
from jcalib.settings import UserError
from jcalib.training import open_data
from tests.builders import tiny_corpus
from tests.own_features.planted import planted, planted_folder, save

CHAPTERS = ["1_features", "2_train", "3_attention", "4_ablation"]
ROLES = ("fusion",) * 5 + ("selection",) * 5 + ("report",) * 10


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return planted_folder(tmp_path / "mine", ROLES[:3] + ROLES[-3:], steps=10)


def test_the_plan_has_what_can_be_made_and_says_what_cannot(mine: Path, tmp_path: Path) -> None:
    planned = plan("smoke", tmp_path / "report", features=str(mine))
    assert [step.chapter for step in planned.steps] == CHAPTERS
    assert planned.left_out == ("5 · Attribution",)
    assert all(step.parameters["features"] == str(mine) for step in planned.steps)
    of_corpus = plan("smoke", tmp_path / "report")
    assert of_corpus.steps[0].chapter == "1_corpus" and of_corpus.left_out == ()
    assert notebooks.find("1") == "1_corpus" and notebooks.find("features") == "1_features"


def test_a_changed_byte_executes_the_chapters_again(mine: Path) -> None:
    before = inputs_of("synthetic", "smoke", str(mine))
    assert before == inputs_of("synthetic", "smoke", str(mine)) and before
    save(mine, "r01", **planted(99, 10))
    assert inputs_of("synthetic", "smoke", str(mine)) != before


def test_the_forecast_says_what_the_folder_holds(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))
    planned = plan("smoke", tmp_path / "report", features=str(mine))
    lines = "\n".join(forecast(planned).lines())
    assert "6 recordings of 6 persons, 60 steps, audio 12 and visual 20 wide, a label per step" in lines
    assert "cached      nothing" in lines
    for file in mine.glob("*.npz"):
        save(mine, file.stem, **{name: values for name, values in planted(0, 10).items() if name != "audio"})
    with pytest.raises(UserError, match=r"reads audio, which no recording has: the fusions that make sense are visual"):
        forecast(planned)


def test_what_is_open_passes_through_and_two_sources_are_refused(mine: Path) -> None:
    opened = open_data(features=str(mine), preset="smoke")
    assert open_data(features=opened) is opened
    with pytest.raises(UserError, match="name one of the two"):
        open_data(corpus="elsewhere", features=str(mine))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("report --features videos", "videos holds recordings, not features: give it with --corpus."),
        ("train joint --features mien", "did you mean 'mine'"),
        ("report --corpus mine", "mine holds features, not recordings: give it with --features."),
        ("report --corpus videos --features mine", "corpus has 'videos' and features has 'mine': name one of the two."),
        ("run 2_train -p features=nowhere", "nowhere is not a folder"),
    ],
)
def test_a_folder_of_another_kind_is_one_line_before_any_work(
    words: str, message: str, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from jcalib.cli import main

    tiny_corpus(tmp_path / "videos", 1, 1, frames=32)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["jcalib", *words.split()])
    with pytest.raises(SystemExit) as ending:
        main()
    out, err = capsys.readouterr()
    assert ending.value.code == 2 and out == ""
    assert message in err and err.count("\n") == 1


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole report on recordings with one label each, one of them broken and one without a face."""
    root = tmp_path_factory.mktemp("own")
    folder = planted_folder(root / "mine", ROLES, steps=10, one_label=True)
    (folder / "r00.npz").write_bytes(b"broken")
    save(folder, "r01", **{name: values for name, values in planted(1, 14, one_label=True).items() if name != "visual"})
    command = [str(Path(sys.executable).parent / "jcalib"), "report", "--features", "mine", "--preset", "smoke"]
    environment = {**os.environ, "JCALIB_HOME": str(root / "home")}
    done = subprocess.run(
        [*command, "--fusions", "joint,cross", "--seeds", "2", "--out", "report"],
        cwd=root, env=environment, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "one label per recording, 2 seeds, joint cross" in done.stdout
    assert "One label per recording: each counts once." in done.stdout
    return root / "report"


def record(folder: Path, chapter: str) -> dict[str, Any]:
    return json.loads((folder / "chapters" / f"{chapter}.json").read_text())


@pytest.mark.notebooks
def test_a_report_on_one_label_a_recording(report: Path) -> None:
    status = json.loads((report / "status.json").read_text())
    assert {name: one["status"] for name, one in status["chapters"].items()} == dict.fromkeys(CHAPTERS, "ok")
    text = (report / "1_features.html").read_text()
    assert "r00: it is broken" in text and "no visual: r01." in text
    assert [audit["name"] for audit in record(report, "1_features")["audits"]] == ["mask only", "length only"]
    assert "one label per recording, which counts once" in record(report, "2_train")["headline"]
    ablation = record(report, "4_ablation")
    assert ablation["headline"].startswith("On these features ") and "corpus" not in ablation["headline"]
    assert ablation["detectable"].startswith("10 report persons × 2 seeds")
    assert "covers: one training set, one set of features." in ablation["detectable"]
    (ten,) = {row["clusters"] for row in record(report, "4_ablation")["comparisons"]}
    assert ten == 10
    for row in record(report, "4_ablation")["table"]:
        assert np.isfinite([row["mean"], row["low"], row["high"]]).all()


@pytest.mark.notebooks
def test_its_first_page_speaks_of_features(report: Path) -> None:
    page = (report / "index.html").read_text()
    assert "19 recordings of 19 persons, 1 left out" in page
    assert "<h2>The features</h2>" in page and "The corpus" not in page
    assert "Left out: “5 · Attribution”. It needs the recordings behind the features" in page
    assert "persons × 12 s" not in page, "that is the size of the preset's own corpus"
    for path in [*report.glob("*.html"), *report.glob("*.ipynb")]:
        assert not external(path.read_text()) and str(ROOT) not in path.read_text()


@pytest.mark.notebooks
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", *CHAPTERS])
def test_its_pages_open_without_a_fault(name: str, scheme: str, report: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 900}, color_scheme=scheme)
    faults: list[str] = []
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto((report / f"{name}.html").as_uri())
    assert page.locator("h1").count() == 1
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.close()
    assert not faults
