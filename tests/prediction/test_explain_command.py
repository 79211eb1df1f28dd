"""`jcalib explain`: a video of one's own becomes a player; a mistake is one line."""

import html
import shutil
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jcalib.cli import main
from jcalib.explain import open_video, playback
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
    whose = "of the run's training persons"
    assert f"influence: as {len(run.reference.heard)} clips of voice and" in said and f"of face {whose} vary" in said
    assert "maps: against a baseline (blurred face, own noise floor)" in said
    shares = f"a missing one is replaced by {len(run.reference.audio)} sequences of 2 clips {whose}."
    assert 0 < len(run.reference.audio) <= 16 and f"shares: Shapley values, |voice| against |face|; {shares}" in said
    assert shares in html.unescape(page) and f"of face {whose} do (temporal influence)" in html.unescape(page)
    assert "3.0 s" in said


def test_a_video_shorter_than_a_sequence_is_shared_out_too(run: Run, film: Callable[..., Path]) -> None:
    corpus, features = open_video(film("short.mp4", frames=40), run)
    for track in playback([run], corpus, features, "short").tracks.values():
        assert np.isfinite(track.shares).all() and np.abs(track.shares).max() > 0 and track.influence.max() > 0


def test_a_run_without_its_training_persons_is_refused(
    jcalib: Command, run: Run, film: Callable[..., Path], tmp_path: Path
) -> None:
    bare = shutil.copytree(run.folder, tmp_path / run.folder.name)
    (bare / "reference.safetensors").unlink()
    (bare / "status.json").write_text('{"status": "ok"}')  # as an earlier version did, which kept none
    code, _, err = jcalib("explain", str(film("clip.mp4")), "--run", str(bare))
    assert code == 2 and "keeps no features of its training persons" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["sound.wav"], "has no pictures"),
        (["."], ". is a folder: name a video"),
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


def test_two_runs_of_one_fusion_are_refused_before_any_work(
    jcalib: Command, run: Run, film: Callable[..., Path], tmp_path: Path
) -> None:
    twice = ("--run", run.folder.name, "--run", str(run.folder))
    code, out, err = jcalib("explain", str(film("clip.mp4")), *twice, "--out", str(tmp_path / "player.html"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "runs are both of joint: name one run a fusion, such as one of joint and one of cross." in err


def test_a_player_is_not_written_over_its_video(jcalib: Command, run: Run, film: Callable[..., Path]) -> None:
    video = film("clip.mp4")
    before = video.read_bytes()
    code, out, err = jcalib("explain", str(video), "--run", run.folder.name, "--out", str(video))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "ends in .html" in err and video.read_bytes() == before
