"""The search: equal for all fusions, seeded, scored on selection persons alone, and the same after a kill."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy import toy_features, toy_preset

from jcalib import progress, training
from jcalib.files import home
from jcalib.settings import UserError, preset
from jcalib.studies import Search, search
from jcalib.studies.journal import Journal
from jcalib.studies.space import SPACE, TUNABLE, dimensions, read_space
from jcalib.training.evaluation import predict_rows, scored

NAMES = ("cross", "joint")
TOY = {"learning_rate": (1e-4, 3e-2), "dim": [4, 8]}
FEATURES = toy_features()


def tuned(trials: int, names=NAMES, **given) -> Search:
    return search(names, FEATURES, TOY, trials, seeds=2, preset=toy_preset(2), **given)


def settings_of(found: Search) -> pd.DataFrame:
    return found.frame()[["fusion", "trial", *TOY, "ccc"]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        yield tuned(3)


def test_every_fusion_gets_the_same_trials_and_every_trial_is_a_row(found: Search) -> None:
    table = found.frame()
    assert table[["fusion", "trial"]].to_numpy().tolist() == [[name, number] for name in NAMES for number in range(3)]
    assert table["learning_rate"].between(1e-4, 3e-2).all() and set(table["dim"]) <= {4, 8}
    own = table[table["trial"] == 0]
    assert own[["learning_rate", "dim"]].to_numpy().tolist() == [[5e-3, 8]] * 2, "the preset's own are tried first"
    assert table.groupby("fusion")["best"].sum().tolist() == [1, 1]
    assert table.loc[table["best"], "ccc"].tolist() == table.groupby("fusion")["ccc"].max().tolist()
    html = found._repr_html_()
    assert html.count("<tr") == 1 + len(table) and "2 selection persons" in html


def test_the_score_is_that_of_the_selection_persons(found: Search) -> None:
    trial = found.trials["joint"][1]
    ensemble, names = trial.run.ensemble("cpu"), FEATURES.of_role("selection")
    data = training.evaluation.Resident(FEATURES, training.pick_device("cpu"))
    predicted, labels = scored(FEATURES, names, predict_rows(ensemble, data, FEATURES, names, 8))
    by_hand = []
    for seed in predicted:
        for target in (0, 1):
            a, b = seed[:, target], labels[:, target]
            by_hand.append(2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2))
    assert trial.score == pytest.approx(np.mean(by_hand), abs=1e-5)
    row = found.frame().set_index(["fusion", "trial"]).loc["joint", 1]
    assert (row["ccc_valence"] + row["ccc_arousal"]) / 2 == pytest.approx(row["ccc"], abs=1e-6)


def test_the_report_persons_decide_nothing(found: Search, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    strange = tuple(replace(one, labels=-one.labels) if one.role == "report" else one for one in FEATURES.recordings)
    target = np.where(np.isin(FEATURES.recording, FEATURES.of_role("report"))[:, None], -1, 1) * FEATURES.target
    other = replace(FEATURES, recordings=strange, target=target.astype(np.float32), source="report labels turned")
    again = search(NAMES, other, TOY, 3, seeds=2, preset=toy_preset(2))
    pd.testing.assert_frame_equal(settings_of(again), settings_of(found))


def test_what_fit_tells_of_report_persons_is_not_told(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    with progress.listening(progress.Lines()):
        tuned(1, ["cross"])
    told = capsys.readouterr().err
    assert "trial 0 of cross" in told and "selection CCC" in told and "search cross" in told
    assert "train cross" not in told


def test_more_trials_go_on_and_nothing_is_trained_twice(tmp_path, monkeypatch: pytest.MonkeyPatch, found) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    trained: list[int] = []
    original = training.fusions._Training.run
    monkeypatch.setattr(
        training.fusions._Training, "run", lambda self, after: (trained.append(1), original(self, after))[1]
    )
    tuned(1)
    again = tuned(3)
    assert len(trained) == 2 * 3
    pd.testing.assert_frame_equal(settings_of(again), settings_of(found))
    assert settings_of(tuned(2)).equals(settings_of(again).query("trial < 2").reset_index(drop=True))
    assert len(trained) == 2 * 3
    assert not settings_of(tuned(2, sampler_seed=1)).equals(settings_of(tuned(2)))


PROGRAM = """
    import sys
    sys.path.insert(0, sys.argv[1])
    from toy import toy_features, toy_preset
    from jcalib import progress
    from jcalib.studies import search
    class Told:
        def started(self, stage): print(stage.name, flush=True)
        def advanced(self, stage): pass
        finished = advanced
    progress.listen(Told())
    search(["cross", "joint"], toy_features(), {"learning_rate": (1e-4, 3e-2), "dim": [4, 8]}, 3, 2, toy_preset(2))
"""


def test_a_killed_search_comes_to_what_an_undisturbed_one_does(found, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    folder = str(Path(__file__).parents[1] / "training")
    child = subprocess.Popen(
        [sys.executable, "-uc", textwrap.dedent(PROGRAM), folder], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == "trial 1 of joint":
            child.send_signal(signal.SIGKILL)
            break
    child.stdout.close()
    child.wait()
    written = {
        path.name.split("-")[0]: len(path.read_text().splitlines()) for path in home().glob("searches/*.journal")
    }
    assert written == {"cross": 1 + 2, "joint": 1 + 1}, "the study and its trials: one of joint was cut off"
    pd.testing.assert_frame_equal(settings_of(tuned(3)), settings_of(found))


def test_the_sampler_finds_the_top_of_a_hill(tmp_path) -> None:
    space = dimensions({"learning_rate": (1e-4, 1e-1), "dim": [64, 128, 256], "epochs": (5, 50)})

    def hill(values: dict[str, float]) -> float:
        return -abs(np.log10(values["learning_rate"] / 1e-2)) - (values["dim"] != 128) - abs(values["epochs"] - 20) / 50

    journal = Journal(tmp_path / "hill.journal", space, seed=0)
    for number in range(40):
        values = journal.propose(number)
        assert values == journal.propose(number), "a proposal follows from what is written"
        journal.add(values, hill(values), "run")
    scores = [trial.value for trial in Journal(tmp_path / "hill.journal", space, seed=0).trials]
    assert len(scores) == 40
    assert np.mean(scores[20:]) > np.mean(scores[:10]) + 0.5, "later proposals lie nearer to the top"
    best = max(journal.trials, key=lambda trial: trial.value)
    assert best.params["dim"] == 128 and 0.004 < best.params["learning_rate"] < 0.025


def test_the_best_ones_are_a_study_on_the_report_persons(found: Search) -> None:
    study = found.study()
    assert study.runs == {name: found.best(name).run for name in NAMES}
    assert "joint" in study.headline()
    with pytest.raises(UserError, match="the study has joint, not cross"):
        replace(found, trials={"joint": found.trials["joint"]}).study()


def test_the_figure_draws_every_trial_and_is_written_with_its_numbers(found: Search, tmp_path) -> None:
    axes = found.plot().axes
    assert len(axes) == 1 + len(TOY) and axes[1].get_xscale() == "log"
    for ax in axes:
        every, best = ax.collections[0], ax.collections[1]
        assert len(every.get_offsets()) == 3 and len(best.get_offsets()) == 1
    (png,) = found.write(tmp_path)
    assert len(pd.read_csv(png.with_suffix(".csv"))) == 6


def test_opened_test_sets_are_counted(found: Search) -> None:
    assert found.sentences()[-1].endswith("Test sets were opened 0 times with these runs.")
    (found.trials["joint"][2].run.folder / "test_openings.json").write_text('[{"time": "now"}]')
    assert found.sentences()[-1].endswith("Test sets were opened 1 times with these runs.")


def test_the_default_space_holds_every_preset_and_the_shell_states_the_same() -> None:
    assert set(SPACE) <= set(TUNABLE)
    for name in ("quick", "full"):
        assert all(getattr(preset(name).training, one.name) in one for one in dimensions())
    assert dimensions(read_space(map(str, dimensions()))) == dimensions()
    assert read_space([]) is None


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"learning_rat": (1e-4, 1e-2)}, "unknown setting to search 'learning_rat': did you mean 'learning_rate'"),
        ({"learning_rate": (1e-2, 1e-4)}, r"has learning_rate=0\.01\.\.0\.0001: a range goes from low to high"),
        ({"weight_decay": (0.0, 1e-1)}, r"has weight_decay=0\.\.0\.1: .* begins above 0"),
        ({"dropout": (0.0, 1.0)}, "dropout has 1.0: it must be less than 1"),
        ({"dim": [64, 64.5]}, "dim has 64.5: it must be a whole number"),
        ({"dim": [64, 64]}, "has dim=64/64: a value comes once"),
        ({"dim": 64}, r"has dim of 64: it takes \(low, high\), or a list of values"),
        ({"dim": (64, 128, 256)}, "a range goes from low to high"),
        ({}, "the space is empty"),
    ],
)
def test_an_impossible_space_is_one_line(space, message) -> None:
    with pytest.raises(UserError, match=message) as told:
        search(NAMES, FEATURES, space, 2)
    assert "\n" not in str(told.value)


def test_who_cannot_be_searched_is_told_why() -> None:
    roles = tuple(replace(one, role="fusion") if one.role == "selection" else one for one in FEATURES.recordings)
    with pytest.raises(UserError, match="nobody has the role selection"):
        search(NAMES, replace(FEATURES, recordings=roles), TOY, 2)
    selecting = np.isin(FEATURES.recording, FEATURES.of_role("selection"))[:, None]
    with pytest.raises(UserError, match="no label varies on selection persons: a search takes"):
        search(NAMES, replace(FEATURES, target=np.where(selecting, 0, FEATURES.target)), TOY, 2)
    with pytest.raises(UserError, match="preset paper chooses epochs on the report persons"):
        search(NAMES, FEATURES, TOY, 2, preset="paper")
    with pytest.raises(UserError, match="unknown fusion 'jiont'"):
        search(["jiont"], FEATURES, TOY, 2)
    with pytest.raises(UserError, match="a search has 2 fusions and 0 trials"):
        search(NAMES, FEATURES, TOY, 0)
    with pytest.raises(UserError, match="the space has 'dim=64-128': it takes NAME=LOW"):
        read_space(["dim=64-128"])
