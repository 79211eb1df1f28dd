"""Own recordings: a folder of videos and annotations becomes a corpus, and says what is wrong with it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jcalib.cli import app
from jcalib.corpora import UnusableCorpus, open_corpus, read_videos
from jcalib.corpora.check import check_corpus
from jcalib.inputs import clip_inputs, clip_labels, clip_times
from jcalib.media import frame_times, write_picture
from jcalib.settings import LabelSettings, Split, UserError, preset
from tests.builders import RATE, square_face, write_stamped
from tests.corpora.own_videos import FPS, add_grey, by_time, drawn_folder, grey_folder

SPLIT = Split(encoder=1, fusion=1, selection=0, report=1)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))


def failures(root: Path) -> dict[str, str]:
    table = open_corpus(root, "smoke").failures
    return dict(zip(table["name"], table["what"], strict=True))


def test_a_folder_of_videos_is_a_corpus(tmp_path: Path) -> None:
    root = grey_folder(tmp_path / "own")
    (root / "splits.csv").write_text("recording,person,split\na,ann,train\nb,bob,train\nc.mp4,cy,val\nd,ann,train\n")
    corpus = open_corpus(root, "smoke")
    assert [(one.name, one.person, one.split) for one in corpus.recordings] == [
        ("a", "ann", "train"), ("b", "bob", "train"), ("c", "cy", "validation"), ("d", "ann", "train")
    ]  # fmt: skip
    assert {one.person: one.role for one in corpus.recordings if one.role != "report"}.keys() == {"ann", "bob"}
    assert corpus.recordings[2].role == "report" and corpus.recordings[0].role == corpus.recordings[3].role
    assert corpus.failures.empty and corpus.notes == ()
    first = corpus.recordings[0]
    np.testing.assert_allclose(first.labels[:, 0], -0.8 + 0.1 * np.arange(40) / FPS, atol=1e-5)
    assert first.face_present().all() and first.faces == root / "faces" / "a"


def test_persons_are_dealt_out_by_the_seed_and_it_is_said(tmp_path: Path) -> None:
    root = grey_folder(tmp_path / "own", [f"r{number}" for number in range(6)])
    (root / "persons.csv").write_text("recording;person\n" + "".join(f"r{n};{'xyz'[n // 2]}\n" for n in range(6)))
    corpora = [read_videos(root, SPLIT, seed) for seed in range(8)]
    for corpus in corpora:
        sides = {one.person: one.split for one in corpus.recordings}
        assert [one.split for one in corpus.recordings] == [sides[one.person] for one in corpus.recordings]
        assert sorted(sides.values()) == ["train", "train", "validation"]
        assert any("No split is given: of 3 persons 1 are reported" in note for note in corpus.notes)
    dealt = [tuple(one.split for one in corpus.recordings) for corpus in corpora]
    assert len(set(dealt)) > 1
    assert dealt[3] == tuple(one.split for one in read_videos(root, SPLIT, 3).recordings)


def test_a_dot_in_a_name_is_no_suffix(tmp_path: Path) -> None:
    root = grey_folder(tmp_path / "own", ["anna.take1", "anna.take2", "b.v1", "c.v1"])
    (root / "persons.csv").write_text("recording,person\nanna.take1,anna\nanna.take2.MP4,anna\nb.v1.mp4,bob\nc.v1,cy\n")
    corpus = open_corpus(root, "smoke")
    assert [one.person for one in corpus.recordings] == ["anna", "anna", "bob", "cy"]
    assert len({one.role for one in corpus.recordings[:2]}) == 1
    assert not any("counts as a person of its own" in note for note in corpus.notes)


def test_a_row_that_names_no_recording_is_told(tmp_path: Path) -> None:
    root = grey_folder(tmp_path / "own")
    add_grey(root, "e", frames=20)  # it is there, and cannot be used
    (root / "persons.csv").write_text("recording,person\na,ann\nb,bob\nC,cy\nd.take,ann\ne,eve\n")
    notes = open_corpus(root, "smoke").notes
    row = "persons.csv line 4: there is no recording named 'C'; 'c' comes near (2 of this kind in the file): "
    assert [note for note in notes if "no recording named" in note] == [f"{row}the row does not count."]
    told = [(one.file, one.line) for one in check_corpus(root, "smoke").problems if one.kind == "no recording"]
    assert told == [("persons.csv", 4), ("persons.csv", 5)]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ("recording,person,split\na,ann,train\nb,bob,train\nc,cy,val\nd,ann,val\n",
         r"ann is in train \(a\) and in validation \(d\)"),
        ("recording,person,split\na,ann,trian\n", r"split in splits.csv line 2 'trian': did you mean 'train'"),
        ("recording,persn\na,ann\n", "a column 'persn': did you mean 'person'"),
        ("person,split\nann,train\n", "no column 'recording'"),
        ("recording,person,split\na,ann\n", "line 2 has 2 values for 3 columns"),
        ("recording,person\na,ann\na,bob\n", "line 3 gives a the person 'bob' after 'ann'"),
        ("recording,split\na,train\nb,train\n", "nobody is in the validation set"),
    ],
)  # fmt: skip
def test_splits_that_cannot_be_are_refused(tmp_path: Path, splits: str, message: str) -> None:
    root = grey_folder(tmp_path / "own")
    (root / "splits.csv").write_text(splits)
    with pytest.raises(UserError, match=message) as error:
        read_videos(root, SPLIT)
    assert "\n" not in str(error.value)


def test_bad_recordings_cost_themselves_only(tmp_path: Path) -> None:
    root = grey_folder(tmp_path / "own")
    (root / "e.csv").write_text(by_time(2))
    add_grey(root, "f", "time,valence,arousal\n0,0,0\n61000,0,0\n")
    add_grey(root, "g", "time,valance,arousal\n0,0,0\n")
    add_grey(root, "h", frames=20)
    add_grey(root, "i").write_text(by_time(2))
    (root / "i.mp4").write_bytes(b"no video at all")
    add_grey(root, "j").unlink()
    add_grey(root, "k", sound=False)
    (root / "readme.txt").write_text("about these recordings\n")
    corpus = open_corpus(root, "smoke")
    assert [one.name for one in corpus.recordings] == ["a", "b", "c", "d", "k"]
    what = failures(root)
    expected = {"e": "there is no video named 'e'", "f": "times reach 61,000 for a video of 1.6 s", "g": "'valance'",
                "h": "20 frames: a recording needs 32", "i": "cannot be read"}  # fmt: skip
    assert what.keys() == expected.keys()
    for name, words in expected.items():
        assert words in what[name]
    assert any("j has no annotation: not used" in note for note in corpus.notes)
    assert any("k has no soundtrack: the voice counts as missing" in note for note in corpus.notes)
    check = check_corpus(root, "smoke")
    assert sorted(check.lost) == sorted(expected) and len(check.recordings) == 5
    assert sum(one.kind == "no soundtrack" for one in check.problems) == 1


def test_one_file_for_all_with_a_near_name(tmp_path: Path) -> None:
    root = grey_folder(tmp_path / "own")
    for name in "abcd":
        (root / f"{name}.csv").unlink()
    rows = [f"{name}.mp4,{frame},{frame / 40:.3f},0" for name in ("a", "b", "c", "dd") for frame in range(40)]
    (root / "annotations.csv").write_text("\n".join(["recording,frame,valence,arousal", *rows]))
    corpus = open_corpus(root, "smoke")
    assert [one.name for one in corpus.recordings] == ["a", "b", "c"]
    np.testing.assert_allclose(corpus.recordings[1].labels[:, 0], np.arange(40) / 40, atol=1e-6)
    assert "no video named 'dd'; 'd' comes near" in failures(root)["dd"]


def test_nothing_usable_is_one_line(tmp_path: Path) -> None:
    root = grey_folder(tmp_path / "own")
    for path in root.glob("*.csv"):
        path.write_text("time;valence\n0;0\n")
    with pytest.raises(UnusableCorpus, match=r"none of 4 videos.*first reason: a\.csv: .*no column 'arousal'"):
        open_corpus(root, "smoke")
    for path in root.glob("*.csv"):
        path.unlink()
    with pytest.raises(UnusableCorpus, match=r"4 videos and no annotations: each needs <name>\.csv"):
        open_corpus(root, "smoke")
    with pytest.raises(UserError, match=r"holds no corpus in a layout that jcalib knows.*own videos"):
        open_corpus(root / "faces", "smoke")


def test_a_raters_delay_is_taken_back_where_it_is_written(tmp_path: Path) -> None:
    root = grey_folder(tmp_path / "own")
    (root / "labels.json").write_text('{"delay": [0.4, 0]}')
    corpus = open_corpus(root, "smoke")
    times = np.arange(40) / FPS
    np.testing.assert_allclose(corpus.recordings[0].labels[:30, 0], -0.8 + 0.1 * (times[:30] + 0.4), atol=1e-5)
    np.testing.assert_allclose(corpus.recordings[0].labels[:, 1], 0.8 - 0.1 * times, atol=1e-5)
    assert "Labels: a rater's delay of 0.4 s (valence) and 0 s (arousal) is taken back." in corpus.notes
    (root / "labels.json").write_text('{"dealy": [0.4, 0]}')
    with pytest.raises(UserError, match="'dealy': did you mean 'delay'"):
        open_corpus(root, "smoke")
    (root / "labels.json").write_text('{"delay": [0.4, 0]}')
    with pytest.raises(UserError, match=r"labels\.json and the preset"):
        open_corpus(root, preset("smoke", labels=LabelSettings(median=3)))


def test_faces_are_found_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = drawn_folder(tmp_path / "own")
    (root / "videos").mkdir()
    shutil.move(root / "take_2.mp4", root / "videos" / "take_2.mp4")
    runner = CliRunner()
    listed = runner.invoke(app, ["corpus", "list", "--corpus", str(root), "--preset", "smoke"])
    assert listed.exit_code == 0 and "4 recordings in" in listed.output
    corpus = open_corpus(root, "smoke")
    for recording in corpus.recordings:
        assert recording.face_present().mean() > 0.8
        face = recording.face(20)
        assert face is not None and face.shape == (112, 112, 3)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "home" / "faces").rglob("*.jpg")}
    content = [one.content() for one in corpus.recordings]
    shutil.move(root, tmp_path / "moved")  # what a video holds counts, not where it lies
    again = open_corpus(tmp_path / "moved", "smoke")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "home" / "faces").rglob("*.jpg")} == kept
    assert [one.content() for one in again.recordings] == content
    checked = runner.invoke(app, ["corpus", "check", str(tmp_path / "moved"), "--preset", "smoke"])
    assert checked.exit_code == 0 and "4 usable" in checked.output and "No split is given" in checked.output


def test_a_damaged_video_costs_its_recording_and_leaves_no_crops(tmp_path: Path) -> None:
    root = grey_folder(tmp_path / "own")
    add_grey(root, "cut", by_time(4), frames=100)
    shutil.rmtree(root / "faces" / "cut")
    whole = (root / "cut.mp4").read_bytes()
    start = whole.index(b"mdat") + 4
    (root / "cut.mp4").write_bytes(whole[:start] + bytes(len(whole) - start - 4000) + whole[-4000:])
    assert "cannot be read" in failures(root)["cut"]
    assert list((tmp_path / "home" / "faces").glob("*")) == []


def test_a_new_split_makes_another_report(tmp_path: Path) -> None:
    from jcalib.reporting.forecast import inputs_of

    root = grey_folder(tmp_path / "own")
    (root / "splits.csv").write_text("recording,split\na,train\nb,train\nc,train\nd,val\n")
    before = inputs_of(str(root), "smoke")
    assert inputs_of(str(root), "smoke") == before
    (root / "splits.csv").write_text("recording,split\na,train\nb,train\nc,val\nd,train\n")
    assert inputs_of(str(root), "smoke") != before
    assert open_corpus(root, "smoke").describe() == "own: 4 recordings of 4 persons, 0.1 min"


FRAMES, FLASH, OFFSET = 90, 61, 0.2
CLOCKS = {
    "29.97": np.arange(FRAMES) / 29.97,
    "variable": np.cumsum(np.random.default_rng(3).choice([0.02, 0.033, 0.04, 0.08], FRAMES)) - 0.02,
}


@pytest.mark.parametrize("rate", CLOCKS)
def test_stamps_frames_and_sound_meet_within_one_frame(tmp_path: Path, rate: str) -> None:
    """A flash, a click half a frame before it, and an annotation that peaks at its time; sound starts late by 0.2 s."""
    clock = CLOCKS[rate]
    root = grey_folder(tmp_path / "own", ["a", "b"])
    light = [float(frame == FLASH) for frame in range(FRAMES)]
    click = (clock[FLASH - 1] + clock[FLASH]) / 2
    sound = np.zeros(round((clock[-1] + 0.5 - OFFSET) * RATE), np.float32)
    sound[round((click - OFFSET) * RATE) :][:40] = 0.9
    write_stamped(root / "flash.mkv", clock, [(OFFSET, sound)], light)
    crops = root / "faces" / "flash"
    crops.mkdir()
    for frame, value in enumerate(light):
        write_picture(crops / f"{frame + 1:05d}.jpg", square_face(value))
    around = np.array([0, clock[FLASH] - 0.5, clock[FLASH], clock[FLASH] + 0.5])
    rows = [f"{time:.4f},{value},0" for time, value in zip(around, [0, 0, 1, 0], strict=True)]
    (root / "flash.csv").write_text("\n".join(["time,valence,arousal", *rows]))
    (root / "splits.csv").write_text("recording,split\na,train\nb,train\nflash,validation\n")
    (recording,) = open_corpus(root, "smoke").with_role("report")
    np.testing.assert_allclose(clip_times(recording), frame_times(recording.video))
    assert int(np.nanargmax(recording.labels[:, 0])) == FLASH
    ends = np.arange(FLASH - 2, FLASH + 3)
    assert int(np.argmax(clip_labels(recording, ends)[:, 0])) == 2
    clips = clip_inputs(recording, ends)
    assert (clips.pictures[:, -1, 56, 56].mean(axis=-1) > 200).tolist() == [False, False, True, False, False]
    energy = clips.log_mel.max(axis=1)
    ago = (106 - int(np.argmax(energy[2]))) * 441 / RATE
    assert 0 <= ago <= clock[FLASH] - clock[FLASH - 1]


def test_own_recordings_go_all_the_way_to_a_comparison(tmp_path: Path) -> None:
    import jcalib as jca

    root = drawn_folder(tmp_path / "own", persons=3, frames=72)
    smoke = preset("smoke")
    small = smoke.changed(
        training=smoke.training.changed(clips=2, epochs=1), encoder=smoke.encoder.changed(epochs=1, size=32), seeds=1
    )
    corpus = jca.open_corpus(root, small)
    features = jca.extract(corpus, small)
    assert len(features.recordings) == 3 and features.failures.empty
    assert features.notes == corpus.notes != ()
    assert jca.fit("cross", features, seeds=1, preset=small).frame()["ccc"].notna().any()
