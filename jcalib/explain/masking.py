"""Predict with cells of one modality at their baseline: what maskings, curves and infidelity have in common."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from jcalib.explain.memory import batch_that_fits, halving

Inputs = tuple[Tensor, Tensor]  # pictures (1, 3, 8, H, W), log-mel (1, 1, mels, frames)


def predict_masked(
    predict: Callable[[Tensor, Tensor], Tensor], inputs: Inputs, start: Inputs, modality: str, gone: Tensor
) -> Tensor:
    """Predict with masked cells of one modality at their baseline, (N,).

    Args:
        predict: pictures (N, ...) and log-mel (N, ...) to (N,), such as a `ClipPath`.
        inputs: of one clip.
        start: the baseline of both.
        modality: "visual" or "audio", the one that is masked.
        gone: bool (N, 8, H, W) or (N, mels, frames).
    """
    pictures, log_mel = (one.expand(len(gone), *one.shape[1:]) for one in inputs)
    with torch.no_grad():
        if modality == "visual":
            return predict(torch.where(gone[:, None], start[0], pictures), log_mel)
        return predict(pictures, torch.where(gone[:, None], start[1], log_mel))


def by_parts(
    method: Callable[..., object],
    predict: Callable[[Tensor, Tensor], Tensor],
    inputs: Inputs,
    start: Inputs,
    modality: str,
    parts: Sequence[Tensor],
    **options: object,
) -> Tensor:
    """Let a masking of Captum's say what each part of one modality adds to the prediction.

    Captum masks a small grid, a one a part: it would copy and add up whole clips.

    Args:
        method: `captum.attr.Occlusion` or `captum.attr.FeatureAblation`.
        predict, inputs, start, modality: as in `predict_masked`.
        parts: for each axis of the map, the number of the part that each of its places lies in, in order from 0.
        options: of the method.

    Returns:
        The map, (8, H, W) or (mels, frames): each cell has what its part adds.
    """
    grid = torch.meshgrid(*(axis.to(inputs[0].device) for axis in parts), indexing="ij")
    whole = torch.ones(1, *(int(axis[-1]) + 1 for axis in parts), device=inputs[0].device)
    asked = method(lambda kept: predict_masked(predict, inputs, start, modality, (kept == 0)[:, *grid]))

    def work(batch: int) -> Tensor:
        return asked.attribute(whole, perturbations_per_eval=batch, **options)  # type: ignore[attr-defined]

    return halving(work, batch_that_fits(*inputs))[0][grid]
