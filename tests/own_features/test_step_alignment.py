"""Alignment by time: known neighbours, nothing invented, and a refusal with both numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcalib.own_features.alignment import Track, align, nearest
from jcalib.settings import UserError


def track(time: np.ndarray | None, steps: int = 0) -> Track:
    """Rows that say which they are."""
    count = steps if time is None else len(time)
    return Track(np.arange(count, dtype=np.float32)[:, None], time)


def test_neighbours_are_those_a_hand_would_pick() -> None:
    time = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert nearest(time, np.array([0.04, 0.26, 0.48])).tolist() == [0, 3, 5]
    assert nearest(time, np.array([0.0, 0.4, 0.8, 1.2])).tolist() == [0, 4, -1, -1], "half a step away at most"
    assert nearest(np.array([1.0]), np.array([0.0, 1.0, 2.0])).tolist() == [-1, 0, -1]


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=30, unique=True),
    st.lists(st.floats(0, 10), min_size=2, max_size=30, unique=True),
)
def test_nothing_nearer_is_left_lying(time: list[float], grid: list[float]) -> None:
    source, steps = np.sort(time), np.sort(grid)
    rows = nearest(source, steps)
    distance = abs(source[None] - steps[:, None])
    half = 0.5 * np.median(np.diff(steps))
    found = rows >= 0
    np.testing.assert_allclose(distance[found, rows[found]], distance[found].min(axis=1))
    assert (distance[~found].min(axis=1, initial=np.inf) > half * (1 - 1e-6)).all()


def test_the_coarser_modality_is_the_grid() -> None:
    fine, coarse = np.arange(0, 4, 0.01), np.arange(0, 4, 0.04)
    for audio, visual, done in [
        (track(fine), track(coarse), "audio aligned by time to the steps of visual"),
        (track(coarse), track(fine), "visual aligned by time to the steps of audio"),
    ]:
        one, other, said = align(audio, visual)
        assert said == done
        np.testing.assert_array_equal(one.time, coarse)
        assert {len(one.values), len(other.values)} == {100}
        slow, fast = (one, other) if len(audio.values) == 100 else (other, one)
        np.testing.assert_array_equal(slow.values[:, 0], np.arange(100))
        np.testing.assert_array_equal(fast.values[:, 0], np.arange(0, 400, 4))


def test_what_lies_beyond_the_other_is_missing_there() -> None:
    _, other, _ = align(track(np.arange(0, 10, 0.4)), track(np.arange(5, 10, 0.2)))
    assert np.isnan(other.values[:12]).all() and np.isfinite(other.values[13:]).all()


def test_modalities_in_step_stay_as_they_are() -> None:
    time = np.arange(5) / 25
    for audio, visual in [(track(None, 5), track(None, 5)), (track(time), track(time + 1e-9))]:
        one, other, done = align(audio, visual)
        assert one is audio and other is visual and done == ""


def test_a_missing_modality_has_no_columns() -> None:
    audio, visual, done = align(None, track(None, 7))
    assert audio.values.shape == (7, 0) and len(visual.values) == 7 and done == "no audio"
    with pytest.raises(UserError, match="neither audio nor visual"):
        align(None, None)


def test_other_numbers_of_steps_need_times() -> None:
    with pytest.raises(
        UserError, match="audio has 9 steps and visual has 8 steps, and audio has no times: save audio_"
    ):
        align(track(None, 9), track(np.arange(8.0)))
