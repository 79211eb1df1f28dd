"""The one reader, on miniature corpora in Aff-Wild2's layout."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcalib.corpora import deal_roles, open_corpus, read_affwild2
from jcalib.corpora.annotations import read_annotation
from jcalib.settings import LabelSettings, Split, UserError, preset
from tests.builders import add_recording, tiny_corpus

SPLIT = Split(encoder=1, fusion=1, selection=1, report=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_corpus(tmp_path_factory.mktemp("corpora") / "tiny")


def test_recordings_and_roles(root: Path) -> None:
    corpus = read_affwild2(root, SPLIT)
    assert [recording.name for recording in corpus.recordings] == ["p1", "p2", "p3", "p4"]
    assert sorted(recording.role for recording in corpus.recordings) == ["encoder", "fusion", "report", "selection"]
    assert [recording.name for recording in corpus.with_role("report")] == ["p4"]
    assert corpus.failures.empty and not corpus.notes
    with pytest.raises(UserError, match=r"reprot.*did you mean 'report'"):
        corpus.with_role("reprot")


def test_faces_follow_the_crops_that_exist(root: Path) -> None:
    third = read_affwild2(root, SPLIT).recordings[2]
    assert third.face_present().tolist() == [False] * 3 + [True] * 45
    assert third.face(2) is None
    face = third.face(47)
    assert face is not None and face.shape == (112, 112, 3) and face[56, 56].mean() > 200


def test_frame_has_one_row_a_recording(root: Path) -> None:
    table = read_affwild2(root, SPLIT).frame().set_index("recording")
    assert table.loc["p2", "frames"] == 48
    assert table.loc["p2", "seconds"] == pytest.approx(48 / 25)
    assert table.loc["p2", "face"] == pytest.approx(46 / 48)
    assert table.loc["p2", "annotated"] == 1


def test_invalid_labels_become_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffValence, Arousal\r\n0.5,-0.25\r\n\r\n-5,0.1\r\n-5.0,-5\r\n1,-1\r\n\r\n".encode())
    labels, problems = read_annotation(path, "a.txt")
    expected = np.array([[0.5, -0.25], [np.nan, 0.1], [np.nan, np.nan], [1, -1]], np.float32)
    np.testing.assert_array_equal(labels, expected)
    assert [(one.kind, one.line) for one in problems] == [
        ("byte-order mark", 1),
        ("blank line", 3),
        ("invalid frames", None),
        ("invalid in one column", None),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "line", "what"),
    [
        ("0.1,0.2\n", "no header", 1, "does not begin with the line valence,arousal, it is '0.1,0.2'"),
        ("\n \n", "no header", 1, "the file is empty"),
        ("valence,arousal\n0.1,0.2\n0.3\n", "unreadable line", 3, "'0.3': a line must be valence,arousal"),
        ("valence,arousal\n0.1,high\n", "unreadable line", 2, "'0.1,high'"),
        ("valence,arousal\n0.1,1.5\n", "unreadable line", 2, "'0.1,1.5': a label lies in [-1, 1], or is -5"),
        ("valence,arousal\n0.1,nan\n", "unreadable line", 2, "'0.1,nan'"),
    ],
)
def test_unreadable_annotations_say_where(tmp_path: Path, text: str, kind: str, line: int, what: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    first = read_annotation(path, "a.txt")[1][0]
    assert (first.kind, first.line) == (kind, line) and what in first.what


def test_reading_goes_on_behind_a_bad_line_and_lines_stay_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    written = [f"{number / 100:.2f},0" for number in range(60)]
    written[20], written[40] = "0.2;0", "7,0"
    path.write_text("\n".join(["valence,arousal", *written]))
    labels, problems = read_annotation(path, "a.txt")
    assert [one.line for one in problems] == [22, 42]
    assert np.flatnonzero(np.isnan(labels).all(axis=1)).tolist() == [20, 40]
    np.testing.assert_allclose(labels[[19, 21, 59], 0], [0.19, 0.21, 0.59], atol=1e-6)
    path.write_text("\n".join(["valence,arousal", *["?"] * 7, *written]))
    what = {one.kind: one.what for one in read_annotation(path, "a.txt")[1]}["mostly unreadable"]
    assert what.startswith("9 of 67 lines cannot be read (line 2 is '?'")


def test_bad_recordings_cost_themselves_only(tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "corpus")
    (root / "videos" / "p1.mp4").unlink()
    add_recording(root, "p5").write_text("valence,arousal\n0.1;0.2\n")
    add_recording(root, "p6", frames=20)
    add_recording(root, "p7")
    (root / "videos" / "p7.mp4").write_bytes(b"no video at all")
    corpus = read_affwild2(root, SPLIT)
    assert [recording.name for recording in corpus.recordings] == ["p2", "p3", "p4"]
    assert list(corpus.failures.columns) == ["name", "what", "consequence"]
    what = corpus.failures.set_index("name")["what"]
    for name, words in {"p1": "no video named p1", "p5": "line 2", "p6": "20 frames", "p7": "cannot be read"}.items():
        assert words in what[name]


def test_labels_and_frames_that_differ_are_cut_and_noted(tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "corpus")
    add_recording(root, "long", frames=40, labels=np.zeros((43, 2)))
    add_recording(root, "short", frames=40, labels=np.zeros((35, 2)))
    corpus = read_affwild2(root, SPLIT)
    lengths = {recording.name: recording.length for recording in corpus.recordings}
    assert lengths["long"] == 40 and lengths["short"] == 35
    assert corpus.notes == (
        "long has 43 labels for 40 frames: the shorter counts.",
        "short has 35 labels for 40 frames: the shorter counts.",
    )
    assert [one.kind for one in corpus.problems] == ["labels and frames differ"] * 2


def test_left_and_right_share_a_video_and_count_as_one_person(tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "corpus")
    for track in ("two_left", "two_right"):
        add_recording(root, track, video="two")
    tracks = [r for r in read_affwild2(root, SPLIT).recordings if r.name.startswith("two")]
    assert [track.person for track in tracks] == ["two", "two"]
    assert tracks[0].video == tracks[1].video and tracks[0].faces != tracks[1].faces
    assert tracks[0].role == tracks[1].role


def test_content_changes_with_video_labels_and_crops(tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "corpus")

    def content() -> str:
        return read_affwild2(root, SPLIT).recordings[0].content()

    seen = [content(), content()]
    assert seen[0] == seen[1]
    (root / "cropped_aligned" / "p1" / "00009.jpg").unlink()
    seen.append(content())
    annotation = root / "annotations" / "VA_Estimation_Challenge" / "Train_Set" / "p1.txt"
    annotation.write_text(annotation.read_text().replace("-0.8000,0.8000", "-0.7000,0.8000"))
    seen.append(content())
    (root / "videos" / "p1.mp4").write_bytes((root / "videos" / "p2.mp4").read_bytes() + b"\0")
    seen.append(content())
    assert len(set(seen)) == 4


@given(n=st.integers(2, 60), counts=st.tuples(st.integers(1, 90), st.integers(1, 90), st.integers(0, 20)))
def test_roles_are_proportional(n: int, counts: tuple[int, int, int]) -> None:
    split = Split(encoder=counts[0], fusion=counts[1], selection=counts[2], report=1)
    persons = {f"p{number}" for number in range(n)}
    roles = deal_roles(persons, split, seed=3)
    dealt = [list(roles.values()).count(role) for role in ("encoder", "fusion", "selection")]
    assert set(roles) == persons and dealt[0] >= 1 and dealt[1] >= 1
    if n == sum(counts):
        assert dealt == list(counts)
    if min(n * count / sum(counts) for count in counts[:2]) >= 2:
        np.testing.assert_allclose(dealt, np.array(counts) * n / sum(counts), atol=1.01)
    assert deal_roles(persons, split, seed=3) == roles


def test_without_encoder_persons_all_of_the_train_set_trains_fusions() -> None:
    split = Split(encoder=0, fusion=5, selection=0, report=2)
    assert deal_roles({"p1", "p2", "p3"}, split, seed=0) == dict.fromkeys(("p1", "p2", "p3"), "fusion")
    assert deal_roles({"p1"}, split, seed=0) == {"p1": "fusion"}
    with pytest.raises(UserError, match="0 usable persons: the fusions need one at least"):
        deal_roles(set(), split, seed=0)


def test_the_seed_deals_the_roles() -> None:
    persons = {f"p{number}" for number in range(30)}
    assert deal_roles(persons, SPLIT, 0) != deal_roles(persons, SPLIT, 1)


def test_open_corpus_says_what_is_wrong(root: Path) -> None:
    assert open_corpus(root, "smoke").name == "tiny"
    with pytest.raises(UserError, match="tinny is not a folder: did you mean 'tiny'"):
        open_corpus(root.parent / "tinny")
    with pytest.raises(UserError, match="did you mean 'synthetic'"):
        open_corpus("sinthetic")
    with pytest.raises(UserError, match=r"holds no corpus.*annotations.*videos/<name>\.mp4"):
        open_corpus(root / "cropped_aligned")


def test_labels_are_treated_on_request_and_the_notes_say_so(root: Path) -> None:
    plain = open_corpus(root, "smoke")
    assert not plain.notes
    late = open_corpus(root, preset("smoke", labels=LabelSettings(delay=(0.4, 0.2))))
    assert late.notes == ("Labels: a rater's delay of 0.4 s (valence) and 0.2 s (arousal) is taken back.",)
    before, after = plain.recordings[0].labels, late.recordings[0].labels
    np.testing.assert_allclose(after[:-10, 0], before[10:, 0], atol=1e-6)
    np.testing.assert_allclose(after[:-5, 1], before[5:, 1], atol=1e-6)
    assert np.isnan(after).sum(axis=0).tolist() == [10, 5]


def test_one_person_cannot_be_split(tmp_path: Path) -> None:
    add_recording(tmp_path / "corpus", "p1")
    with pytest.raises(UserError, match="1 usable persons"):
        read_affwild2(tmp_path / "corpus", SPLIT)
