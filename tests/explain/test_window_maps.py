"""The map of a whole window: all its clips at once, still adding up."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from traced import CLIPS, SIZE, doubled, in_double_precision, last_row

import jcalib as jca
from jcalib.explain import clip_path, read_clip
from jcalib.explain.path import read_clips
from jcalib.explain.window import attribute_window
from jcalib.settings import UserError


def test_the_map_of_a_window_adds_up_in_double_precision(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    monkeypatch.setattr("jcalib.explain.window.read_clips", lambda *one: map(doubled, read_clips(*one)))
    path = in_double_precision(clip_path(runs["joint"], clip, "valence"))
    found = attribute_window(path, clip, "valence", "integrated_gradients", None)
    assert found.pictures.shape == (CLIPS, 8, SIZE, SIZE) and found.log_mel.shape == (CLIPS, 64, 107)
    assert abs(found.delta) <= max(0.01 * abs(found.difference), 1e-3) and found.converged
    assert all(part.any() for part in (*found.pictures, *found.log_mel)), "every clip of the window has a part in it"
    assert found.ends[-1] == pytest.approx(clip.second) and found.ends[0] == pytest.approx(clip.second - 32 / 25)
    table = found.frame()
    assert table["value"].sum() == pytest.approx(found.total) and table["second"].nunique() == CLIPS


@pytest.mark.parametrize("method", ["occlusion", "feature_ablation", "grad_cam"])
def test_a_masking_of_a_window_is_of_one_clip_at_a_time(made: Any, method: str) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    own, whole = (jca.attribute(runs["joint"], clip, "valence", method, extent=name) for name in ("clip", "window"))
    assert whole.prediction == pytest.approx(own.prediction) and whole.steps == CLIPS * own.steps
    np.testing.assert_array_equal(whole.pictures[-1], own.pictures)
    np.testing.assert_array_equal(whole.log_mel[-1], own.log_mel)
    assert whole.pictures[0].any() and not np.array_equal(whole.pictures[0], own.pictures)


def test_the_padding_of_a_window_has_no_map(made: Any) -> None:
    corpus, features, runs = made
    clip = read_clip(corpus, features, last_row(features))
    path = clip_path(runs["joint"], clip, "valence")
    path.rows = np.array([-1, clip.row])  # as where a recording is shorter than a window
    found = attribute_window(path, clip, "valence", "gradient_shap", None)
    assert np.isnan(found.ends[0]) and found.ends[1] == clip.second
    assert not found.pictures[0].any() and not found.log_mel[0].any() and found.pictures[1].any()


def test_a_clip_without_its_recording_has_no_window(made: Any) -> None:
    corpus, features, runs = made
    clip = replace(read_clip(corpus, features, last_row(features)), media=None)
    with pytest.raises(UserError, match="does not know its recording"):
        jca.attribute(runs["joint"], clip, extent="window")
    with pytest.raises(UserError, match=r"unknown extent 'windows': did you mean 'window'"):
        jca.attribute(runs["joint"], clip, extent="windows")
