"""Joint cross-attention sample by sample, as research code often has it: what the vectorised step is measured against.

Written from the equations (arXiv 2203.14779, section 3), without the kit's attention: own features x_a, x_v (d, L) of
one sequence, J = [x_a; x_v]; C = tanh(x^T W J / sqrt(2d)), H = ReLU(W_x x + W_c C^T), attended = W_h^T H + x, and a
head on both.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from jcalib.concordance import ConcordanceLoss
from jcalib.fusion import JointCrossAttention


def predict(model: JointCrossAttention, audio: Tensor, visual: Tensor) -> Tensor:
    """Predict (B, L, targets) from audio and visual (B, L, D), one sequence after the other."""
    return torch.stack([_one(model, a, v) for a, v in zip(audio, visual, strict=True)])


def _one(model: JointCrossAttention, audio: Tensor, visual: Tensor) -> Tensor:
    x_audio, x_visual = model.project["audio"](audio).T, model.project["visual"](visual).T  # (d, L)
    joint = torch.cat([x_audio, x_visual])  # (2d, L)
    attended = [_attended(x, joint, weights) for x, weights in ((x_audio, model.of_audio), (x_visual, model.of_visual))]
    return model.head(torch.cat(attended).T)


def _attended(x: Tensor, joint: Tensor, weights: "torch.nn.ParameterDict") -> Tensor:
    correlation = torch.tanh(x @ weights["w"] @ joint.T / math.sqrt(len(joint)))  # (d, 2d)
    hidden = functional.relu(weights["w_x"] @ x.T + weights["w_c"] @ correlation.T)  # (k, d)
    return x + (weights["w_h"] @ hidden).T


def step(batch: int, clips: int, width: int, device: torch.device) -> Callable[[], None]:
    """Return one optimiser step of the loop."""
    model = JointCrossAttention(width, width, clips).to(device).train()
    optimizer, loss = torch.optim.AdamW(model.parameters()), ConcordanceLoss()
    audio, visual = (torch.randn(batch, clips, width, device=device) for _ in range(2))
    target = torch.rand(batch, clips, 2, device=device)

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(predict(model, audio, visual), target).backward()
        optimizer.step()

    return run
