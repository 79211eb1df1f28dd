"""How a chapter ended is told truthfully, also where papermill says "completed"."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest
from tiny_notebooks import chapter_notebook

from jcalib.files import ROOT
from jcalib.reporting import execute, notebooks
from jcalib.reporting.execute import run_chapter

WriteNotebook = Callable[..., Path]


def written(path: Path | None) -> nbformat.NotebookNode:
    assert path
    return nbformat.read(path, as_version=4)


def banner(notebook: nbformat.NotebookNode) -> str:
    return str(notebook.cells[1].source)


GOOD = """\
import os, sys, warnings
print(out, os.path.abspath(jca.__file__))
for step in range(50):
    print(step, flush=True)
warnings.warn("careful")"""
LONG = """\
from jcalib.progress import stage
import time
with stage("render", total=3) as work:
    for _ in range(3):
        work.advance()
    work.note("3 recordings")
with stage("faces"):
    time.sleep(0.01)"""
PICTURE = """\
import pandas as pd
from matplotlib.figure import Figure
fig = Figure(figsize=(2, 1))
fig.subplots().plot([1, 2])
chapter.show(fig, "line", pd.DataFrame({"y": [1, 2]}), caption="It rises.", alt="A line.", role="scores");"""
FACTS = """\
facts = {"python": sys.executable, "backend": os.environ.get("MPLBACKEND", "")}
chapter.finish("Found.", metrics={"ccc": 0.5}, facts=facts, preset=preset, seeds=seeds)"""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[execute.ChapterResult, Path]:
    """Run one chapter that does everything right, once for all tests that look at it."""
    place = tmp_path_factory.mktemp("good")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebooks, "FOLDER", place)
        patch.setenv("MPLBACKEND", "Agg")
        notebook = chapter_notebook("1_good", GOOD, LONG, PICTURE, FACTS, finish=False)
        nbformat.write(notebook, place / "1_good.ipynb")
        return run_chapter("good", {"preset": "smoke", "seeds": "2"}, place / "report"), place


def test_a_chapter_that_ends_is_ok(good: tuple[execute.ChapterResult, Path]) -> None:
    result, place = good
    assert (result.status, result.error, result.exit_code) == ("ok", None, 0)
    record = json.loads((place / "report" / "chapters" / "1_good.json").read_text())
    assert record["metrics"] == {"ccc": 0.5}
    assert (record["preset"], record["seeds"]) == ("smoke", 2)
    assert [stage["name"] for stage in record["stages"]] == ["render", "faces"]
    assert record["peak_mb"] > 20


def test_the_kernel_is_this_interpreter_without_a_backend(good: tuple[execute.ChapterResult, Path]) -> None:
    _, place = good
    facts = json.loads((place / "report" / "chapters" / "1_good.json").read_text())["facts"]
    assert facts["python"] == sys.executable
    assert "Agg" not in facts["backend"]


def test_the_notebook_names_no_folder_of_this_machine(good: tuple[execute.ChapterResult, Path]) -> None:
    result, place = good
    assert result.notebook
    text = result.notebook.read_text()
    for folder in (str(place), str(ROOT), str(Path.home()) + "/", "ipykernel_"):
        assert folder not in text
    assert '"papermill"' not in text


def test_outputs_are_few(good: tuple[execute.ChapterResult, Path]) -> None:
    notebook = written(good[0].notebook)
    by_kind = {
        kind: [output for cell in notebook.cells for output in cell.get("outputs", []) if kind(output)]
        for kind in (
            lambda output: output.get("name") == "stdout",
            lambda output: "stages" in output.get("metadata", {}).get("jcalib", {}),
            lambda output: "image/png" in output.get("data", {}),
        )
    }
    assert [len(outputs) for outputs in by_kind.values()] == [1, 1, 1]


def test_a_raising_cell_fails_and_is_pointed_at(write: WriteNotebook, tmp_path: Path) -> None:
    write("1_bad", "print('before')", "raise ValueError('8 clips, not <9>')")
    result = run_chapter("1_bad", {}, tmp_path / "report")
    assert (result.status, result.exit_code) == ("failed", 1)
    assert result.error == "ValueError: 8 clips, not <9>"
    notebook = written(result.notebook)
    assert "not &lt;9&gt;" in banner(notebook)
    stopped = next(index for index, cell in enumerate(notebook.cells) if execute.STOPPED in cell.source and index > 1)
    assert notebook.cells[stopped + 1].source.startswith("raise")
    assert any("before" in str(cell.get("outputs")) for cell in notebook.cells)


def test_leaving_early_without_an_error_is_a_failure(write: WriteNotebook, tmp_path: Path) -> None:
    record = tmp_path / "report" / "chapters" / "1_exit.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    write("1_exit", "import sys; sys.exit(0)")
    result = run_chapter("1_exit", {}, tmp_path / "report")
    assert result.status == "failed"
    assert "before its last cell" in str(result.error)
    assert not record.exists(), "an earlier run's record must not speak for this one"


@pytest.mark.parametrize("limits", [{"cell_timeout": 1.0}, {"timeout": 4.0}])
def test_a_cell_that_does_not_end_is_a_timeout(limits: dict[str, float], write: WriteNotebook, tmp_path: Path) -> None:
    write("1_slow", "print('before')", "import time; time.sleep(60)")
    started = time.monotonic()
    result = run_chapter("1_slow", {}, tmp_path / "report", **limits)
    assert time.monotonic() - started < 30
    assert (result.status, result.exit_code) == ("timeout", 124)
    assert "timeout" in banner(written(result.notebook))


def test_a_dying_kernel_is_told_and_leaves_no_process(write: WriteNotebook, tmp_path: Path) -> None:
    worker = (
        "import subprocess, sys, os\nworker = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])"
    )
    note = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(worker.pid))"
    write("1_dead", f"{worker}\n{note}\nprint('before')", "os._exit(1)")
    result = run_chapter("1_dead", {}, tmp_path / "report")
    assert (result.status, result.exit_code) == ("dead kernel", 138)
    assert "dead kernel" in banner(written(result.notebook))
    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("chapter", "parameters", "message"),
    [
        ("1_good", {"sedes": 1}, "did you mean 'seeds'"),
        ("1_good", {"seeds": "many"}, "takes int"),
        ("1_goood", {}, "did you mean '1_good'"),
    ],
)
def test_mistakes_are_refused_before_a_kernel_starts(
    chapter: str,
    parameters: dict[str, object],
    message: str,
    write: WriteNotebook,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execute, "_execute", lambda *_: pytest.fail("a kernel was started"))
    write("1_good")
    result = run_chapter(chapter, parameters, tmp_path / "report")
    assert (result.status, result.exit_code, result.notebook) == ("refused", 2, None)
    assert message in str(result.error)


def test_the_environment_of_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    from jcalib.reporting.kernel import environment

    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    made = environment()
    assert "MPLBACKEND" not in made
    assert made["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "/elsewhere"]
