"""The co-attention that the T-BIOM release trains (arXiv 2209.09068's `main.py`), which is not the paper's."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jcalib.fusion.base import Fusion
from jcalib.fusion.recurrent import bilstm
from jcalib.fusion.registry import register


@register("released")
class DenseCoAttention(Fusion):
    """Dense co-attention and a BiLSTM: what the released code of the joint cross-attention papers really trains.

    J = [x_v, x_a] W_j^T + b (L, 2d), x of length 1 per clip; S = tanh(K x J / sqrt(2d)) (d, 2d), K x = x^T W_k^T + b
    mixing time (L, L); attended = x + ReLU(ReLU(tanh(V x S)) W_o^T + b), V x = x W_v^T + b (L, d), W_o (d, 2d); W_j is
    shared. Dropout, the head's, is on S and on what is added. Then two layers of BiLSTM, 2d to d, with a learned
    first state; its input beside its output, back to d by a layer, and of length 1 per clip, is what the head reads.
    Xavier-uniform weights, biases of 0. At d = 512, L = 16 it has the release's sizes.

    Left out, since they are dead in the release: `cam.py` and `Jcam_512.py`, which its `main.py` never imports and
    whose attended audio reaches no output; the recursion, whose number of steps is 1. Left out, since features have no
    positions here: the audio-guided spatial attention over 49 positions. Other than in the release: the projections to
    d come first, and both targets share one head.

    Maps: scores_audio, scores_visual (B, d, 2d), before dropout; W_j mixes the modalities in their columns.

    Args:
        sizes: audio_dim, visual_dim, clips, as in `Fusion`.
        options: the other arguments of `Fusion`.
    """

    fixed_clips = True

    def __init__(self, *sizes: int, dropout: float = 0.6, **options: Any) -> None:
        super().__init__(*sizes, dropout=dropout, **options)
        self.joint = nn.Linear(2 * self.dim, 2 * self.dim)
        self.of_audio, self.of_visual = self._layers(), self._layers()
        self.dropout = nn.Dropout(dropout)
        hidden = -(-self.dim // 2)
        self.lstm = nn.LSTM(2 * self.dim, hidden, num_layers=2, batch_first=True, bidirectional=True)
        self.h, self.c = (nn.Parameter(torch.zeros(2, 2, hidden)) for _ in range(2))
        self.beside = nn.Linear(2 * self.dim + 2 * hidden, self.dim)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def _layers(self) -> nn.ModuleDict:
        return nn.ModuleDict(
            {
                "key": nn.Linear(self.clips, self.clips),
                "value": nn.Linear(self.dim, self.dim),
                "out": nn.Linear(2 * self.dim, self.dim),
            }
        )

    @property
    def fused_dim(self) -> int:
        return self.dim

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        audio, visual = F.normalize(audio, dim=-1), F.normalize(visual, dim=-1)
        joint = self.joint(torch.cat([visual, audio], dim=-1))
        attended_audio, s_audio = self._attend(audio, joint, self.of_audio)
        attended_visual, s_visual = self._attend(visual, joint, self.of_visual)
        return attended_audio, attended_visual, {"scores_audio": s_audio, "scores_visual": s_visual}

    def _attend(self, x: Tensor, joint: Tensor, layers: nn.ModuleDict) -> tuple[Tensor, Tensor]:
        scores = torch.tanh(layers["key"](x.mT) @ joint / math.sqrt(joint.shape[-1]))
        weighted = torch.relu(torch.tanh(layers["value"](x) @ self.dropout(scores)))
        return x + self.dropout(torch.relu(layers["out"](weighted))), scores

    def recur(self, fused: Tensor, valid: Tensor) -> Tensor:
        passed = bilstm(self.lstm, fused, valid, (self.h, self.c))
        return F.normalize(self.beside(torch.cat([fused, passed], dim=-1)), dim=-1)
