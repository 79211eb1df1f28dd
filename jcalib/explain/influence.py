"""What a prediction depends on: which clip of which modality moves it, and by how much (design 11).

Temporal influence is the linearised spread of a prediction when one clip of one modality varies as it naturally
does, I_m[t,s] = sqrt(g^T Sigma_m g) with g = d prediction_t / d x_m,s; swap influence is its check without gradients.
Both are in units of the target, so fusions of any kind share one scale. Sequences of a batch must not see each other.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.func import jacrev

from jcalib.explain.memory import differentiable
from jcalib.explain.steady import assert_steady
from jcalib.fusion.inputs import row_mask
from jcalib.settings import UserError

if TYPE_CHECKING:
    import pandas as pd

Predict = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def feature_covariance(x: Tensor) -> Tensor:
    """How one modality's features vary over clip ends: their population covariance.

    Args:
        x: (N, D) features of valid clip ends of the training persons.

    Returns:
        (D, D) in x's type, summed in float64.

    Raises:
        UserError: under two rows, or values that are not finite.
    """
    if x.ndim != 2 or len(x) < 2:
        raise UserError(
            f"features have shape {tuple(x.shape)}: a covariance needs (N, D) with N of two or more. "
            "Hand in the valid rows of the training persons."
        )
    if not x.isfinite().all():
        rows = int((~x.isfinite().all(dim=1)).sum())
        raise UserError(f"{rows} of {len(x)} rows are not finite: a covariance needs numbers. Leave them out.")
    centred = x.double() - x.double().mean(dim=0)
    return (centred.T @ centred / len(x)).to(x.dtype)


def temporal_influence(
    predict: Predict,
    audio: Tensor,
    visual: Tensor,
    covariance_audio: Tensor,
    covariance_visual: Tensor,
    mask: Tensor | None = None,
    chunk: int = 16,
) -> tuple[Tensor, Tensor]:
    """How much each prediction would spread, were one clip of one modality to vary as it naturally does.

    I_m[t,s] = sqrt(g^T Sigma_m g), g = d prediction_t / d x_m,s at the fusion's input, is taken per sequence and
    then averaged (a plain mean) over the sequences in which clip s is valid and clip t has a modality at all. An
    invertible linear change of the features, undone inside `predict`, leaves it as it is.

    Args:
        predict: (audio (B, L, Da), visual (B, L, Dv), mask) to one target's prediction (B, L), in eval mode,
            averaged over seeds; no sequence may depend on another.
        audio, visual: (B, L, Da) and (B, L, Dv), the fusion's inputs.
        covariance_audio, covariance_visual: (Da, Da) and (Dv, Dv), see `feature_covariance`.
        mask: (B, L) or (B, L, 2) bool, True is valid, last axis audio, visual.
        chunk: sequences at once; the memory of one is about that of L backward passes.

    Returns:
        (audio (L, L), visual (L, L)) in target units: row t is predicted, column s is changed; NaN where no
        sequence has both.

    Raises:
        UserError: where `predict` is not in eval mode.
    """
    voice, face = influence_by_sequence(predict, audio, visual, covariance_audio, covariance_visual, mask, chunk)
    counted = _counted(mask, audio)
    return _mean(voice, counted[..., 0]), _mean(face, counted[..., 1])


def influence_by_sequence(
    predict: Predict,
    audio: Tensor,
    visual: Tensor,
    covariance_audio: Tensor,
    covariance_visual: Tensor,
    mask: Tensor | None = None,
    chunk: int = 16,
) -> tuple[Tensor, Tensor]:
    """Return the temporal influence of each sequence by itself.

    Args:
        predict, audio, visual, covariance_audio, covariance_visual, mask, chunk: as in `temporal_influence`.

    Returns:
        (audio (B, L, L), visual (B, L, L)) in target units: row t is predicted, column s is changed.

    Raises:
        UserError: where `predict` is not in eval mode.
    """
    assert_steady(predict, audio, visual, mask)
    spreads: list[list[Tensor]] = [[], []]
    for start in range(0, len(audio), chunk):
        part = slice(start, start + chunk)
        gradients = _gradients(predict, audio[part], visual[part], None if mask is None else mask[part])
        for modality, covariance in enumerate((covariance_audio, covariance_visual)):
            spreads[modality].append(_spread(gradients[modality], covariance))
    return torch.cat(spreads[0]), torch.cat(spreads[1])


def swap_influence(
    predict: Predict,
    audio: Tensor,
    visual: Tensor,
    mask: Tensor | None = None,
    recording: Tensor | None = None,
    draws: int = 1,
    generator: torch.Generator | None = None,
    chunk: int = 64,
) -> tuple[Tensor, Tensor]:
    """How much each prediction changes when one clip of one modality is another sequence's: no gradient needed.

    The root mean square over sequences and donors. Two independent clips differ by twice the variance of one, so
    for a linear fusion this is sqrt(2) times the temporal influence.

    Args:
        predict, audio, visual, mask: as in `temporal_influence`.
        recording: (B,) which recording each sequence is of; donors come from another one. None: every sequence
            is a recording of its own.
        draws: donors per sequence.
        generator: of the donors, on the CPU; None is seeded with 0.
        chunk: sequences at once.

    Returns:
        (audio (L, L), visual (L, L)) in target units: row t is predicted, column s is changed; NaN where no
        sequence and donor have both.

    Raises:
        UserError: where all sequences are of one recording, or `predict` is not in eval mode.
    """
    assert_steady(predict, audio, visual, mask)
    own, donor = (index.to(audio.device) for index in donors(len(audio), recording, draws, generator))
    valid = row_mask(mask, audio)
    counted = _counted(mask, audio)[own] & valid[donor].unsqueeze(1)
    squares: list[list[Tensor]] = [[], []]
    for mine, theirs in zip(own.split(chunk), donor.split(chunk), strict=True):
        inputs, given = (audio[mine], visual[mine]), (audio[theirs], visual[theirs])
        for modality in (0, 1):
            changes = _swaps(predict, inputs, given, modality, None if mask is None else mask[mine])
            squares[modality].append(changes.square())
    audio_mean, visual_mean = (_mean(torch.cat(squares[m]), counted[..., m]) for m in (0, 1))
    return audio_mean.sqrt(), visual_mean.sqrt()


def reach(
    temporal: "Mapping[tuple[str, str], ArrayLike]", swap: "Mapping[tuple[str, str], ArrayLike]"
) -> "pd.DataFrame":
    """Say how far influence reaches: how much of it lies on the predicted clip, and whether the prediction is curved.

    Args:
        temporal, swap: (fusion, "audio" or "visual") to (L, L), from `temporal_influence` and `swap_influence`.

    Returns:
        One row a fusion and modality: mean influence in target units, share on the predicted clip (1 / L would be an
        even spread), and swap over temporal influence (sqrt(2) = 1.41 for a linear prediction).
    """
    import pandas as pd

    rows = []
    for (fusion, modality), values in temporal.items():
        values, swapped = np.asarray(values, dtype=float), np.asarray(swap[fusion, modality], dtype=float)
        total = np.nansum(values)
        row = {"fusion": fusion, "modality": modality, "influence": np.nanmean(values), "swap": np.nanmean(swapped)}
        row["on the predicted clip"] = np.trace(values) / total if total else np.nan
        row["an even spread"] = 1 / len(values)
        rows.append(row | {"swap / temporal": np.nansum(swapped) / total if total else np.nan})
    return pd.DataFrame(rows)


def _gradients(predict: Predict, audio: Tensor, visual: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """d prediction_t / d x_s per sequence, (L, B, L, D) a modality: the batch's sum has each sequence's own."""
    with torch.no_grad(), differentiable():  # no gradient of the weights; jacrev looks inwards, at the inputs
        return jacrev(lambda a, v: predict(a, v, mask).sum(dim=0), argnums=(0, 1))(audio, visual)


def _spread(gradient: Tensor, covariance: Tensor) -> Tensor:
    """(L, B, L, D) to (B, L, L)."""
    squared = (gradient @ covariance * gradient).sum(dim=-1)
    return squared.clamp_min(0).sqrt().transpose(0, 1)


def _counted(mask: Tensor | None, audio: Tensor) -> Tensor:
    """(B, L, L, 2): clip t has a modality at all, so that its prediction is a real one, and clip s has this one."""
    valid = row_mask(mask, audio)
    return valid.any(dim=-1)[:, :, None, None] & valid[:, None]


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """The mean over sequences of what is counted, NaN where nothing is."""
    return torch.where(counted, values, 0).sum(dim=0) / counted.sum(dim=0)


def donors(
    sequences: int, recording: Tensor | None, draws: int = 1, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Pair each sequence with random sequences of other recordings.

    Args:
        sequences: B.
        recording: (B,) which recording each is of; None: every sequence is a recording of its own.
        draws: donors per sequence.
        generator: of the donors, on the CPU; None is seeded with 0.

    Returns:
        Each sequence `draws` times, and its donors: (B draws,) int64 both.

    Raises:
        UserError: a sequence has no other recording to take from.
    """
    owner = torch.arange(sequences) if recording is None else recording.cpu()
    foreign = (owner[:, None] != owner[None]).float()
    if sequences == 0 or not foreign.any(dim=1).all():
        raise UserError(
            f"{sequences} sequences of one recording have nobody to swap with: "
            "swaps need two recordings or more. Hand in sequences of more recordings."
        )
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    donor = torch.multinomial(foreign, draws, replacement=True, generator=generator)
    return torch.arange(sequences).repeat_interleave(draws), donor.flatten()


def _swaps(
    predict: Predict,
    inputs: tuple[Tensor, Tensor],
    given: tuple[Tensor, Tensor],
    modality: int,
    mask: Tensor | None,
) -> Tensor:
    """How each prediction changes as each clip is swapped, (B, L, L)."""
    changes = []
    with torch.no_grad():
        before = predict(*inputs, mask)
        for clip in range(before.shape[1]):
            swapped = list(inputs)
            swapped[modality] = inputs[modality].clone()
            swapped[modality][:, clip] = given[modality][:, clip]
            changes.append(predict(swapped[0], swapped[1], mask) - before)
    return torch.stack(changes, dim=-1)
