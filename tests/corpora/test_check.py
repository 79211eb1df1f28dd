"""Every quirk of Aff-Wild2 is found once, and the check's counts are the builder's."""

import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jcalib.cli import main
from jcalib.corpora import UnusableCorpus, open_corpus, read_affwild2
from jcalib.corpora.check import check_corpus
from jcalib.settings import Split, UserError
from tests.builders import add_recording, tiny_corpus
from tests.corpora.miniature import FRAMES, Miniature, build_miniature

SPLIT = Split(encoder=1, fusion=1, selection=1, report=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Miniature:
    return build_miniature(tmp_path_factory.mktemp("corpora") / "miniature")


def test_the_checks_counts_are_the_builders(made: Miniature) -> None:
    check = check_corpus(made.root, "smoke")
    found = Counter((one.kind, one.file, one.line) for one in check.problems)
    assert found == Counter((quirk.kind, quirk.file, quirk.line) for quirk in made.quirks) + Counter(
        [("no soundtrack", "videos/dropped.avi", None)]
    )
    what = {(one.kind, one.file): one.what for one in check.problems}
    for quirk in made.quirks:
        if quirk.count is not None:
            numbers = re.findall(r"\d+", what[quirk.kind, quirk.file])
            assert str(quirk.count) in numbers[:2], quirk
    assert sorted(check.lost) == sorted(made.lost + made.late)
    usable = {name: frames for name, frames in made.usable.items() if name not in made.late}
    assert {one.name: one.length for one in check.recordings} == usable
    for recording, rate in zip(check.recordings, check.rates, strict=True):
        assert rate == pytest.approx(made.rates[recording.name], rel=1e-3)
    assert any(line.startswith("frame rate  22.16 to 60.00") for line in check.lines())


def test_the_reader_sees_what_the_check_sees(made: Miniature) -> None:
    corpus = open_corpus(made.root, "smoke")
    assert {one.name: one.length for one in corpus.recordings} == made.usable
    assert sorted(corpus.failures["name"]) == sorted(made.lost)
    assert set(corpus.problems) <= set(check_corpus(made.root, "smoke").problems)
    assert {one.name for one in corpus.with_role("test")} == {"exam", "listed_left"}
    assert {one.name for one in corpus.with_role("report")} == {"judge", "pair_right"}
    notes = "\n".join(corpus.notes)
    assert "typos.txt line 7: '0.1;0.2': a line must be valence,arousal (3 of this kind in the file)" in notes
    assert len(corpus.notes) == 8  # blank, nobody, typos, longer, shorter, faceless, twin and the other edition
    duo = [one for one in corpus.recordings if one.person == "duo"]
    assert [one.name for one in duo] == ["duo_left", "duo_right"] and duo[0].video == duo[1].video


def test_labels_json_is_read_here_too_and_said(tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "tiny")
    before = {one.name: one.labels for one in open_corpus(root, "smoke").recordings}
    (root / "labels.json").write_text('{"delay": [0.4, 0], "median": 3}')
    check, said = check_corpus(root, "smoke"), "Labels: a rater's delay of 0.4 s (valence) and 0 s (arousal) is"
    assert any(one.what.startswith(said) for one in check.problems) and "Labels: median of 3 frames." in check.table()
    corpus = open_corpus(root, "smoke")
    assert corpus.notes[-2].startswith(said)
    for one in corpus.recordings:
        np.testing.assert_allclose(one.labels[1:37, 0], before[one.name][11:47, 0], atol=1e-4)
        assert np.isnan(one.labels[38:, 0]).all() and np.isfinite(one.labels[:, 1]).all()
    (root / "labels.json").write_text('{"dealy": [0.4, 0]}')
    with pytest.raises(UserError, match="'dealy': did you mean 'delay'"):
        check_corpus(root, "smoke")


def test_masks_are_the_builders(made: Miniature) -> None:
    read = {one.name: one for one in open_corpus(made.root, "smoke").recordings}
    invalid = pd.DataFrame(read["invalid"].labels).isna()
    assert (invalid.sum().tolist(), int(invalid.all(axis=1).sum())) == ([7, 6], 5)
    assert read["hidden"].face_present().tolist() == [False] * 6 + [True] * (FRAMES - 6)
    assert not read["faceless"].face_present().any()
    assert read["windows"].face_present().all()


@pytest.fixture
def jcalib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["jcalib", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        return int(ending.value.code or 0), out, err

    return command


def test_the_command_lists_all_and_writes_a_csv(made: Miniature, jcalib, tmp_path: Path) -> None:
    code, out, _ = jcalib("corpus", "check", str(made.root), "--preset", "smoke", "--out", str(tmp_path))
    assert code == 1
    table = pd.read_csv(tmp_path / "problems.csv")
    assert list(table.columns) == ["file", "line", "what", "consequence"]
    assert len(table) == len(made.quirks) + 1
    assert len(out.split("\nrecordings")[0].strip().splitlines()) == len(table) - (FRAMES - 5) + 1
    assert "and 35 more of this kind" in out
    for words in (
        "stray 10",
        "unreadable line 43",
        "typos.txt",
        f"lost        {len(made.lost + made.late)} recordings: ",
    ):
        assert words in out


def test_notes_alone_are_exit_code_0(jcalib, tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "corpus")
    add_recording(root, "long", frames=40, labels=[(0, 0)] * 43)
    code, out, _ = jcalib("corpus", "check", str(root), "--out", str(tmp_path))
    assert code == 0
    assert "long has 43 labels for 40 frames" in out and "5 usable" in out
    assert len(pd.read_csv(tmp_path / "problems.csv")) == 5  # four have lost faces


def test_a_corpus_in_which_nothing_is_usable_is_listed_too(jcalib, tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "corpus")
    for video in (root / "videos").iterdir():
        video.write_bytes(b"")
    with pytest.raises(UnusableCorpus, match=r"0 usable persons.*corpus check lists"):
        read_affwild2(root, SPLIT)
    code, out, _ = jcalib("corpus", "check", str(root), "--out", str(tmp_path))
    assert code == 1
    assert out.count("p1.mp4 cannot be read") == 1 and "0 usable persons" in out
    assert len(pd.read_csv(tmp_path / "problems.csv")) == 4


@pytest.mark.parametrize(
    ("annotations", "sets"),
    [
        ("annotations/VA_Set", ("Train_Set", "Val_Set")),
        ("6th ABAW Annotations/VA_Estimation_Challenge", ("Train_Set", "Validation_Set")),
        ("VA_Set", ("Training_Set", "Validation_Set")),
        ("Annotations", ("Train_Set", "Val_Set")),
    ],
)
def test_editions_differ_in_their_folders(tmp_path: Path, annotations: str, sets: tuple[str, str]) -> None:
    root = tiny_corpus(tmp_path / "corpus")
    official = root / "annotations" / "VA_Estimation_Challenge"
    (tmp_path / "aside").mkdir()
    for name, new in zip(("Train_Set", "Validation_Set"), sets, strict=True):
        (official / name).rename(tmp_path / "aside" / new)
    official.rmdir()
    official.parent.rmdir()
    (root / annotations).parent.mkdir(exist_ok=True)
    (tmp_path / "aside").rename(root / annotations)
    (root / "videos").rename(root / "batch1")
    corpus = read_affwild2(root, SPLIT)
    assert [one.split for one in corpus.recordings] == ["train"] * 3 + ["validation"]
    assert not corpus.notes and corpus.failures.empty


def test_crops_and_sound_without_a_video_are_not_enough(tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "corpus")
    (root / "videos" / "p1.mp4").rename(root / "p1.wav")
    what = read_affwild2(root, SPLIT).failures.iloc[0]["what"]
    assert what == "there is no video named p1: every annotation needs its video"
