"""The path from pixels and sound to a prediction is the one that the report took; and every method on it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from traced import SIZE, doubled, in_double_precision, last_row

import jcalib as jca
from jcalib.encoders import build_encoder
from jcalib.explain import (
    METHODS,
    clip_path,
    edge_map,
    examine,
    most_moving_clip,
    own_baseline,
    read_clip,
    train_means,
    trust_table,
)
from jcalib.explain.checks import cascade, max_sensitivity
from jcalib.explain.methods import POINTS, attribute_path, last_map_layer
from jcalib.settings import UserError
from jcalib.training.run import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_the_clip_itself_gives_the_prediction_of_the_report(made: Any, target: str) -> None:
    corpus, features, runs = made
    row = int(features.rows("report")[-2])
    clip = read_clip(corpus, features, row)
    path = clip_path(runs["joint"], clip, target)
    with torch.no_grad():
        predicted = float(path(clip.pictures[None], clip.log_mel[None]))
    table = runs["joint"].predictions
    here = (table["recording"] == clip.recording) & (table["frame"] == features.frame[row])
    assert predicted == pytest.approx(table[here][target].mean(), abs=1e-4)


def test_only_the_clip_s_own_inputs_move_it(made: Any) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = clip_path(runs["joint"], clip, "valence")
    with torch.no_grad():
        whole = path(clip.pictures[None], clip.log_mel[None])
        black = path(torch.zeros_like(clip.pictures)[None], clip.log_mel[None])
    assert not torch.allclose(whole, black, atol=1e-6)


def test_a_clip_that_is_not_masked_is_encoded_once_and_the_same(made: Any) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = clip_path(runs["joint"], clip, "valence")
    pictures = torch.stack([clip.pictures, 0.5 * clip.pictures])
    sounds = clip.log_mel.expand(2, *clip.log_mel.shape)
    with torch.no_grad():
        once, whole = path(pictures, sounds), path(pictures, sounds.contiguous())
    torch.testing.assert_close(once, whole, atol=1e-5, rtol=1e-4)


def test_each_clip_of_an_expanded_batch_has_its_own_gradient(made: Any) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = clip_path(runs["joint"], clip, "valence")
    gradients = []
    for copied in (False, True):
        sounds = clip.log_mel.expand(2, *clip.log_mel.shape)
        sounds = (sounds.contiguous() if copied else sounds).detach().requires_grad_()
        gradients.append(torch.autograd.grad(path(clip.pictures.expand(2, -1, -1, -1, -1), sounds).sum(), sounds)[0])
    torch.testing.assert_close(*gradients, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fusion", ["joint", "lstm"])
def test_every_method_gives_maps_of_the_clip(made: Any, method: str, fusion: str) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    found = jca.attribute(runs[fusion], clip, "arousal", method)
    assert found.pictures.shape == (8, SIZE, SIZE) and found.log_mel.shape == (64, 107)
    assert np.isfinite(found.pictures).all() and found.pictures.any() and found.log_mel.any()
    assert found.method == method and found.reason and found.spread > 0
    again = jca.attribute(runs[fusion], clip, "arousal", method)
    np.testing.assert_array_equal(found.pictures, again.pictures)
    if method == "integrated_gradients":
        assert found.converged and abs(found.delta) <= max(0.01 * abs(found.difference), 1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_modality_the_fusion_does_not_read_has_a_zero_map_and_a_note(made: Any, method: str) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    found = jca.attribute(runs["audio"], clip, "valence", method)
    assert not found.pictures.any() and found.log_mel.any()
    assert "does not read the visual features" in found.notes[0]


def test_integrated_gradients_add_up_in_double_precision(made: Any) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = in_double_precision(clip_path(runs["joint"], clip, "valence"))
    found = attribute_path(path, doubled(clip), "valence", "integrated_gradients")
    assert abs(found.delta) <= max(0.01 * abs(found.difference), 1e-3) and found.converged


def test_another_baseline_says_why(made: Any) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    means = train_means(corpus, features, clips=4)
    assert means.pictures.shape == clip.pictures.shape and "mean of 4 training clips" in means.name
    found = jca.attribute(runs["joint"], clip, baseline=means)
    assert found.baseline == means.name and "person" in found.reason
    assert found.baseline_prediction != own_prediction(runs["joint"], clip)


def own_prediction(run: Any, clip: Any) -> float:
    own = own_baseline(clip.pictures, clip.log_mel)
    with torch.no_grad():
        return float(clip_path(run, clip, "valence")(own.pictures[None], own.log_mel[None]))


def test_gradients_of_recurrent_layers_do_not_need_cudnn(made: Any) -> None:
    """On CUDA cuDNN refuses a backward pass in eval mode: it has to be off while maps are made."""
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = clip_path(runs["lstm"], clip, "valence")
    states, encode = [], path._encode

    def watching(*inputs: Any) -> torch.Tensor:
        if torch.is_grad_enabled():
            states.append(torch.backends.cudnn.enabled)
        return encode(*inputs)

    path._encode = watching  # type: ignore[method-assign]
    for method in ("integrated_gradients", "gradient_shap", "grad_cam"):
        attribute_path(path, clip, "valence", method)
    assert states and not any(states)


def test_few_points_of_a_path_are_kept_at_once(made: Any) -> None:
    """A backward pass keeps 25 MB for each point of a quick clip."""
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = clip_path(runs["joint"], clip, "valence")
    counts, encode = [], path._encode

    def watching(modality: str, inputs: torch.Tensor, *more: Any) -> torch.Tensor:
        counts.append(len(inputs) if torch.is_grad_enabled() else 0)
        return encode(modality, inputs, *more)

    path._encode = watching  # type: ignore[method-assign]
    found = attribute_path(path, clip, "valence", "integrated_gradients")
    assert 0 < max(counts) <= POINTS < found.steps


def test_grad_cam_looks_at_the_last_layer_with_places(made: Any) -> None:
    corpus, features, _ = made
    clip = read_clip(corpus, features, last_row(features))
    encoder = build_encoder("compact", "visual").eval()
    assert isinstance(last_map_layer(encoder, clip.pictures[None]), torch.nn.AdaptiveAvgPool2d)


def test_a_map_of_random_weights_is_another_one(made: Any) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = clip_path(runs["joint"], clip, "valence")
    before = {name: x.clone() for name, x in path.ensemble.tensors().items()}
    found = attribute_path(path, clip, "valence", "grad_cam")
    stages = cascade(found, path, lambda other: attribute_path(other, clip, "valence", "grad_cam"))
    assert list(stages) == ["head", "fusion", "encoders"]
    assert abs(stages["encoders"]["visual"]) < 0.9
    for name, values in path.ensemble.tensors().items():
        torch.testing.assert_close(values, before[name])


def test_a_map_that_does_not_ask_the_model_survives_random_weights(made: Any) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = clip_path(runs["joint"], clip, "valence")
    found = attribute_path(path, clip, "valence", "grad_cam")
    edges = replace(found, pictures=edge_map(clip.pictures.mean(0).numpy()), log_mel=edge_map(clip.log_mel[0].numpy()))
    for by_modality in cascade(edges, path, lambda other: edges).values():
        assert by_modality == pytest.approx({"visual": 1, "audio": 1})


def test_sensitivity_is_nothing_to_a_map_that_stays(made: Any) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = clip_path(runs["joint"], clip, "valence")
    found = attribute_path(path, clip, "valence", "grad_cam")
    assert max_sensitivity(found, lambda moved: found, clip) == {"visual": 0, "audio": 0}
    again = max_sensitivity(found, lambda moved: attribute_path(path, moved, "valence", "grad_cam"), clip)
    assert again["visual"] > 0
    doubled = replace(found, pictures=2 * found.pictures)
    assert max_sensitivity(found, lambda moved: doubled, clip)["visual"] == pytest.approx(1)


def test_without_a_known_cause_nothing_is_scored_against_it(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, features, runs = made
    monkeypatch.setattr("jcalib.explain.checks.LEAST", 0.0)  # random weights move next to nothing
    clip = read_clip(corpus, features, last_row(features))
    table = trust_table(runs["joint"], corpus, [clip], "valence", ("grad_cam", "feature_ablation"), slow=1)
    assert {"deletion", "infidelity", "max-sensitivity", "random encoders"} <= set(table["check"])
    assert "AUROC" not in set(table["check"]) and {"uniform", "edges", "other target"} <= set(table["method"])
    examined = examine(runs["joint"], corpus, clip, "valence", ("grad_cam",))
    assert examined.cause is None and set(examined.curves["modality"]) == {"visual", "audio"}


def test_the_most_moving_clip_has_a_face_and_a_voice_and_is_reported(made: Any) -> None:
    _, features, runs = made
    row = most_moving_clip(runs["joint"], features, "valence")
    assert row in features.rows("report") and features.valid[row].all()
    values = runs["joint"].predictions.groupby(["recording", "frame"])["valence"].mean()
    moved = (values - values.groupby("recording").mean()).abs()
    name = features.recordings[features.recording[row]].name
    assert moved[name, features.frame[row]] > moved.median()


def test_mistakes_are_named(made: Any) -> None:
    corpus, features, runs = made
    run, row = runs["joint"], last_row(features)
    clip = read_clip(corpus, features, row)
    with pytest.raises(UserError, match=r"unknown target 'valense': did you mean 'valence'"):
        most_moving_clip(run, features, "valense")
    with pytest.raises(UserError, match="unknown report recording"):
        most_moving_clip(run, features, "valence", "p1x")
    with pytest.raises(UserError, match=r"unknown attribution method 'gradcam': did you mean 'grad_cam'"):
        jca.attribute(run, clip, "valence", "gradcam")
    blind = replace(features, valid=np.zeros_like(features.valid))
    with pytest.raises(UserError, match="no report clip has both a face and a voice"):
        most_moving_clip(run, blind, "valence")
    with pytest.raises(UserError, match="unknown recording"):
        read_clip(replace(corpus, recordings=corpus.recordings[:1]), features, len(features.frame) - 1)
    with pytest.raises(UserError, match="do not say which encoders"):
        read_clip(corpus, replace(features, encoding=None), row)
