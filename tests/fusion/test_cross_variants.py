"""Vanilla cross-attention with one thing changed at a time."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jcalib.fusion import build_fusion


def size(name: str, *sizes: int, **options: int) -> int:
    return sum(p.numel() for p in build_fusion(name, *sizes, **options).parameters())


@settings(max_examples=10, deadline=None)
@given(
    width=st.sampled_from([64, 128, 512]),
    clips=st.sampled_from([8, 16, 64]),
    dim=st.sampled_from([64, 128, 256]),
    rank=st.sampled_from([32, 128]),
)
def test_wide_is_as_large_as_joint(width, clips, dim, rank):
    sizes, options = (width, width, clips), {"dim": dim, "rank": rank}
    joint = size("joint", *sizes, **options)
    assert abs(size("cross_wide", *sizes, **options) / joint - 1) < 0.02


@pytest.mark.parametrize("dim", [4, 128])
def test_no_other_width_is_nearer(dim):
    joint, wide = size("joint", 512, 512, 8, dim=dim), build_fusion("cross_wide", 512, 512, 8, dim=dim)
    off = abs(sum(p.numel() for p in wide.parameters()) - joint)
    assert all(abs(size("cross", 512, 512, 8, dim=wide.dim + step) - joint) >= off for step in (-1, 1))


def test_looking_for_the_width_draws_nothing():
    states = []
    for name, dim in (("cross", build_fusion("cross_wide", 512, 512, 8).dim), ("cross_wide", 128)):
        torch.manual_seed(0)
        states.append(build_fusion(name, 512, 512, 8, dim=dim).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_untied_with_the_same_weight_twice_is_cross():
    torch.manual_seed(0)
    cross, untied = build_fusion("cross", 5, 6, 3, dim=4).eval(), build_fusion("cross_untied", 5, 6, 3, dim=4).eval()
    state = cross.state_dict()
    w = state.pop("w")
    untied.load_state_dict({**state, "of_audio.w": w, "of_visual.w": w.mT})
    audio, visual = torch.randn(2, 3, 5), torch.randn(2, 3, 6)
    torch.testing.assert_close(untied(audio, visual).prediction, cross(audio, visual).prediction)


def test_scaled_is_cross_at_the_temperature_of_the_root_of_d():
    torch.manual_seed(0)
    scaled = build_fusion("cross_scaled", 5, 6, 3, dim=4).eval()
    cross = build_fusion("cross", 5, 6, 3, dim=4, temperature=math.sqrt(4)).eval()
    cross.load_state_dict(scaled.state_dict())
    audio, visual = torch.randn(2, 3, 5), torch.randn(2, 3, 6)
    assert torch.equal(scaled(audio, visual).prediction, cross(audio, visual).prediction)
