"""RECOLA's layout on a miniature: gold standard before raters, ratings on the frames' clock, delays on request."""

import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from jcalib.clips import clip_ends
from jcalib.corpora import Corpus, UnusableCorpus, open_corpus
from jcalib.corpora.ratings import read_ratings
from jcalib.inputs import clip_inputs
from jcalib.media import write_picture, write_video
from jcalib.settings import LabelSettings, UserError, preset
from tests.builders import RATE, square_face, tone

FRAMES = 100
RATED = np.arange(FRAMES) * 0.04  # 25 frames a second: every frame is rated
NAMES = ("train_1", "train_2", "dev_1", "test_1")


def truth(target: str) -> np.ndarray:
    return np.sin(RATED) * (0.8 if target == "valence" else -0.5)


def write_csv(path: Path, columns: str, *values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (";".join(f"{value:.4f}" for value in row) for row in zip(RATED, *values, strict=True))
    path.write_text("\r\n".join([columns, *(f"{row};" for row in rows)]) + "\r\n")


def write_arff(path: Path, name: str, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = ["@relation gold", "", "@attribute Instance_name string", "@attribute frametime numeric"]
    rows = [f"'{name}',{time:.2f},{value:.4f}" for time, value in zip(RATED, values, strict=True)]
    path.write_text("\n".join([*head, "@attribute GoldStandard numeric", "", "@data", *rows]))


def build(root: Path) -> Path:
    """train_1 has its sound in a file of its own; dev_1's arousal has three raters and no gold standard."""
    for name in NAMES:
        video = root / "recordings_video" / f"{name}.mp4"
        video.parent.mkdir(parents=True, exist_ok=True)
        sound = np.zeros(0) if name == "train_1" else tone(FRAMES / 25)
        write_video(video, [square_face(0.5, 64)] * FRAMES, 25, sound)
        crops = root / "faces" / name
        crops.mkdir(parents=True)
        for frame in range(FRAMES):
            write_picture(crops / f"{frame + 1:05d}.jpg", square_face(frame / FRAMES))
    (root / "recordings_audio").mkdir()
    with wave.open(str(root / "recordings_audio" / "train_1.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((tone(FRAMES / 25) * 32767).astype(np.int16).tobytes())
    gold = root / "ratings_gold_standard"
    write_csv(gold / "valence" / "train_1.csv", "time;gold", truth("valence"))
    write_arff(gold / "valence" / "train_2.arff", "train_2", truth("valence"))
    write_csv(gold / "valence" / "dev_1.csv", "time ;gold ", truth("valence"))
    for name in ("train_1", "train_2"):
        write_arff(gold / "arousal" / f"{name}.arff", name, truth("arousal"))
    raters = [truth("arousal") + shift for shift in (-0.3, 0.0, 0.3)]
    raters[2][:10] = np.nan
    write_csv(root / "ratings_individual" / "arousal" / "dev_1.csv", "time;FM1 ;FM2 ;FF1 ", *raters)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("corpora") / "recola")


@pytest.fixture(scope="module")
def corpus(root: Path) -> Corpus:
    return open_corpus(root, "recola")


def test_splits_are_those_of_the_names(corpus: Corpus) -> None:
    assert {one.name: one.split for one in corpus.recordings} == {
        "train_1": "train",
        "train_2": "train",
        "dev_1": "validation",
        "test_1": "test",
    }
    assert sorted(one.role for one in corpus.recordings) == ["encoder", "fusion", "report", "test"]
    assert corpus.failures.empty


def test_ratings_are_the_frames_labels_and_raters_are_averaged_only_where_there_is_no_gold(corpus: Corpus) -> None:
    read = {one.name: one.labels for one in corpus.recordings}
    for name in ("train_1", "train_2", "dev_1"):
        np.testing.assert_allclose(read[name][:, 0], truth("valence"), atol=1e-4)
    np.testing.assert_allclose(read["train_2"][:, 1], truth("arousal"), atol=1e-4)
    expected = truth("arousal")
    expected[:10] -= 0.15  # two raters there
    np.testing.assert_allclose(read["dev_1"][:, 1], expected, atol=1e-4)
    assert np.isnan(read["test_1"]).all()
    assert corpus.notes == ("dev_1 has no gold standard of arousal: the mean of 3 raters counts.",)


def test_the_papers_delays_move_labels_by_58_and_68_frames(root: Path, corpus: Corpus) -> None:
    late = open_corpus(root, preset("recola", labels=LabelSettings(delay=(2.32, 2.72), median=3)))
    (before,) = corpus.with_role("report")
    (after,) = late.with_role("report")
    np.testing.assert_allclose(after.labels[1:41, 0], before.labels[59:99, 0], atol=1e-3)
    assert np.isfinite(after.labels).sum(axis=0).tolist() == [FRAMES - 58, FRAMES - 68]
    assert "2.32 s (valence) and 2.72 s (arousal)" in late.notes[-2] and "median of 3" in late.notes[-1]


def test_labels_json_says_the_same_and_never_twice(root: Path, corpus: Corpus) -> None:
    file = root / "labels.json"
    file.write_text(json.dumps({"delay": [2.32, 2.72]}))
    try:
        (after,) = open_corpus(root, "recola").with_role("report")
        (before,) = corpus.with_role("report")
        np.testing.assert_allclose(after.labels[:32, 1], before.labels[68:, 1], atol=1e-3)
        with pytest.raises(UserError, match="keep one of the two"):
            open_corpus(root, preset("recola", labels=LabelSettings(median=3)))
    finally:
        file.unlink()


def test_a_delay_that_leaves_no_label_is_refused(root: Path) -> None:
    late = preset("recola", labels=LabelSettings(delay=(58, 68)))  # frames, where seconds are meant
    with pytest.raises(UnusableCorpus, match=r"58 s leaves no valence: the longest of 3 recordings with any is 4\.0 s"):
        open_corpus(root, late)


def test_clips_are_16_frames_and_sound_may_be_a_file_of_its_own(corpus: Corpus) -> None:
    chosen = preset("recola")
    assert chosen.clip_frames * chosen.training.clips == 128
    recording = next(one for one in corpus.recordings if one.name == "train_1")
    assert recording.sound is not None and recording.soundtrack.suffix == ".wav"
    ends = clip_ends(recording.length, 16)
    clips = clip_inputs(recording, ends, span=16)
    light = clips.pictures[3, :, 56, 56].mean(axis=-1) / 255 * FRAMES
    np.testing.assert_allclose(light, np.arange(49, 64, 2), atol=2)
    assert clips.valid.all() and clips.log_mel.shape == (6, 64, 107)
    other = next(one for one in corpus.recordings if one.name == "train_2")
    assert other.sound is None
    same = clip_inputs(other, ends, span=16).log_mel
    assert np.abs(clips.log_mel[3:] - same[3:]).max(axis=1).mean() < 0.6  # AAC is not exact


def test_other_names_take_their_split_from_a_file(root: Path, tmp_path: Path) -> None:
    for folder in root.rglob("*"):
        if folder.is_file():
            place = tmp_path / folder.relative_to(root)
            for old, new in zip(NAMES, ("P16", "P17", "P23", "P25"), strict=True):
                place = Path(str(place).replace(old, new))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(folder)
    (tmp_path / "splits.csv").write_text("recording,split\nP16,train\nP17,train\nP23,dev\nP25,test\nP26,test\n")
    found = open_corpus(tmp_path, "recola")
    row = "splits.csv line 6: there is no recording named 'P26'; 'P25' comes near: the row does not count."
    assert row in found.notes
    assert [one.split for one in found.recordings] == ["train", "train", "validation", "test"]
    assert np.isfinite(found.recordings[2].labels).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time;gold\n", "holds no ratings"),
        ("time;gold\n0;0.1\n0.04;0.2;0.3\n", "line 3 has 3 values, the first row 2"),
        ("time;gold\n0.04;0.1\n0.04;0.2\n", "line 3 does not come later"),
        ("a;b\n0;0.1\n", "one of them must be a time"),
        ("time;gold\n0;high\n", "no column of ratings"),
        ("time;gold\n0;0.1\nO.04;0.2\n0.08;0.3\n", "line 3 has the time 'O.04'"),
    ],
)
def test_ratings_that_cannot_be_read_say_where(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_ratings(tmp_path / "a.csv", "a.csv", "a")


def test_ratings_without_names_begin_with_the_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("0.00,0.1,?\n0.04,0.2,0.4\n")
    times, values, problems = read_ratings(tmp_path / "a.csv", "a.csv", "a")
    np.testing.assert_array_equal(times, [0, 0.04])
    np.testing.assert_array_equal(values, [[0.1, np.nan], [0.2, 0.4]])
    assert not problems


def test_a_rating_that_cannot_be_read_costs_itself_and_not_its_rater(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who;time;FM1;FM2\na;0;.1;.2\na;0.04;O.2;.3\na;0.08;.3;.4\n")
    _, values, problems = read_ratings(tmp_path / "a.csv", "FM/a.csv", "a")
    np.testing.assert_array_equal(values, [[0.1, 0.2], [np.nan, 0.3], [0.3, 0.4]])
    (told,) = problems
    assert told[:4] == ("unreadable line", "FM/a.csv", 3, "'O.2': a rating must be a number") and told.name == "a"


def test_a_rating_that_cannot_be_read_is_told_of_the_corpus(root: Path, corpus: Corpus, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "own")
    file = tmp_path / "own" / "ratings_individual" / "arousal" / "dev_1.csv"
    lines = file.read_text().split("\n")
    cells = lines[20].split(";")
    lines[20] = ";".join([cells[0], "O.2", *cells[2:]])
    file.write_text("\n".join(lines))
    found = open_corpus(tmp_path / "own", "recola")
    (before,), (after,) = (one.with_role("report") for one in (corpus, found))
    changed = np.abs(after.labels - before.labels)[:, 1]
    assert changed[19] == pytest.approx(0.15, abs=1e-4) and changed.argmax() == 19  # the mean of the two others
    assert any("dev_1.csv line 21: 'O.2'" in note for note in found.notes)


def test_a_bad_file_costs_its_recording(tmp_path: Path) -> None:
    root = build(tmp_path / "recola")
    (root / "ratings_gold_standard" / "arousal" / "train_1.arff").write_text("@data\n")
    with pytest.raises(UnusableCorpus, match="1 usable persons") as error:
        open_corpus(root, "recola")
    assert [one.name for one in error.value.problems if one.cost == "lost"] == ["train_1"]
