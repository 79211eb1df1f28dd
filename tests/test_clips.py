"""Clips and sequences: the papers' rules as properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcalib.clips import (
    FRAMES,
    clip_ends,
    clip_pictures,
    pictures_of_clips,
    sequence_rows,
    tiles,
    training_rows,
)

ROWS, STRIDES, CLIPS = st.integers(0, 300), st.sampled_from([1, 2, 4, 8, 32]), st.integers(1, 16)
PRESENT = st.lists(st.booleans(), min_size=1, max_size=90).map(np.array)


@given(length=st.integers(0, 500))
def test_every_frame_ends_exactly_one_clip(length: int) -> None:
    np.testing.assert_array_equal(clip_ends(length, 1), np.arange(length))


@given(length=st.integers(0, 500), hop=st.sampled_from([1, 2, 4, 8, 16, 32]))
def test_ends_lie_on_the_grid(length: int, hop: int) -> None:
    ends = clip_ends(length, hop)
    assert len(ends) == length // hop
    assert all((end + 1) % hop == 0 and end < length for end in ends)


def reference_pictures(present: np.ndarray, end: int) -> list[int] | None:
    """T-BIOM's rule in the words of paper.md 2.1, one branch a line."""
    known = [frame for frame in range(max(end - 31, 0), end + 1) if present[frame]]
    if len(known) == 32:
        return known[3::4]
    if len(known) >= 24:
        return known[::-1][::3][:8][::-1]
    if len(known) >= 16:
        return known[::-1][::2][:8][::-1]
    if len(known) >= 8:
        return known[-8:]
    return known + [known[-1]] * (8 - len(known)) if known else None


@given(present=PRESENT, data=st.data())
def test_pictures_follow_the_rule(present: np.ndarray, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(present) - 1))
    found = clip_pictures(present, end)
    expected = reference_pictures(present, end)
    assert (found is None and expected is None) or found.tolist() == expected


@given(present=PRESENT)
def test_pictures_are_present_and_within_the_clip(present: np.ndarray) -> None:
    ends = np.arange(len(present))
    chosen = pictures_of_clips(present, ends)
    some = chosen[:, 0] >= 0
    assert present[chosen[some]].all()
    assert (np.diff(chosen, axis=1) >= 0).all()
    assert (chosen[some] <= ends[some, None]).all() and (chosen[some] > ends[some, None] - FRAMES).all()
    assert (chosen[~some] == -1).all()


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (32, [3, 7, 11, 15, 19, 23, 27, 31]),
        (31, [9, 12, 15, 18, 21, 24, 27, 30]),
        (17, [2, 4, 6, 8, 10, 12, 14, 16]),
        (15, [7, 8, 9, 10, 11, 12, 13, 14]),
        (3, [0, 1, 2, 2, 2, 2, 2, 2]),
    ],
)
def test_known_answers(known: int, expected: list[int]) -> None:
    assert clip_pictures(np.arange(32) < known, 31).tolist() == expected


@given(n=ROWS, stride=STRIDES, clips=CLIPS)
def test_training_sequences_are_complete_and_all_there(n: int, stride: int, clips: int) -> None:
    rows = sequence_rows(training_rows(n, stride, clips), stride, clips)
    assert rows.shape == (max(n - stride * (clips - 1), 0), clips)
    assert (rows >= 0).all() and (rows < n).all()
    assert (np.diff(rows, axis=1) == stride).all()


def test_a_sequence_before_the_recording_is_padded() -> None:
    np.testing.assert_array_equal(sequence_rows(np.array([9, 3]), 4, 4), [[-1, 1, 5, 9], [-1, -1, -1, 3]])


@given(n=ROWS, stride=STRIDES, clips=CLIPS)
def test_tiles_count_every_row_once(n: int, stride: int, clips: int) -> None:
    rows, counted = tiles(n, stride, clips)
    assert rows.shape == counted.shape == (len(rows), clips)
    np.testing.assert_array_equal(np.sort(rows[counted]), np.arange(n))
    np.testing.assert_array_equal(rows, sequence_rows(rows[:, -1], stride, clips))


@given(n=ROWS, stride=STRIDES, clips=CLIPS)
def test_tiles_are_no_more_than_needed_and_padded_only_when_short(n: int, stride: int, clips: int) -> None:
    rows, _ = tiles(n, stride, clips)
    trains = [len(range(phase, n, stride)) for phase in range(min(stride, n))]
    assert len(rows) == sum(-(-train // clips) for train in trains)
    assert (rows < 0).any() == any(train < clips for train in trains)


@given(present=PRESENT, end=st.integers(0, 89))
def test_a_shorter_clip_looks_less_far_back(present: np.ndarray, end: int) -> None:
    end = min(end, len(present) - 1)
    chosen = pictures_of_clips(present, np.array([end]), span=16)[0]
    known = [frame for frame in range(max(end - 15, 0), end + 1) if present[frame]]
    expected = (known[1::2] if len(known) == 16 else known[-8:]) if len(known) >= 8 else known + known[-1:] * 8
    assert chosen.tolist() == (expected[:8] if known else [-1] * 8)
