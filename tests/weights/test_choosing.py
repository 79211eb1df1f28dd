"""Weights that a user names beside a preset: `--weights visual=FILE`."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from jcalib.cli import main
from jcalib.reporting.report import plan
from jcalib.settings import PRESETS, UserError
from jcalib.weights import with_weights
from tests.builders import tiny_corpus
from tests.encoders.layouts import drawn, i3d_shapes

Command = Callable[[str], tuple[int, str, str]]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of I3D's layout."""
    path = tmp_path_factory.mktemp("weights") / "mine.pt"
    torch.save(drawn(i3d_shapes()), path)
    return path


@pytest.fixture
def jcalib(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in the folder of the file, where `tiny` is a corpus and `own` a folder of own features."""
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(file.parent)
    if not Path("tiny").is_dir():
        tiny_corpus(file.parent / "tiny", train=2)
        (file.parent / "own").mkdir()
        np.savez(file.parent / "own" / "a.npz", audio=np.zeros((9, 2)), target=np.zeros(2))

    def command(words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["jcalib", *words.split()])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        return int(ending.value.code or 0), out, err

    return command


def test_a_preset_with_another_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    chosen = with_weights("paper", ["visual=mine.pt"])
    assert chosen.encoder.weights == {"audio": "tsav", "visual": str(file)}
    assert with_weights("paper", ["visual = i3d", "audio=tsav"]) == PRESETS["paper"] == with_weights("paper")


def test_a_report_is_planned_with_it(jcalib: Command, file: Path) -> None:
    code, out, err = jcalib("report --corpus tiny --preset paper --weights visual=mine.pt --dry-run")
    assert code == 0, err
    assert f"visual: {file}" in out and "audio: MISSING" in out
    assert any("encoder.weights_visual" in line and line.endswith("your own choice") for line in out.splitlines())
    planned = plan("paper", file.parent / "report", weights=[f"visual={file}"])
    assert planned.id != plan("paper", file.parent / "report").id
    assert all(step.parameters["weights"] == [f"visual={file}"] for step in planned.steps)


@pytest.mark.parametrize("verb", ["report --dry-run", "train joint", "ablate joint,cross", "search", "corpus audit"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("mine.pt", "weights has 'mine.pt': it takes a modality and a file, as visual=i3d.pt"),
        ("visual=", "weights has 'visual='"),
        ("face=mine.pt", "unknown modality of weights 'face': choose from audio, visual."),
        ("visual=nowhere.pt", "nowhere.pt is not a file"),
        ("visual=i4d", "unknown weights file 'i4d': did you mean 'i3d'?"),
        ("audio=mine.pt", "mine.pt: "),
        ("visual=mine.pt --weights visual=i3d", "weights name visual twice"),
    ],
)
def test_a_mistake_is_one_line_before_any_work(jcalib: Command, verb: str, given: str, said: str) -> None:
    code, out, err = jcalib(f"{verb} --preset paper --weights {given}")
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1


def test_own_features_take_no_weights(jcalib: Command) -> None:
    code, _, err = jcalib("report --features own --weights visual=mine.pt --dry-run")
    assert code == 2 and "own features are encoded already" in err and err.count("\n") == 1
    code, _, err = jcalib("run 2_train -p features=own -p weights=visual=mine.pt")
    assert code == 2 and "own features are encoded already" in err
    with pytest.raises(UserError, match="it takes a modality"):
        plan("paper", weights=["mine.pt"])
