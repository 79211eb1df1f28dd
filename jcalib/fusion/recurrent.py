"""Fusions with a bidirectional LSTM along the clips, and the LSTM as it has to be computed here."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jcalib.fusion.base import Fusion
from jcalib.fusion.block import JOINT, AttentionBlock
from jcalib.fusion.inputs import keep
from jcalib.fusion.registry import register

DIRECTIONS = ("", "_reverse")  # as nn.LSTM ends the names of its weights


def bilstm(lstm: nn.LSTM, x: Tensor, valid: Tensor, initial: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Run the weights of a bidirectional `nn.LSTM` along the clips, step by step; clips that are not valid are skipped.

    `nn.LSTM.forward` has no batching rule (torch 2.11), so that seeds could not be trained in one program. Where all
    clips are valid this is what it computes; elsewhere the state passes by a skipped clip as if it were not there.

    Args:
        lstm: bidirectional, batch first.
        x: (B, L, width).
        valid: (B, L) bool, True where a clip counts.
        initial: h and c before the first clip, each (layers, 2, hidden), the last axis but one forward, backward;
            zeros if None.

    Returns:
        (B, L, 2 hidden), forward then backward; in a skipped clip the state that passed by.
    """
    for layer in range(lstm.num_layers):
        start = (initial[0][layer], initial[1][layer]) if initial else None
        x = _both_ways(lstm, layer, x, valid, start)
    return x


def _both_ways(lstm: nn.LSTM, layer: int, x: Tensor, valid: Tensor, initial: tuple[Tensor, Tensor] | None) -> Tensor:
    """One layer, (B, L, width) to (B, L, 2 hidden): both directions take each step together."""
    w_x, w_h, b_x, b_h = (
        [getattr(lstm, f"{name}_l{layer}{direction}") for direction in DIRECTIONS]
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    ways = (x, x.flip(1))
    inputs = torch.stack([F.linear(ways[i], w_x[i], b_x[i] + b_h[i]) for i in (0, 1)])  # (2, B, L, 4 hidden)
    counts = torch.stack([valid, valid.flip(1)]).unsqueeze(-1)
    w_state = torch.stack(w_h).mT
    nothing = inputs.new_zeros(2, lstm.hidden_size)
    h, c = (one.unsqueeze(1) for one in initial or (nothing, nothing))
    states = []
    for step in range(x.shape[1]):
        i, f, g, o = (inputs[:, :, step] + h @ w_state).chunk(4, dim=-1)
        c_next = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h_next = o.sigmoid() * c_next.tanh()
        h, c = torch.where(counts[:, :, step], h_next, h), torch.where(counts[:, :, step], c_next, c)
        states.append(h)
    forward, backward = torch.stack(states, dim=2)
    return torch.cat([forward, backward.flip(1)], dim=-1)


@register("lstm")
class RecurrentFusion(Fusion):
    """Both modalities side by side, then a BiLSTM along the clips: the "recurrent networks" that joint is held against.

    One layer, 2d to d in each direction; the attended features are the projected ones. No maps.

    Args:
        sizes: audio_dim, visual_dim, clips, as in `Fusion`; any number of clips is accepted.
        options: the other arguments of `Fusion`.
    """

    def __init__(self, *sizes: int, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.lstm = _lstm(self.dim)

    def recur(self, fused: Tensor, valid: Tensor) -> Tensor:
        return bilstm(self.lstm, fused, valid)


@register("recursive")
class RecursiveJointAttention(AttentionBlock):
    """Joint cross-attention applied again to what it attended, with the same weights, then a BiLSTM along the clips.

    x^(0) = x; x^(t) = joint(x^(t-1)), J of x^(t-1) too. Recursive joint cross-attention; the released code of that
    name takes one step of another attention (`released`). Maps: correlation_audio, correlation_visual (B, d, 2d) of
    the last step.

    Args:
        sizes: audio_dim, visual_dim, clips, as in `Fusion`.
        steps: how often; the successors' code takes 2.
        options: the other arguments of `Fusion`.

    Raises:
        ValueError: steps is below 1.
    """

    switches = JOINT

    def __init__(self, *sizes: int, steps: int = 2, **options: Any) -> None:
        super().__init__(*sizes, **options)
        if steps < 1:
            raise ValueError(f"steps is {steps}: attention is applied once at least.")
        self.steps = steps
        self.lstm = _lstm(self.dim)

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        maps: dict[str, Tensor] = {}
        for _ in range(self.steps):
            # Attention writes into masked rows: the next step must not read them.
            audio, visual = keep(audio, mask[..., 0]), keep(visual, mask[..., 1])
            audio, visual, maps = super().attend(audio, visual, mask)
        return audio, visual, maps

    def recur(self, fused: Tensor, valid: Tensor) -> Tensor:
        return bilstm(self.lstm, fused, valid)


def _lstm(dim: int) -> nn.LSTM:
    return nn.LSTM(2 * dim, dim, batch_first=True, bidirectional=True)
