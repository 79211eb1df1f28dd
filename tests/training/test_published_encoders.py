"""Published weights are used as they are: nothing is trained, all train persons train fusions, others find the run."""

from pathlib import Path

import numpy as np
import pytest
import torch

import jcalib.training.encoders as rooms
from jcalib.corpora import open_corpus
from jcalib.encoders import ResNetAudio, ResNetVisual
from jcalib.files import read_json
from jcalib.settings import Preset, UserError, preset
from jcalib.training import extract, fit, load_encoder
from jcalib.weights import read_state
from tests.builders import tiny_corpus
from tests.encoders.layouts import drawn, i3d_shapes, tsav_shapes


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of TSAV's and I3D's layouts."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save({"state_dict": drawn(tsav_shapes())}, folder / "tsav.pth.tar")
    torch.save(drawn(i3d_shapes()), folder / "i3d.pt")
    return folder


def small(name: str, weights_visual: Path, weights_audio: Path) -> Preset:
    """A paper's preset that a CPU gets through: small pictures, few clip ends, short sequences, two epochs."""
    chosen = preset(name)
    encoder = chosen.encoder.changed(size=32, weights_audio=str(weights_audio), weights_visual=str(weights_visual))
    training = chosen.training.changed(clips=1, epochs=2, dim=8, rank=4)
    return chosen.changed(encoder=encoder, training=training, hop=16, seeds=2)


def test_without_the_weights_one_line_names_the_command(tmp_path: Path) -> None:
    corpus = open_corpus(tiny_corpus(tmp_path / "tiny", train=1), "paper")
    with pytest.raises(UserError, match="the weights tsav are not here: jcalib weights fetch tsav fetches them") as one:
        extract(corpus, "paper", "cpu")
    assert "\n" not in str(one.value)


def test_features_come_from_the_files_and_the_validation_set_selects_and_is_reported(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "_train", lambda *_: pytest.fail("an encoder was trained"))
    tsav = weights / "tsav.pth.tar"
    chosen = small("paper-tbiom", tsav, tsav)
    corpus = open_corpus(tiny_corpus(tmp_path / "tiny", train=1), chosen)
    assert [one.role for one in corpus.recordings] == ["fusion", "report"]
    features = extract(corpus, chosen, "cpu")
    assert features.audio.shape == features.visual.shape == (6, 512)
    assert features.encoding is not None
    audio, visual = (load_encoder(getattr(features.encoding, name), name) for name in ("audio", "visual"))
    assert isinstance(audio, ResNetAudio) and isinstance(visual, ResNetVisual)
    expected = read_state(tsav)["audio_model.resnet.layer4.1.conv2.weight"]
    assert torch.equal(audio.state_dict()["backbone.layer4.1.conv2.weight"], expected)
    written = read_json(tmp_path / "home" / "runs" / features.encoding.audio / "settings.json")
    assert written["weights"]["file"] == "tsav.pth.tar"
    run = fit("joint", features, preset=chosen, device="cpu")
    reported = run.frame().groupby("seed")["ccc"].mean()
    best = run.history.assign(mean=run.history[["selection_valence", "selection_arousal"]].mean(axis=1))
    assert run.metrics["selection"] == pytest.approx(best.groupby("seed")["mean"].max().tolist())
    assert len(reported) == 2 and run.settings.training.practice


def test_the_public_i3d_gives_1024_features_that_the_fusions_take(tmp_path: Path, weights: Path) -> None:
    chosen = small("paper", weights / "i3d.pt", weights / "tsav.pth.tar")
    corpus = open_corpus(tiny_corpus(tmp_path / "tiny", train=1), chosen)
    features = extract(corpus, chosen, "cpu")
    assert features.visual.shape == (6, 1024) and np.isfinite(features.visual).all()
    assert fit("cross", features, 1, chosen, device="cpu").settings.visual_dim == 1024


def test_one_encoder_can_be_published_and_the_other_trained(tmp_path: Path, weights: Path) -> None:
    chosen = preset("smoke")
    encoder = chosen.encoder.changed(kind="resnet", size=32, epochs=1, weights_visual=str(weights / "tsav.pth.tar"))
    corpus = open_corpus(tiny_corpus(tmp_path / "tiny"), "smoke")
    runs = rooms.encoder_runs(corpus, chosen.changed(encoder=encoder, hop=32), "cpu")
    histories = [(tmp_path / "home" / "runs" / run / "history.csv").exists() for run in runs.values()]
    assert list(runs) == ["audio", "visual"] and histories == [True, False]
