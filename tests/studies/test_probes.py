"""Read-outs and sums against independent answers; files and sounds with known sizes and loudness."""

from pathlib import Path

import numpy as np
import pytest

from jcalib.clips import clip_ends
from jcalib.corpora import Corpus
from jcalib.features import Features
from jcalib.settings import CorpusSettings
from jcalib.studies import oracles, probes
from tests.studies.drawn import HOP, STEP, Known, drawn_corpus, drawn_features, write_faces, write_voices


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return drawn_corpus(tmp_path_factory.mktemp("few"), split=(2, 2, 0, 2), lag=0.4, face_loss=0.3, voice_loss=0.3)


@pytest.fixture(scope="module")
def features(corpus: Corpus) -> Features:
    return drawn_features(corpus)


@pytest.fixture(scope="module")
def truths(corpus: Corpus) -> list[oracles.Truth]:
    return [one.load_truth() for one in corpus.recordings]


def settings_of(corpus: Corpus) -> CorpusSettings:
    assert corpus.settings is not None
    return corpus.settings


def test_a_ridge_is_least_squares_with_rows_for_the_penalty() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(3, [1, 10, 0.1], (60, 3))
    y = x @ rng.normal(size=(3, 2)) + rng.normal(size=(60, 2))
    y[5, 1] = np.nan
    known = np.delete(np.arange(60), 5)
    z = (x - x[known].mean(0)) / x[known].std(0)
    rows = np.vstack([z[known], np.sqrt(probes.PENALTY * 59) * np.eye(3)])
    weight = np.linalg.lstsq(rows, np.vstack([y[known] - y[known].mean(0), np.zeros((3, 2))]))[0]
    np.testing.assert_allclose(probes.Ridge.fit(x, y)(x), z @ weight + y[known].mean(0))


def test_a_constant_column_says_nothing() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=(40, 1))
    wider = np.hstack([x, np.full((40, 1), 0.1)])
    moved = np.hstack([x, np.full((40, 1), 7.0)])
    np.testing.assert_allclose(probes.Ridge.fit(wider, y)(moved), probes.Ridge.fit(x, y)(x))


def test_a_person_is_predicted_from_the_others_alone() -> None:
    rng = np.random.default_rng(0)
    persons = np.repeat(["a", "b", "c", "d", "e", "f", "g"], 10)
    x, y = rng.normal(size=(70, 3)), rng.normal(size=(70, 2))
    before = probes.held_out(x, y, persons)
    mine = persons == "b"
    after = probes.held_out(x, np.where(mine[:, None], 100.0, y), persons)
    same = np.isin(persons, ["b", "g"])  # one fold
    np.testing.assert_array_equal(after[same], before[same])
    assert (after[~same] != before[~same]).all()


def test_the_mean_of_the_others_is_no_leak() -> None:
    """A fold's own mean is lower where the others' is higher: with an intercept this would be a strong negative r."""
    moods = np.random.default_rng(0).normal(size=10)
    persons = np.arange(10).repeat(20)
    r = probes.correlation(
        probes.held_out(np.ones((200, 1)), moods[persons][:, None], persons), moods[persons][:, None]
    )
    assert r == [0]


def test_correlation_counts_what_both_know() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50, 2))
    x[3, 0] = y[7, 1] = np.nan
    keep = [np.isfinite(x[:, k]) & np.isfinite(y[:, k]) for k in range(2)]
    expected = [np.corrcoef(x[keep[k], k], y[keep[k], k])[0, 1] for k in range(2)]
    np.testing.assert_allclose(probes.correlation(x, y), expected)
    np.testing.assert_array_equal(probes.correlation(np.full((50, 2), 0.1), y), [0, 0])


def test_strangers_are_all_pairs_of_recordings(features: Features) -> None:
    rng = np.random.default_rng(0)
    prediction = rng.normal(size=features.target.shape)
    target = features.target.astype(np.float64)
    prediction[rng.random(prediction.shape) < 0.2] = np.nan
    target[rng.random(target.shape) < 0.2] = np.nan
    rows = np.arange(len(target))
    one, other = np.meshgrid(rows, rows)
    pairs = (features.frame[one] == features.frame[other]) & (features.recording[one] != features.recording[other])
    expected = probes.correlation(prediction[one[pairs]], target[other[pairs]])
    np.testing.assert_allclose(probes.strangers(prediction, target, features), expected)


def test_the_mean_course_is_that_of_other_persons(features: Features) -> None:
    persons = features.recording  # six persons in five folds: 0 and 5 are held out together
    found = probes.mean_course(features.target, features.frame, persons)
    others = (features.frame == features.frame[3]) & ~np.isin(persons, [0, 5])
    assert others.sum() == 4
    np.testing.assert_allclose(found[3], features.target[others].mean(0), rtol=1e-6)


def test_clips_around_stay_in_their_recording(features: Features) -> None:
    values = (1000 * features.recording + np.arange(len(features.frame)))[:, None]
    found = probes.around(features, values)
    assert found.shape == (len(values), 2 * probes.REACH + 1)
    first, count = features.span(1)
    middle = first + 50
    np.testing.assert_array_equal(found[middle] - found[middle, probes.REACH], 4 * np.arange(-4, 5))
    assert (found // 1000 == features.recording[:, None]).all()
    np.testing.assert_array_equal(found[first, :5], values[first, 0])
    np.testing.assert_array_equal(found[first + count - 1, 4:], values[first + count - 1, 0])


def test_picture_bytes_are_those_of_the_clips_pictures(corpus: Corpus) -> None:
    recording = corpus.recordings[0]
    write_faces(corpus)
    frames = np.arange(STEP - 1, recording.length, STEP)
    for frame in frames:
        recording.face_path(frame).write_bytes(bytes(1000 + int(frame)))
    for frame in frames[:40]:
        recording.face_path(frame).unlink()
    ends = clip_ends(recording.length, HOP)
    found = probes.picture_bytes(recording, ends)
    first = frames[40]
    sizes = np.array([np.mean([max(end - back, first) for back in range(0, 32, STEP)]) for end in ends])
    lost = ends < first
    assert lost.any() and not found[lost].any()
    expected = (sizes[~lost] - sizes[~lost].mean()) / sizes[~lost].std()
    np.testing.assert_allclose(found[~lost][8:], expected[8:], atol=0.1)
    assert np.corrcoef(found[~lost], expected)[0, 1] > 0.999


def test_loudness_is_in_decibels(tmp_path: Path) -> None:
    [recording] = drawn_corpus(tmp_path, split=(1, 1, 0, 1)).recordings[:1]
    steps = np.repeat([[-1.0, 0], [1, 0]], 400, axis=0).astype(np.float32)
    recording = Known(**{**vars(recording), "labels": steps})
    write_voices(Corpus("one", tmp_path, (recording,)), loudness_a_label=np.log(10) / 2)  # 20 dB between the halves
    found = probes.loudness(recording, np.array([8.0, 12, 15, 20, 25, 30]))
    np.testing.assert_allclose(found, [-1, -1, -1, 1, 1, 1], atol=0.01)


@pytest.mark.parametrize("lag", [0.6, -0.4, 0.0])
def test_the_lag_is_found_where_it_was_put(lag: float, tmp_path: Path) -> None:
    corpus = drawn_corpus(tmp_path, split=(2, 2, 0, 2), lag=lag)
    causes = [one.load_truth() for one in corpus.recordings]
    for target in ("valence", "arousal"):
        assert oracles.found_lag(causes, target, settings_of(corpus)) == pytest.approx(lag, abs=0.05)


def test_hidden_cues_are_masked(features: Features, truths: list[oracles.Truth]) -> None:
    cues = oracles.cue_features(features, truths)
    assert cues.audio.shape == cues.visual.shape == (len(features.frame), 4)
    for number, truth in enumerate(truths):
        first, count = features.span(number)
        rows, ends = slice(first, first + count), features.frame[first : first + count]
        hidden = truth["face_lost"][ends] | truth["face_covered"][ends]
        np.testing.assert_array_equal(cues.valid[rows], ~np.stack([truth["voice_noisy"][ends], hidden], axis=1))
        shown = np.where(hidden[:, None], 0, truth["face_cue"][ends])
        np.testing.assert_allclose(cues.visual[rows, :2], shown, rtol=1e-6)
    assert 0.1 < 1 - cues.valid.mean() < 0.6
    assert cues.source == oracles.cue_features(features, truths).source != features.source


def test_the_synergy_target_is_the_product(features: Features, truths: list[oracles.Truth]) -> None:
    synergy = oracles.with_synergy_target(features, truths)
    assert synergy.source != features.source
    rows = synergy.recording == 2
    product = truths[2]["m_arousal"] * truths[2]["g_arousal"]
    np.testing.assert_allclose(synergy.target[rows, 1], 0.4 * product[synergy.frame[rows]], rtol=1e-5)
    np.testing.assert_array_equal(synergy.recordings[2].labels[synergy.frame[rows]], synergy.target[rows])
