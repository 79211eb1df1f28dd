"""Vanilla cross-attention (arXiv 2111.05222), and its control with equal weights for all clips."""

from typing import Any

from torch import Tensor

from jcalib.fusion.attention import column_softmax, mean_attention, reweight
from jcalib.fusion.base import Fusion
from jcalib.fusion.block import VANILLA, AttentionBlock
from jcalib.fusion.registry import register


@register("mean")
class MeanAttention(Fusion):
    """Cross-attention with A = 1/L over the valid clips: what temporal smoothing alone achieves.

    Maps: attention_audio, attention_visual (B, L, L), own time in rows.
    """

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        a_audio = mean_attention(mask[..., 0], audio.dtype)
        a_visual = mean_attention(mask[..., 1], visual.dtype)
        maps = {"attention_audio": a_audio, "attention_visual": a_visual}
        return reweight(audio, a_audio), reweight(visual, a_visual), maps


@register("cross")
class CrossAttention(AttentionBlock):
    """Vanilla cross-attention: each modality is re-weighted along its own time by its correlation with the other.

    Z = x_a W x_v^T (L, L); A_a = softmax of Z / T down its columns, A_v of Z^T with the same W (d, d);
    attended = tanh(x + A^T x). Maps: attention_audio, attention_visual (B, L, L), own time in rows: each column, a
    clip of the other modality, sums to 1.

    Args:
        sizes: audio_dim, visual_dim, clips, as in `Fusion`; any number of clips is accepted.
        temperature: T; not verified in the paper, where 1 changes nothing.
        options: the other arguments of `Fusion`.

    Raises:
        ValueError: the temperature is not positive.
    """

    switches = VANILLA

    def __init__(self, *sizes: int, temperature: float = 1.0, **options: Any) -> None:
        super().__init__(*sizes, **options)
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}: it has to be above 0.")
        self.temperature = temperature

    def attention(self, scores: Tensor, own: Tensor) -> Tensor:
        return column_softmax(scores, mask=own, temperature=self.temperature)
