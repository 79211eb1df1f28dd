"""The study: its table and comparisons are those of its runs' predictions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy import toy_features, toy_preset

from jcalib.settings import UserError
from jcalib.studies import Study, ablate, beside
from jcalib.studies.factors import cell_names
from jcalib.studies.learning import LearningCurve
from jcalib.studies.statistics import ccc_from_sums
from jcalib.training import fit

NAMES = ("audio", "visual", "concat", "cross", "mixer", "joint")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        made = ablate(NAMES, toy_features(lost=True), seeds=2, preset=toy_preset(8))
        assert made.sums and made.frame() is not None
        return made


def direct(run_predictions: pd.DataFrame, target: str) -> float:
    """The mean over seeds of the CCC by its definition."""
    values = []
    for _, one in run_predictions.groupby("seed"):
        x, y = one[[target, f"true_{target}"]].dropna().to_numpy(dtype=float).T
        values.append(2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))
    return float(np.mean(values))


def test_the_table_holds_the_ccc_of_the_predictions(study: Study) -> None:
    for row in study.table().to_dict("records"):
        predictions = study.runs[row["fusion"]].predictions
        assert row["ccc_valence"] == pytest.approx(direct(predictions, "valence"), abs=1e-6)
        assert row["mean"] == pytest.approx((row["ccc_valence"] + row["ccc_arousal"]) / 2)
        assert row["low"] < row["mean"] < row["high"]


def test_the_table_is_sorted_and_complete(study: Study) -> None:
    table = study.table()
    assert set(table["fusion"]) == set(NAMES)
    assert table["mean"].is_monotonic_decreasing


def test_the_primary_difference_is_that_of_the_two_rows(study: Study) -> None:
    means = study.table().set_index("fusion")["mean"]
    assert study.primary().difference == pytest.approx(means["joint"] - means["cross"])
    mixer = study.against_mixer()
    assert mixer is not None and mixer.difference == pytest.approx(means["joint"] - means["mixer"])


def test_a_seed_has_its_own_number_in_every_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    made = ablate(["cross", "joint"], toy_features(), seeds=(7, 5), preset=toy_preset(2))
    by = ["fusion", "target", "seed"]
    own, scored = (table.set_index(by)["ccc"] for table in (made.frame(), made.scores()))
    assert scored.to_dict() == pytest.approx(own.to_dict(), abs=1e-6)
    curve = LearningCurve({4: made}).frame().set_index(by)["ccc"]
    assert curve.to_dict() == scored.to_dict()


def test_all_fusions_are_scored_on_the_frames_that_all_of_them_predict(study: Study) -> None:
    counts = {name: table[..., 0] for name, table in study.sums.items()}
    assert all(np.array_equal(one, counts["joint"]) for one in counts.values())
    holes = study.runs["joint"].predictions.copy()
    holes.loc[holes["recording"] == "r6", "valence"] = np.nan
    run = study.runs["joint"]
    torn = type(run)(run.folder, run.settings)
    torn.__dict__["predictions"] = holes
    other = Study({**study.runs, "joint": torn})
    assert (other.sums["cross"][0, :, 0, 0] == 0).all() and (other.sums["cross"][0, :, 1, 0] > 0).all()


def test_sums_are_one_set_a_recording_seed_and_target(study: Study) -> None:
    assert study.sums["joint"].shape == (3, 2, 2, 6)
    assert study.persons == ["p6", "p7", "p8"]
    assert np.isfinite(ccc_from_sums(study.sums["joint"].sum(0))).all()


def test_every_fusion_is_held_against_the_better_single_modality(study: Study) -> None:
    sentences = study.table().set_index("fusion")["beats_single"]
    assert sentences["audio"] == sentences["visual"] == ""
    assert all(name in sentences[name] for name in ("concat", "cross", "mixer", "joint"))


def test_three_persons_allow_no_verdict(study: Study) -> None:
    assert set(study.comparisons()["verdict"]) == {"too few recordings for a comparison"}
    assert "too few recordings" in study.headline()


def test_latex_has_a_line_a_fusion(study: Study) -> None:
    text = study.to_latex()
    assert text.count(r"\\") == 1 + len(NAMES) and r"\toprule" in text
    assert all(f"\n{name} &" in text for name in NAMES)


def test_latex_escapes_what_latex_reads(study: Study) -> None:
    wide = Study({**study.runs, "cross_wide": study.runs["cross"]})
    assert r"cross\_wide &" in wide.to_latex()


def test_joint_against_mixer_is_the_same_whatever_stands_beside_it(study: Study) -> None:
    few = Study({name: study.runs[name] for name in ("joint", "cross", "mixer")})
    assert few.against_mixer() == study.against_mixer()
    families = study.comparisons().groupby("family", sort=False).size()
    assert families.to_dict() == {"primary": 1, "planned": 1, "secondary": 10, "single": 4}


def test_published_numbers_stand_beside_the_corpus_name_not_its_path(study: Study) -> None:
    for data, shown in (("/somewhere/of/mine/AffWild2/", "AffWild2"), ("synthetic", "synthetic")):
        ours = beside(study.table(), data).query("source == 'this study'")
        assert set(ours["data"]) == {shown} and set(ours["method"]) == {"joint", "cross"}


def test_figures_name_every_fusion(study: Study) -> None:
    for figure in (study.plot(), study.plot_scores()):
        words = " ".join(text.get_text() for ax in figure.axes for text in [*ax.texts, *ax.get_yticklabels()])
        assert "joint" in words and "cross" in words


def test_a_study_is_written_as_tables_and_vector_figures(study: Study, tmp_path: Path) -> None:
    written = study.write(tmp_path)
    assert all(path.is_file() for path in written)
    assert {path.name for path in tmp_path.iterdir()} == {
        "frame.csv", "table.csv", "table.tex",
        *(f"{figure}.{kind}" for figure in ("differences", "scores") for kind in ("png", "pdf", "csv")),
    }  # fmt: skip
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "frame.csv"), study.frame(), rtol=1e-5, check_dtype=False)


def test_flops_are_those_of_the_matrix_products(study: Study) -> None:
    """Concat: two projections 6 -> 8 and the head 16 -> 128 -> 2, for 8 clips."""
    counted = study.frame().groupby("fusion")["flops"].first()
    assert counted["concat"] == 2 * 8 * (2 * 6 * 8 + 16 * 128 + 128 * 2)
    assert counted["joint"] > counted["mixer"] > counted["concat"]


def test_corner_cells_are_joint_and_cross_and_factors_need_all_cells(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    with pytest.raises(UserError, match="24 of the 24 cells are missing"):
        study.factors()
    corners = {"joint": "cell-joint-feature-tanh-map", "cross": "cell-other-time-softmax-reweight"}
    features, chosen = toy_features(lost=True), toy_preset(8)
    for name, cell in corners.items():
        table = fit(cell, features, 2, chosen).predictions
        pd.testing.assert_frame_equal(table, study.runs[name].predictions, check_exact=True)


def test_24_cells_are_trained_and_their_effects_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    made = ablate(["joint", "cross", *cell_names()], toy_features(), seeds=2, preset=toy_preset(1))
    effects = made.factors()
    shared = effects[(effects["kind"] == "Shapley") & (effects["target"] == "mean")]["difference"].sum()
    assert shared == pytest.approx(made.primary().difference, abs=1e-12)
    assert len(made.comparisons()) == 3, "cells are no tests of the other families"
    assert set(made.table()["fusion"]) == {"joint", "cross"} == set(made.scores()["fusion"])
    cells = made.cells()
    assert sorted(cells["fusion"]) == sorted(cell_names()) and cells["mean"].is_monotonic_decreasing
    corner = cells.set_index(["key", "axis", "normaliser", "combine"]).loc["joint", "feature", "tanh", "map"]
    assert corner["mean"] == pytest.approx(made.table().set_index("fusion").loc["joint", "mean"])
    words = [text.get_text() for text in made.plot_cells().axes[0].texts]
    assert len(words) == 2 * 24 and sum(word.endswith(("joint", "vanilla")) for word in words) == 2
    assert set(made.frame()["fusion"]) == {"joint", "cross", *cell_names()}
    written = {path.name for path in made.write(tmp_path / "out")}
    assert {"factors.tex", "factors.png", "cells.png"} <= written and (tmp_path / "out" / "factors.pdf").is_file()
    assert (tmp_path / "out" / "factors.tex").read_text().count(r"\\") == 10


def test_mistakes_are_named_before_anything_is_trained() -> None:
    with pytest.raises(UserError, match=r"unknown fusion 'crss': did you mean 'cross'"):
        ablate(["joint", "crss"], toy_features())
    with pytest.raises(UserError, match="joint and cross are what is compared"):
        ablate(["joint", "mixer"], toy_features())


def test_numbers_chosen_where_they_are_reported_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    study = ablate(["joint", "cross"], toy_features(), seeds=1, preset=toy_preset(1, select_on="report"))
    assert study.headline().endswith(" All numbers are selected on validation, as published.")
    assert "selected on validation, as published" in study.to_latex()
