"""A rater's delay, time stamps to frames, and the median: known answers and invariants."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcalib.corpora import UnusableCorpus, open_corpus
from jcalib.corpora.check import check_corpus
from jcalib.corpora.labels import (
    interpolate_labels,
    label_settings,
    shift_frames,
    shift_labels,
    smooth_labels,
    treat_labels,
)
from jcalib.settings import LabelSettings, UserError
from tests.builders import add_recording, tiny_corpus
from tests.corpora.own_videos import add_grey, grey_folder

NAN = np.nan
TIMES = np.arange(250) / 25


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def test_between_stamps_is_a_line_and_outside_nothing() -> None:
    found = interpolate_labels(np.array([1.0, 2.0]), column(0, 1), np.array([0.99, 1, 1.25, 1.5, 2, 2.01]), gap=1)
    np.testing.assert_allclose(found, column(NAN, 0, 0.25, 0.5, 1, NAN), atol=1e-6)


def test_a_longer_gap_is_not_bridged_and_its_ends_count() -> None:
    stamps, values = np.array([0, 1, 3, 4.0]), column(0, 1, 3, 4)
    found = interpolate_labels(stamps, values, np.array([0.5, 1, 2, 2.9, 3, 3.5]), gap=1.5)
    np.testing.assert_allclose(found, column(0.5, 1, NAN, NAN, 3, 3.5), atol=1e-6)
    assert np.isfinite(interpolate_labels(stamps, values, np.array([2.0]), gap=2)).all()


def test_an_unlabelled_stamp_takes_its_neighbourhood_along_in_its_own_column_only() -> None:
    values = np.array([[0, 0], [NAN, 1], [2, 2], [3, 3]])
    found = interpolate_labels(np.arange(4.0), values, np.array([0, 0.5, 1, 1.5, 2, 2.5]), gap=1)
    np.testing.assert_allclose(found[:, 0], [0, NAN, NAN, NAN, 2, 2.5])
    np.testing.assert_allclose(found[:, 1], [0, 0.5, 1, 1.5, 2, 2.5])


@given(times=st.lists(st.floats(-1, 12), min_size=1, max_size=40).map(sorted))
def test_a_straight_line_comes_back_as_itself(times: list[float]) -> None:
    stamps = np.sort(np.random.default_rng(0).uniform(0, 10, 60))
    found = interpolate_labels(stamps, (0.1 * stamps - 0.5)[:, None], np.array(times), gap=10)[:, 0]
    inside = (np.array(times) >= stamps[0]) & (np.array(times) <= stamps[-1])
    np.testing.assert_allclose(found[inside], 0.1 * np.array(times)[inside] - 0.5, atol=1e-5)
    assert np.isnan(found[(np.array(times) < stamps[0] - 1e-5) | (np.array(times) > stamps[-1] + 1e-5)]).all()


@pytest.mark.parametrize(
    ("stamps", "message"), [([0.0, 1.0], "2 time stamps for 3 values"), ([0, 2, 2], "time stamp 3 is 2 s after 2 s")]
)
def test_stamps_that_cannot_be_are_refused(stamps: list[float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        interpolate_labels(np.array(stamps), np.zeros((3, 2)), np.zeros(1), gap=1)


@given(delays=st.tuples(st.integers(-80, 80), st.integers(-80, 80)))
def test_seconds_and_frames_agree_on_a_regular_clock(delays: tuple[int, int]) -> None:
    labels = np.random.default_rng(1).uniform(-1, 1, (250, 2)).astype(np.float32)
    labels[100:120, 0] = NAN
    by_frames = shift_frames(labels, delays)
    np.testing.assert_allclose(shift_labels(labels, TIMES, (delays[0] / 25, delays[1] / 25)), by_frames, atol=1e-5)
    for target, delay in enumerate(delays):
        kept = labels[max(delay, 0) : len(labels) + min(delay, 0), target]
        assert np.isfinite(by_frames[:, target]).sum() == np.isfinite(kept).sum()


def test_what_was_rated_late_returns_to_its_moment() -> None:
    """An event at 4 s, rated 2.32 s (valence) and 2.72 s (arousal) later."""
    labels = np.stack([(4 + delay - 1e-9 <= TIMES).astype(np.float32) for delay in (2.32, 2.72)], axis=1)
    shifted = shift_labels(labels, TIMES, (2.32, 2.72))
    known = np.isfinite(shifted)
    expected = np.repeat((TIMES >= 4)[:, None], 2, axis=1)
    np.testing.assert_array_equal(shifted[known], expected[known])
    assert known.sum(axis=0).tolist() == [250 - 58, 250 - 68]


def test_each_target_needs_its_delay() -> None:
    with pytest.raises(UserError, match="1 delays for 2 targets"):
        shift_frames(np.zeros((4, 2)), (3,))


def test_median_takes_out_a_spike_and_keeps_an_edge() -> None:
    np.testing.assert_array_equal(smooth_labels(column(0, 0, 1, 0, 0, 1, 1, 1), 3), column(0, 0, 0, 0, 0, 1, 1, 1))


def test_median_counts_what_is_annotated_only() -> None:
    found = smooth_labels(column(NAN, 0.5, NAN, 0.1, 0.3, 0.2), 3)
    np.testing.assert_allclose(found, column(NAN, 0.5, NAN, 0.2, 0.2, 0.25))
    with pytest.raises(UserError, match="width of 4"):
        smooth_labels(column(0, 1), 4)


def test_nothing_is_on_by_default() -> None:
    labels = np.random.default_rng(0).uniform(-1, 1, (250, 2)).astype(np.float32)
    assert treat_labels(labels, TIMES, LabelSettings()) is labels
    assert LabelSettings().sentences() == ()
    on = LabelSettings(delay=(0.4, 0), median=3)
    np.testing.assert_array_equal(treat_labels(labels, TIMES, on), smooth_labels(shift_frames(labels, (10, 0)), 3))
    assert on.sentences() == (
        "Labels: a rater's delay of 0.4 s (valence) and 0 s (arousal) is taken back.",
        "Labels: median of 3 frames.",
    )
    with pytest.raises(UserError, match=r"^a median of 4 frames has no middle: it must be odd, or 1 for none\.$"):
        LabelSettings().changed(median=4)


@pytest.mark.parametrize("delay", [-3.0, float("nan"), float("inf")])
def test_nobody_rates_before_the_event(delay: float) -> None:
    with pytest.raises(UserError, match=rf"delay.*0\.5, {delay}.*after the event: a delay must be"):
        LabelSettings().changed(delay=(0.5, delay))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"delay": 0.5}', "delay has 0.5: it takes a list of values."),
        ('{"delay": ["a", 1]}', "delay.0 has 'a': it must be a number."),
        ('{"delay": [1]}', "delay.1 is missing."),
        ('{"delay": [1, 2, 3]}', "delay has [1, 2, 3]: it takes 2 values at most."),
        ('{"median": 2}', "a median of 2 frames has no middle: it must be odd, or 1 for none."),
        ('{"median": 1.5}', "median has 1.5: it must be a whole number."),
        ('{"delai": 1}', "unknown setting 'delai': did you mean 'delay'? choose from delay, median."),
    ],
)
def test_a_file_of_labels_is_refused_in_words_of_the_kit(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "labels.json").write_text(written)
    with pytest.raises(UserError) as refused:
        label_settings(tmp_path, LabelSettings())
    assert str(refused.value) == f'labels.json: {said} Write it as in {{"delay": [0.5, 0.5], "median": 3}}.'


LAYOUTS: dict[str, Callable[[Path], Path]] = {"own videos": grey_folder, "Aff-Wild2": tiny_corpus}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_delay_that_leaves_no_label_is_refused(tmp_path: Path, layout: str) -> None:
    root = LAYOUTS[layout](tmp_path / "corpus")
    (root / "labels.json").write_text('{"delay": [0.1, 500]}')
    said = r"a delay of 500 s leaves no arousal: the longest of \d recordings with any is 1\.\d s.*such as 0\.5"
    with pytest.raises(UnusableCorpus, match=said):
        open_corpus(root, "smoke")
    check = check_corpus(root, "smoke")
    assert check.refused is not None and "a delay of 500 s" in check.refused and not check.usable


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_recording_shorter_than_the_delay_is_told(tmp_path: Path, layout: str) -> None:
    root = LAYOUTS[layout](tmp_path / "corpus")
    if layout == "own videos":
        add_grey(root, "long", frames=100)
    else:
        add_recording(root, "long", "Train_Set", 100)
    (root / "labels.json").write_text('{"delay": [2.5, 0]}')
    corpus, check = open_corpus(root, "smoke"), check_corpus(root, "smoke")
    name, length = ("a", "1.6") if layout == "own videos" else ("p1", "1.9")
    row = ("labels.json", f"{name} of {length} s keeps no valence after a delay of 2.5 s")
    assert row in {(one.file, one.what) for one in check.problems if one.kind == "nothing annotated"}
    assert sum(one.kind == "nothing annotated" for one in check.problems) == 4
    assert any("(4 of this kind in the file): its valence adds nothing to training" in note for note in corpus.notes)
    assert len(corpus.recordings) == 5 and check.usable
