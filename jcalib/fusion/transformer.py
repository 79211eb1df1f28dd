"""Conventional cross-modal attention: a transformer layer in each direction, with scaled dot products."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from jcalib.fusion.attention import column_softmax
from jcalib.fusion.base import Fusion
from jcalib.fusion.registry import register


@register("transformer")
class CrossModalTransformer(Fusion):
    """Each modality asks the other in a transformer layer: multi-head attention, then two layers clip by clip.

    x' = LayerNorm(x + MultiHead(x + p, y + p, y)); attended = LayerNorm(x' + W_2 ReLU(W_1 x')), W_1 (2d, d), p the
    sinusoidal places of the clips ("Attention is all you need", arXiv 1706.03762, in both directions). Unlike in
    `cross` it is the other's values that are added. Maps: attention_audio, attention_visual (B, L, L), the mean over
    heads; own time in rows: each column, a clip of the other modality that asks, sums to 1.

    Args:
        sizes: audio_dim, visual_dim, clips, as in `Fusion`; any number of clips is accepted.
        heads: how many; they divide d.
        options: the other arguments of `Fusion`.

    Raises:
        ValueError: heads does not divide d.
    """

    def __init__(self, *sizes: int, heads: int = 4, **options: Any) -> None:
        super().__init__(*sizes, **options)
        if heads < 1 or self.dim % heads:
            raise ValueError(f"heads is {heads}, dim is {self.dim}: heads have to divide it into equal parts.")
        self.of_audio, self.of_visual = _Layer(self.dim, heads), _Layer(self.dim, heads)

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        attended_audio, a_visual = self.of_audio(audio, visual, mask[..., 1])
        attended_visual, a_audio = self.of_visual(visual, audio, mask[..., 0])
        return attended_audio, attended_visual, {"attention_audio": a_audio, "attention_visual": a_visual}


class _Layer(nn.Module):
    """What one modality takes from the other."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(dim, heads)
        self.norm_attention, self.norm_feed = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.feed = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor, other: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        where = places(x)
        taken, attention = self.attention(x + where, other + where, other, valid)
        x = self.norm_attention(x + taken)
        return self.norm_feed(x + self.feed(x)), attention.mean(1)


class MultiHeadAttention(nn.Module):
    """Scaled dot product attention in several heads, with its weights.

    The equations of `nn.MultiheadAttention` and of torch's fused scaled dot product, written out: the weights that
    are returned are the ones that were used, a row without any valid key is 0 and not NaN, and seeds are batched
    (the fused kernel of the CPU has no batching rule).

    Args:
        dim: d.
        heads: they divide d.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, query: Tensor, key: Tensor, value: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            query: (B, L, d) who asks.
            key: (B, M, d) who is asked.
            value: (B, M, d) what is taken.
            valid: (B, M) bool, True where a key counts.

        Returns:
            (B, L, d), and the weights (B, heads, M, L), whose columns sum to 1, or to 0 without any valid key.
        """
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        scores = k @ q.mT / math.sqrt(q.shape[-1])
        attention = column_softmax(scores, mask=valid.unsqueeze(1))
        taken = (attention.mT @ v).transpose(1, 2).flatten(-2)
        return self.out(taken), attention


def places(x: Tensor) -> Tensor:
    """Return the sinusoidal encoding of the places of L clips, (L, d), for x (B, L, d); arXiv 1706.03762, 3.5."""
    clips, dim = x.shape[-2:]
    place = torch.arange(clips, dtype=x.dtype, device=x.device).unsqueeze(-1)
    rate = torch.exp(torch.arange(0, dim, 2, dtype=x.dtype, device=x.device) * (-math.log(10_000) / dim))
    return torch.stack([torch.sin(place * rate), torch.cos(place * rate)], dim=-1).flatten(-2)[:, :dim]
