"""The chapters themselves: executed as a user would, at the size of `smoke`, and their pages opened in a browser."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from chapter_shell import BIN, run
from references import external

import jcalib as jca
from jcalib.files import ROOT
from jcalib.reporting.report import plan
from jcalib.training import TARGETS
from jcalib.views.explorer import Explorer
from jcalib.views.player import player_page

pytestmark = pytest.mark.notebooks

CHAPTERS = tuple(step.chapter for step in plan("smoke").steps)
ARTEFACTS = ROOT / "tests" / "artefacts"


def record(folder: Path, chapter: str) -> dict[str, Any]:
    return json.loads((folder / "chapters" / f"{chapter}.json").read_text())


def test_every_chapter_reaches_its_end(report: tuple[Path, str]) -> None:
    folder, _ = report
    status = json.loads((folder / "status.json").read_text())
    assert status["status"] == "ok"
    assert {name: one["status"] for name, one in status["chapters"].items()} == dict.fromkeys(CHAPTERS, "ok")


def test_the_command_says_where_it_is_what_it_took_and_what_came_out(report: tuple[Path, str]) -> None:
    _, text = report
    for chapter in CHAPTERS:
        assert chapter in text
    assert "index.html" in text
    assert "too few recordings" in text, "two report persons allow no verdict, and the headline says so"


def test_the_table_is_that_of_the_runs(report: tuple[Path, str], home: Path) -> None:
    folder, _ = report
    found = record(folder, "4_ablation")
    for row in found["table"]:
        candidates = [path.parent for path in (home / "runs").glob(f"{row['fusion']}-*/settings.json")]
        settings = {path: json.loads((path / "settings.json").read_text()) for path in candidates}
        (run_folder,) = [path for path in candidates if settings[path]["features"] == found["data"]]
        scores = pd.DataFrame(json.loads((run_folder / "metrics.json").read_text())["scores"])
        means = scores.groupby("target")["ccc"].mean()
        assert row["ccc_valence"] == pytest.approx(means["valence"], abs=1e-5)
        assert row["ccc_arousal"] == pytest.approx(means["arousal"], abs=1e-5)


def test_the_attribution_adds_up(report: tuple[Path, str]) -> None:
    metrics = record(report[0], "5_attribution")["metrics"]
    assert abs(metrics["delta"]) <= max(0.01 * abs(metrics["difference"]), 1e-3)


def test_the_player_of_the_report_has_the_maps_of_the_widget(
    report: tuple[Path, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(home))
    exported = (report[0] / "player.html").read_text()
    (recording,) = re.findall(r"<title>(\S+), frame by frame</title>", exported)
    corpus = jca.open_corpus("synthetic", "smoke")
    features = jca.extract(corpus, "smoke")
    runs = [jca.fit(fusion, features, None, "smoke") for fusion in ("joint", "cross")]
    explorer = Explorer.of(runs, corpus, features, recording, "valence")
    for target in TARGETS:
        shown = explorer.playback(recording, target, "integrated_gradients")
        assert f"joint/{target}/face" in arrays(exported)
        assert arrays(player_page(shown)).items() <= arrays(exported).items()


def arrays(page: str) -> dict[str, Any]:
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(data)["arrays"]


def test_the_pages_load_nothing_from_outside(report: tuple[Path, str]) -> None:
    pages = list(report[0].glob("*.html"))
    assert {page.stem for page in pages} == {"index", "player", *CHAPTERS}
    for page in pages:
        assert not external(page.read_text()), page.name


def test_the_executed_notebooks_name_no_folder_of_this_machine(report: tuple[Path, str], home: Path) -> None:
    for path in [*report[0].glob("*.ipynb"), *report[0].glob("*.html"), *report[0].rglob("*.json")]:
        text = path.read_text()
        assert str(ROOT) not in text and str(home) not in text, path.name


def test_a_second_report_executes_nothing_and_says_so(report: tuple[Path, str], home: Path) -> None:
    folder, _ = report
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.ipynb")}
    done = run([str(BIN / "jcalib"), "report", "--preset", "smoke", "--out", str(folder)], home, folder.parent)
    assert done.returncode == 0
    assert "unchanged" in done.stdout + done.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*.ipynb")} == before


def test_papermill_runs_a_chapter_by_hand_from_any_folder(home: Path, tmp_path: Path) -> None:
    source = str(ROOT / "notebooks" / "2_train.ipynb")
    command = [str(BIN / "papermill"), source, "out.ipynb", "-p", "fusion", "cross", "-p", "seeds", "3"]
    done = run([*command, "-p", "preset", "smoke"], home, tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((home / "scratch" / "2_train" / "chapters" / "2_train.json").read_text())
    assert found["seeds"] == [0, 1, 2] and found["run"].startswith("cross-")


def test_papermill_with_a_misspelt_parameter_stops_at_the_first_cell(home: Path, tmp_path: Path) -> None:
    source = str(ROOT / "notebooks" / "2_train.ipynb")
    done = run(
        [str(BIN / "papermill"), source, "out.ipynb", "-p", "sedes", "3", "-p", "preset", "smoke"], home, tmp_path
    )
    assert done.returncode == 1
    assert "unknown parameter of 2_train 'sedes': did you mean 'seeds'?" in done.stderr


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index", *CHAPTERS])
def test_the_pages_open_without_a_fault(name: str, report: tuple[Path, str], browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    faults: list[str] = []
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((report[0] / f"{name}.html").as_uri())
    assert page.locator("h1").count() == 1
    broken = "[...document.images].filter(image => !(image.complete && image.naturalWidth)).map(image => image.src)"
    assert page.evaluate(broken) == []
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)
    page.close()
    assert not faults
