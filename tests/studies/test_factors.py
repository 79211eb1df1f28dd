"""The switches between vanilla and joint: weights that add up, known answers, and intervals that hold."""

from itertools import permutations

import numpy as np
import pytest

from jcalib.settings import UserError
from jcalib.studies.factors import (
    JOINT,
    VANILLA,
    averaged,
    cell_name,
    cell_names,
    effects,
    factors,
    sentences,
    setting,
    shapley,
    to_latex,
)
from jcalib.studies.statistics import TOO_FEW, compare, contrast, holm, sums
from jcalib.studies.verdicts import format_ccc

R, S, T = 20, 4, 60
ADDED = {"joint": 0.3, "feature": 0.1, "tanh": 0.0, "map": -0.15, "itself": -0.2}  # to the gain of the prediction


def drawn(seed: int = 0, interaction: float = 0.0) -> dict[str, np.ndarray]:
    """Sums of the 24 cells: each setting adds to how closely the prediction follows the label."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(R, 1, 2, T))
    shared = rng.normal(size=(R, S, 2, T))
    tables = {}
    for name in cell_names():
        settings = name.split("-")[1:]
        gain = 0.5 + sum(ADDED.get(one, 0) for one in settings)
        gain += interaction * ({"joint", "feature"} <= set(settings))
        gain = gain + 0.02 * rng.normal(size=(1, S, 1, 1))
        tables[name] = sums(gain * y + 0.5 * shared + 0.2 * rng.normal(size=(R, S, 2, T)), y)
    return tables


def test_there_are_24_cells_and_the_corners_are_vanilla_and_joint() -> None:
    names = cell_names()
    assert len(set(names)) == 24
    assert cell_name(VANILLA) == "cell-other-time-softmax-reweight" == names[0]
    assert cell_name(JOINT) == "cell-joint-feature-tanh-map"


def test_a_name_says_the_switches() -> None:
    assert setting(cell_name(JOINT)) == JOINT and setting(cell_name(VANILLA)) == VANILLA


def test_effects_in_words_hold_the_numbers_and_the_verdicts() -> None:
    first, *contrasts = sentences(factors(drawn()))
    corner = compare(drawn()[cell_name(JOINT)], drawn()[cell_name(VANILLA)])
    assert f"Joint - vanilla is {format_ccc(corner.difference)} CCC" in first
    assert all(f"{switch} ({JOINT[switch]} - {VANILLA[switch]})" in first for switch in JOINT)
    assert len(contrasts) == 5 and contrasts[0].startswith("key, joint - other")
    assert contrasts[0].count("joint higher") == 2 and contrasts[4].count("reweight higher") == 2


def test_cells_are_the_fusions_of_that_name() -> None:
    from jcalib.fusion import FUSIONS

    assert set(cell_names()) <= set(FUSIONS)


def test_shapley_weights_are_the_mean_over_all_orders_of_turning_switches() -> None:
    orders = list(permutations(VANILLA))
    for switch in VANILLA:
        expected = dict.fromkeys(shapley(switch), 0.0)
        for order in orders:
            setting = dict(VANILLA)
            for turned in order:
                before = cell_name(setting)
                setting[turned] = JOINT[turned]
                if turned == switch:
                    expected[cell_name(setting)] += 1 / len(orders)
                    expected[before] -= 1 / len(orders)
        assert shapley(switch) == pytest.approx(expected)


def test_contrasts_compare_like_with_like() -> None:
    for (_, switch, effect), weights in effects().items():
        assert sum(weights.values()) == pytest.approx(0)
        a, b = effect.split(" - ")
        for name, weight in weights.items():
            assert weight * (1 if a in name.split("-") else -1) > 0, (switch, effect, name)
            assert weights[name.replace(f"-{a}", f"-{b}") if weight > 0 else name.replace(f"-{b}", f"-{a}")] == -weight
    assert len(averaged("key", "joint", "itself")) == 16 and len(averaged("axis", "feature", "time")) == 24


@pytest.mark.parametrize("interaction", [0.0, 0.2])
def test_shapley_values_add_up_to_joint_minus_cross(interaction: float) -> None:
    tables = drawn(interaction=interaction)
    table = factors(tables)
    shared = table[table["kind"] == "Shapley"].groupby("target")["difference"].sum()
    corner = compare(tables[cell_name(JOINT)], tables[cell_name(VANILLA)])
    assert shared["mean"] == pytest.approx(corner.difference, abs=1e-12)
    assert (shared["valence"] + shared["arousal"]) / 2 == pytest.approx(shared["mean"], abs=1e-12)


def test_effects_are_found_where_they_are_and_not_elsewhere() -> None:
    table = factors(drawn()).set_index(["kind", "switch", "effect", "target"])
    for target in ("valence", "arousal"):
        found = {
            switch: table.loc[("Shapley", switch, f"{JOINT[switch]} - {VANILLA[switch]}", target)] for switch in JOINT
        }
        assert found["key"]["verdict"] == "joint higher" and found["axis"]["verdict"] == "feature higher"
        assert found["combine"]["verdict"] == "reweight higher"
        assert not found["normaliser"]["verdict"].endswith("higher")
        assert table.loc[("contrast", "key", "joint - itself", target)]["difference"] > found["key"]["difference"] > 0


def test_all_tests_on_valence_and_arousal_are_one_family() -> None:
    table = factors(drawn())
    assert len(table) == 9 * 3
    tested = table[table["target"] != "mean"]
    np.testing.assert_allclose(tested["p_adjusted"], holm(tested["p"]))
    mean = table[table["target"] == "mean"]
    assert mean["p"].isna().all() and (mean["verdict"] == "").all() and (mean["low"] < mean["high"]).all()


def test_an_interval_covers_the_effect_of_fresh_persons_and_seeds() -> None:
    """The true effect is that of very many: 40 draws of 20 persons and 4 seeds have to cover it nearly always."""
    weights = shapley("key")
    truth = np.mean([contrast(*_of(drawn(seed), weights)).difference for seed in range(1000, 1030)])
    covered = []
    for seed in range(40):
        one = contrast(*_of(drawn(seed), weights))
        covered.append(one.low <= truth <= one.high)
    assert np.mean(covered) >= 0.85


def _of(tables: dict[str, np.ndarray], weights: dict[str, float]) -> tuple[list[np.ndarray], list[float]]:
    return [tables[name] for name in weights], list(weights.values())


def test_a_star_stands_where_the_verdict_is_a_difference() -> None:
    table = factors(drawn())
    assert to_latex(table).count("*") == table["verdict"].str.endswith("higher").sum() > 0
    few = factors({name: table[:8] for name, table in drawn().items()})
    assert (few["p_adjusted"] < 0.05).any() and set(few["verdict"]) == {TOO_FEW, ""}
    assert "*" not in to_latex(few)


def test_a_missing_cell_is_named() -> None:
    tables = drawn()
    del tables["cell-itself-time-tanh-map"]
    with pytest.raises(UserError, match="1 of the 24 cells are missing, cell-itself-time-tanh-map"):
        factors(tables)
