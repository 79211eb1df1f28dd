"""A finished run is evaluated again, tiled as when it was trained, or online, with nothing of what comes later."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from toy import toy_features, toy_preset

import jcalib as jca
from jcalib.features import Encoding, Features
from jcalib.settings import UserError
from jcalib.training import Run, fit

FEATURES = toy_features(lost=True)
VALUES = ["valence", "arousal"]
SCORES = ["seed", "target", "ccc", "rmse", "pearson"]


@pytest.fixture(scope="module", params=["joint", "cross", "lstm"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        yield fit(request.param, FEATURES, (5, 7), toy_preset(2), device="cpu")


def at_ends(predictions: pd.DataFrame, features: Features, number: int) -> np.ndarray:
    """Predictions at the clip ends of a recording, (S, n, 2)."""
    first, count = features.span(number)
    ends = features.frame[first : first + count]
    one = predictions[predictions["recording"] == features.recordings[number].name]
    return np.stack([part.set_index("frame").loc[ends, VALUES] for _, part in one.groupby("seed", sort=False)])


def test_tiled_is_what_the_run_says_of_itself(run: Run) -> None:
    found = jca.evaluate(run, FEATURES)
    assert set(found.predictions["evaluation"]) == set(found.frame()["evaluation"]) == {"tiled"}
    pd.testing.assert_frame_equal(found.predictions.drop(columns="evaluation"), run.predictions)
    pd.testing.assert_frame_equal(found.frame()[SCORES], run.frame()[SCORES])
    assert found.frame()["fusion"].unique().tolist() == [run.settings.fusion]


def test_online_every_end_is_the_last_of_a_window_of_its_own(run: Run) -> None:
    """Against a loop over the ends: one window at a time, cut from the arrays by hand."""
    found = jca.evaluate(run, FEATURES, online=True)
    assert set(found.predictions["evaluation"]) == set(found.frame()["evaluation"]) == {"online"}
    ensemble, clips, stride = run.ensemble("cpu"), 8, 4
    for number in FEATURES.of_role("report"):
        first, count = FEATURES.span(number)
        own = at_ends(found.predictions, FEATURES, number)
        for end in range(count):
            audio, visual = torch.zeros(1, clips, 6), torch.zeros(1, clips, 6)
            mask = torch.zeros(1, clips, 2, dtype=torch.bool)
            for place in range(clips):
                row = end - stride * (clips - 1 - place)
                if row >= 0:
                    audio[0, place] = torch.from_numpy(FEATURES.audio[first + row])
                    visual[0, place] = torch.from_numpy(FEATURES.visual[first + row])
                    mask[0, place] = torch.from_numpy(FEATURES.valid[first + row])
            expected = ensemble(audio, visual, mask).prediction[:, 0, -1].detach().numpy()
            if mask[0, -1].any():
                np.testing.assert_allclose(own[:, end], expected, atol=1e-5)
            else:
                assert np.isnan(own[:, end]).all()


def test_online_no_later_clip_changes_an_earlier_prediction(run: Run) -> None:
    rng = np.random.default_rng(1)
    first, count = FEATURES.span(7)
    later = slice(first + 25, first + count)
    audio, visual, valid = FEATURES.audio.copy(), FEATURES.visual.copy(), FEATURES.valid.copy()
    audio[later], visual[later] = rng.normal(size=(2, count - 25, 6))
    valid[later] = rng.random((count - 25, 2)) > 0.5
    other = replace(FEATURES, audio=audio, visual=visual, valid=valid)
    known = f"recording == 'r7' and frame <= {FEATURES.frame[first + 24]}"
    before, after = (jca.evaluate(run, one, online=True).predictions.query(known) for one in (FEATURES, other))
    pd.testing.assert_frame_equal(before, after)
    assert len(before) == 2 * 25 * 8
    tiled = [at_ends(jca.evaluate(run, one).predictions, FEATURES, 7)[:, :25] for one in (FEATURES, other)]
    assert not np.allclose(*tiled, atol=1e-4, equal_nan=True), "windows of tiles do look ahead"


def test_online_in_chunks_of_any_size(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = jca.evaluate(run, FEATURES, online=True).predictions
    sizes = []
    call = type(run.ensemble("cpu")).__call__

    def watched(self: object, audio: torch.Tensor, *inputs: torch.Tensor) -> object:
        sizes.append(len(audio))
        return call(self, audio, *inputs)

    monkeypatch.setattr("jcalib.training.batched.Ensemble.__call__", watched)
    monkeypatch.setattr("jcalib.training.evaluation.CHUNK", 7)
    np.testing.assert_allclose(jca.evaluate(run, FEATURES, online=True).predictions[VALUES], whole[VALUES], atol=1e-5)
    assert sum(sizes) == 3 * 40 and max(sizes) == 7


def test_a_label_a_recording_is_predicted_by_the_mean_over_its_ends(run: Run) -> None:
    once = jca.evaluate(run, replace(FEATURES, one_label=True), online=True).predictions
    assert len(once) == 3 * 2
    every = jca.evaluate(run, FEATURES, online=True).predictions
    for number in FEATURES.of_role("report"):
        mean = np.nanmean(at_ends(every, FEATURES, number), axis=1)
        own = once[once["recording"] == FEATURES.recordings[number].name]
        np.testing.assert_allclose(own[VALUES], mean, atol=1e-5)


def test_features_that_a_run_cannot_read_are_refused(run: Run) -> None:
    name = run.folder.name
    with pytest.raises(UserError, match=rf"run {name} reads 6 audio and 6 visual features, these are 5 and 5 wide"):
        jca.evaluate(run, toy_features(width=5))
    encoding = Encoding(audio="encoder-audio-1", visual="encoder-visual-1", size=64, hop=8, fps=25.0)
    with pytest.raises(UserError, match=r"features of unknown encoders, these are of encoder-audio-1 and enc"):
        jca.evaluate(run, replace(FEATURES, encoding=encoding))
    nobody = tuple(replace(info, role="fusion") for info in FEATURES.recordings)
    with pytest.raises(UserError, match="features have 0 recordings of report persons"):
        jca.evaluate(run, replace(FEATURES, recordings=nobody))
    with pytest.raises(UserError, match="which no recording has"):
        jca.evaluate(run, replace(FEATURES, valid=FEATURES.valid & [True, False]))
