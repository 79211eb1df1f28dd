"""The authors' published layout, against an evaluation of it in NumPy with the layers they declare."""

import numpy as np
import pytest
import torch

from jcalib.fusion import JointCrossAttention

SHAPES = {
    "encoder1.weight": (128, 512),
    "encoder1.bias": (128,),
    "encoder2.weight": (128, 512),
    "encoder2.bias": (128,),
    "affine_a.weight": (8, 8),
    "affine_v.weight": (8, 8),
    "W_a.weight": (32, 8),
    "W_v.weight": (32, 8),
    "W_ca.weight": (32, 256),
    "W_cv.weight": (32, 256),
    "W_ha.weight": (8, 32),
    "W_hv.weight": (8, 32),
    "regressor.0.weight": (128, 256),
    "regressor.0.bias": (128,),
    "regressor.2.weight": (1, 128),
    "regressor.2.bias": (1,),
}


def released() -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(0)
    return {
        name: torch.from_numpy((rng.normal(size=shape) / np.sqrt(shape[-1])).astype("float32"))
        for name, shape in SHAPES.items()
    }


def evaluate(state: dict[str, torch.Tensor], audio: np.ndarray, visual: np.ndarray) -> np.ndarray:
    """One sequence (8, 512) twice; `layer` is x -> x weight^T + bias, as a linear layer is."""

    def layer(name: str, x: np.ndarray) -> np.ndarray:
        bias = state[f"{name}.bias"].double().numpy() if f"{name}.bias" in state else 0
        return x @ state[f"{name}.weight"].double().numpy().T + bias

    audio, visual = layer("encoder1", audio), layer("encoder2", visual)
    joint = np.concatenate([audio, visual], axis=1)
    attended = []
    for x, letter in ((audio, "a"), (visual, "v")):
        correlation = np.tanh(x.T @ layer(f"affine_{letter}", joint.T).T / 16)
        hidden = np.maximum(layer(f"W_{letter}", x.T) + layer(f"W_c{letter}", correlation), 0)
        attended.append(x + layer(f"W_h{letter}", hidden).T)
    return layer("regressor.2", layer("regressor.0", np.concatenate(attended, axis=1)))


def test_released_weights_give_the_released_computation():
    state = released()
    fusion = JointCrossAttention.from_released(state)
    assert not fusion.training
    rng = np.random.default_rng(1)
    audio, visual = rng.normal(size=(2, 3, 8, 512))
    prediction = fusion.double()(torch.from_numpy(audio), torch.from_numpy(visual)).prediction.detach().numpy()
    expected = np.stack([evaluate(state, *pair) for pair in zip(audio, visual, strict=True)])
    assert prediction.shape == (3, 8, 1)
    np.testing.assert_allclose(prediction, expected, atol=1e-9)


def test_all_entries_are_used_and_copied():
    state = released()
    fusion = JointCrossAttention.from_released(state)
    assert sum(p.numel() for p in fusion.parameters()) == sum(t.numel() for t in state.values())
    state["regressor.2.bias"] += 1
    assert not any(torch.equal(p, state["regressor.2.bias"]) for p in fusion.parameters())


def refusal(**changes: torch.Tensor | None) -> str:
    state = released() | {name.replace("__", "."): value for name, value in changes.items()}
    with pytest.raises(ValueError) as caught:
        JointCrossAttention.from_released({name: value for name, value in state.items() if value is not None})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_does_not_fit_is_listed():
    assert "W_a.weight is missing" in refusal(W_a__weight=None)
    assert "extra.weight is unknown" in refusal(extra__weight=torch.zeros(1))
    assert "regressor.0.weight is (128, 640), expected (128, 256)" in refusal(
        regressor__0__weight=torch.zeros(128, 640)
    )


def test_the_first_three_differences_are_named():
    message = refusal(affine_a__weight=torch.zeros(16, 16), W_v__weight=None, x=torch.zeros(1), W_a__weight=None)
    assert "W_a.weight is missing; W_v.weight is missing; x is unknown; and 1 more" in message
    assert "not the published cam.py weights" in message
