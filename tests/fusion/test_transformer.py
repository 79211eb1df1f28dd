"""Multi-head attention against torch's two implementations of it, and the layer around it."""

import pytest
import torch
from torch import nn

from jcalib.fusion import build_fusion
from jcalib.fusion.transformer import MultiHeadAttention, places

B, L, M, D, H = 3, 5, 7, 8, 2


def attention() -> MultiHeadAttention:
    torch.manual_seed(0)
    return MultiHeadAttention(D, H).double()


def asked() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    query, key, value = torch.randn(B, L, D).double(), torch.randn(B, M, D).double(), torch.randn(B, M, D).double()
    valid = torch.ones(B, M, dtype=torch.bool)
    valid[0, 2:5] = False
    return query, key, value, valid


def test_it_is_torch_s_multi_head_attention():
    own, (query, key, value, valid) = attention(), asked()
    theirs = nn.MultiheadAttention(D, H, batch_first=True).double()
    layers = (own.query, own.key, own.value)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([layer.weight for layer in layers]))
        theirs.in_proj_bias.copy_(torch.cat([layer.bias for layer in layers]))
        theirs.out_proj.load_state_dict(own.out.state_dict())
    taken, weights = own(query, key, value, valid)
    expected, mean = theirs(query, key, value, key_padding_mask=~valid)
    torch.testing.assert_close(taken, expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(weights.mean(1).mT, mean, atol=1e-12, rtol=0)


def test_it_is_torch_s_fused_scaled_dot_product():
    own, (query, key, value, valid) = attention(), asked()

    def heads(layer: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        return layer(x).unflatten(-1, (H, -1)).transpose(1, 2)

    fused = nn.functional.scaled_dot_product_attention(
        heads(own.query, query), heads(own.key, key), heads(own.value, value), attn_mask=valid[:, None, None]
    )
    expected = own.out(fused.transpose(1, 2).flatten(-2))
    torch.testing.assert_close(own(query, key, value, valid)[0], expected, atol=1e-12, rtol=0)


def test_without_a_valid_key_nothing_is_taken():
    own, (query, key, value, valid) = attention(), asked()
    valid[1] = False
    taken, weights = own(query, key, value, valid)
    torch.testing.assert_close(taken[1], own.out.bias.expand(L, D))
    assert not weights[1].any()
    torch.testing.assert_close(weights[[0, 2]].sum(-2), torch.ones(2, H, L).double())


def test_asking_for_maps_does_not_change_the_result():
    torch.manual_seed(0)
    fusion = build_fusion("transformer", 5, 6, L, dim=D).eval()
    audio, visual = torch.randn(B, L, 5), torch.randn(B, L, 6)
    assert torch.equal(fusion(audio, visual).prediction, fusion(audio, visual, maps=True).prediction)


def test_a_clip_s_place_counts():
    """Other than re-weighting, it knows which clip comes first: moving the clips does not just move the output."""
    torch.manual_seed(0)
    fusion = build_fusion("transformer", 5, 6, L, dim=D).eval()
    audio, visual = torch.randn(B, L, 5), torch.randn(B, L, 6)
    assert not torch.allclose(
        fusion(audio.flip(1), visual.flip(1)).prediction.flip(1), fusion(audio, visual).prediction
    )
    assert places(torch.zeros(1, 4, 7)).shape == (4, 7)


def test_heads_divide_the_width():
    with pytest.raises(ValueError, match="heads is 3, dim is 8: heads have to divide it"):
        build_fusion("transformer", 5, 6, L, dim=8, heads=3)
