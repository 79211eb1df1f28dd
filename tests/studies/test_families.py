"""Which comparisons a report makes, on which target, and under which correction."""

import numpy as np
import pytest

from jcalib.settings import UserError
from jcalib.studies.families import better_single, difference, overview, planned, primary, scores, secondary, single
from jcalib.studies.statistics import ccc_from_sums, compare, holm, sums

NOISE = {"joint": (0.3, 0.3), "cross": (0.9, 0.5), "mixer": (0.31, 0.3), "visual": (0.5, 2.0), "audio": (1.5, 0.6)}


@pytest.fixture(scope="module")
def study() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(14, 1, 2, 80))
    return {
        name: sums(y + np.array(noise)[:, None] * rng.normal(size=(14, 3, 2, 80)), y) for name, noise in NOISE.items()
    }


def test_primary_is_one_unadjusted_test_on_the_mean(study: dict[str, np.ndarray]) -> None:
    family = primary(study)
    assert family.tests == (("joint", "cross", "mean"),)
    found = family.of("joint", "cross")
    assert found == compare(study["joint"], study["cross"])
    assert found.p_adjusted == found.p
    assert family.frame()["verdict"].tolist() == ["joint higher"]


def test_joint_against_mixer_is_planned_and_hangs_on_no_other_fusion(study: dict[str, np.ndarray]) -> None:
    found = planned(study).of("joint", "mixer")
    assert found == compare(study["joint"], study["mixer"])
    assert found.p_adjusted == found.p
    assert planned({name: study[name] for name in ("joint", "mixer")}).of("joint", "mixer") == found
    with pytest.raises(UserError, match="'mixer'"):
        planned({"joint": study["joint"], "cross": study["cross"]})


def test_secondary_holds_every_fusion_against_cross(study: dict[str, np.ndarray]) -> None:
    family = secondary(study)
    others = ["joint", "mixer", "visual", "audio"]
    assert set(family.tests) == {(name, "cross", target) for name in others for target in ("valence", "arousal")}
    table = family.frame()
    np.testing.assert_allclose(table["p_adjusted"], holm(table["p"]))
    assert (table["p_adjusted"] > table["p"]).any()


def test_secondary_without_a_mixer_compares_what_there_is(study: dict[str, np.ndarray]) -> None:
    two = {name: study[name] for name in ("joint", "cross")}
    assert secondary(two).tests == (("joint", "cross", "valence"), ("joint", "cross", "arousal"))


def test_every_fusion_of_two_is_held_against_the_better_single(study: dict[str, np.ndarray]) -> None:
    family = single(study)
    assert family.tests == (("joint", "audio", "mean"), ("cross", "audio", "mean"), ("mixer", "audio", "mean"))
    assert family.of("joint", "audio").difference == compare(study["joint"], study["audio"]).difference
    table = family.frame()
    np.testing.assert_allclose(table["p_adjusted"], holm(table["p"]))


def test_a_target_is_compared_alone(study: dict[str, np.ndarray]) -> None:
    alone = compare(study["audio"][:, :, 1], study["cross"][:, :, 1])
    assert difference(study, "audio", "cross", "arousal") == alone
    assert secondary(study).of("audio", "cross", "arousal").difference == alone.difference


def test_verdicts_in_the_table_name_the_fusions(study: dict[str, np.ndarray]) -> None:
    verdicts = secondary(study).frame().set_index(["a", "target"])["verdict"]
    assert verdicts["joint", "valence"] == "joint higher"
    assert verdicts["visual", "arousal"] == "cross higher"
    assert planned(study).frame()["verdict"].tolist() == ["no difference above .02"]


def test_overview_gives_intervals_and_no_verdicts(study: dict[str, np.ndarray]) -> None:
    table = overview(study)
    assert list(zip(table["a"], table["b"], strict=True)) == [
        ("joint", "mixer"),
        ("joint", "cross"),
        ("mixer", "cross"),
    ]
    assert set(table["target"]) == {"mean"}
    assert not {"p", "p_adjusted", "verdict"} & set(table)


def test_persons_reach_every_comparison(study: dict[str, np.ndarray]) -> None:
    persons = [f"p{r // 2}" for r in range(14)]
    for table in (primary(study, persons).frame(), secondary(study, persons).frame(), overview(study, persons)):
        assert (table["clusters"] == 7).all()


def test_scores_are_the_ccc_of_each_seed(study: dict[str, np.ndarray]) -> None:
    table = scores(study, dict.fromkeys(study, (5, 7, 2)))
    assert len(table) == 5 * 2 * 3 and table["seed"].unique().tolist() == [5, 7, 2]
    one = table[(table["fusion"] == "cross") & (table["target"] == "arousal") & (table["seed"] == 2)]
    assert one["ccc"].item() == pytest.approx(ccc_from_sums(study["cross"][:, 2, 1].sum(0)))


def test_better_single_modality(study: dict[str, np.ndarray]) -> None:
    assert better_single(study) == "audio"
    assert better_single({"audio": study["visual"], "visual": study["audio"]}) == "visual"


def test_unknown_names_list_the_known(study: dict[str, np.ndarray]) -> None:
    with pytest.raises(UserError, match=r"'jiont'.*joint"):
        difference(study, "jiont", "cross")
    with pytest.raises(UserError, match=r"target 'valance'"):
        difference(study, "joint", "cross", "valance")
    with pytest.raises(UserError, match="'cross'"):
        primary({"joint": study["joint"]})
    with pytest.raises(UserError, match="joint - mixer, mean"):
        planned(study).of("joint", "mixer", "valence")
