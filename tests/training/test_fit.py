"""Training all seeds at once: what comes out, that it learns, that it is reproducible, that nothing leaks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from toy import toy_features, toy_preset

from jcalib import fusion as fusions
from jcalib.concordance import ccc
from jcalib.features import Encoding
from jcalib.fusion import FUSIONS
from jcalib.settings import UserError
from jcalib.training import Run, fit
from jcalib.training.evaluation import Resident, predict_rows


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))


def table(run: Run) -> np.ndarray:
    return run.predictions[["valence", "arousal"]].to_numpy()


@pytest.mark.parametrize("name", list(FUSIONS))
def test_every_fusion_trains_and_writes_a_whole_run(name):
    run = fit(name, toy_features(lost=True), seeds=2, preset=toy_preset(2))
    files = {path.name for path in run.folder.iterdir()}
    assert files == {
        "settings.json",
        "checkpoint.safetensors",
        "history.csv",
        "predictions.parquet",
        "metrics.json",
        "calibration.json",
        "provenance.json",
        "status.json",
    }
    assert len(run.history) == 2 * 2
    assert set(run.frame()["target"]) == {"valence", "arousal"}
    assert len(run.predictions) == 3 * 320 * 2


def test_it_learns_what_the_features_hold():
    run = fit("concat", toy_features(), seeds=2, preset=toy_preset(60, dropout=0.0))
    assert run.frame()["ccc"].min() > 0.85


def test_seeds_differ_and_the_same_seeds_give_the_same_numbers():
    features, chosen = toy_features(), toy_preset()
    first = fit("joint", features, seeds=2, preset=chosen)
    one, two = (part[["valence"]].to_numpy() for _, part in first.predictions.groupby("seed"))
    assert not np.allclose(one, two)
    numbers = table(first)
    (first.folder / "status.json").unlink()
    assert np.array_equal(table(fit("joint", features, seeds=2, preset=chosen)), numbers)


@fusions.register("restless")
class Restless(fusions.Fusion):
    """Dropout wherever a user may put it: in a transformer's layers and its attention, on a gate, by function."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.layer = torch.nn.TransformerEncoderLayer(self.dim, 2, 8, dropout=0.3, batch_first=True)
        self.gate = torch.nn.Sequential(torch.nn.Linear(2 * self.dim, self.dim), torch.nn.AlphaDropout(0.2))

    def attend(self, audio, visual, mask):
        gate = torch.sigmoid(self.gate(torch.cat([audio, visual], dim=-1)))
        return self.layer(audio), torch.nn.functional.dropout(gate * visual, 0.4, self.training), {}


del FUSIONS["restless"]  # registered where it is tested


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # vmap over torch's own transformer layer
@pytest.mark.parametrize("name", ["joint", "cross", "restless"])
def test_a_seed_comes_to_the_same_alone_and_beside_others(name, monkeypatch):
    monkeypatch.setitem(FUSIONS, "restless", Restless)
    features, chosen = toy_features(lost=True), toy_preset(dropout=0.5)
    among = fit(name, features, seeds=5, preset=chosen)
    alone = fit(name, features, seeds=[3], preset=chosen)
    assert alone.settings.seeds == (3,) and set(alone.predictions["seed"]) == {3}
    kept = among.history[among.history["seed"] == 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, alone.history, rtol=0, atol=1e-4)
    both = among.predictions[among.predictions["seed"] == 3]
    np.testing.assert_allclose(both[["valence", "arousal"]], table(alone), atol=1e-4)
    calm = fit(name, features, seeds=[3], preset=toy_preset(dropout=0.0))
    assert not np.allclose(table(calm), table(alone), atol=1e-3), "dropout changed nothing, the test cannot fail"


def test_noise_that_seeds_would_share_is_refused(monkeypatch):
    class Noisy(fusions.Fusion):
        def attend(self, audio, visual, mask):
            return audio + torch.randn_like(audio), visual, {}

    monkeypatch.setitem(FUSIONS, "noisy", Noisy)
    with pytest.raises(UserError, match=r"random numbers by aten\.randn_like.*use torch\.nn\.Dropout"):
        fit("noisy", toy_features(), seeds=2, preset=toy_preset(1))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_recurrent_layer_without_a_batching_rule_is_refused_with_the_remedy(monkeypatch, kind):
    class Recurring(fusions.Fusion):
        def __init__(self, *sizes, **options):
            super().__init__(*sizes, **options)
            self.recurrent = kind(2 * self.dim, 2 * self.dim, batch_first=True)

        def recur(self, fused, valid):
            return self.recurrent(fused)[0]

    monkeypatch.setitem(FUSIONS, "recurring", Recurring)
    with pytest.raises(
        UserError, match=rf"'Recurring' uses {kind.__name__.lower()}.*fusion\.recurrent\.bilstm"
    ) as told:
        fit("recurring", toy_features(), seeds=2, preset=toy_preset(1))
    assert "\n" not in str(told.value)


def test_the_memory_of_a_training_step_is_counted_and_grows_with_seeds_and_batch():
    def peak(fusion, seeds=2, batch=4):
        return fit(fusion, toy_features(), seeds=seeds, preset=toy_preset(1, batch=batch)).metrics["train_peak_mb"]

    parameters = fit("concat", toy_features(), seeds=2, preset=toy_preset(1)).metrics["parameters"]
    assert peak("concat") > 4 * 2 * 4 * parameters / 2**20, "weights, gradients, two moments: two seeds of float32"
    # The seeds share little: the places from which their dropout is computed.
    assert peak("concat", seeds=4) == pytest.approx(2 * peak("concat"), rel=0.1)
    assert peak("concat", batch=8) > peak("concat")
    # Both correlations of joint, (d, 2d) each, are kept for the backward pass; mixer has none.
    assert peak("joint") - peak("mixer") > 2 * 2 * 4 * (8 * 16) * 4 / 2**20
    run = fit("joint", toy_features(), seeds=2, preset=toy_preset(1))
    assert set(run.frame()["train_peak_mb"]) == {peak("joint")}


def test_a_run_knows_its_seeds():
    run = fit("mean", toy_features(), seeds=[7, 2], preset=toy_preset(1))
    assert run.frame()["seed"].unique().tolist() == [7, 2]
    whole = run.ensemble("cpu").state()["head.0.weight"]
    assert torch.equal(run.fusion(2).state_dict()["head.0.weight"], whole[1])
    with pytest.raises(UserError, match=r"seed is 1, the run has 7, 2"):
        run.fusion(1)
    for wrong in (0, [], [1, 1], [-1]):
        with pytest.raises(UserError, match="seeds has"):
            fit("mean", toy_features(), seeds=wrong, preset=toy_preset(1))


def test_a_finished_run_is_not_trained_again():
    features, chosen = toy_features(), toy_preset()
    first = fit("cross", features, seeds=2, preset=chosen)
    calls: list[object] = []
    again = fit("cross", features, seeds=2, preset=chosen, on_epoch=calls.append)
    assert again.folder == first.folder and not calls


def test_the_epoch_kept_is_the_best_on_the_selection_persons():
    run = fit("joint", toy_features(), seeds=2, preset=toy_preset(8))
    history = run.history.assign(mean=lambda t: (t["selection_valence"] + t["selection_arousal"]) / 2)
    best = history.loc[history.groupby("seed")["mean"].idxmax(), "epoch"].tolist()
    assert best == run.metrics["best_epoch"]
    assert history.groupby("seed")["mean"].max().tolist() == pytest.approx(run.metrics["selection"])


def test_the_checkpoint_is_that_of_the_epoch_kept():
    features = toy_features()
    run = fit("joint", features, seeds=2, preset=toy_preset(8, learning_rate=0.3))
    assert max(run.metrics["best_epoch"]) < 7, "the test needs a training that gets worse again"
    ensemble = run.ensemble("cpu")
    grid = predict_rows(ensemble, Resident(features, torch.device("cpu")), features, features.of_role("selection"), 8)
    rows = features.rows("selection")
    for seed, kept in enumerate(run.metrics["selection"]):
        values = ccc(torch.from_numpy(grid[seed, rows]), torch.from_numpy(features.target[rows]))
        assert float(values.mean()) == pytest.approx(kept, abs=1e-6)


def test_the_epoch_kept_can_be_the_best_on_the_report_persons_as_published():
    features = toy_features(hop=1)
    run = fit("joint", features, seeds=2, preset=toy_preset(4, select_on="report"))
    by_seed = run.frame().groupby("seed")["ccc"].mean()
    assert run.metrics["selection"] == pytest.approx(by_seed.tolist(), abs=1e-5)


def test_without_weight_decay_the_optimiser_is_adam():
    start = torch.randn(5)
    ends = []
    for optimiser in (torch.optim.Adam, torch.optim.AdamW):
        weights = start.clone().requires_grad_()
        steps = optimiser([weights], lr=0.1, weight_decay=0.0)
        for _ in range(5):
            steps.zero_grad()
            (weights**4).sum().backward()
            steps.step()
        ends.append(weights.detach())
    assert torch.equal(*ends)


def test_report_labels_never_reach_the_training():
    features, chosen = toy_features(), toy_preset()
    trained = fit("joint", features, seeds=2, preset=chosen)
    target = features.target.copy()
    target[features.rows("report")] = 0.5
    infos = tuple(
        type(info)(info.name, info.person, info.role, np.full_like(info.labels, 0.5), info.times)
        if info.role == "report"
        else info
        for info in features.recordings
    )
    (trained.folder / "status.json").unlink()
    fields = {**vars(features), "target": target, "recordings": infos}
    other = fit("joint", type(features)(**fields), seeds=2, preset=chosen)
    assert np.array_equal(table(trained), table(other))


def test_metrics_are_those_of_the_written_predictions():
    run = fit("cross", toy_features(lost=True), seeds=2, preset=toy_preset())
    for row in run.metrics["scores"]:
        one = run.predictions[run.predictions["seed"] == row["seed"]][[row["target"], f"true_{row['target']}"]].dropna()
        x, y = one.to_numpy(dtype=float).T
        expected = 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
        assert row["ccc"] == pytest.approx(expected, abs=1e-6)
        assert row["pearson"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)


def test_the_ensemble_gives_the_predictions_of_the_run():
    features = toy_features()
    run = fit("joint", features, seeds=2, preset=toy_preset())
    rows = features.of("r8")
    last = rows[-1]
    sequence = torch.from_numpy(np.arange(last - 28, last + 1, 4))
    audio, visual = (torch.from_numpy(x)[sequence][None] for x in (features.audio, features.visual))
    predicted = run.ensemble("cpu")(audio, visual).prediction[:, 0, -1].detach().numpy()
    table = run.predictions.query("recording == 'r8' and frame == @features.frame[@last]").sort_values("seed")
    np.testing.assert_allclose(predicted, table[["valence", "arousal"]], atol=1e-5)


def test_a_fusion_of_the_user_is_trained_like_any_other():
    @fusions.register("difference")
    class Difference(fusions.Fusion):
        def attend(self, audio, visual, mask):
            return audio - visual, visual, {}

    try:
        assert fit("difference", toy_features(), seeds=1, preset=toy_preset(1)).frame()["ccc"].notna().all()
    finally:
        del FUSIONS["difference"]


def test_mistakes_are_named():
    with pytest.raises(UserError, match=r"unknown fusion 'jiont': did you mean 'joint'"):
        fit("jiont", toy_features(), preset=toy_preset())
    with pytest.raises(UserError, match=r"no fusion person's recording holds a sequence of 8 clips"):
        fit("joint", toy_features(frames=160), preset=toy_preset())
    with pytest.raises(UserError, match=r"unknown run 'nothing'"):
        Run.load("nothing")


def test_a_run_knows_what_made_its_features():
    features = toy_features()
    assert fit("mean", features, seeds=1, preset=toy_preset(1)).encoding is None
    encoding = Encoding(audio="encoder-audio-1", visual="encoder-visual-1", size=64, hop=8, fps=25.0)
    made = fit("mean", replace(features, encoding=encoding, source="encoded"), seeds=1, preset=toy_preset(1))
    assert Run.load(made.folder.name).encoding == encoding


def test_what_another_version_wrote_is_refused():
    run = fit("mean", toy_features(), seeds=1, preset=toy_preset(1))
    (run.folder / "settings.json").write_text('{"kind": "compact"}')
    with pytest.raises(UserError, match=r"is no run of a fusion that this version wrote: train it again"):
        Run.load(run.folder)


def test_a_run_is_opened_by_its_name():
    run = fit("mean", toy_features(), seeds=1, preset=toy_preset(1))
    opened = Run.load(run.folder.name)
    assert opened.settings == run.settings
    pd.testing.assert_frame_equal(opened.predictions, run.predictions)


RUN_FILES = ["checkpoint.safetensors", "calibration.json", "settings.json", "metrics.json", "encoding.json"]


@pytest.mark.parametrize("name", [*RUN_FILES, "predictions.parquet", "reference.safetensors"])
def test_a_run_that_lost_a_file_is_said_to_and_made_again(name):
    encoding = Encoding(audio="encoder-audio-1", visual="encoder-visual-1", size=64, hop=8, fps=25.0)
    features = replace(toy_features(), encoding=encoding, source="encoded")
    run = fit("mean", features, seeds=1, preset=toy_preset(1))
    before = (run.folder / name).read_bytes()
    (run.folder / "notes.txt").write_text("mine")
    (run.folder / name).unlink()
    for where in (run.folder, run.folder.name):
        with pytest.raises(
            UserError, match=rf"run mean-\w+ lost {name}: jcalib train with the same settings makes it again\.$"
        ):
            Run.load(where)
    again = fit("mean", features, seeds=1, preset=toy_preset(1))
    assert Run.load(again.folder).frame().equals(again.frame())
    assert name == "metrics.json" or (run.folder / name).read_bytes() == before
    assert (run.folder / "notes.txt").read_text() == "mine"


def test_a_run_that_an_earlier_version_finished_is_opened():
    run = fit("mean", toy_features(), seeds=1, preset=toy_preset(1))
    (run.folder / "status.json").write_text('{"status": "ok"}')
    assert Run.load(run.folder).settings == run.settings
    (run.folder / "checkpoint.safetensors").unlink()
    with pytest.raises(UserError, match=r"lost checkpoint\.safetensors"):
        Run.load(run.folder)


def test_what_is_no_run_is_told_apart(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"unknown run 'joint': there is none yet, jcalib train trains one\."):
        Run.load("joint")
    run = fit("mean", toy_features(), seeds=1, preset=toy_preset(1))
    encoder = run.folder.parent / "encoder-audio-1"
    encoder.mkdir()
    (encoder / "status.json").write_text("{}")
    for name in ("", "nothing"):
        with pytest.raises(UserError, match=rf"unknown run '{name}': choose from {run.folder.name}\.$"):
            Run.load(name)
    with pytest.raises(
        UserError, match=r"empty is a folder, but no run or report: name a run, its folder, or a report"
    ):
        (tmp_path / "empty").mkdir()
        Run.load(tmp_path / "empty")
    monkeypatch.chdir(tmp_path)
    for where in (f"{run.folder.name}/", f"{run.folder}/"):
        assert Run.load(where).settings == run.settings
    (run.folder / "status.json").unlink()
    for where in (run.folder.name, run.folder):
        with pytest.raises(UserError, match=r"is not finished: the command that began it goes on where it stopped\.$"):
            Run.load(where)
    (run.folder / "settings.json").rename(run.folder / "training.pt")
    with pytest.raises(UserError, match=r"is not finished"):
        Run.load(run.folder.name)
