"""Dynamic cross-attention: a gate chooses, clip by clip, between what attention made and what was there before."""

from typing import Any

import torch
from torch import Tensor, nn

from jcalib.fusion.block import JOINT, AttentionBlock
from jcalib.fusion.registry import register


@register("gated")
class GatedAttention(AttentionBlock):
    """Joint cross-attention with a gate per modality and clip between the attended and the original features.

    w = softmax(W_g x_att / T) (L, 2), W_g (2, d) with bias; gated = ReLU(w_0 x + w_1 x_att). gated - joint is what
    the gate does. The gate stands behind one step of joint cross-attention here; the authors' code has it behind two
    steps of the co-attention of `released` and before a BiLSTM. Maps: joint's, and gate_audio, gate_visual (B, L),
    the weight w_1 of the attended features.

    Args:
        sizes: audio_dim, visual_dim, clips, as in `Fusion`.
        temperature: T, .1 in the authors' code; the lower, the harder the choice.
        options: the other arguments of `Fusion`.

    Raises:
        ValueError: the temperature is not positive.
    """

    switches = JOINT

    def __init__(self, *sizes: int, temperature: float = 0.1, **options: Any) -> None:
        super().__init__(*sizes, **options)
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}: it has to be above 0.")
        self.temperature = temperature
        self.gate = nn.ModuleDict({modality: nn.Linear(self.dim, 2) for modality in self.reads})

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        attended_audio, attended_visual, maps = super().attend(audio, visual, mask)
        gated_audio, w_audio = self._choose("audio", audio, attended_audio)
        gated_visual, w_visual = self._choose("visual", visual, attended_visual)
        return gated_audio, gated_visual, maps | {"gate_audio": w_audio, "gate_visual": w_visual}

    def _choose(self, modality: str, x: Tensor, attended: Tensor) -> tuple[Tensor, Tensor]:
        w = (self.gate[modality](attended) / self.temperature).softmax(dim=-1)
        return torch.relu(w[..., :1] * x + w[..., 1:] * attended), w[..., 1]
