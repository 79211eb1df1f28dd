"""Which clips softmax attention lets through to a prediction: attention times its gradient (Chefer et al. 2021).

The rule of arXiv 2103.15679, for one layer: relevance = identity + positive part of (gradient x attention). It ends at
clips: below them, encoders are convolutions, in which there is no attention to follow; maps over frames and sound are
`explain.attribute`'s.
"""

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import Tensor

from jcalib.explain.steady import assert_steady
from jcalib.fusion import Fusion
from jcalib.fusion.inputs import MODALITIES
from jcalib.fusion.transformer import MultiHeadAttention
from jcalib.settings import UserError, choose
from jcalib.training import TARGETS, Run


def clip_relevance(fusion: Fusion, audio: Tensor, visual: Tensor, column: int) -> tuple[Tensor, Tensor]:
    """Follow softmax attention from each clip of a modality to each clip's prediction.

    Args:
        fusion: one module (one seed) in eval mode whose maps are `attention_audio` and `attention_visual`, (B, L, L),
            own time in rows: column t is what clip t takes from each clip. Heads are averaged after the product.
        audio, visual: (B, L, Da) and (B, L, Dv), complete sequences.
        column: of the target.

    Returns:
        (audio (L, L), visual (L, L)), means over sequences: row t is predicted, column s is let through. Without unit;
        1 on the diagonal is the clip itself.

    Raises:
        UserError: a fusion without softmax attention, such as joint or mean.
    """
    assert_steady(lambda a, v: fusion(a, v).prediction, audio, visual)
    prediction, attention = _forward(fusion, audio, visual)
    clips = audio.shape[1]
    rows: list[list[Tensor]] = [[], []]
    for clip in range(clips):
        gradients = torch.autograd.grad(prediction[:, clip, column].sum(), attention, retain_graph=True)
        for number, (weights, gradient) in enumerate(zip(attention, gradients, strict=True)):
            through = (weights * gradient).clamp(min=0).sum(dim=-1)  # over who asks
            rows[number].append(through.flatten(0, -2).mean(dim=0).detach())
    here = torch.eye(clips, dtype=audio.dtype, device=audio.device)
    return here + torch.stack(rows[0]), here + torch.stack(rows[1])


def attention_relevance(
    runs: Mapping[str, Run], audio: Tensor, visual: Tensor, target: str
) -> dict[tuple[str, str], NDArray]:
    """Follow the attention of every run whose attention is softmax over clips; the others are left out.

    Args:
        runs: by fusion.
        audio, visual: (B, L, Da) and (B, L, Dv), complete sequences.
        target: "valence" or "arousal".

    Returns:
        (fusion, "audio" or "visual") to (L, L), the mean over seeds of `clip_relevance` without the clip itself.
    """
    column, found = TARGETS.index(choose(target, TARGETS, "target")), {}
    for name, run in runs.items():
        try:
            seeds = [clip_relevance(run.fusion(seed), audio, visual, column) for seed in run.settings.seeds]
        except UserError:  # no softmax attention: nothing to follow
            continue
        for modality, of_seeds in zip(MODALITIES, zip(*seeds, strict=True), strict=True):
            found[name, modality] = (torch.stack(of_seeds).mean(dim=0) - torch.eye(audio.shape[1])).numpy()
    return found


def _forward(fusion: Fusion, audio: Tensor, visual: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The prediction, and the weights it was made with: (B, L, L), or (B, heads, L, L) where there are heads."""
    heads: list[Tensor] = []
    hooks = [
        part.register_forward_hook(lambda _, __, output: heads.append(output[1]))
        for part in fusion.modules()
        if isinstance(part, MultiHeadAttention)
    ]
    try:
        output = fusion(audio.detach().requires_grad_(), visual.detach(), maps=True)
    finally:
        for hook in hooks:
            hook.remove()
    maps = [(output.maps or {}).get(f"attention_{name}") for name in MODALITIES]
    # A map that is a mean over heads is made beside the path: the heads' own weights are on it.
    weights = [_on_the_path(map_, heads) for map_ in maps]
    used = [one for one in weights if one is not None and one.requires_grad]
    if len(used) < len(MODALITIES):
        raise UserError(
            f"fusion {fusion.name!r} has no softmax attention over clips that a gradient could follow: "
            "relevance is for cross and its relatives and for transformer. "
            "Ask for temporal_influence, which any fusion has."
        )
    return output.prediction, used


def _on_the_path(map_: Tensor | None, heads: list[Tensor]) -> Tensor | None:
    return next((one for one in heads if map_ is not None and torch.equal(one.mean(1), map_)), map_)
