"""The path from pixels and sound to a prediction is the one that the report's predictions took."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from toy import toy_preset

from jcalib.corpora import open_corpus
from jcalib.encoders import build_encoder
from jcalib.explain import attribute, clip_path, most_moving_clip, read_clip
from jcalib.features import extract_features
from jcalib.settings import UserError
from jcalib.training import fit
from jcalib.training.run import TARGETS
from tests.builders import tiny_corpus

SIZE, HOP, CLIPS = 32, 8, 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny corpus, encoders with random weights, its features and a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        corpus = open_corpus(tiny_corpus(tmp_path_factory.mktemp("corpus"), train=3, validation=2, frames=96), "smoke")
        torch.manual_seed(0)
        encoders = {modality: build_encoder("compact", modality).eval() for modality in ("audio", "visual")}
        features = extract_features(corpus, encoders, HOP, SIZE)
        run = fit("joint", features, 2, toy_preset(2, clips=CLIPS))
        return corpus, encoders, features, run


@pytest.mark.parametrize("target", TARGETS)
def test_the_clip_itself_gives_the_prediction_of_the_report(made: Any, target: str) -> None:
    corpus, encoders, features, run = made
    row = int(features.rows("report")[-2])
    clip = read_clip(corpus, features, row, SIZE)
    path = clip_path(run.ensemble("cpu"), encoders, features, row, target, CLIPS)
    with torch.no_grad():
        predicted = float(path(clip.pictures[None], clip.log_mel[None]))
    table = run.predictions
    here = (table["recording"] == clip.recording) & (table["frame"] == features.frame[row])
    assert predicted == pytest.approx(table[here][target].mean(), abs=1e-4)


def test_only_the_clip_s_own_inputs_move_it(made: Any) -> None:
    corpus, encoders, features, run = made
    row = int(features.rows("report")[-1])
    clip = read_clip(corpus, features, row, SIZE)
    path = clip_path(run.ensemble("cpu"), encoders, features, row, "valence", CLIPS)
    with torch.no_grad():
        whole = path(clip.pictures[None], clip.log_mel[None])
        black = path(torch.zeros_like(clip.pictures)[None], clip.log_mel[None])
    assert not torch.allclose(whole, black, atol=1e-6)


def test_the_map_adds_up(made: Any) -> None:
    corpus, encoders, features, run = made
    clip = read_clip(corpus, features, int(features.rows("report")[-1]), SIZE)
    attribution = attribute(run, encoders, features, clip, "arousal")
    assert attribution.converged
    assert abs(attribution.delta) <= max(0.01 * abs(attribution.difference), 1e-3)
    assert attribution.pictures.shape == (8, SIZE, SIZE) and attribution.log_mel.shape == (64, 107)


def test_the_most_moving_clip_has_a_face_and_a_voice_and_is_reported(made: Any) -> None:
    _, _, features, run = made
    row = most_moving_clip(run, features, "valence")
    assert row in features.rows("report") and features.valid[row].all()
    values = run.predictions.groupby(["recording", "frame"])["valence"].mean()
    moved = (values - values.groupby("recording").mean()).abs()
    name = features.recordings[features.recording[row]].name
    assert moved[name, features.frame[row]] > moved.median()


def test_mistakes_are_named(made: Any) -> None:
    corpus, _, features, run = made
    with pytest.raises(UserError, match=r"unknown target 'valense': did you mean 'valence'"):
        most_moving_clip(run, features, "valense")
    with pytest.raises(UserError, match="unknown report recording"):
        most_moving_clip(run, features, "valence", "p1x")
    blind = replace(features, valid=np.zeros_like(features.valid))
    with pytest.raises(UserError, match="no report clip has both a face and a voice"):
        most_moving_clip(run, blind, "valence")
    with pytest.raises(UserError, match="unknown recording"):
        read_clip(replace(corpus, recordings=corpus.recordings[:1]), features, len(features.frame) - 1, SIZE)
