"""I3D against an evaluation of its graph that shares no code with it, from a checkpoint's names alone."""

import pytest
import torch
from torch.nn import functional

from jcalib.encoders import InceptionI3d, InceptionVisual, TemporalConvNet
from tests.encoders.layouts import BLOCKS, drawn, i3d_shapes

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    return drawn(i3d_shapes())


def surrounded(x: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
    """TensorFlow's rule as its documentation has it, axis by axis."""
    for axis, (width, step) in enumerate(zip(kernel, stride, strict=True), 2):
        size = x.shape[axis]
        missing = max(width - step, 0) if size % step == 0 else max(width - size % step, 0)
        before, after = [list(x.shape), list(x.shape)]
        before[axis], after[axis] = missing // 2, missing - missing // 2
        x = torch.cat([x.new_zeros(before), x, x.new_zeros(after)], dim=axis)
    return x


def unit(state: State, name: str, x: torch.Tensor, stride: tuple[int, ...] = (1, 1, 1)) -> torch.Tensor:
    kernel = state[f"{name}.conv3d.weight"]
    x = functional.conv3d(surrounded(x, tuple(kernel.shape[2:]), stride), kernel, stride=stride)
    mean, variance, scale, shift = (
        state[f"{name}.bn.{part}"].reshape(1, -1, 1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
    )
    return ((x - mean) / (variance + 0.001).sqrt() * scale + shift).clamp(min=0)


def pooled(x: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
    return functional.max_pool3d(surrounded(x, kernel, stride), kernel, stride)


def maps_of(state: State, x: torch.Tensor, step: int) -> torch.Tensor:
    x = unit(state, "Conv3d_1a_7x7", x, (step, 2, 2))
    x = pooled(x, (1, 3, 3), (1, 2, 2))
    x = unit(state, "Conv3d_2c_3x3", unit(state, "Conv3d_2b_1x1", x))
    for block in BLOCKS:
        if block == "3b":
            x = pooled(x, (1, 3, 3), (1, 2, 2))
        if block == "4b":
            x = pooled(x, (3, 3, 3), (step, 2, 2))
        if block == "5b":
            x = pooled(x, (2, 2, 2), (step, 2, 2))
        name = f"Mixed_{block}"
        beside = [
            unit(state, f"{name}.b0", x),
            unit(state, f"{name}.b1b", unit(state, f"{name}.b1a", x)),
            unit(state, f"{name}.b2b", unit(state, f"{name}.b2a", x)),
            unit(state, f"{name}.b3b", pooled(x, (3, 3, 3), (1, 1, 1))),
        ]
        x = torch.cat(beside, dim=1)
    return x


@pytest.mark.parametrize(
    ("shape", "stride"),
    [((16, 64, 64), True), ((11, 45, 70), True), ((8, 64, 64), False), ((3, 50, 33), False), ((2, 224, 40), False)],
)
def test_features_are_those_of_the_independent_evaluation(
    state: State, shape: tuple[int, int, int], stride: bool
) -> None:
    model = InceptionI3d(temporal_stride=stride).eval()
    model.load_state_dict(state, strict=True)
    clip = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        found, maps = model.features(clip), maps_of(state, clip, 2 if stride else 1)
    averaged = torch.stack([maps[:, :, at : at + 2, :7, :7].mean((2, 3, 4)) for at in range(maps.shape[2] - 1)], dim=-1)
    assert averaged.std() > 0.01, "the test needs features that differ"
    assert found.shape == averaged.shape == (1, 1024, maps.shape[2] - 1)
    torch.testing.assert_close(found, averaged, rtol=0, atol=1e-4)


def test_without_temporal_strides_a_clip_keeps_its_eight_steps() -> None:
    with torch.device("meta"):
        clip = torch.zeros(1, 3, 8, 224, 224)
        assert InceptionI3d(temporal_stride=False).eval().maps(clip).shape == (1, 1024, 8, 7, 7)
        assert InceptionI3d(temporal_stride=False).eval().features(clip).shape == (1, 1024, 7)
        assert InceptionI3d().eval().maps(torch.zeros(1, 3, 64, 224, 224)).shape == (1, 1024, 8, 7, 7)


def test_it_is_the_public_checkpoint_s_size_and_normalisation() -> None:
    with torch.device("meta"):
        model = InceptionI3d()
        assert sum(parameter.numel() for parameter in model.parameters()) == 12_697_264
        assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == i3d_shapes()
        norms = {(one.eps, one.momentum) for one in model.modules() if isinstance(one, torch.nn.BatchNorm3d)}
        assert norms == {(0.001, 0.01)}
        assert InceptionI3d(num_classes=5)(torch.zeros(2, 3, 24, 224, 224)).shape == (2, 5, 2)


def test_the_temporal_convolution_looks_back_only_and_far_enough() -> None:
    net = TemporalConvNet(1024).eval()
    assert [len(list(net)), net[0].first.weight.shape, net[3].second.weight.shape] == [4, (512, 1024, 5), (512, 512, 5)]
    small = TemporalConvNet(3, widths=(4, 4), dropout=0.1).double().eval()
    x = torch.randn(1, 3, 40, dtype=torch.double, requires_grad=True)
    small(x)[0, :, 30].sum().backward()
    reached = torch.nonzero(x.grad.abs().sum((0, 1))).flatten()
    assert reached.max() == 30, "a step sees what comes after it"
    assert reached.min() == 30 - 2 * 4 * (1 + 2)


def test_a_block_is_two_normalised_convolutions_and_a_way_past_them() -> None:
    net = TemporalConvNet(3, widths=(4,), kernel=2).double().eval()
    x = torch.randn(2, 3, 6, dtype=torch.double)
    weights = dict(net.named_parameters())
    expected = x
    for layer in ("first", "second"):
        size, direction = (weights[f"0.{layer}.parametrizations.weight.original{part}"] for part in (0, 1))
        kernel = size * direction / direction.flatten(1).norm(dim=1)[:, None, None]
        late = torch.cat([expected.new_zeros(2, expected.shape[1], 1), expected[..., :-1]], -1)
        expected = torch.einsum("oi,bit->bot", kernel[..., 0], late) + torch.einsum(
            "oi,bit->bot", kernel[..., 1], expected
        )
        expected = expected + weights[f"0.{layer}.bias"][:, None]
        expected = torch.where(expected > 0, expected, 0.01 * expected)
    past = torch.einsum("oi,bit->bot", weights["0.around.weight"][..., 0], x) + weights["0.around.bias"][:, None]
    expected = torch.where(expected + past > 0, expected + past, 0.01 * (expected + past))
    torch.testing.assert_close(net(x), expected)


def test_the_encoder_keeps_the_maximum_over_time(state: State) -> None:
    clip = torch.rand(1, 3, 8, 33, 33)
    encoder = InceptionVisual(2, temporal=False).eval()
    kept = {name: value for name, value in state.items() if not name.startswith("logits.")}
    encoder.backbone.load_state_dict(kept)
    model = InceptionI3d(temporal_stride=False).eval()
    model.load_state_dict(state)
    with torch.inference_mode():
        torch.testing.assert_close(encoder.features(clip), model.features(2 * clip - 1).amax(-1))
