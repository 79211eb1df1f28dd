"""The interval of a prediction: known ranks, coverage on exchangeable persons, and what few persons can promise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import toy_features, toy_preset

from jcalib.training import Run, fit
from jcalib.training.calibration import LEVEL, calibrate, conformal_quantile, guarantee


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))
    return fit("joint", toy_features(lost=True), seeds=2, preset=toy_preset())


def frames(residuals: dict[str, list[float]], true: float = 0.0) -> pd.DataFrame:
    """Predictions of one seed that are off by the given amounts."""
    rows = [
        {"recording": person, "person": person, "seed": 0, "frame": frame, "valence": true + off, "true_valence": true}
        for person, some in residuals.items()
        for frame, off in enumerate(some)
    ]
    return pd.DataFrame(rows)


@given(st.integers(9, 60), st.randoms(use_true_random=False))
def test_one_residual_a_person_is_plain_split_conformal(persons, random):
    residuals = np.array(random.sample(range(1000), persons), float)
    rank = int(np.ceil((persons + 1) * LEVEL - 1e-9))
    assert conformal_quantile(residuals, np.arange(persons), LEVEL) == (np.sort(residuals)[rank - 1], rank)


def test_known_quantiles():
    """Ten persons need .9 x 11 / 10 = .99 of the weight, so all but the last frame of a hundred."""
    residuals, persons = np.arange(100.0), np.tile(np.arange(10), 10)
    assert conformal_quantile(residuals, persons, 0.9) == (98.0, 99)
    assert conformal_quantile(residuals, persons % 5, 0.9) == (89.0, 90)  # five are too few: the quantile itself


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_long_recording_weighs_no_more_than_a_short_one(times, more):
    residuals, persons = np.array([1.0] * 7 + [2.0] * 3), np.arange(10)
    repeats = np.where(persons == 9, times * more, times)
    one = conformal_quantile(residuals, persons, 0.6)
    assert conformal_quantile(residuals.repeat(repeats), persons.repeat(repeats), 0.6)[0] == one[0] == 1.0


def test_few_persons_promise_less():
    assert guarantee(8, 0.9) == pytest.approx(0.8)
    assert guarantee(9, 0.9) == pytest.approx(0.9) == guarantee(40, 0.9)


@pytest.mark.parametrize("persons", [4, 8, 12, 30])
@pytest.mark.parametrize("alike", [0.0, 1.0])
def test_a_new_person_is_covered_as_promised(persons, alike):
    """Persons are exchangeable; frames of one are independent, or all the same."""
    rng = np.random.default_rng(persons)
    covered = []
    for _ in range(600):
        scale = rng.gamma(4, size=(persons + 1, 1))
        own, each = rng.normal(size=(persons + 1, 1)), rng.normal(size=(persons + 1, 20))
        off = np.abs(scale * (alike * own + (1 - alike) * each))
        half_width, _ = conformal_quantile(off[:-1].ravel(), np.arange(persons).repeat(20), LEVEL)
        covered.append((off[-1] <= half_width).mean())
    assert np.mean(covered) > guarantee(persons, LEVEL) - 3 * np.std(covered) / 600**0.5
    assert np.mean(covered) < (LEVEL + 0.02 if persons < 9 else LEVEL + 0.09)


def test_coverage_is_that_of_the_report_persons():
    selection = frames({f"s{n}": [0.1 * n] * 3 for n in range(1, 10)})
    report = frames({"r1": [0.85, -0.95], "r2": [0.1, 0.2, 0.3, float("nan")]})
    found = calibrate(selection, report, "valence")
    assert found.half_width == pytest.approx(0.9) and found.rank == 27
    assert found.persons == 9 and found.frames == 27 and found.guaranteed == pytest.approx(0.9)
    assert found.coverage == pytest.approx((0.5 + 1) / 2) and found.lowest == 0.5 and found.report_persons == 2
    assert "nominal 90 %, ± 0.90" in found.sentence("valence")
    assert "measured 75 % on 2 report persons, 50 % on the worst" in found.sentence("valence")


def test_a_prediction_beyond_the_scale_is_taken_at_its_end():
    off = frames({f"s{n}": [0.7] for n in range(10)}, true=0.9)
    assert calibrate(off, off, "valence").half_width == pytest.approx(0.1)


def test_without_selection_persons_nothing_is_claimed():
    found = calibrate(pd.DataFrame(), frames({"r": [0.1]}), "valence")
    assert found.half_width is None and found.coverage is None
    assert "not calibrated" in found.sentence("valence")


def test_a_run_keeps_its_calibration(run):
    frame = run.predictions.groupby(["person", "frame"])[["arousal", "true_arousal"]].mean().dropna()
    off = (frame["arousal"].clip(-1, 1) - frame["true_arousal"]).abs()
    found = Run.load(run.folder).calibration["arousal"]
    assert found.persons == 2 and found.guaranteed == pytest.approx(0.6) and found.report_persons == 3
    assert found.coverage == pytest.approx((off <= found.half_width).groupby("person").mean().mean())
