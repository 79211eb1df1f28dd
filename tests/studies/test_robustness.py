"""Corruption changes what it says and nothing else, and curves are the CCCs of the same runs on the same frames."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import toy_features, toy_preset

from jcalib.features import Features
from jcalib.settings import UserError
from jcalib.studies import Robustness, Study, ablate, dropout_cost, robustness, with_modality_dropout
from jcalib.studies.corruptions import Corruption, feature_corruptions, recordings_of, shifted, spread
from jcalib.studies.rescoring import counted_frames
from jcalib.studies.statistics import ccc_from_sums
from jcalib.views.robustness import plot_gains

FEATURES = toy_features(lost=True)
NAMES = ("audio", "visual", "concat", "cross", "joint")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        yield ablate(NAMES, FEATURES, seeds=2, preset=toy_preset(4))


@pytest.fixture(scope="module")
def found(study: Study) -> Robustness:
    return robustness(study, FEATURES)


def named(features: Features = FEATURES) -> dict[str, Corruption]:
    return {one.kind: one for one in feature_corruptions(features)}


def test_a_clean_severity_changes_nothing() -> None:
    for corruption in named().values():
        clean = corruption.apply(FEATURES, corruption.clean)
        assert np.array_equal(clean.valid, FEATURES.valid), corruption.kind
        for column, name in enumerate(("audio", "visual")):
            there = FEATURES.valid[:, column]
            assert np.array_equal(getattr(clean, name)[there], getattr(FEATURES, name)[there]), corruption.kind


def test_a_missing_modality_is_masked_and_the_other_untouched() -> None:
    gone = named()["voice missing"].apply(FEATURES, 1.0)
    assert not gone.valid[:, 0].any() and not gone.audio.any()
    assert np.array_equal(gone.valid[:, 1], FEATURES.valid[:, 1]) and gone.visual is FEATURES.visual


@given(st.integers(0, 2**31), st.sampled_from(["voice clips lost", "face clips lost"]))
@settings(max_examples=15, deadline=None)
def test_lost_clips_nest_and_are_as_many_as_said(seed: int, kind: str) -> None:
    corruption = {one.kind: one for one in feature_corruptions(FEATURES, seed)}[kind]
    column = int(kind.startswith("face"))
    kept = [corruption.apply(FEATURES, share).valid[:, column] for share in corruption.severities]
    assert all((after <= before).all() for before, after in pairwise(kept))
    there = FEATURES.valid[:, column].sum()
    for share, one in zip(corruption.severities, kept, strict=True):
        assert abs(one.sum() / there - (1 - share)) < 4 * np.sqrt(share * (1 - share) / there) + 1e-9


def test_noise_has_the_size_it_says_in_every_feature() -> None:
    complete = toy_features(frames=3200)
    noise = named(complete)["face noise"].apply(complete, 2.0).visual - complete.visual
    assert noise.std(axis=0) == pytest.approx(2 * spread(complete, "visual"), rel=0.06)
    half = named(complete)["face noise"].apply(complete, 1.0).visual - complete.visual
    assert half == pytest.approx(noise / 2, abs=1e-5)


@given(st.integers(-50, 50))
@settings(max_examples=20, deadline=None)
def test_a_lag_moves_rows_within_their_recording(rows: int) -> None:
    late = shifted(FEATURES, "audio", rows)
    for number in range(len(FEATURES.recordings)):
        first, count = FEATURES.span(number)
        for place in range(count):
            source = place - rows
            valid = 0 <= source < count and FEATURES.valid[first + source, 0]
            assert late.valid[first + place, 0] == valid
            if valid:
                assert np.array_equal(late.audio[first + place], FEATURES.audio[first + source])


def test_lags_are_seconds_as_near_as_the_grid_comes() -> None:
    assert named()["voice lags face"].severities == (-0.96, -0.64, -0.32, 0.0, 0.32, 0.64, 0.96)
    coarse = replace(FEATURES, time=FEATURES.time * 10)
    assert "voice lags face" not in named(coarse), "rows 3.2 s apart cannot show a lag of 1 s"
    steps = replace(FEATURES, time=np.arange(len(FEATURES.time), dtype=float), unit="steps")
    assert named(steps)["voice lags face"].unit == "lag of the voice (steps)"


def test_units_say_what_a_severity_counts() -> None:
    units = {kind: corruption.unit for kind, corruption in named().items()}
    assert units["voice missing"] == "share of the voice missing"
    assert units["face clips lost"] == "share of clips lost"
    assert units["face noise"] == "noise (SDs of the features)"
    assert units["voice replaced"] == "share of the voice's variance replaced"
    assert units["voice lags face"] == "lag of the voice (s)"


def test_features_of_some_recordings_keep_their_rows() -> None:
    part = recordings_of(FEATURES, [2, 7])
    assert [info.name for info in part.recordings] == ["r2", "r7"]
    for number, one in enumerate((2, 7)):
        (first, count), (mine, same) = FEATURES.span(one), part.span(number)
        assert count == same
        assert np.array_equal(part.audio[mine : mine + count], FEATURES.audio[first : first + count])


def test_clean_points_are_the_study_s_own_scores(study: Study) -> None:
    """With every clip there, all frames count, so the clean point is the study's CCC."""
    whole = toy_features()
    own = ablate(["concat", "cross", "joint"], whole, seeds=2, preset=toy_preset(2))
    result = robustness(own, whole, kinds=["voice missing"])
    assert result.scored == 1
    for name in ("concat", "joint"):
        assert result.sums[name, "voice missing", 0.0] == pytest.approx(own.sums[name], rel=1e-5, abs=1e-4)


def test_every_point_is_scored_on_the_same_frames(found: Robustness) -> None:
    counts = [table[..., 0] for table in found.sums.values()]
    assert all(np.array_equal(one, counts[0]) for one in counts)
    assert 0.3 < found.scored < 1


def half_annotated() -> Features:
    """No label in the first half of the first report recording, no face or voice in the second half of the next."""
    infos, valid = list(FEATURES.recordings), np.ones_like(FEATURES.valid)
    labels = infos[6].labels.copy()
    labels[:160] = np.nan
    infos[6] = replace(infos[6], labels=labels)
    first, count = FEATURES.span(7)
    valid[first + count // 2 : first + count] = False
    return replace(toy_features(), recordings=tuple(infos), valid=valid)


def test_the_share_that_is_scored_is_of_annotated_frames() -> None:
    part = recordings_of(half_annotated(), [6, 7])
    kept, share = counted_frames(part, [named()["voice missing"]])
    assert [int(one.sum()) for one in kept] == [320, 160]
    assert share == pytest.approx((160 + 160) / (160 + 320))


def test_the_share_of_recordings_with_one_label_is_of_those_that_have_one() -> None:
    part = replace(recordings_of(half_annotated(), [6, 7, 8]), one_label=True)
    part.target[slice(part.span(2)[0], None)] = np.nan
    assert counted_frames(part, [named()["voice missing"]])[1] == 1
    part.valid[: part.span(0)[1]] = False
    assert counted_frames(part, [named()["voice missing"]])[1] == 0.5
    part.target[:] = np.nan
    with pytest.raises(UserError, match="0 annotated frames have a prediction under all of voice missing"):
        counted_frames(part, [named()["voice missing"]])


def test_a_fusion_of_the_voice_hears_nothing_of_the_face(found: Robustness) -> None:
    table = found.frame()
    audio = table[(table["fusion"] == "audio") & table["kind"].isin(["face missing", "face noise", "face clips lost"])]
    assert audio["change"].abs().max() < 1e-6
    deaf = table[(table["fusion"] == "audio") & (table["kind"] == "voice missing") & ~table["clean"]]
    assert deaf["ccc"].abs().max() < 1e-6, "a constant prediction agrees with nothing"


def test_the_summary_is_the_area_and_the_drop_that_it_says(found: Robustness) -> None:
    table, summary = found.frame(), found.summary().set_index(["kind", "fusion"])
    for kind in ("face clips lost", "voice lags face"):
        curves = dict(iter(table[table["kind"] == kind].groupby("fusion")))
        mine, base = curves["joint"], curves["concat"]
        area = np.trapezoid(mine["ccc"]) / (len(mine) - 1)
        assert summary.loc[(kind, "joint"), "relative"] == pytest.approx(area)
        worse = ~mine["clean"].to_numpy()
        drops = [one["ccc"].to_numpy()[worse] - one["ccc"].to_numpy()[~worse] for one in (mine, base)]
        assert summary.loc[(kind, "joint"), "effective"] == pytest.approx((drops[0] - drops[1]).mean())
        assert summary.loc[(kind, "concat"), "effective"] == 0


def test_the_advantage_is_the_mean_over_kinds_and_severities(found: Robustness) -> None:
    kinds = ["voice missing", "face noise"]
    one = found.advantage("joint", "cross", kinds)
    gains = []
    for kind in kinds:
        levels = [level for corruption in found.corruptions if corruption.kind == kind for level in corruption.worse]
        tables = [[found.sums[name, kind, level] for level in levels] for name in ("joint", "cross")]
        joint, cross = (np.mean([ccc_from_sums(table.sum(0)).mean() for table in part]) for part in tables)
        gains.append(joint - cross)
    assert one.difference == pytest.approx(np.mean(gains))
    with pytest.raises(UserError, match="unknown corruption 'voice gone'"):
        found.advantage("joint", "cross", ["voice gone"])


def test_the_same_seed_gives_the_same_numbers(study: Study) -> None:
    runs = [study.runs["joint"]]
    first, again, other = (robustness(runs, FEATURES, ["voice noise"], seed=seed).frame() for seed in (3, 3, 4))
    assert first.equals(again) and not first.equals(other)


def test_other_features_and_kinds_that_do_not_exist_are_refused(study: Study) -> None:
    with pytest.raises(UserError, match="corrupt the features that a run knows"):
        robustness(study, toy_features())
    with pytest.raises(UserError, match="unknown corruption 'voice misses'"):
        robustness(study, FEATURES, ["voice misses"])


def test_a_label_a_recording_is_scored_once_a_recording(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    once = replace(toy_features(), one_label=True, source="once")
    own = ablate(["cross", "joint"], once, seeds=1, preset=toy_preset(1))
    result = robustness(own, once, ["face noise"], persons=2)
    assert result.sums["joint", "face noise", 1.0][..., 0].tolist() == [[[1, 1]], [[1, 1]]]


def test_the_figure_has_a_panel_a_kind(found: Robustness) -> None:
    titles = {ax.get_title("left") for ax in found.plot().axes if ax.get_visible()}
    assert titles == {one.kind for one in found.corruptions}


@pytest.fixture
def dropped(study: Study, monkeypatch: pytest.MonkeyPatch) -> Robustness:
    monkeypatch.setenv("JCALIB_HOME", str(study.runs["joint"].folder.parents[1]))
    again = with_modality_dropout(study, NAMES, FEATURES, 0.5, toy_preset(4))
    assert {run.settings.training.modality_dropout for run in again.runs.values()} == {0.5}
    return robustness(again, FEATURES)


def test_other_trainings_are_compared_point_by_point(found: Robustness, dropped: Robustness) -> None:
    gains = dropped.against(found).set_index(["kind", "fusion"])["gain"]
    mine, before = (one.summary().set_index(["kind", "fusion"])["relative"] for one in (dropped, found))
    wanted = (mine - before).loc[gains.drop("no corruption", level="kind").index]
    assert gains.drop("no corruption", level="kind").to_numpy() == pytest.approx(wanted.to_numpy())
    clean = [one.frame().query("clean").groupby("fusion")["ccc"].first() for one in (dropped, found)]
    assert gains["no corruption"].to_dict() == pytest.approx((clean[0] - clean[1]).to_dict())
    alone = gains[gains.index.get_level_values("fusion").isin(["audio", "visual"])]
    assert len(alone) and alone.abs().max() < 1e-12, "one modality alone has nothing to drop"
    assert gains["no corruption"].abs().max() > 1e-4 and found.against(found)["gain"].abs().max() < 1e-12


def test_what_training_again_takes_is_what_it_took(study: Study) -> None:
    seconds = sum(study.runs[name].metrics["train_seconds"] for name in ("joint", "cross"))
    assert f"joint, cross again with modality dropout takes about {seconds:.0f} s" in dropout_cost(
        study, ["joint", "cross"]
    )


def test_the_figure_of_gains_has_a_dot_a_fusion_and_kind(found: Robustness, dropped: Robustness) -> None:
    gains = dropped.against(found)
    fig = plot_gains(gains)
    drawn = np.concatenate([bars.lines[0].get_xdata(orig=False) for bars in fig.axes[0].containers])
    np.testing.assert_allclose(np.sort(drawn), np.sort(gains["gain"]))
    fig.canvas.draw()


def test_other_corruptions_persons_or_seeds_are_not_compared(study: Study, found: Robustness) -> None:
    with pytest.raises(UserError, match="not corrupted in the same way"):
        found.against(robustness(study, FEATURES, ["voice missing"]))
    with pytest.raises(UserError, match="not corrupted in the same way"):
        found.against(robustness(study, FEATURES, persons=2))


def test_who_trained_without_the_voice_at_times_keeps_more_when_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    whole, kept = toy_features(), []
    for share in (0.5, 0.0):
        own = ablate(["cross", "joint", "concat"], whole, 3, toy_preset(60, dropout=0.0, modality_dropout=share))
        kept.append(robustness(own, whole, ["voice missing", "face missing"], ["concat"]))
    assert kept[0].against(kept[1]).query("kind != 'no corruption'")["gain"].min() > 0.05
