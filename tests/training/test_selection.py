"""The epoch that is kept: chosen by labels that can tell epochs apart, whichever those are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy import toy_features, toy_preset

from jcalib.features import Features
from jcalib.progress import Stage, listening
from jcalib.settings import UserError
from jcalib.studies import ablate
from jcalib.training import Run, fit

AROUSAL = 1


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))


class Lines:
    """The closing lines of stages."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def started(self, stage: Stage) -> None: ...

    def advanced(self, stage: Stage) -> None: ...

    def finished(self, stage: Stage) -> None:
        self.texts.append(stage.text)


def labelled(features: Features, role: str, targets: slice | int, value: float) -> Features:
    """Put one label on all frames of the persons with a role; "" is everybody."""
    infos, target = list(features.recordings), features.target.copy()
    for number, info in enumerate(infos):
        if info.role == role or not role:
            labels = info.labels.copy()
            labels[:, targets] = value
            infos[number] = replace(info, labels=labels)
            target[features.recording == number, targets] = value
    return replace(features, recordings=tuple(infos), target=target, source=f"{role} {targets} {value}")


def trained(features: Features, epochs: int = 6) -> tuple[Run, str]:
    """A run, and the line that its stage closes with."""
    lines = Lines()
    with listening(lines):
        run = fit("joint", features, seeds=2, preset=toy_preset(epochs))
    return run, lines.texts[-1]


def best_by(run: Run, column: str) -> list[int]:
    history = run.history.assign(mean=(run.history["selection_valence"] + run.history["selection_arousal"]) / 2)
    return history.loc[history.groupby("seed")[column].idxmax(), "epoch"].tolist()


def test_a_target_that_nobody_annotated_trains_and_is_reported_as_unknown() -> None:
    features = labelled(toy_features(), "", AROUSAL, np.nan)
    run, line = trained(features)
    assert run.metrics["best_epoch"] == best_by(run, "selection_valence") != [0, 0]
    assert run.metrics["selected_by"] == ["valence"] and run.metrics["selected_on"] == "selection"
    assert "epochs are chosen by valence alone" in line and run.metrics["note"] in line
    scores = run.frame().pivot(index="seed", columns="target", values=["ccc", "rmse", "pearson"])
    assert scores.xs("arousal", axis=1, level="target").isna().all(axis=None)
    assert scores.xs("valence", axis=1, level="target").notna().all(axis=None)
    assert run.frame()[["ccc", "rmse", "pearson"]].dtypes.eq(float).all()
    assert run.calibration["arousal"].half_width is None and run.calibration["valence"].half_width
    study = ablate(["joint", "cross"], features, 2, toy_preset(6))
    table = study.table()
    assert table[["ccc_arousal", "mean"]].isna().all(axis=None) and table["ccc_valence"].notna().all()
    assert len(study.frame()) == 8 and study.headline() and study.to_latex()


@pytest.mark.parametrize("value", [np.nan, 0.3])
def test_labels_of_selection_persons_that_tell_nothing_leave_the_choice_to_those_who_train(value: float) -> None:
    run, line = trained(labelled(toy_features(), "selection", slice(None), value))
    assert run.metrics["selected_on"] == "fusion" and run.metrics["selected_by"] == ["valence", "arousal"]
    note = "epochs are chosen on the persons who train: no label varies on selection persons"
    assert run.metrics["note"] == note and line.endswith(note)
    assert run.metrics["best_epoch"] == best_by(run, "mean") != [0, 0]


def test_without_selection_persons_those_who_train_choose_and_it_is_said() -> None:
    features = toy_features()
    infos = tuple(replace(one, role=one.role.replace("selection", "fusion")) for one in features.recordings)
    run, line = trained(replace(features, recordings=infos, source="nobody selects"))
    assert line.endswith("epochs are chosen on the persons who train: there are no selection persons")
    assert run.metrics["selected_on"] == "fusion"


def test_one_target_that_stays_the_same_is_left_out_of_the_choice() -> None:
    run, _ = trained(labelled(toy_features(), "selection", AROUSAL, 0.3))
    assert run.metrics["best_epoch"] == best_by(run, "selection_valence")
    kept = run.history.groupby("seed")["selection_valence"].max().tolist()
    assert run.metrics["selection"] == pytest.approx(kept)


def test_what_chooses_as_asked_for_has_no_note() -> None:
    run, line = trained(toy_features())
    assert run.metrics["note"] == "" and ";" not in line
    assert (run.metrics["selected_on"], run.metrics["selected_by"]) == ("selection", ["valence", "arousal"])


def test_labels_that_never_vary_are_refused() -> None:
    with pytest.raises(UserError, match="no label of the fusion persons varies: there is nothing to learn") as error:
        trained(labelled(toy_features(), "", slice(None), 0.3))
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore")
def test_a_training_that_diverges_is_written_down_without_a_score() -> None:
    run = fit("joint", toy_features(), seeds=2, preset=toy_preset(2, learning_rate=1e38))
    assert run.metrics["selection"] == [None, None]
