"""Every verdict of every claim, on constructed studies in which the answer is known."""

import numpy as np
import pandas as pd
import pytest

from jcalib.studies.claims import claims, sentences
from jcalib.studies.corruptions import Corruption
from jcalib.studies.factors import cell_names
from jcalib.studies.published import NOT_COMPARABLE, RESULTS, beside
from jcalib.studies.relations import Relations
from jcalib.studies.robustness import Robustness
from jcalib.studies.statistics import ccc_from_sums, sums

PERSONS, SEEDS, FRAMES = 24, 4, 80
PEOPLE = [f"p{number}" for number in range(PERSONS)]
FLOPS = {"audio": 1, "concat": 2, "mixer": 3, "cross": 4, "joint": 10, "lstm": 20, "transformer": 30}


def drawn(noise: float, persons: int = PERSONS) -> np.ndarray:
    """Sums of predictions that are the labels with noise, the same but for its size: more noise, less CCC."""
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(persons, 1, 2, FRAMES))
    return sums(labels + noise * rng.normal(size=(persons, SEEDS, 2, FRAMES)), labels)


def of(table: pd.DataFrame, test: str) -> pd.Series:
    whole = "," not in test and not test.startswith("key")
    (row,) = [one for _, one in table.iterrows() if one["test"] == test or (not whole and one["test"].startswith(test))]
    return row


@pytest.mark.parametrize(
    ("cross", "verdict"),
    [(0.9, "supported"), (0.5, "not supported"), (0.505, "not supported"), (0.3, "not supported")],
)
def test_joint_over_another_fusion(cross: float, verdict: str) -> None:
    """Worse, the same, worse by less than the margin though surely, and better."""
    made = {"joint": drawn(0.5), "cross": drawn(cross), "lstm": drawn(cross), "transformer": drawn(cross)}
    table = claims(made, PEOPLE, FLOPS)
    for other in ("cross", "lstm", "transformer"):
        row = of(table, f"joint - {other}")
        assert row["verdict"] == verdict
        assert row["low"] <= row["number"] <= row["high"]


def test_too_few_persons_or_too_much_noise_cannot_tell() -> None:
    few = claims({"joint": drawn(0.5, persons=6), "cross": drawn(0.9, persons=6)}, PEOPLE[:6], FLOPS)
    assert of(few, "joint - cross")["verdict"] == "cannot tell"
    assert "too few recordings for a comparison)" in sentences(few)[0]
    one = claims({"joint": drawn(0.5, persons=1), "cross": drawn(0.9, persons=1)}, PEOPLE[:1], FLOPS)
    assert "[" not in sentences(one)[0] and "too few recordings" in sentences(one)[0]
    rng = np.random.default_rng(1)
    labels = rng.normal(size=(PERSONS, 1, 2, FRAMES))
    scale = rng.lognormal(sigma=0.8, size=(2, PERSONS, 1, 1, 1))  # each fusion is good with other persons
    wild = [sums(labels + one * rng.normal(size=(PERSONS, SEEDS, 2, FRAMES)), labels) for one in scale]
    table = claims(dict(zip(("joint", "cross"), wild, strict=True)), PEOPLE, FLOPS)
    assert of(table, "joint - cross")["verdict"] == "cannot tell"


def test_what_was_not_run_says_so_and_what_to_run() -> None:
    table = claims({"joint": drawn(0.5), "cross": drawn(0.9)}, PEOPLE, {"joint": 1, "cross": 2})
    rest = table[table["test"] != "joint - cross"]
    assert set(rest["verdict"]) == {"not run"} and rest["number"].isna().all()
    assert (rest["measured"] != "").all()
    assert of(table, "joint - lstm")["measured"] == "compare lstm too"
    said = sentences(table)
    assert len(said) == len(table) and said[0].startswith("**supported**: joint scores higher than vanilla")
    assert said[1] == "**not run**: joint scores higher than a recurrent network (joint - lstm; compare lstm too)."


@pytest.mark.parametrize(("weak", "supported"), [("other", "key joint - other"), ("itself", "key joint - itself")])
def test_the_key_contrasts_need_the_cells(weak: str, supported: str) -> None:
    cells = {name: drawn(0.9 if f"cell-{weak}-" in name else 0.5) for name in cell_names()}
    table = claims({"joint": drawn(0.5), "cross": drawn(0.5), **cells}, PEOPLE, FLOPS | dict.fromkeys(cells, 1))
    verdicts = {test: of(table, test)["verdict"] for test in ("key joint - other", "key joint - itself")}
    assert verdicts.pop(supported) == "supported"
    assert set(verdicts.values()) == {"not supported"}
    assert "cell" not in of(table, "joint - cross, the nearest")["test"], "cells are no fusions to be cheaper than"


@pytest.mark.parametrize(("left_out", "kept"), [("intra-modal", "inter-modal"), ("inter-modal", "intra-modal")])
def test_a_relation_is_used_where_the_scores_fall_without_it(left_out: str, kept: str) -> None:
    without = Relations({"joint": drawn(0.5), left_out: drawn(0.9), kept: drawn(0.505)}, PEOPLE)
    table = claims({"joint": drawn(0.5), "cross": drawn(0.5)}, PEOPLE, FLOPS, without=without)
    rows = table[table["claim"].str.contains("relations in its correlation")].set_index("claim")
    assert rows.loc[f"predicts from the {left_out} relations in its correlation", "verdict"] == "supported"
    assert rows.loc[f"predicts from the {kept} relations in its correlation", "verdict"] == "not supported"


@pytest.mark.parametrize(
    ("concat", "mixer", "verdict", "nearest"),
    [(0.9, 0.8, "supported", "mixer"), (0.9, 0.5, "not supported", "mixer"), (0.3, 0.9, "not supported", "concat")],
)
def test_cost_effective_means_better_than_all_that_is_cheaper(
    concat: float, mixer: float, verdict: str, nearest: str
) -> None:
    made = {"joint": drawn(0.5), "cross": drawn(0.9), "concat": drawn(concat), "mixer": drawn(mixer)}
    made["transformer"] = drawn(0.3)  # better, and dearer: not asked
    row = of(claims(made, PEOPLE, FLOPS), f"joint - {nearest}, the nearest of 3")
    assert row["verdict"] == verdict


@pytest.mark.parametrize(("bad", "verdict"), [(0.9, "supported"), (0.5, "not supported")])
def test_under_corruption_the_corrupted_scores_count(bad: float, verdict: str) -> None:
    kinds = [
        Corruption(kind, "", (0.0, 1.0), 0.0, lambda features, _: features)
        for kind in ("voice missing", "face missing", "voice noise", "face noise")
    ]
    found = {("joint", one.kind, at): drawn(0.5) for one in kinds for at in one.severities}
    found |= {("cross", one.kind, at): drawn(0.5 if at == 0 else bad) for one in kinds for at in one.severities}
    corrupted = Robustness(tuple(kinds), found, ("joint", "cross"), PEOPLE, 1.0, "cross")
    table = claims({"joint": drawn(0.5), "cross": drawn(0.5)}, PEOPLE, FLOPS, corrupted)
    assert of(table, "joint - cross, mean of voice missing")["verdict"] == verdict
    assert of(table, "joint - cross, mean of voice noise")["verdict"] == verdict
    assert of(table, "loss of cross - loss of joint, mean of voice missing")["verdict"] == verdict


def test_a_lead_that_was_there_before_the_noise_is_no_robustness() -> None:
    kinds = [
        Corruption(kind, "", (0.0, 1.0), 0.0, lambda features, _: features) for kind in ("voice noise", "face noise")
    ]
    noise = {"joint": (0.5, 0.9), "cross": (0.8, 1.2)}  # clean, corrupted
    found = {
        (name, one.kind, at): drawn(noise[name][at > 0]) for name in noise for one in kinds for at in one.severities
    }
    corrupted = Robustness(tuple(kinds), found, ("joint", "cross"), PEOPLE, 1.0, "cross")
    table = claims({"joint": drawn(0.5), "cross": drawn(0.8)}, PEOPLE, FLOPS, corrupted)
    assert of(table, "joint - cross, mean of voice noise")["verdict"] == "supported"
    lost = of(table, "loss of cross - loss of joint, mean of voice noise")
    losses = {
        name: np.subtract(*(ccc_from_sums(drawn(one).sum(0)).mean() for one in both)) for name, both in noise.items()
    }
    assert lost["number"] == pytest.approx(losses["cross"] - losses["joint"], abs=1e-6)
    assert lost["verdict"] == "not supported"


def test_the_published_rows_name_their_abstract_and_stand_below_ours() -> None:
    ours = pd.DataFrame({"fusion": ["mixer", "joint", "cross"], "ccc_valence": [0.3, 0.2, 0.1], "ccc_arousal": 0.1})
    table = beside(ours, "synthetic")
    assert list(table["method"][:2]) == ["joint", "cross"] and len(table) == 2 + len(RESULTS)
    assert set(table["data"]) == {"synthetic", "Aff-Wild2"}
    assert table["source"][2:].str.startswith("arXiv ").all()
    assert any("validation set that is reported" in sentence for sentence in NOT_COMPARABLE)
