"""Dropout computed from keys: the right share of units, nothing shared, the same for a seed alone and beside others."""

import pytest
import torch
from torch.nn import functional

from jcalib.training.dropout import SeededDropout, drop_modality, step_keys

S, N = 4, 40_000


def dropped(seeds: list[int], *, epoch: int = 0, step: int = 0, p: float = 0.5, calls: int = 1) -> torch.Tensor:
    """Which units the last of some dropouts loses: bool (S, N)."""
    with SeededDropout(step_keys(seeds, epoch, step + 1)[step]):
        for _ in range(calls):
            out = functional.dropout(torch.ones(len(seeds), N), p)
    return out == 0


@pytest.mark.parametrize("p", [0.1, 0.5, 0.6])
def test_the_share_that_is_lost_is_the_one_asked_for(p):
    lost = dropped(list(range(S)), p=p).float().mean(1)
    assert (lost - p).abs().max() < 5 * (p * (1 - p) / N) ** 0.5


def test_masks_of_other_seeds_epochs_steps_and_places_are_independent():
    masks = [*dropped([0, 1, 2]), *dropped([0, 1], epoch=1), *dropped([0, 1], step=1), *dropped([0, 1], calls=2)]
    r = torch.corrcoef(torch.stack(masks).float())
    assert (r - torch.eye(len(masks))).abs().max() < 5 / N**0.5


def test_neighbouring_units_are_independent():
    mask = dropped([0])[0].float()
    for lag in (1, 2, 8, 128, 1024):
        assert torch.corrcoef(torch.stack([mask[lag:], mask[:-lag]]))[0, 1].abs() < 5 / N**0.5


def test_a_seed_loses_the_same_units_beside_others():
    assert torch.equal(dropped([2])[0], dropped([5, 2, 9])[1])


def test_what_is_kept_is_scaled_up_and_carries_the_gradient():
    x = torch.randn(S, 100, requires_grad=True)
    keys = step_keys(range(S), 0, 1)[0]
    for drop in (functional.dropout, lambda x, p: torch.native_dropout(x, p, True)[0]):
        with SeededDropout(keys):
            out = drop(x, 0.25)
        kept = out != 0
        torch.testing.assert_close(out[kept], x[kept] / 0.75)
        (gradient,) = torch.autograd.grad(out.sum(), x)
        torch.testing.assert_close(gradient, kept / 0.75)


def test_bernoulli_takes_its_probabilities_from_the_tensor():
    chances = torch.linspace(0, 1, N).expand(S, N)
    with SeededDropout(step_keys(range(S), 0, 1)[0]):
        drawn = torch.bernoulli(chances)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    first, last = drawn[:, : N // 4].mean(), drawn[:, -N // 4 :].mean()
    assert abs(first - 0.125) < 0.02 and abs(last - 0.875) < 0.02


def test_modality_dropout_takes_voice_or_face_of_its_share_of_sequences():
    mask = torch.ones(S, 5000, 3, 2, dtype=torch.bool)
    left = drop_modality(mask, step_keys(range(S), 0, 1)[0], 0.4)
    assert (left == left[:, :, :1]).all(), "a sequence loses a modality as a whole"
    gone = ~left[:, :, 0].flatten(0, 1)
    assert not gone.all(dim=1).any()
    for column in (0, 1):
        assert abs(gone[:, column].float().mean() - 0.2) < 5 * (0.16 / len(gone)) ** 0.5
    assert not torch.equal(left[0], left[1])


def test_modality_dropout_leaves_what_a_clip_has_alone_and_adds_nothing():
    mask = torch.rand(S, 200, 4, 2) < 0.6
    left = drop_modality(mask, step_keys(range(S), 0, 1)[0], 0.99)
    assert torch.equal(left.any(-1), mask.any(-1)) and not (left & ~mask).any()
    assert torch.equal(drop_modality(mask, step_keys(range(S), 0, 1)[0], 0.0), mask)


def test_modality_dropout_of_a_seed_is_the_same_beside_others():
    mask = torch.ones(3, 50, 2, 2, dtype=torch.bool)
    among = drop_modality(mask, step_keys([5, 2, 9], 1, 1)[0], 0.5)
    assert torch.equal(drop_modality(mask[:1], step_keys([2], 1, 1)[0], 0.5)[0], among[1])
