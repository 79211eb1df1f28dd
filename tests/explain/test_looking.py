"""Clips, conditions and intervals: what is measured when, with answers known beforehand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import toy_features, toy_preset

from jcalib.explain import (
    by_condition,
    clip_table,
    conditions,
    course_table,
    differences,
    jackknife,
    looking_headline,
    mean_interval,
    shares_under,
)
from jcalib.studies.corruptions import feature_corruptions
from jcalib.training import Run, fit

FEATURES = toy_features(lost=True)
REPORT = FEATURES.of_role("report")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        return {name: fit(name, FEATURES, 2, toy_preset(8, clips=4), device="cpu") for name in ("joint", "audio")}


@pytest.fixture(scope="module")
def tables(runs: dict[str, Run]) -> dict[str, pd.DataFrame]:
    return {name: clip_table(run, FEATURES, REPORT, "valence") for name, run in runs.items()}


def test_touching_clips_that_have_a_prediction_are_measured_once(tables: dict[str, pd.DataFrame]) -> None:
    touching = np.concatenate([FEATURES.span(one)[0] + np.arange(0, FEATURES.span(one)[1], 4) for one in REPORT])
    wanted = touching[FEATURES.valid[touching].any(1)]
    for table in tables.values():
        np.testing.assert_array_equal(table["row"], wanted)
        assert table[["all_audio"]].sum().to_numpy() == pytest.approx(1)


def test_a_course_is_of_every_clip_end_and_adds_up(runs: dict[str, Run], tables: dict[str, pd.DataFrame]) -> None:
    course = course_table(runs["joint"], FEATURES, "r7", "valence")
    np.testing.assert_array_equal(course["row"], FEATURES.of("r7"))
    both = course.merge(tables["joint"], on="row", suffixes=("", "_sparse"))
    assert len(both) == (tables["joint"]["recording"] == "r7").sum() > 5
    np.testing.assert_allclose(both["interaction"], both["interaction_sparse"], atol=1e-5)


def test_the_prediction_is_the_runs(runs: dict[str, Run], tables: dict[str, pd.DataFrame]) -> None:
    truth = runs["joint"].predictions.groupby(["recording", "frame"])["valence"].mean()
    table = tables["joint"]
    expected = truth[list(zip(table["recording"], FEATURES.frame[table["row"]], strict=True))]
    np.testing.assert_allclose(table["prediction"], expected, atol=1e-5)


def test_the_voice_alone_shares_nothing_and_hears_nobody(tables: dict[str, pd.DataFrame]) -> None:
    alone = tables["audio"]
    assert alone["other_audio"].abs().max() == 0 and alone["visual"].abs().max() < 1e-6
    averages = by_condition(tables, conditions(None, FEATURES, "valence")).set_index(["fusion", "condition", "measure"])
    assert averages.loc[("audio", "all clips", "voice's share"), "value"] == pytest.approx(1, abs=1e-4)
    assert 0 < averages.loc[("joint", "all clips", "cross-talk, voice"), "value"] < 1
    lost = averages.loc[("joint", "face lost", "voice's share")]
    assert lost["clips"] == (~FEATURES.valid[tables["joint"]["row"], 1]).sum()


def test_differences_are_of_the_averages(tables: dict[str, pd.DataFrame]) -> None:
    found = conditions(None, FEATURES, "valence")
    averages = by_condition(tables, found).set_index(["fusion", "condition", "measure"])["value"]
    less = differences(tables, found, "joint", "audio").set_index(["condition", "measure"])["value"]
    for key, value in less.dropna().items():
        assert value == pytest.approx(averages["joint"][key] - averages["audio"][key])


def test_a_modality_that_gets_worse_changes_its_share(runs: dict[str, Run]) -> None:
    chosen = [
        one for one in feature_corruptions(FEATURES) if one.kind in ("voice replaced", "voice missing", "face noise")
    ]
    found = shares_under(runs["joint"], FEATURES, chosen, "valence", REPORT)
    assert len(found) == sum(len(one.severities) for one in chosen)
    assert found[found["clean"]][["value", "interaction"]].nunique().eq(1).all()
    at = found.set_index(["kind", "severity"])["value"]
    assert found["value"].between(0, 1).all() and at["voice replaced", 1.0] != pytest.approx(at["voice replaced", 0.0])
    clean = found[found["clean"]]
    assert (clean[["change", "change_low", "change_high"]] == 0).all(axis=None)
    moved = at["voice replaced", 1.0] - at["voice replaced", 0.0]
    row = found.set_index(["kind", "severity"]).loc[("voice replaced", 1.0)]
    assert row["change"] == pytest.approx(moved) and row["change_low"] < moved < row["change_high"]
    deaf = shares_under(runs["audio"], FEATURES, chosen, "valence", REPORT)
    assert deaf[deaf["kind"] == "face noise"]["value"].to_numpy() == pytest.approx(1), "one that never sees the face"


def test_a_clip_without_a_face_does_not_count_in_the_face_s_change(
    runs: dict[str, Run], tables: dict[str, pd.DataFrame]
) -> None:
    for modality, column in (("audio", 0), ("visual", 1)):
        table = tables["joint"]
        there = FEATURES.valid[table["row"], column]
        np.testing.assert_array_equal(table[f"count_{modality}"], there)
        assert (table[f"change_{modality}"][~there] == 0).all() and (table[f"change_{modality}"][there] > 0).all()
    deaf = tables["audio"]
    assert not deaf["count_visual"].any() and deaf["count_audio"].any()


def test_clean_shares_are_those_of_the_table_of_clips(runs: dict[str, Run], tables: dict[str, pd.DataFrame]) -> None:
    found = shares_under(runs["joint"], FEATURES, feature_corruptions(FEATURES)[:1], "valence", REPORT)
    table = tables["joint"]
    ours = found[found["clean"]].iloc[0]
    assert ours["value"] == pytest.approx(table["abs_audio"].sum() / table["abs_both"].sum(), abs=0.02)


def test_conditions_are_those_of_the_truth(tmp_path: Path) -> None:
    """Clips end every 8th frame and span 32: an episode counts from its half on, a turned sign wherever it is."""
    features, frames = toy_features(), 320
    truth = {name: np.zeros(frames, bool) for name in ("face_covered", "face_lost", "voice_noisy", "posed")}
    truth["face_covered"][64:128] = True
    sign = np.where(np.arange(frames) < 200, -1.0, 1.0)
    np.savez(tmp_path / "r8.npz", **truth, m_valence=sign)
    recordings = [
        SimpleNamespace(name=info.name, truth=tmp_path / "r8.npz" if info.name == "r8" else None)
        for info in features.recordings
    ]
    found = conditions(SimpleNamespace(recordings=recordings), features, "valence")  # type: ignore[arg-type]
    ends = features.frame
    eighth = features.recording == 8
    covered = eighth & (ends >= 79) & (ends <= 143)
    np.testing.assert_array_equal(found["face covered"], covered)
    np.testing.assert_array_equal(found["sign flips"], eighth & (ends >= 200) & (ends < 232))
    np.testing.assert_array_equal(found["nothing happens"], ~covered & ~found["sign flips"])


def test_without_truth_only_lost_faces_are_known() -> None:
    assert list(conditions(None, FEATURES, "arousal")) == ["face lost"]


@settings(deadline=None)
@given(st.integers(3, 12), st.integers(0, 10_000))
def test_the_jackknife_of_a_mean_is_the_t_interval(count: int, seed: int) -> None:
    from scipy import stats

    values = np.random.default_rng(seed).normal(size=count)
    found = mean_interval(values, np.arange(count))
    expected = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    np.testing.assert_allclose(found[1:3], expected)


def test_intervals_cover_when_clips_of_a_person_are_alike() -> None:
    """Persons differ, clips of one do not: counting clips would give intervals three times too narrow."""
    rng, hits = np.random.default_rng(0), 0
    for _ in range(300):
        person = np.repeat(rng.normal(size=12), 9)
        low, high = mean_interval(person + 0.1 * rng.normal(size=108), np.repeat(np.arange(12), 9))[1:3]
        hits += low < 0 < high
    assert 270 <= hits <= 297


def test_two_clusters_have_no_interval() -> None:
    found = jackknife(np.ones((4, 1)), [0, 0, 1, 1])
    assert found.value == 4 and np.isnan(found.low) and found.clusters == 2


def test_a_number_without_an_interval_says_why() -> None:
    few = jackknife(np.array([[0.2], [0.3]]), ["ann", "bob"])
    assert few.text == ".500 (too few recordings for a comparison)"
    assert mean_interval([-0.0004, -0.0002], ["ann", "bob"]).signed.startswith("-.0003 (too few recordings")
    assert mean_interval([0.1, 0.2, 0.3], ["ann", "bob", "cy"]).text == ".200 [-.048, .448]"
    assert mean_interval([np.nan], ["ann"]).text == "–"
    measured = {"persons": 2, "low": np.nan, "high": np.nan, "condition": "all clips", "fusion": "joint"}
    rows = [measured | {"measure": f"cross-talk, {word}", "value": 0.1} for word in ("voice", "face")]
    averages = pd.DataFrame(rows + [one | {"fusion": "cross"} for one in rows])
    said = looking_headline(averages, pd.DataFrame(rows), "joint", "cross")
    assert "against 0.100, too few recordings for a comparison." in said and "difference" not in said
