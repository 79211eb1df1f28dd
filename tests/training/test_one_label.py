"""One label per recording: every step trains towards it, and a recording counts once, whatever its length."""

from dataclasses import replace

import numpy as np
import pytest
from toy import toy_features, toy_preset

from jcalib.features import Features
from jcalib.studies import ablate
from jcalib.studies.statistics import compare, sums
from jcalib.training import fit
from jcalib.training.evaluation import frame_table, scored


def one_label(features: Features) -> Features:
    """Give each recording its number as label, the first ones shorter than the others."""
    levels = np.linspace(-0.8, 0.8, len(features.recordings), dtype=np.float32)
    labels = [np.full_like(info.labels, level) for info, level in zip(features.recordings, levels, strict=True)]
    infos = tuple(replace(info, labels=new) for info, new in zip(features.recordings, labels, strict=True))
    target = np.repeat(levels[features.recording][:, None], 2, axis=1)
    return replace(features, recordings=infos, target=target, one_label=True, source="one label")


def test_a_recording_counts_once_with_the_mean_of_its_known_steps() -> None:
    features = one_label(toy_features(frames=64))
    grid = np.arange(2 * 72 * 2, dtype=np.float32).reshape(2, 72, 2)
    grid[:, 8:12] = np.nan  # half of recording 1
    grid[:, 16:24] = np.nan  # all of recording 2
    predicted, labels = scored(features, [1, 2, 5], grid)
    assert predicted.shape == (2, 3, 2) and labels.shape == (3, 2)
    np.testing.assert_allclose(predicted[:, 0], grid[:, 12:16].mean(1))
    assert np.isnan(predicted[:, 1]).all()
    np.testing.assert_allclose(predicted[:, 2], grid[:, 40:48].mean(1))
    np.testing.assert_allclose(labels[:, 0], np.linspace(-0.8, 0.8, 9, dtype=np.float32)[[1, 2, 5]])
    table = frame_table(features, [1, 5], grid, [0, 1])
    assert len(table) == 4 and table["seed"].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(table["valence"][:2], grid[:, 12:16, 0].mean(1))
    assert table["frame"].tolist() == [63] * 4 and table["time"].iloc[0] == pytest.approx(63 / 25)
    rows, _ = scored(replace(features, one_label=False), [1, 5], grid)
    assert rows.shape == (2, 16, 2), "with a label per step every clip end counts"


def test_the_statistics_are_those_of_one_value_a_recording() -> None:
    """The jackknife over persons, by hand from Lin's formula, on a value a recording and seed."""
    rng = np.random.default_rng(0)
    persons = [f"p{number // 2}" for number in range(24)]
    true = rng.normal(size=24)
    values = true[:, None] + rng.normal(size=(24, 3))
    table = sums(values[:, :, None], true[:, None, None])
    assert (table[..., 0] == 1).all()
    found = compare(table, clusters=persons)

    def ccc(rows: np.ndarray, seed: int) -> float:
        x, y = values[rows, seed], true[rows]
        return 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)

    everybody = np.arange(24)
    theta = np.array([ccc(everybody, seed) for seed in range(3)])
    without = np.array([[ccc(everybody[everybody // 2 != one], seed) for seed in range(3)] for one in range(12)])
    pseudo = 12 * theta - 11 * without
    rows, columns = pseudo.mean(1), pseudo.mean(0)
    ms_r, ms_s = 3 * rows.var(ddof=1), 12 * columns.var(ddof=1)
    ms_e = ((pseudo - rows[:, None] - columns + pseudo.mean()) ** 2).sum() / (11 * 2)
    variance = max(ms_r + ms_s - ms_e, ms_r, ms_s) / 36
    assert found.clusters == 12 and found.difference == pytest.approx(theta.mean())
    assert found.standard_error == pytest.approx(np.sqrt(variance))


def test_epochs_scores_and_statistics_follow_the_same_rule(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
    features = one_label(toy_features())
    selections = []
    run = fit("cross", features, 2, toy_preset(epochs=2), on_epoch=lambda epoch: selections.append(epoch.selection))
    assert run.settings.one_label and run.predictions.groupby("seed").size().tolist() == [3, 3]
    x, y = run.predictions[run.predictions["seed"] == 0][["valence", "true_valence"]].to_numpy(float).T
    expected = 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert run.frame().query("seed == 0 and target == 'valence'")["ccc"].item() == pytest.approx(expected, abs=1e-5)
    assert np.isfinite(selections).all(), "two selection recordings, two labels"
    study = ablate(["joint", "cross"], features, 2, toy_preset(epochs=2))
    assert (study.sums["joint"][..., 0] == 1).all()
    assert "One label per recording: each counts once." in study.detectable()
