"""`jcalib predict`: what it prints, and its exit codes."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jcalib import progress
from jcalib.cli import main
from jcalib.training import Run
from tests.builders import add_recording


@pytest.fixture
def jcalib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setattr(progress, "_listeners", [])

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["jcalib", "predict", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        return int(ending.value.code or 0), out, err

    return command


def test_predictions_say_where_they_come_from_and_how_far_to_trust_them(
    run: Run, tmp_path: Path, jcalib: Callable[..., tuple[int, str, str]]
) -> None:
    add_recording(tmp_path, "wall", frames=40)
    video, out = tmp_path / "videos" / "wall.mp4", tmp_path / "out"
    code, said, err = jcalib(str(video), "--run", run.folder.name, "--out", str(out), "--device", "cpu")
    assert code == 0, err
    lines = said.splitlines()
    assert lines[0] == f"run {run.folder.name}"
    assert lines[1].startswith("valence: nominal 90 %, ± ") and "on 1 report person, " in lines[1]
    assert lines[3].startswith("wall.mp4: 1.6 s, 40 frames: face 0 %, voice 100 %, predicted 100 %. No face was found.")
    assert lines[4] == str(out / "index.html")
    assert [line.split()[0] for line in err.splitlines()] == ["predict", "draw", "predict"]
    (tmp_path / "broken.mp4").write_text("nothing")
    code, _, err = jcalib(str(tmp_path / "broken.mp4"), str(video), "--run", str(run.folder), "--out", str(out))
    assert code == 1
    assert "broken.mp4 cannot be read" in err and "(not predicted)" in err
    code, _, err = jcalib(str(tmp_path / "nowhere.mp4"), "--run", str(run.folder), "--out", str(out))
    assert code == 2 and err.count("\n") == 1 and "nowhere.mp4 does not exist" in err
