"""Annotations as people write them: every way in means the same labels, and what cannot be meant is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcalib.corpora.traces import labels_of, read_traces
from jcalib.settings import UserError

TIMES = np.arange(50) / 25
NAN = np.nan


def labels(path: Path, times: np.ndarray = TIMES) -> np.ndarray:
    traces, _ = read_traces(path, path.name, "a")
    return labels_of(traces["a"], times, "a")[0]


def kinds(path: Path, times: np.ndarray = TIMES) -> dict[str, str]:
    """What is wrong with a file, by kind; the first of each."""
    traces, problems = read_traces(path, path.name, "a")
    more = labels_of(traces["a"], times, "a")[1] if "a" in traces else []
    return {one.kind: one.what for one in reversed([*problems, *more])}


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


SAME = [
    "time,valence,arousal\n0,0,1\n1,0.5,0\n2,1,-1\n",
    "\ufeffTime, Valence, Arousal\r\n0,0,1\r\n\r\n1,0.5,0\r\n2,1,-1\r\n\r\n",
    "time;valence;arousal\n0,0;0;1\n1,0;0,5;0\n2,0;1;-1\n",
    "arousal\ttime\tvalence\n1\t0\t0\n0\t1\t0.5\n-1\t2\t1\n",
    'time,valence,arousal\r"0","0","1"\r"1","0.5","0"\r"2","1","-1"\r',
    "time,rater,valence,arousal\n0,Ann,0,1\n1,Ann,.5,0\n2,Ann,1,-1\n",
    "time,valence,arousal\n2,1,-1\n0,0,1\n1,0.5,0\n",
    "time,valence,arousal\n0,0,1\n1,0.5,0\n2,1,-1\n".encode("utf-16"),
]


@pytest.mark.parametrize("content", SAME)
def test_every_dialect_means_the_same(tmp_path: Path, content: str | bytes) -> None:
    expected = np.stack([TIMES / 2, 1 - TIMES], axis=1)
    np.testing.assert_allclose(labels(written(tmp_path, content)), expected, atol=1e-6)


def test_a_line_is_a_frame_where_nothing_else_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "valence,arousal\n0.5,-0.5\n-5,0.1\n,\n1,nan\n")
    expected = np.array([[0.5, -0.5], [NAN, 0.1], [NAN, NAN], [1, NAN]], np.float32)
    np.testing.assert_array_equal(labels(path, TIMES[:4]), expected)
    assert kinds(path, TIMES[:6])["labels and frames differ"] == "a has 4 labels for 6 frames"
    np.testing.assert_array_equal(labels(path, TIMES[:6]), expected)  # the shorter counts
    np.testing.assert_array_equal(labels(path, TIMES[:3]), expected[:3])


def test_an_unreadable_line_costs_its_own_frame(tmp_path: Path) -> None:
    rows = [f"{value / 20},0" for value in range(20)]
    rows[7] = "high,0"
    path = written(tmp_path, "\n".join(["valence,arousal", *rows]))
    found = labels(path, TIMES[:20])
    assert np.isnan(found).any(axis=1).nonzero()[0].tolist() == [7]
    assert found[8, 0] == pytest.approx(0.4)
    assert "valence must be a number" in kinds(path, TIMES[:20])["unreadable line"]


@pytest.mark.parametrize("first", [0, 1])
def test_frames_are_known_by_their_numbers(tmp_path: Path, first: int) -> None:
    path = written(tmp_path, f"frame,valence,arousal\n{first},0,0\n{first + 4},0.4,0\n{first + 2},0.2,0\n60,1,1\n")
    found = labels(path)
    np.testing.assert_allclose(found[[0, 2, 4], 0], [0, 0.2, 0.4])
    assert np.isfinite(found[:, 0]).sum() == 3
    said = kinds(path)
    assert said["labels and frames differ"] == "1 rows lie beyond the 50 frames (up to 60)"
    assert said["frames without a row"] == "47 of 50 frames have no row"
    assert ("counted from 1" in said) == (first == 1)


@pytest.mark.parametrize("bad", ["1,high,0", "1,7,0", "1,0", "1,0,0,"])
def test_an_unreadable_row_keeps_its_frame(tmp_path: Path, bad: str) -> None:
    rows = [f"{frame},{frame / 50},0" for frame in range(2, 51)]
    found = labels(written(tmp_path, "\n".join(["frame,valence,arousal", bad, *rows])))
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:, 0], np.arange(2, 51) / 50, atol=1e-6)


def test_nothing_is_interpolated_over_an_unreadable_row(tmp_path: Path) -> None:
    rows = [f"{stamp / 10:.1f},0.5,0" for stamp in range(20)]
    rows[7] = "0.7,high,0"
    found = labels(written(tmp_path, "\n".join(["time,valence,arousal", *rows])))
    assert np.isnan(found[:48, 0]).nonzero()[0].tolist() == [16, 17, 18, 19]  # between .6 and .8 s


def test_an_unreadable_row_makes_no_row_come_twice(tmp_path: Path) -> None:
    rows = [f"{frame},0.1,0" for frame in range(50)]
    path = written(tmp_path, "\n".join(["frame,valence,arousal", "7,high,0", *rows, "7,0,0,0", "60,x,0", "60,y,0"]))
    np.testing.assert_allclose(labels(path)[:, 0], 0.1, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "kind", "what"),
    [
        ("time,valance,arousal\n0,0,0\n", "no header", "no column 'valence': 'valance' comes near"),
        ("tme,valence,arousal\n0,0,0\n", "no header", "a column 'tme': did you mean 'time'"),
        ("0.1,0.2\n0.1,0.2\n", "no header", "no column 'valence'"),
        ("", "no header", "is empty: its first line names the columns, such as valence,arousal"),
        ("valence,arousal\n", "nothing annotated", "has no rows"),
        ("ms,valence,arousal\n0,0,0\n40,0,0\n80,0,0\n", "no header", "'ms' that ascends like a clock: name it time"),
        ("time,valence,arousal\n0,0,0,5,0\n", "mostly unreadable", "decimal commas need semicolons"),
        ("time,valence,arousal\n0,5,7\n1,6,3\n", "mostly unreadable", r"valence lies in [-1, 1]"),
        ("frame,valence,arousal\n0.5,0,0\n", "mostly unreadable", "frame must be a whole number"),
        ("time,valence,arousal\n1_0,0,0\n", "mostly unreadable", "time must be a number"),
    ],
)
def test_what_cannot_be_meant_costs_the_recording(tmp_path: Path, content: str, kind: str, what: str) -> None:
    assert what in kinds(written(tmp_path, content))[kind]


MINUTES = "time,valence,arousal\n" + "".join(f"{second / 60:.4f},0,0\n" for second in range(61))


@pytest.mark.parametrize(
    ("content", "times", "message"),
    [
        ("time,valence,arousal\n0,0,0\n61000,0,0\n", np.arange(1525) / 25, "times reach 61,000 for a video of 61.0 s"),
        (MINUTES, np.arange(1525) / 25, "times reach 1 s for a video of 61.0 s: .*seconds.* or a last row of -5"),
        ("time,valence,arousal\n0,0,0\n1,0,0\n1,0.2,0\n", TIMES, "time 1 in line 3 and in line 4"),
        ("frame,valence,arousal\n4,0,0\n0,0,0\n4,0,0\n", TIMES, "frame 4 in line 2 and in line 4"),
    ],
)
def test_stamps_that_cannot_be_are_refused(tmp_path: Path, content: str, times: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        labels(written(tmp_path, content), times)


def test_sparse_stamps_are_interpolated_and_it_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "time,valence,arousal\n0,-1,1\n5,0,0\n10,1,-1\n40,0,0\n")
    times = np.arange(1000) / 25
    found = labels(path, times)
    np.testing.assert_allclose(found[:251, 0], times[:251] / 5 - 1, atol=1e-6)
    assert np.isnan(found[260:990]).all()  # six steps are too long to be bridged
    assert kinds(path, times)["far apart"] == "time stamps of a are 5 s apart"


@pytest.mark.parametrize(
    ("last", "shown", "annotated"),
    [(3.0, "time stamps of a, from 0 to 3 s, leave 174 of 250 frames without a label", 76), (9.5, None, 238)],
)
def test_a_part_of_a_video_may_be_annotated_and_it_is_said(
    tmp_path: Path, last: float, shown: str | None, annotated: int
) -> None:
    rows = [f"{stamp},0.5,0" for stamp in np.arange(0, last + 0.1, 0.5)]
    path, times = written(tmp_path, "\n".join(["time,valence,arousal", *rows])), np.arange(250) / 25
    assert np.isfinite(labels(path, times)).all(axis=1).sum() == annotated
    assert kinds(path, times).get("frames without a row") == shown


def test_a_last_row_of_invalid_says_that_a_start_is_all_there_is(tmp_path: Path) -> None:
    path, times = written(tmp_path, "time,valence,arousal\n0,0,0\n0.5,0,0\n1,0,0\n60,-5,-5\n"), np.arange(1500) / 25
    assert np.isfinite(labels(path, times)).all(axis=1).sum() == 26
    what = "time stamps of a, from 0 to 60 s, leave 1474 of 1500 frames without a label"
    assert kinds(path, times)["frames without a row"] == what


def test_a_file_for_many_is_parted(tmp_path: Path) -> None:
    path = written(tmp_path, "recording,frame,valence,arousal\na,0,0.1,0\nb,0,0.2,0\na,1,0.3,0\nb.mp4,0,0,0\n")
    traces, _ = read_traces(path, path.name)
    assert {name: trace.values[:, 0].tolist() for name, trace in traces.items()} == {
        "a": [0.1, 0.3], "b": [0.2], "b.mp4": [0.0]
    }  # fmt: skip
    assert traces["a"].lines.tolist() == [2, 4]


@given(
    values=st.lists(st.tuples(*[st.floats(-1, 1).map(lambda x: round(x, 4))] * 2), min_size=1, max_size=30),
    comma=st.booleans(), end=st.sampled_from(["\n", "\r\n"]), mark=st.booleans(),
)  # fmt: skip
def test_frames_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[float, float]], comma: bool, end: str, mark: bool
) -> None:
    rows = ["frame,valence,arousal", *(f"{index},{v},{a}" for index, (v, a) in enumerate(values))]
    text = end.join(row.replace(",", ";").replace(".", ",") if comma else row for row in rows)
    path = written(tmp_path_factory.mktemp("round"), ("\ufeff" if mark else "") + text)
    np.testing.assert_allclose(labels(path, np.arange(len(values)) / 25), np.array(values, np.float32))
