"""`jcalib explain`: a video of one's own becomes a player; a mistake is one line."""

import sys
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from jcalib.cli import main
from jcalib.training import Run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def jcalib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["jcalib", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        return int(ending.value.code or 0), out, err

    return command


def test_a_video_becomes_a_player(jcalib: Command, run: Run, film: Callable[..., Path], tmp_path: Path) -> None:
    video, out = film("holiday.mp4", frames=100), tmp_path / "made" / "player.html"
    code, said, _ = jcalib("explain", str(video), "--run", run.folder.name, "--out", str(out), "--seconds", "3")
    assert code == 0, said
    page = out.read_text()
    assert "<h1>holiday</h1>" in page and "joint" in page
    assert '"annotated": false' in page
    assert "joint, valence: 2 of 2 maps add up" in said, "75 frames hold two whole clips"
    assert "3.0 s" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["sound.wav"], "has no pictures"),
        (["."], ". does not exist: name a video"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], said: str, jcalib: Command, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with wave.open("sound.wav", "w") as file:
        file.setparams((1, 2, 44_100, 0, "NONE", ""))
        file.writeframes(bytes(88_200))
    code, _, err = jcalib("explain", *words, "--run", run.folder.name)
    assert code == 2
    assert said in err.splitlines()[-1]
