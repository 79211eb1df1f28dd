"""One file of own features: what is read, and what is refused with its numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from jcalib.own_features.files import read_steps
from jcalib.settings import UserError
from tests.own_features.planted import planted, save

N = 40


def changed(**arrays: Any) -> dict[str, Any]:
    """A good recording with some arrays changed; None takes one away."""
    return {name: values for name, values in {**planted(0, N), **arrays}.items() if values is not None}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_of_any_width_are_read(dtype: str, tmp_path: Path) -> None:
    arrays = {name: values.astype(dtype) for name, values in planted(0, N).items()}
    found = read_steps(save(tmp_path, "a", **arrays))
    assert found.audio.dtype == found.visual.dtype == found.target.dtype == np.float32
    np.testing.assert_array_equal(found.audio, arrays["audio"].astype(np.float32))
    assert found.done == () and not found.one_label and found.time is None


def test_safetensors_hold_the_same(tmp_path: Path) -> None:
    arrays = {name: torch.from_numpy(values) for name, values in planted(0, N).items()}
    arrays["audio"] = arrays["audio"].bfloat16()
    save_file({name: values.contiguous() for name, values in arrays.items()}, tmp_path / "a.safetensors")
    found = read_steps(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(found.audio, arrays["audio"].float().numpy())
    np.testing.assert_array_equal(found.target, arrays["target"].float().numpy())


def test_rows_that_are_not_valid_or_not_finite_are_missing(tmp_path: Path) -> None:
    arrays = changed(audio_valid=np.arange(N) != 3, visual_valid=(np.arange(N) > 0).astype(np.int64))
    arrays["audio"][5, 0], arrays["visual"][6, 2] = np.nan, 1e300
    found = read_steps(save(tmp_path, "a", **arrays))
    assert np.flatnonzero(np.isnan(found.audio).all(axis=1)).tolist() == [3, 5]
    assert np.flatnonzero(np.isnan(found.visual).all(axis=1)).tolist() == [0, 6]


def test_the_annotators_mark_is_no_label(tmp_path: Path) -> None:
    arrays = changed()
    arrays["target"][:4, 0], arrays["target"][7] = -5, np.nan
    found = read_steps(save(tmp_path, "a", **arrays))
    assert np.flatnonzero(np.isnan(found.target[:, 0])).tolist() == [0, 1, 2, 3, 7]
    assert np.flatnonzero(np.isnan(found.target[:, 1])).tolist() == [7]


def test_one_label_is_that_of_all_steps(tmp_path: Path) -> None:
    found = read_steps(save(tmp_path, "a", **changed(target=np.array([0.25, -0.5]))))
    assert found.one_label
    np.testing.assert_array_equal(found.target, np.tile(np.float32([0.25, -0.5]), (N, 1)))


def test_different_steps_are_aligned_with_their_labels(tmp_path: Path) -> None:
    fine, coarse = np.arange(160) * 0.01, np.arange(N) * 0.04
    audio = np.repeat(np.arange(160.0)[:, None], 12, axis=1)
    arrays = changed(audio=audio, audio_time=fine, visual_time=coarse)
    found = read_steps(save(tmp_path, "a", **arrays))
    np.testing.assert_array_equal(found.audio[:, 0], np.arange(0, 160, 4))
    np.testing.assert_array_equal(found.target, arrays["target"].astype(np.float32))
    np.testing.assert_array_equal(found.time, coarse)
    assert found.done == ("audio aligned by time to the steps of visual",)
    labels = np.stack([np.arange(160) / 160] * 2, axis=1)
    for given in ({"target": labels}, {"target": labels, "time": fine}):
        found = read_steps(save(tmp_path, "b", **(arrays | given)))
        np.testing.assert_allclose(found.target[:, 0], np.arange(0, 160, 4) / 160)


def test_time_alone_serves_everything(tmp_path: Path) -> None:
    found = read_steps(save(tmp_path, "a", **changed(time=np.arange(N) / 25)))
    np.testing.assert_allclose(found.time, np.arange(N) / 25)


def test_a_missing_modality_and_arrays_of_others_are_said(tmp_path: Path) -> None:
    found = read_steps(save(tmp_path, "a", **changed(visual=None), text=np.zeros((N, 3)), ids=np.array(["a"], object)))
    assert found.visual.shape == (N, 0) and found.audio.shape == (N, 12)
    assert found.done == ("no visual", "arrays that are not read (ids, text)")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (changed(visual=None, visaul=np.zeros((N, 3))), "no 'visual' and an unknown 'visaul': did you mean 'visual'"),
        (changed(visual=None, video=np.zeros((N, 3))), "no 'visual' and an unknown 'video': did you mean 'visual'"),
        (changed(target=None, Label=np.zeros((N, 2))), "no 'target' and an unknown 'Label': did you mean 'target'"),
        (changed(target=None), "it has no target: save"),
        (changed(audio=None, visual=None), "neither audio nor visual"),
        (changed(audio=planted(0, N)["audio"].T), r"audio is \(12, 40\) and visual has 40 steps.*Save audio\.T"),
        (
            changed(**{name: planted(0, N)[name].T for name in ("audio", "visual")}),
            r"audio is \(12, 40\) and target has 40 steps: a row is a step.*Save audio\.T",
        ),
        (
            changed(**{name: planted(0, N)[name].T for name in ("audio", "visual")}, target=np.zeros(2)),
            r"audio is \(12, 40\) and visual is \(20, 40\).*Save audio\.T and visual\.T",
        ),
        (changed(audio=np.zeros((9, 12))), "audio has 9 steps and visual has 40 steps, and audio has no times"),
        (changed(audio=np.zeros(12)), r"audio is \(12,\): it has to be \(steps, features\)"),
        (changed(audio=np.zeros((1, N, 12))), r"audio is \(1, 40, 12\): it has to be"),
        (changed(audio=np.full((N, 12), "x")), "audio holds <U1"),
        (changed(audio=np.full((N, 12), None)), "Python objects, which could run code"),
        (changed(target=np.zeros(N)), r"target is \(40,\): the kit predicts two targets, valence and arousal"),
        (changed(target=np.zeros((N, 1))), r"target is \(40, 1\): the kit predicts two targets"),
        (changed(target=np.zeros((2, N))), r"target is \(2, 40\).*save target\.T"),
        (changed(target=np.full((N, 2), 7.0)), r"target reaches from 7 to 7: labels lie in \[-1, 1\]"),
        (changed(target=np.full((N, 2), -5.0)), "none of its steps has a label"),
        (changed(target=np.zeros((N + 1, 2))), r"target has 41 steps \(audio 40, visual 40\)"),
        (changed(time=np.arange(N + 1)), r"time is \(41,\), and no array has as many steps"),
        (changed(time=-np.arange(N)), "time has -1 at step 1: times are seconds that ascend"),
        (changed(audio_time=np.arange(3)), r"audio_time is \(3,\) for 40 steps"),
        (changed(audio_valid=np.ones(3, bool)), r"audio_valid is \(3,\) for 40 steps"),
        (changed(audio_valid=np.full(N, 0.5)), "audio_valid holds other values than true and false"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_numbers(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        read_steps(save(tmp_path, "a", **arrays))


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no features at all " * 9])
def test_a_broken_file_is_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match="it is broken, or not") as refusal:
        read_steps(tmp_path / name)
    assert "\n" not in str(refusal.value)


def test_a_file_cut_short_is_broken(tmp_path: Path) -> None:
    whole = save(tmp_path, "a", **changed()).read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="it is broken"):
        read_steps(tmp_path / "a.npz")
