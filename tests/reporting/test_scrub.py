"""Folders of this machine leave a notebook; pictures stay byte for byte."""

import sysconfig
from pathlib import Path

import nbformat
import pytest

from jcalib.files import ROOT
from jcalib.reporting.scrub import cleaner, scrub


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"{ROOT}/jcalib/clips.py:12", "./jcalib/clips.py:12"),
        (f"\x1b[32m{ROOT}/jcalib/clips.py\x1b[39m", "\x1b[32m./jcalib/clips.py\x1b[39m"),
        (f"{sysconfig.get_paths()['purelib']}/torch/x.py", "site-packages/torch/x.py"),
        ("/elsewhere/home/runs/joint", "data/runs/joint"),
        (f"open('{Path.home()}/secret')", "open('~/secret')"),
        ("/somewhere/ipykernel_12/3456.py:1: UserWarning", "cell:1: UserWarning"),
        (f"{ROOT}2/other", f"{ROOT}2/other"),
        ("/elsewhere/affwild2/videos", "affwild2/videos"),
    ],
)
def test_folders_get_short_names(text: str, clean: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", "/elsewhere/home")
    assert cleaner(tmp_path, {"corpus": "/elsewhere/affwild2"})(text) == clean


def test_a_report_inside_the_checkout_keeps_its_place(tmp_path: Path) -> None:
    assert cleaner(ROOT / "reports" / "quick-1", {})(f"{ROOT}/reports/quick-1/a.csv") == "reports/quick-1/a.csv"
    assert cleaner(tmp_path / "mine", {})(f"{tmp_path}/mine/a.csv") == "mine/a.csv"


def test_pictures_are_left_alone(tmp_path: Path) -> None:
    data = {"image/png": f"{ROOT}", "text/plain": f"{ROOT}/x", "application/json": {"a": [f"{ROOT}/y"]}}
    output = nbformat.v4.new_output("display_data", data=data)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])])
    scrub(notebook, cleaner(tmp_path, {}))
    assert notebook.cells[0].outputs[0].data == {
        "image/png": f"{ROOT}",
        "text/plain": "./x",
        "application/json": {"a": ["./y"]},
    }


@pytest.mark.parametrize("size", [2_000_000])
def test_a_player_of_millions_of_characters_is_one_pass(size: int, tmp_path: Path) -> None:
    text = "A" * size
    assert cleaner(tmp_path, {})(text) == text  # scanned from every character this would take hours
