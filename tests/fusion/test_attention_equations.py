"""The attention equations and the fusions built on them, against a NumPy evaluation of the same equations."""

import fusion_oracle as oracle
import numpy as np
import pytest
import torch

from jcalib.fusion import FUSIONS, CrossAttention, Fusion, attention, build_fusion

B, L, D, K = 5, 4, 6, 3


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def random_masks(seed: int = 1) -> torch.Tensor:
    """Masks of B sequences, among them: all valid, no audio, no visual, nothing at all, one row."""
    mask = torch.from_numpy(np.random.default_rng(seed).random((B, L, 2)) < 0.6)
    mask[0], mask[1, :, 0], mask[2, :, 1], mask[3] = True, False, False, False
    mask[4], mask[4, 2] = False, True
    return mask


def test_joint_functions_follow_the_equations():
    x, joint = normal(B, L, D), normal(B, L, 2 * D, seed=1)
    w, w_x, w_c, w_h = (normal(*s, seed=2 + i) for i, s in enumerate([(L, L), (K, L), (K, 2 * D), (L, K)]))
    correlation = attention.joint_correlation(x, joint, w)
    attended = attention.joint_attention(x, correlation, w_x, w_c, w_h)
    assert correlation.shape == (B, D, 2 * D)
    for sample in range(B):
        expected = oracle.joint_correlation(x[sample].numpy(), joint[sample].numpy(), w.numpy())
        np.testing.assert_allclose(correlation[sample], expected, atol=1e-12)
        expected = oracle.joint_attention(x[sample].numpy(), expected, w_x.numpy(), w_c.numpy(), w_h.numpy())
        np.testing.assert_allclose(attended[sample], expected, atol=1e-12)


def test_cross_functions_follow_the_equations():
    audio, visual, w = normal(B, L, D), normal(B, L, D, seed=1), normal(D, D, seed=2)
    mask = random_masks()
    z = attention.cross_correlation(audio, visual, w)
    attended = attention.cross_attention(visual, z.mT, mask=mask[..., 1])
    for sample in range(B):
        expected = audio[sample].numpy() @ w.numpy() @ visual[sample].numpy().T
        np.testing.assert_allclose(z[sample], expected, atol=1e-12)
        expected, _ = oracle.cross_attention(visual[sample].numpy(), expected.T, mask[sample, :, 1].numpy())
        np.testing.assert_allclose(attended[sample], expected, atol=1e-12)


def test_all_ones_joint_attention_by_hand():
    # Two clips of one feature: J has rows (1, 2) and (3, 4), and W of ones sums time: x^T W J = (1 + 2) * (1+3, 2+4).
    x = torch.tensor([[[1.0], [2.0]]])
    joint = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    correlation = attention.joint_correlation(x, joint, torch.ones(2, 2))
    torch.testing.assert_close(correlation, torch.tanh(torch.tensor([[[12.0, 18.0]]]) / 2**0.5))
    # H = ReLU(3 + 2) with a correlation of ones, once per hidden unit; both units add it to both clips.
    attended = attention.joint_attention(x, torch.ones(1, 1, 2), torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 2))
    torch.testing.assert_close(attended, torch.tensor([[[11.0], [12.0]]]))


def test_joint_weight_mixes_time_in_the_order_x_then_joint():
    # Only W[0, 1] is set: the correlation pairs clip 0 of x with clip 1 of J, and nothing else.
    weight = torch.zeros(L, L, dtype=torch.float64)
    weight[0, 1] = 1
    x, joint = normal(1, L, D), normal(1, L, 2 * D, seed=1)
    expected = torch.tanh(torch.outer(x[0, 0], joint[0, 1]) / (2 * D) ** 0.5)
    torch.testing.assert_close(attention.joint_correlation(x, joint, weight)[0], expected)


def with_every_weight(name: str) -> Fusion:
    """A fusion in which no weight is 0 or 1 by its initialisation, as the first state of `released` is."""
    torch.manual_seed(0)
    options = {"heads": 2} if name == "transformer" else {}
    fusion = build_fusion(name, 7, 5, L, dim=D, rank=K, **options).double().eval()
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return fusion


@pytest.mark.parametrize("name", [name for name in FUSIONS if name not in ("audio", "visual")])
@pytest.mark.parametrize("masked", [False, True])
def test_fusion_equals_its_equations(name, masked):
    fusion = with_every_weight(name)
    audio, visual = normal(B, L, 7), normal(B, L, 5, seed=1)
    mask = random_masks() if masked else torch.ones(B, L, 2, dtype=torch.bool)
    out = fusion(audio, visual, mask if masked else None, maps=True)
    parameters = {key: value.numpy() for key, value in fusion.state_dict().items()}
    for sample in range(B):
        expected = oracle.evaluate(
            name, parameters, audio[sample].numpy(), visual[sample].numpy(), mask[sample].numpy()
        )
        actual = {"prediction": out.prediction, "audio": out.audio, "visual": out.visual} | out.maps
        if name.startswith("cell-"):
            actual |= {f"c_{key.rpartition('_')[2]}": value for key, value in out.maps.items()}
        for key in expected:
            np.testing.assert_allclose(actual[key][sample].detach(), expected[key], atol=1e-9, err_msg=key)


def test_attention_columns_sum_to_one_over_valid_own_rows():
    mask = random_masks()
    for name in ("cross", "mean"):
        fusion = build_fusion(name, 7, 5, L, dim=D).double()
        maps = fusion(normal(B, L, 7), normal(B, L, 5, seed=1), mask, maps=True).maps
        for place, key in enumerate(["attention_audio", "attention_visual"]):
            own = mask[..., place]
            expected = own.any(1, keepdim=True).expand(B, L).double()
            torch.testing.assert_close(maps[key].sum(dim=1), expected)
            assert (maps[key][~own] == 0).all()


def test_a_high_temperature_is_the_mean_and_a_low_one_picks_a_row():
    z = normal(B, L, L)
    torch.testing.assert_close(
        attention.column_softmax(z, temperature=1e9), attention.mean_attention(torch.ones(B, L) > 0, z.dtype)
    )
    picked = attention.column_softmax(z, temperature=1e-4)
    torch.testing.assert_close(picked, torch.nn.functional.one_hot(z.argmax(1), L).double().mT)


def test_temperature_reaches_the_module():
    cold, warm = (CrossAttention(7, 5, L, dim=D, temperature=t) for t in (0.1, 10.0))
    warm.load_state_dict(cold.state_dict())
    maps = [f(normal(B, L, 7).float(), normal(B, L, 5).float(), maps=True).maps for f in (cold, warm)]
    assert maps[0]["attention_audio"].amax() > maps[1]["attention_audio"].amax()
    with pytest.raises(ValueError, match=r"temperature is 0: it has to be above 0"):
        CrossAttention(7, 5, L, temperature=0)
