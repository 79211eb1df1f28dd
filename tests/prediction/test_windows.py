"""Windows that are predicted as clips come are those of an evaluation that knows the whole recording."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import toy_features

from jcalib.fusion import build_fusion
from jcalib.prediction.windows import Windows
from jcalib.training import Ensemble
from jcalib.training.evaluation import Resident, predict_rows

CPU = torch.device("cpu")


def ensemble(name: str = "joint", clips: int = 8, width: int = 6) -> Ensemble:
    def build() -> torch.nn.Module:
        return build_fusion(name, width, width, clips, dim=8, rank=4)

    return Ensemble.create(build, range(2), CPU)


def streamed(windows: Windows, audio: np.ndarray, visual: np.ndarray, chunk: int) -> np.ndarray:
    for start in range(0, len(audio), chunk):
        windows.add(audio[start : start + chunk], visual[start : start + chunk])
    return windows.finish()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.sampled_from([1, 2, 4]), st.integers(1, 9), st.integers(1, 40))
def test_any_length_in_any_pieces(rows: int, stride: int, clips: int, chunk: int) -> None:
    """What comes out names the window and the place: a fusion of known answers."""
    number = np.arange(rows, dtype=np.float32)[:, None].repeat(6, 1)
    model = ensemble("concat", clips)
    whole = streamed(Windows(model, clips, stride, CPU), number, -number, rows)
    np.testing.assert_allclose(streamed(Windows(model, clips, stride, CPU), number, -number, chunk), whole, atol=1e-5)
    alone = model(*(torch.from_numpy(x)[:, None] for x in (number, -number))).prediction[:, :, 0].detach()
    np.testing.assert_allclose(whole, alone, atol=1e-4)


@pytest.mark.parametrize("frames", [320, 72])
@pytest.mark.parametrize("name", ["joint", "cross"])
def test_they_are_the_windows_of_an_evaluation(name: str, frames: int) -> None:
    features, model = toy_features(frames=frames, lost=True), ensemble(name)
    grid = predict_rows(model, Resident(features, CPU), features, [4], 8)
    rows = features.of("r4")
    parts = [getattr(features, one)[rows] for one in ("audio", "visual")]
    for column, part in enumerate(parts):
        part[~features.valid[rows, column]] = np.nan
    found = streamed(Windows(model, 8, features.stride, CPU), *parts, chunk=5)
    np.testing.assert_allclose(found, grid[:, rows], atol=1e-5)


def test_memory_holds_one_window_a_phase() -> None:
    windows = Windows(ensemble(), 8, 4, CPU)
    for _ in range(50):
        windows.add(*np.zeros((2, 10, 6), np.float32))
        assert len(windows._held[0]) <= 32
    assert windows.finish().shape == (2, 500, 2)


@pytest.mark.parametrize(("name", "kept"), [("visual", [1, 3]), ("audio", [2, 3]), ("concat", [1, 2, 3])])
def test_nothing_is_predicted_from_nothing(name: str, kept: list[int]) -> None:
    audio, visual = np.ones((2, 4, 6), np.float32)
    audio[:2], visual[[0, 2]] = np.nan, np.nan
    found = streamed(Windows(ensemble(name), 8, 4, CPU), audio, visual, 4)
    assert np.flatnonzero(np.isfinite(found).all((0, 2))).tolist() == kept
