"""CCC against three independent formulas, its corners, and the loss that is made of it."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jcalib.concordance import ConcordanceLoss, ccc, ccc_from_sums, sums, why_undefined

NAN = float("nan")


def by_definition(x: np.ndarray, y: np.ndarray) -> float:
    covariance = np.cov(x, y, bias=True)
    return 2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + (x.mean() - y.mean()) ** 2)


def by_pearson(x: np.ndarray, y: np.ndarray) -> float:
    rho = np.corrcoef(x, y)[0, 1]
    return 2 * rho * x.std() * y.std() / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)


def by_squared_error(x: np.ndarray, y: np.ndarray) -> float:
    return 1 - np.mean((x - y) ** 2) / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)


def series(seed: int = 0, shape: tuple[int, ...] = (6, 5, 2)) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    target = rng.uniform(-1, 1, shape)
    return torch.from_numpy(0.5 * target + 0.3 * rng.normal(size=shape) + 0.1), torch.from_numpy(target)


values = hnp.arrays(np.float64, st.integers(3, 30), elements=st.floats(-1, 1).map(lambda v: round(v, 3)))
pairs = values.flatmap(
    lambda x: st.tuples(
        st.just(x), hnp.arrays(np.float64, len(x), elements=st.floats(-1, 1).map(lambda v: round(v, 3)))
    )
)


def scalar(x: np.ndarray, y: np.ndarray) -> float:
    return float(ccc(torch.from_numpy(x), torch.from_numpy(y)))


@pytest.mark.parametrize("formula", [by_definition, by_pearson, by_squared_error])
def test_ccc_equals_an_independent_formula(formula):
    prediction, target = series()
    result = ccc(prediction, target)
    assert result.dtype == torch.float64 and result.shape == (2,)
    for k in range(2):
        expected = formula(prediction[..., k].numpy().ravel(), target[..., k].numpy().ravel())
        assert float(result[k]) == pytest.approx(expected, abs=1e-12)


def test_ccc_by_hand():
    # x = 1, 2, 3 and y = 2, 4, 6: cov 4/3, variances 2/3 and 8/3, means 2 and 4.
    assert scalar(np.array([1.0, 2, 3]), np.array([2.0, 4, 6])) == pytest.approx((8 / 3) / (10 / 3 + 4))


def test_float32_is_scored_in_float64():
    prediction, target = (x.float() for x in series())
    torch.testing.assert_close(ccc(prediction, target), ccc(prediction.double(), target.double()), rtol=0, atol=0)


def test_values_that_do_not_count_are_left_out():
    prediction, target = series()
    mask = torch.from_numpy(np.random.default_rng(1).random((6, 5)) < 0.7)
    target[0, :, 1] = NAN
    counts = torch.stack([mask, mask & ~target[..., 1].isnan()], dim=-1)
    prediction[~mask] = NAN
    for form in (mask, counts):
        result = ccc(prediction, target, form)
        for k in range(2):
            kept = counts[..., k].numpy()
            expected = by_definition(prediction[..., k].numpy()[kept], target[..., k].numpy()[kept])
            assert float(result[k]) == pytest.approx(expected, abs=1e-12)


def test_sums_of_recordings_add_up():
    prediction, target = series()
    parts = sum(sums(prediction[i], target[i]) for i in range(6))
    torch.testing.assert_close(parts, sums(prediction, target))
    torch.testing.assert_close(ccc_from_sums(parts), ccc(prediction, target))
    n, x, y, xx, yy, xy = sums(prediction, target)[1]
    p, t = prediction[..., 1], target[..., 1]
    expected = [30, p.sum(), t.sum(), (p**2).sum(), (t**2).sum(), (p * t).sum()]
    np.testing.assert_allclose([n, x, y, xx, yy, xy], expected)


@pytest.mark.parametrize("constant", [0.0, 0.1, -0.7, 1 / 3])
@pytest.mark.parametrize("n", [2, 7, 100_000])
def test_corner_constant_series(constant, n):
    flat, varying = torch.full((n,), constant).double(), torch.linspace(-1, 1, n).double()
    assert float(ccc(flat, varying)) == float(ccc(varying, flat)) == 0
    for other in (flat, flat + 0.5):
        assert ccc(flat, other).isnan()
        assert why_undefined(sums(flat, other)) == "prediction and target are both constant"
    assert why_undefined(sums(flat, varying)) is None


@pytest.mark.parametrize("n", [0, 1])
def test_corner_fewer_than_two_values(n):
    prediction, target = series(shape=(5, 2))
    target[n:, 0] = NAN
    result = ccc(prediction, target)
    assert result[0].isnan() and result[1].isfinite()
    assert why_undefined(sums(prediction, target)[0]) == f"{n} valid values, CCC needs 2"


def test_a_prediction_of_nan_is_not_hidden():
    prediction, target = series(shape=(5, 1))
    prediction[2] = NAN
    for wanted in (target, torch.ones_like(target)):
        assert ccc(prediction, wanted).isnan().all()
        assert why_undefined(sums(prediction, wanted)[0]) == "a prediction is not finite"


def test_a_small_spread_is_not_a_constant():
    x = 0.5 + 1e-4 * np.random.default_rng(0).normal(size=1000)
    y = 0.5 + 1e-4 * np.random.default_rng(1).normal(size=1000)
    assert scalar(x, y) == pytest.approx(by_definition(x, y), abs=1e-6)


@settings(deadline=None)
@given(pairs)
def test_property_symmetric_and_bounded_by_pearson(pair):
    x, y = pair
    assume(x.std() > 1e-3 and y.std() > 1e-3)
    assert scalar(x, y) == pytest.approx(scalar(y, x), abs=1e-12)
    assert abs(scalar(x, y)) <= abs(np.corrcoef(x, y)[0, 1]) + 1e-9
    assert scalar(x, x) == pytest.approx(1)


@settings(deadline=None)
@given(pairs, st.floats(0.1, 10), st.booleans(), st.floats(-10, 10))
def test_property_a_common_affine_map_changes_nothing(pair, scale, flip, shift):
    x, y = pair
    assume(x.std() > 1e-2 and y.std() > 1e-2)
    scale = -scale if flip else scale
    assert scalar(scale * x + shift, scale * y + shift) == pytest.approx(scalar(x, y), abs=1e-6)


def test_one_dimension_is_one_target():
    prediction, target = series(shape=(20,))
    assert ccc(prediction, target).shape == ()
    assert float(ccc(prediction, target)) == pytest.approx(float(ccc(prediction[:, None], target[:, None])))


def test_refusals():
    with pytest.raises(ValueError, match=r"prediction is \(4, 1\), target is \(4,\)"):
        ccc(torch.zeros(4, 1), torch.zeros(4))
    with pytest.raises(ValueError, match=r"mask is torch\.float32: it has to be bool"):
        ccc(torch.zeros(4, 2), torch.zeros(4, 2), torch.ones(4))
    with pytest.raises(ValueError, match=r"mask is \(3,\), target is \(4, 2\)"):
        ccc(torch.zeros(4, 2), torch.zeros(4, 2), torch.ones(3, dtype=torch.bool))


loss = ConcordanceLoss()


def gradient(prediction: torch.Tensor, target: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    prediction = prediction.clone().requires_grad_()
    loss(prediction, target, mask).backward()
    return prediction.grad


def test_loss_is_one_minus_ccc_mean_over_targets():
    prediction, target = series()
    target[1, 2, 0] = NAN
    mask = torch.from_numpy(np.random.default_rng(1).random((6, 5)) < 0.7)
    expected = 1 - ccc(prediction, target, mask).mean()
    torch.testing.assert_close(loss(prediction, target, mask), expected)


def test_loss_of_float32_is_close():
    prediction, target = series()
    assert float(loss(prediction.float(), target.float())) == pytest.approx(float(loss(prediction, target)), abs=1e-6)
    assert loss(prediction.half(), target.float()).dtype == torch.float32
    assert loss(prediction[..., 0].ravel(), target[..., 0].ravel()).shape == ()


def test_loss_gradient_is_right():
    prediction, target = series(shape=(6, 2))
    target[0, 0] = NAN
    mask = torch.tensor([True] * 5 + [False])
    assert torch.autograd.gradcheck(lambda p: loss(p, target, mask), prediction.requires_grad_())


def test_loss_gradient_at_a_constant_prediction_points_at_the_target():
    _, target = series(shape=(20, 1))
    flat = torch.full_like(target, 0.3)
    assert float(loss(flat, target)) == pytest.approx(1)
    step = -gradient(flat, target)
    assert step.isfinite().all() and float((step * (target - target.mean())).sum()) > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("spread", [0.0, 1e-30, 1e-20, 1e-8, 1e-3])
@pytest.mark.parametrize("level", [0.0, 0.3])
@pytest.mark.parametrize("n", [9, 1000])
def test_a_constant_target_adds_1_and_no_gradient(dtype, spread, level, n):
    target = torch.full((n, 1), level, dtype=dtype)
    prediction = target + spread * torch.linspace(-1, 1, n, dtype=dtype)[:, None]
    assert float(loss(prediction, target)) == 1
    assert not gradient(prediction, target).any()


@pytest.mark.parametrize("n", [0, 1])
def test_a_target_without_two_values_adds_nothing(n):
    prediction, target = series(shape=(5, 2))
    target[n:, 0] = NAN
    assert float(loss(prediction, target)) == pytest.approx(float(1 - ccc(prediction, target)[1]) / 2)
    pushed = gradient(prediction, target)
    assert not pushed[:, 0].any() and pushed[:, 1].any()
    target[:] = NAN
    assert float(loss(prediction, target)) == 0 and not gradient(prediction, target).any()


def test_values_that_do_not_count_get_no_gradient():
    prediction, target = series(shape=(6, 2))
    target[0, 0], prediction[1, 1] = NAN, NAN
    mask = torch.ones(6, 2, dtype=torch.bool)
    mask[1, 1] = False
    pushed = gradient(prediction, target, mask)
    assert pushed.isfinite().all() and pushed[0, 0] == 0 and pushed[1, 1] == 0 and pushed.count_nonzero() == 10


def test_loss_under_vmap_and_grad():
    predictions = torch.stack([series(seed)[0] for seed in range(3)])
    _, target = series()
    mask = torch.from_numpy(np.random.default_rng(1).random((3, 6, 5)) < 0.5)
    mask[1] = False
    together = torch.func.vmap(torch.func.grad(loss), in_dims=(0, None, 0))(predictions, target, mask)
    for seed in range(3):
        torch.testing.assert_close(together[seed], gradient(predictions[seed], target, mask[seed]))


@settings(max_examples=50, deadline=None)
@given(pairs)
def test_property_loss_is_between_0_and_2(pair):
    value = float(loss(*(torch.from_numpy(series) for series in pair)))
    assert not math.isnan(value) and -1e-9 <= value <= 2 + 1e-9
