"""Two practices of released code, each off by default: zero-filling and smoothing before the score."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import toy_features, toy_preset

from jcalib.settings import UserError
from jcalib.studies import Study, ablate
from jcalib.studies.statistics import ccc_from_sums, sums, zero_filled
from jcalib.training.evaluation import smooth
from tests.studies.drawn import relabelled

NAN = np.nan


def ccc(x: np.ndarray, y: np.ndarray) -> float:
    return float(2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))


def series(mean: float, variance: float, correlation: float, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Two series with exactly these moments."""
    white = np.random.default_rng(0).normal(size=(n, 2))
    white = np.linalg.qr(white - white.mean(0))[0] * np.sqrt(n)
    x, y = white[:, 0], correlation * white[:, 0] + np.sqrt(1 - correlation**2) * white[:, 1]
    return mean + np.sqrt(variance) * x, mean + np.sqrt(variance) * y


@pytest.mark.parametrize(
    ("mean", "filled", "claimed"),
    [(0.4, 0.05, 0.574), (0.4, 0.10, 0.602), (0.4, 0.20, 0.648), (0.0, 0.20, 0.542)],
)
def test_zero_filling_inflates_where_means_are_not_0(mean: float, filled: float, claimed: float) -> None:
    """Share p of zeros: cov' = (1-p) cov + p (1-p) m^2 and var' likewise, so .542 grows with p and m^2."""
    x, y = series(mean, 0.1067, 0.542)
    assert ccc(x, y) == pytest.approx(0.542)
    extra = round(len(x) * filled / (1 - filled))
    labelled = sums(np.append(x, np.full(extra, 0.9)), np.append(y, np.full(extra, NAN)))
    assert ccc_from_sums(labelled) == pytest.approx(0.542)
    found = float(ccc_from_sums(zero_filled(labelled, len(x) + extra)))
    assert found == pytest.approx(claimed, abs=0.0015)
    zeros = np.zeros(extra)
    assert found == pytest.approx(ccc(np.append(x, zeros), np.append(y, zeros)), abs=1e-9)


@given(values=st.lists(st.floats(-1, 1), min_size=4, max_size=30), width=st.integers(1, 12))
def test_smoothing_averages_what_there_is(values: list[float], width: int) -> None:
    track = np.array(values)
    track[1::4] = NAN
    found = smooth(np.stack([track, track], axis=1), (width, 1))
    np.testing.assert_array_equal(np.isnan(found[:, 0]), np.isnan(track))
    np.testing.assert_allclose(found[:, 1], track, atol=1e-12)
    for place in np.flatnonzero(~np.isnan(track)):
        first = place - width // 2
        window = track[max(first, 0) : first + width]
        assert found[place, 0] == pytest.approx(np.nanmean(window), abs=1e-9)


def test_the_edges_are_not_pulled_to_0() -> None:
    np.testing.assert_allclose(smooth(np.full((2, 60, 2), 0.7, np.float32), (20, 50)), 0.7, rtol=1e-6)


@pytest.mark.parametrize("widths", [(20,), (20, 0)])
def test_widths_that_cannot_be_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="a width in frames for each of valence and arousal"):
        smooth(np.zeros((60, 2)), widths)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Labels around .4, a fifth of each report recording without one."""
    features = toy_features()
    labels = [info.labels + 0.4 for info in features.recordings]
    for one in labels[-3:]:
        one[:64] = NAN
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        made = ablate(("cross", "joint"), relabelled(features, labels), seeds=2, preset=toy_preset(12))
        assert made.sums is not None
        return made


def test_both_numbers_of_a_study_are_those_of_its_predictions(study: Study) -> None:
    table = study.zero_filled().set_index(["fusion", "target"])
    for name, run in study.runs.items():
        for target in ("valence", "arousal"):
            official, claimed = [], []
            for _, one in run.predictions.groupby("seed"):
                pair = one[[target, f"true_{target}"]].astype(float)
                official.append(ccc(*pair.dropna().to_numpy().T))
                pair[pair.isna().any(axis=1)] = 0.0
                claimed.append(ccc(*pair.to_numpy().T))
            assert table.loc[(name, target), "ccc"] == pytest.approx(np.mean(official), abs=1e-6)
            assert table.loc[(name, target), "zero_filled"] == pytest.approx(np.mean(claimed), abs=1e-6)
            assert table.loc[(name, target), "filled"] == pytest.approx(64 / 320)
    mean = table.xs("mean", level="target")
    assert (mean["zero_filled"] > mean["ccc"] + 0.005).all()


def test_nothing_is_said_unless_it_is_on(study: Study) -> None:
    assert study.practices() == []
    said = study.practices(zero_fill=True)
    assert [one.split(":")[0] for one in said] == ["cross", "joint"]
    assert "(20.0%) counted as agreement at 0, as in the released code" in said[0]


def test_a_smoothed_study_scores_smoothed_predictions_and_says_so(study: Study) -> None:
    smoothed = Study(study.runs, smooth=(9, 21))
    assert smoothed.practices() == [
        "Predictions are averaged over 9 (valence) and 21 (arousal) frames before they are scored; "
        "by default they are not."
    ]
    frame = smoothed.frame()
    assert "rmse" not in frame.columns and "rmse" in study.frame().columns
    for (fusion, seed), rows in frame.groupby(["fusion", "seed"]):
        predictions = study.runs[fusion].predictions
        one = predictions[predictions["seed"] == seed]
        parts = [part for _, part in one.groupby("recording")]
        tracks = [smooth(part[["valence", "arousal"]].to_numpy(), (9, 21)) for part in parts]
        pairs = pd.DataFrame(np.concatenate(tracks)).join(
            pd.concat(parts)[["true_valence", "true_arousal"]].reset_index(drop=True)
        )
        kept = pairs.dropna()
        for column, target in enumerate(("valence", "arousal")):
            expected = ccc(kept[column].to_numpy(float), kept[f"true_{target}"].to_numpy(float))
            assert rows.set_index("target").loc[target, "ccc"] == pytest.approx(expected, abs=1e-6)
