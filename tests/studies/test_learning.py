"""Learning curves: fewer recordings train, the same persons are scored."""

import pytest
from toy import toy_features, toy_preset

from jcalib.settings import UserError
from jcalib.studies import ablate, learning_cost, learning_curve
from jcalib.studies.learning import with_recordings
from jcalib.views.learning import plot_learning

FEATURES = toy_features()


def names(size: int, order: int = 0) -> set[str]:
    part = with_recordings(FEATURES, size, order)
    return {part.recordings[number].name for number in part.of_role("fusion")}


def test_sets_nest_and_nobody_else_loses_a_role() -> None:
    assert [len(names(size)) for size in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert names(1) < names(2) < names(3) < names(4)
    assert {frozenset(names(1, order)) for order in range(40)} == {frozenset([f"r{n}"]) for n in range(4)}
    part = with_recordings(FEATURES, 2)
    for role in ("selection", "report"):
        assert part.of_role(role) == FEATURES.of_role(role)
    assert part.source != FEATURES.source and with_recordings(FEATURES, 4) is FEATURES


@pytest.mark.parametrize("size", [0, 5])
def test_a_size_that_there_is_not_is_refused(size: int) -> None:
    with pytest.raises(UserError, match=f"size is {size}: there are 4 training recordings"):
        with_recordings(FEATURES, size)


def test_the_curve_ends_in_the_study_itself(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    study = ablate(["cross", "joint"], FEATURES, seeds=2, preset=toy_preset(2))
    curve = learning_curve(["joint"], FEATURES, [4, 1], seeds=2, preset=toy_preset(2))
    assert curve.studies[4].runs["joint"].folder == study.runs["joint"].folder, "it is not trained again"
    assert curve.studies[1].runs["joint"].folder != study.runs["joint"].folder
    table = curve.frame()
    assert list(dict.fromkeys(table["recordings"])) == [1, 4] and len(table) == 2 * 2 * 2
    own = study.table().set_index("fusion").loc["joint"]
    last = curve.intervals().set_index("recordings").loc[4]
    assert (last["ccc"], last["low"]) == pytest.approx((own["mean"], own["low"]))
    assert {ax.get_title("left") for ax in plot_learning(table).axes} == {"valence", "arousal"}
    assert learning_cost(study, [1, 4], 1, 4).startswith("1 training more, about ")
