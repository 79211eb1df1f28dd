"""From a trained run to the challenge's file: the test set is predicted, opened on request, and counted."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jcalib.cli import main
from jcalib.corpora import Corpus, open_corpus
from jcalib.corpora.templates import read_values
from jcalib.files import read_json
from jcalib.settings import Preset, Split, UserError, preset
from jcalib.submission import submit
from jcalib.training import Run, extract, fit
from tests.builders import add_recording, tiny_corpus


def small() -> Preset:
    chosen = preset("smoke", hop=16)
    return chosen.changed(
        corpus=chosen.corpus.changed(split=Split(encoder=1, fusion=1, selection=0, report=1)),
        encoder=chosen.encoder.changed(epochs=1),
        training=chosen.training.changed(clips=1, epochs=1, dim=8, rank=4),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Corpus, Path]:
    """A run, its corpus with the test recordings `exam` and `quiz`, and a template that asks for more and less."""
    folder = tmp_path_factory.mktemp("submission")
    root = tiny_corpus(folder / "corpus", train=2, validation=1)
    for name in ("exam", "quiz"):
        add_recording(root, name, "Test_Set")
    rows = [("quiz", number) for number in range(1, 51)] + [("exam", number) for number in range(11, 49)]
    rows.append(("ghost", 1))
    text = ["image_location,valence,arousal", *(f"{name}/{number:05d}.jpg,," for name, number in rows)]
    (folder / "sample.txt").write_text("\n".join(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(folder / "home"))
        corpus = open_corpus(root, small())
        run = fit("concat", extract(corpus, small(), "cpu"), seeds=2, preset=small(), device="cpu")
    return run, corpus, folder / "sample.txt"


@pytest.fixture(autouse=True)
def _home(made: tuple[Run, Corpus, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(made[2].parent / "home"))


def test_training_does_not_open_the_test_set(made: tuple[Run, Corpus, Path]) -> None:
    run, _, _ = made
    assert set(run.predictions["recording"]) == {"p3"}
    assert not (run.folder / "test_openings.json").exists()


def test_the_file_is_the_mean_over_seeds_in_the_templates_order(made: tuple[Run, Corpus, Path], tmp_path: Path) -> None:
    run, corpus, template = made
    before = len(read_json(run.folder / "test_openings.json")) if (run.folder / "test_openings.json").exists() else 0
    submission = submit(run, corpus, template, tmp_path, device="cpu")
    counts = submission.frame().set_index("video")
    assert counts.loc["quiz", ["rows", "padded", "cut"]].tolist() == [50, 2, 0]
    assert counts.loc["exam", ["rows", "padded", "cut"]].tolist() == [38, 0, 10]
    assert submission.missing == ("ghost",)
    assert submission.openings == before + 1
    assert read_json(run.folder / "test_openings.json")[-1]["template"] == "sample.txt"
    values = read_values(submission.files[0])
    assert list(values) == ["quiz", "exam", "ghost"]
    ends = np.array([15, 31, 47])
    features = extract(corpus, small(), "cpu")
    rows = features.of("quiz")
    ensemble = run.ensemble("cpu")
    import torch

    audio, visual = (torch.from_numpy(np.asarray(one)[rows])[:, None] for one in (features.audio, features.visual))
    mask = torch.from_numpy(features.valid[rows])[:, None]
    expected = ensemble(audio, visual, mask).prediction.mean(0)[:, 0].detach().numpy()
    np.testing.assert_allclose(values["quiz"][ends], expected.clip(-1, 1), atol=1e-4)


def test_smoothing_is_off_unless_asked_for(made: tuple[Run, Corpus, Path], tmp_path: Path) -> None:
    run, corpus, template = made
    plain, smoothed = (
        read_values(submit(run, corpus, template, tmp_path / str(over), over, "cpu").files[0])["quiz"]
        for over in ((), (20, 50))
    )
    assert np.abs(np.diff(smoothed[:48, 1])).max() < np.abs(np.diff(plain[:48, 1])).max()


def test_the_command_says_what_it_padded_and_counts(
    made: tuple[Run, Corpus, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, corpus, template = made
    words = [
        "--run",
        run.folder.name,
        "--template",
        str(template),
        "--corpus",
        str(corpus.root),
        "--out",
        str(tmp_path),
    ]
    monkeypatch.setattr(sys, "argv", ["jcalib", "submission", *words, "--device", "cpu"])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 1
    out = capsys.readouterr().out
    for sentence in (
        "3, 89 rows",
        "2 rows of 1 videos repeat",
        "10 predicted frames of 1 videos",
        "1 videos are zeros: ghost",
    ):
        assert sentence in out
    assert (tmp_path / "submission" / "sample.txt").is_file()
    assert len(pd.read_csv(tmp_path / "counts.csv")) == 3


def test_a_corpus_without_a_test_set_is_refused(made: tuple[Run, Corpus, Path], tmp_path: Path) -> None:
    run, _, template = made
    bare = open_corpus(tiny_corpus(tmp_path / "bare"), small())
    with pytest.raises(UserError, match="has 0 test recordings"):
        submit(run, bare, template, tmp_path)
