"""Integrated Gradients against closed forms, its completeness, its baselines."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from jcalib.explain import Attribution, blurred_face, integrated_gradients, noise_floor
from jcalib.settings import UserError

PICTURES, SOUND = (3, 8, 12, 10), (1, 6, 15)


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def clip() -> tuple[Tensor, Tensor]:
    return random(*PICTURES, seed=1), random(*SOUND, seed=2)


@pytest.fixture
def baselines() -> tuple[Tensor, Tensor]:
    return random(*PICTURES, seed=3), random(*SOUND, seed=4)


W_PICTURES, W_SOUND = random(*PICTURES, seed=5), random(*SOUND, seed=6)


def linear(pictures: Tensor, log_mel: Tensor) -> Tensor:
    return (pictures * W_PICTURES).flatten(1).sum(1) + (log_mel * W_SOUND).flatten(1).sum(1) + 0.3


def product(pictures: Tensor, log_mel: Tensor) -> Tensor:
    """Neither modality does anything alone: the path integral of a product splits it."""
    return (pictures * W_PICTURES).flatten(1).sum(1) * (log_mel * W_SOUND).flatten(1).sum(1)


def test_a_linear_prediction_has_its_closed_form(clip: tuple[Tensor, Tensor], baselines: tuple[Tensor, Tensor]) -> None:
    found = integrated_gradients(linear, *clip, *baselines, target="valence")
    np.testing.assert_allclose(found.pictures, (W_PICTURES * (clip[0] - baselines[0])).sum(0), atol=1e-6)
    np.testing.assert_allclose(found.log_mel, (W_SOUND * (clip[1] - baselines[1]))[0], atol=1e-6)
    assert (found.steps, found.converged, found.empty, found.target) == (32, True, False, "valence")
    assert found.prediction == pytest.approx(float(linear(clip[0][None], clip[1][None])))
    assert abs(found.delta) < 1e-5


def test_a_product_is_shared_as_the_path_integral_says(clip: tuple[Tensor, Tensor]) -> None:
    """From zero, f = u(x) v(y) gives half of f to each factor."""
    zeros = torch.zeros(PICTURES).double(), torch.zeros(SOUND).double()
    found = integrated_gradients(product, *clip, *zeros, target="arousal", baseline="zero")
    assert found.pictures.sum() == pytest.approx(found.prediction / 2, rel=1e-6)
    assert found.log_mel.sum() == pytest.approx(found.prediction / 2, rel=1e-6)


def test_the_batch_of_path_points_changes_nothing(
    clip: tuple[Tensor, Tensor], baselines: tuple[Tensor, Tensor]
) -> None:
    one, many = (integrated_gradients(product, *clip, *baselines, target="valence", batch=batch) for batch in (3, 64))
    np.testing.assert_allclose(one.pictures, many.pictures, rtol=1e-6, atol=1e-9)


def sharp(scale: float) -> nn.Module:
    """A step of the mean brightness, as steep as is wanted."""

    class Sharp(nn.Module):
        def forward(self, pictures: Tensor, log_mel: Tensor) -> Tensor:
            return torch.sigmoid(scale * (pictures.flatten(1).mean(1) - 0.4321))

    return Sharp()


def bright(value: float) -> Tensor:
    return torch.full(PICTURES, value, dtype=torch.float64)


def test_steps_double_until_the_map_adds_up(clip: tuple[Tensor, Tensor]) -> None:
    found = integrated_gradients(sharp(300), bright(1), clip[1], bright(0), clip[1], target="valence")
    assert 32 < found.steps <= 512
    assert found.converged and abs(found.delta) <= 0.01 * abs(found.difference)


def test_a_map_that_misses_says_so(clip: tuple[Tensor, Tensor]) -> None:
    found = integrated_gradients(sharp(1e5), bright(1), clip[1], bright(0), clip[1], target="valence")
    assert found.steps == 512 and not found.converged
    assert abs(found.delta) > 0.01 * abs(found.difference)


def test_a_modality_that_is_not_used_gets_zero(clip: tuple[Tensor, Tensor]) -> None:
    found = integrated_gradients(sharp(1), *clip, bright(0), 0 * clip[1], target="valence")
    assert not found.log_mel.any() and found.pictures.any()


def test_an_empty_map_is_a_field_and_not_a_crash(clip: tuple[Tensor, Tensor]) -> None:
    found = integrated_gradients(linear, *clip, *clip, target="valence")
    assert found.empty and found.converged and found.total == 0
    assert found.frame()["share"].isna().all()


def test_frame_adds_up(clip: tuple[Tensor, Tensor], baselines: tuple[Tensor, Tensor]) -> None:
    found = integrated_gradients(linear, *clip, *baselines, target="valence")
    table = found.frame()
    assert table.groupby("part").size().to_dict() == {"picture": 8, "mel band": 6}
    assert table["value"].sum() == pytest.approx(found.total)
    assert table["share"].sum() == pytest.approx(1) and (table["share"] >= 0).all()
    third = table[(table["part"] == "picture") & (table["index"] == 2)].iloc[0]
    assert third["value"] == pytest.approx(found.pictures[2].sum())


def test_single_precision_and_no_trace_in_the_model(clip: tuple[Tensor, Tensor]) -> None:
    torch.manual_seed(0)
    conv = nn.Sequential(nn.Conv3d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(1)).eval()
    pictures, log_mel = clip[0].float(), clip[1].float()
    conv(pictures[None])
    found = integrated_gradients(
        lambda p, s: conv(p)[:, 0] + s.flatten(1).mean(1) ** 2,
        pictures,
        log_mel,
        blurred_face(pictures),
        noise_floor(log_mel),
        target="valence",
    )
    assert isinstance(found, Attribution) and found.converged
    assert found.pictures.dtype == np.float32
    assert all(weight.grad is None for weight in conv.parameters())
    assert not pictures.requires_grad


def test_dropout_is_refused(clip: tuple[Tensor, Tensor], baselines: tuple[Tensor, Tensor]) -> None:
    dropout = nn.Dropout(0.5)
    with pytest.raises(UserError, match=r"eval\(\)"):
        integrated_gradients(lambda p, s: linear(dropout(p), s), *clip, *baselines, target="valence")


def test_shapes_that_differ_are_refused(clip: tuple[Tensor, Tensor], baselines: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(UserError, match="log-mel"):
        integrated_gradients(linear, *clip, baselines[0], baselines[1][..., :3], target="valence")


def test_blurred_face_keeps_the_light_and_loses_the_lines() -> None:
    flat = torch.full((3, 8, 64, 64), 0.7)
    torch.testing.assert_close(blurred_face(flat), flat)
    lines = torch.zeros(3, 8, 64, 64)
    lines[..., 4::8, :] = 1
    assert blurred_face(lines).std() < 0.01 < 0.3 < lines.std()
    assert blurred_face(lines).mean() == pytest.approx(float(lines.mean()), abs=0.01)


def test_blurred_face_blurs_each_picture_alone() -> None:
    pictures = torch.zeros(3, 8, 32, 32)
    pictures[1, 5] = 1
    blurred = blurred_face(pictures)
    torch.testing.assert_close(blurred[1, 5], pictures[1, 5])
    assert blurred.sum() == pytest.approx(32 * 32, rel=1e-5)


def test_noise_floor_is_each_bands_own_low_quantile() -> None:
    log_mel = random(1, 64, 107, seed=9)
    floor = noise_floor(log_mel)
    assert floor.shape == log_mel.shape
    expected = np.quantile(log_mel.numpy(), 0.1, axis=-1)
    np.testing.assert_allclose(floor[..., 0].numpy(), expected)
    assert (floor == floor[..., :1]).all()


def test_noise_floor_leaves_digital_silence_out() -> None:
    """A clip that starts before its recording: a third of it is zero power, which is no noise floor."""
    log_mel = random(1, 64, 107, seed=9)
    expected = noise_floor(log_mel[..., 40:])[..., 0]
    log_mel[..., :40] = -8
    torch.testing.assert_close(noise_floor(log_mel)[..., 0], expected)
    assert (noise_floor(torch.full((1, 64, 107), -8.0)) == -8).all()
