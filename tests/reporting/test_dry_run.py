"""`jcalib report --dry-run` prints the whole plan of a miniature corpus, and starts nothing."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from jcalib.cli import main
from jcalib.files import ROOT
from jcalib.media import containers
from jcalib.papers import sourced
from jcalib.reporting import execute
from jcalib.settings import PRESETS, preset
from tests.builders import add_recording
from tests.corpora.own_videos import add_grey, drawn_folder

ANNOTATIONS = Path("annotations") / "VA_Estimation_Challenge"


@pytest.fixture(scope="module")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three train recordings of 320, 48 and 48 frames, one of validation, and one without its video."""
    root = tmp_path_factory.mktemp("corpora") / "miniature"
    half = np.where(np.arange(48)[:, None] < 20, -5.0, [[0.1, 0.2]])
    add_recording(root, "long", frames=320)
    add_recording(root, "lost", lost=range(48))
    add_recording(root, "half", labels=half)
    add_recording(root, "seen", "Validation_Set", lost=range(5))
    (root / ANNOTATIONS / "Train_Set" / "ghost.txt").write_text("valence,arousal\n0.1,0.2\n")
    return root


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Returns the plan of a preset; that anything is started, written or fetched fails the test."""
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(execute, "_execute", lambda *_: pytest.fail("a kernel was started"))
    reports = sorted((ROOT / "reports").iterdir())

    def printed(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["jcalib", "report", *words, "--dry-run"])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        assert not ending.value.code and err == ""
        assert not (tmp_path / "home").exists() and sorted((ROOT / "reports").iterdir()) == reports
        return out

    return printed


def test_the_plan_of_a_user_s_corpus_has_counts_settings_costs_and_what_is_skipped(plan, miniature: Path) -> None:
    text = plan("--corpus", str(miniature), "--preset", "paper")

    def row(pattern: str) -> None:
        assert re.search(rf"^ +{pattern}$", text, re.MULTILINE), pattern

    row("split +role +recordings +persons +frames +annotated +with a face")
    row(rf"train +fusion +3 +3 +416 +{416 - 20} +{416 - 48}")
    row("validation +report +1 +1 +48 +48 +43")
    row("all +4 +4 +464 +444 +411")
    for setting in sourced(preset("paper")):
        row(f"{re.escape(setting.setting)} +{re.escape(setting.value)} +{re.escape(setting.source)}")
        assert setting.note in text
    assert "visual: MISSING" in text and "jcalib weights fetch i3d" in text and "research use only" in text
    assert "numbers would be selected on validation, as published" in text
    row("clips to encode: 464, one every frame")
    row(r"visual features: 464 x 1024 x 4 bytes = 0\.002 GB")
    row(r"visual encoding: 464 x 2000 ms = 0\.26 h of one processor, without reading the files")
    # `long` holds 320 - 7 x 32 = 96 sequences; an epoch takes 416 / 8 = 52, one batch.
    row("training: 14 fusions x 30 epochs x 1 step of 96 sequences, 10 seeds at once: not measured for paper on cpu")
    row(r"ghost: there is no video named ghost.*\(recording left out\)")
    row("2 fusion recordings have no sequence of 256 frames to train on: half, lost")
    row("1 recordings have no face at all: lost")
    assert text.endswith("Nothing was rendered, encoded or trained.\n")


def test_sequences_that_no_recording_holds_are_said_before_the_training_says_so(plan, miniature: Path) -> None:
    text = plan("--corpus", str(miniature), "--preset", "paper-tbiom", "--seeds", "3", "--fusions", "joint,cross")
    assert (
        "training: it would be refused, no fusion person's recording holds a sequence of 16 clips (512 frames)" in text
    )
    assert re.search(r"^ +seeds +3 ", text, re.MULTILINE) and re.search(r"^ +fusions +joint cross ", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["smoke", "quick", "full", "paper"])
def test_every_preset_has_a_plan_before_its_corpus_is_rendered(plan, name: str) -> None:
    text, split = plan("--preset", name), PRESETS[name].corpus.split
    frames = round(PRESETS[name].corpus.seconds * 25)
    for role, persons in (("fusion", split.fusion), ("report", split.report)):
        assert re.search(rf"{role} +{persons} +{persons} +{persons * frames:,} +once rendered", text)
    assert "nothing is known before the corpus is rendered" in text


def test_own_features_have_a_plan_without_encoding(plan, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(6):
        values = {name: rng.normal(size=(30, 5)).astype(np.float32) for name in ("audio", "visual")}
        np.savez(tmp_path / f"r{number}.npz", target=rng.uniform(-1, 1, (30, 2)).astype(np.float32), **values)
    text = plan("--features", str(tmp_path), "--preset", "paper")
    assert re.search(r"^ +all +6 +6 +180 +180 +180$", text, re.MULTILINE)
    assert "clips to encode" not in text and "MISSING" not in text and "training: 14 fusions x 30 epochs" in text


def test_a_plan_of_own_videos_decodes_none_of_them(plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = drawn_folder(tmp_path / "own", persons=3, frames=50)
    for name in ("take_2", "take_3"):
        shutil.copytree(add_grey(tmp_path / "grey", name, frames=50).parent / "faces" / name, root / "faces" / name)
    monkeypatch.setattr(containers, "_decoded", lambda video: pytest.fail(f"{video} was decoded"))
    text = plan("--corpus", str(root), "--preset", "smoke")
    assert re.search(r"^ +all +3 +3 +150 +150 +to be found$", text, re.MULTILINE)
    assert re.search(r" +1 +1 +50 +50 +50$", text, re.MULTILINE), "crops that are there are counted"
    assert "faces: yet to be found in 1 video of 2 s in all, by cascades: 0 s to 1 s of one processor" in text
    assert "whether these have a face, and decode to their end, shows once faces are found: take_1" in text
    assert "no face at all" not in text
