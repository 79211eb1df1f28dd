"""What a fusion attends to: its maps averaged, where a correlation's energy lies, how far attention moves a clip.

The maps are the tensors that the fusion itself computed (`FusionOutput.maps`), never a second computation.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from jcalib.fusion import Fusion, FusionOutput
from jcalib.fusion.inputs import MODALITIES, keep, row_mask
from jcalib.settings import UserError


def attention_maps(
    fusion: Fusion, audio: Tensor, visual: Tensor, mask: Tensor | None = None, chunk: int = 64
) -> dict[str, Tensor]:
    """A fusion's maps, averaged over the complete sequences among those asked for, in eval mode.

    A sequence with a masked clip is left out: its zeros would be averaged in as if they were attention.

    Args:
        fusion: one module (one seed).
        audio, visual: (B, L, Da) and (B, L, Dv).
        mask: (B, L) or (B, L, 2) bool, True is valid, last axis audio, visual.
        chunk: sequences at once.

    Returns:
        By the fusion's own names, each without the axis of sequences: `correlation_audio` (d, 2d),
        `attention_audio` (L, L, own time in rows; columns add up to 1), ...; empty for a fusion without maps.

    Raises:
        UserError: where no sequence is complete.
    """
    sums: dict[str, Tensor] = {}
    count = 0
    for output in _complete(fusion, audio, visual, mask, chunk):
        for name, values in (output.maps or {}).items():
            sums[name] = sums.get(name, 0) + values.sum(dim=0)
        count += len(output.prediction)
    return {name: values / count for name, values in sums.items()}


def block_shares(
    fusion: Fusion, audio: Tensor, visual: Tensor, mask: Tensor | None = None, chunk: int = 64
) -> dict[str, float]:
    """Per modality, the share of a joint correlation's energy in its own modality's block, over complete sequences.

    Energy is the sum of squares; .5 is no preference; the rest is in the other's block. It is summed per sequence, so
    that correlations whose sign changes from one to the next count in full, unlike in their mean map.

    Args:
        fusion, audio, visual, mask, chunk: as in `attention_maps`.

    Returns:
        "audio" and "visual" to a share in [0, 1], NaN without any energy; empty for a fusion without correlations.

    Raises:
        UserError: where no sequence is complete.
    """
    blocks: dict[str, Tensor] = {}
    for output in _complete(fusion, audio, visual, mask, chunk):
        for modality in MODALITIES:
            correlation = (output.maps or {}).get(f"correlation_{modality}")
            if correlation is not None:
                energy = block_energy(correlation.double()).sum(dim=0)
                blocks[modality] = blocks.get(modality, 0) + energy
    return {name: float(energy[MODALITIES.index(name)] / energy.sum()) for name, energy in blocks.items()}


def block_energy(correlation: Tensor) -> Tensor:
    """The energy of a joint correlation in its audio and its visual block.

    Args:
        correlation: (..., d, 2d), the joint's audio features first.

    Returns:
        (..., 2): sums of squares, audio block, visual block.
    """
    return correlation.square().unflatten(-1, (2, -1)).sum(dim=(-3, -1))


def attended_change(
    fusion: Fusion, audio: Tensor, visual: Tensor, mask: Tensor | None = None, relative: bool = False
) -> Tensor:
    """How far attention moves each clip: |X_att - X|, the Euclidean length over the d features, in eval mode.

    Args:
        fusion: one module (one seed).
        audio, visual, mask: as in `attention_maps`; incomplete sequences take part.
        relative: divide by |X|, so that fusions whose projections differ in size compare.

    Returns:
        (B, L, 2), last axis audio, visual, in units of the projected features or of |X|; NaN where the clip is masked
        or the fusion does not read the modality.
    """
    valid = row_mask(mask, audio)
    with torch.no_grad(), _eval(fusion):
        output = fusion(audio, visual, mask)
        changes = []
        for number, (modality, x) in enumerate(zip(MODALITIES, (audio, visual), strict=True)):
            counted = valid[..., number] & (modality in fusion.reads)
            attended = getattr(output, modality)
            read = modality in fusion.reads
            projected = fusion.project[modality](keep(x, counted)) if read else torch.zeros_like(attended)
            change = (attended - projected).norm(dim=-1)
            if relative:
                change = change / projected.norm(dim=-1)
            changes.append(torch.where(counted, change, torch.nan))
    return torch.stack(changes, dim=-1)


def _complete(fusion: Fusion, audio: Tensor, visual: Tensor, mask: Tensor | None, chunk: int) -> Iterator[FusionOutput]:
    """The fusion's outputs with maps for the sequences without a masked clip, some at a time."""
    rows = row_mask(mask, audio).all(dim=(1, 2)).nonzero().flatten()
    if not len(rows):
        raise UserError(
            f"none of {len(audio)} sequences is complete: maps are averaged over sequences in which every clip has "
            "a face and a voice. Ask for more sequences."
        )
    with torch.no_grad(), _eval(fusion):
        for part in rows.split(chunk):
            yield fusion(audio[part], visual[part], maps=True)


@contextmanager
def _eval(module: nn.Module) -> Iterator[None]:
    """A module in eval mode for a while, then every part as it was."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
