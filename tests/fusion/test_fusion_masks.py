"""Masked rows: what they contain changes nothing, in any fusion, in predictions and in gradients."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jcalib.fusion import FUSIONS, build_fusion

NAMES = list(FUSIONS)
B, L, DA, DV = 3, 4, 5, 6
masks = hnp.arrays(bool, (B, L, 2)).map(torch.from_numpy)
rubbish = st.sampled_from([0.0, 1e30, float("nan"), float("inf"), float("-inf")])


def features(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    return tuple(torch.from_numpy(rng.normal(size=(B, L, d)).astype("float32")) for d in (DA, DV))


def evaluate(fusion, audio, visual, mask):
    """Everything that comes out, and the gradient of every parameter and input."""
    audio, visual = audio.clone().requires_grad_(), visual.clone().requires_grad_()
    fusion.zero_grad()
    out = fusion(audio, visual, mask, maps=True)
    (out.prediction.square().sum() + out.audio.square().sum() + out.visual.square().sum()).backward()
    gradients = [p.grad.clone() for p in fusion.parameters()] + [x.grad for x in (audio, visual) if x.grad is not None]
    return [out.prediction, out.audio, out.visual, *out.maps.values(), *gradients]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None)
@given(mask=masks, content=rubbish)
def test_what_masked_rows_contain_changes_nothing(name, mask, content):
    torch.manual_seed(0)
    fusion = build_fusion(name, DA, DV, L, dim=4, rank=3).eval()
    audio, visual = features()
    expected = evaluate(fusion, audio, visual, mask)
    spoilt = [torch.where(mask[..., m, None], x, content) for m, x in enumerate((audio, visual))]
    for before, after in zip(expected, evaluate(fusion, *spoilt, mask), strict=True):
        assert after.isfinite().all()
        assert torch.equal(before, after)


@pytest.mark.parametrize("name", NAMES)
def test_a_valid_row_does_change_something(name):
    fusion = build_fusion(name, DA, DV, L, dim=4).eval()
    audio, visual = features()
    assert not torch.equal(fusion(audio, visual).prediction, fusion(audio + 1, visual + 1).prediction)


@pytest.mark.parametrize("name", NAMES)
def test_forms_of_the_mask_agree(name):
    fusion = build_fusion(name, DA, DV, L, dim=4).eval()
    both = torch.from_numpy(np.random.default_rng(0).random((B, L)) < 0.5)
    a = fusion(*features(), both).prediction
    b = fusion(*features(), torch.stack([both, both], dim=-1)).prediction
    assert torch.equal(a, b)
    every = torch.ones(B, L, dtype=torch.bool)
    assert torch.equal(fusion(*features(), every).prediction, fusion(*features()).prediction)


@pytest.mark.parametrize("name,place", [("audio", 0), ("visual", 1)])
def test_a_single_modality_ignores_the_other_and_its_mask(name, place):
    fusion = build_fusion(name, DA, DV, L, dim=4).eval()
    expected = fusion(*features())
    inputs, mask = list(features()), torch.ones(B, L, 2, dtype=torch.bool)
    inputs[1 - place] = torch.full_like(inputs[1 - place], float("nan"))
    mask[..., 1 - place] = False
    assert torch.equal(fusion(*inputs, mask).prediction, expected.prediction)
    assert torch.equal(fusion(*inputs).prediction, expected.prediction)
    assert not (expected.visual if name == "audio" else expected.audio).any()


@pytest.mark.parametrize("name", ["cross", "cross_wide", "cross_untied", "cross_scaled", "mean", "lstm"])
@pytest.mark.parametrize("padding", ["front", "back"])
def test_padding_is_the_same_as_a_shorter_sequence(name, padding):
    """Softmax, mean and recurrence leave padded rows out, on whichever side they lie."""
    fusion = build_fusion(name, DA, DV, L, dim=4).eval()
    audio, visual = features()
    mask = torch.ones(B, L, dtype=torch.bool)
    real = slice(1, None) if padding == "front" else slice(None, -1)
    mask[:, 0 if padding == "front" else -1] = False
    padded = fusion(audio, visual, mask).prediction[:, real]
    torch.testing.assert_close(padded, fusion(audio[:, real], visual[:, real]).prediction)


@pytest.mark.parametrize("name", NAMES)
def test_a_masked_row_is_not_a_row_of_zeros(name):
    """The projection's bias has to go with the row: zero features alone would let it through."""
    fusion = build_fusion(name, DA, DV, L, dim=4).eval()
    for modality in fusion.reads:
        torch.nn.init.constant_(fusion.project[modality].bias, 1.0)
    audio, visual = features()
    audio[:, 1], visual[:, 1] = 0, 0
    mask = torch.ones(B, L, dtype=torch.bool)
    mask[:, 1] = False
    assert not torch.allclose(fusion(audio, visual, mask).prediction, fusion(audio, visual).prediction)
