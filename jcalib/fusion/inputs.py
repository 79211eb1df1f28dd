"""What every fusion asks of its inputs, and how it treats masked rows."""

import torch
from torch import Tensor

MODALITIES = ("audio", "visual")


def check_inputs(audio: Tensor, visual: Tensor, mask: Tensor | None, widths: dict[str, int], clips: int | None) -> None:
    """Refuse inputs that a fusion cannot read, in one line that names the value, the rule and the remedy.

    Args:
        audio: (B, L, Da).
        visual: (B, L, Dv).
        mask: (B, L) or (B, L, 2) bool, or None.
        widths: the Da and Dv that the fusion was built for, by modality.
        clips: the L that the fusion was built for, or None if it takes any.

    Raises:
        ValueError: something does not fit.
    """
    for modality, x in zip(MODALITIES, (audio, visual), strict=True):
        if x.dim() != 3:
            raise ValueError(
                f"{modality} is {tuple(x.shape)}: a fusion reads (sequences, clips, features). "
                "Add the axis of sequences to a single one with x[None]."
            )
        if x.shape[-1] != widths[modality]:
            raise ValueError(
                f"{modality} has {x.shape[-1]} features, this fusion was built for {widths[modality]}: "
                f"build it with {modality}_dim={x.shape[-1]}."
            )
    if audio.shape[1] != visual.shape[1]:
        raise ValueError(
            f"audio has {audio.shape[1]} clips, visual has {visual.shape[1]}: a fusion needs the same number. "
            "Cut both to the clips they share."
        )
    if audio.shape[0] != visual.shape[0]:
        raise ValueError(
            f"audio has {audio.shape[0]} sequences, visual has {visual.shape[0]}: a fusion needs the same number. "
            "Hand over the same sequences of both."
        )
    if clips is not None and audio.shape[1] != clips:
        raise ValueError(
            f"audio and visual have {audio.shape[1]} clips, this fusion was built for {clips}: its weights mix time. "
            f"Build it with clips={audio.shape[1]}, or pad with masked rows."
        )
    if mask is not None:
        _check_mask(mask, audio.shape[:2])


def _check_mask(mask: Tensor, rows: torch.Size) -> None:
    if mask.dtype != torch.bool:
        raise ValueError(f"mask is {mask.dtype}: it has to be bool, True where a row is valid. Use mask.bool().")
    if mask.shape not in (rows, (*rows, 2)):
        raise ValueError(
            f"mask is {tuple(mask.shape)}, the features are {tuple(rows)} rows: a mask is (sequences, clips), "
            "or (sequences, clips, 2) with audio and visual in the last axis."
        )


def row_mask(mask: Tensor | None, audio: Tensor) -> Tensor:
    """Return any accepted mask as (B, L, 2) bool, last axis audio, visual."""
    rows = audio.shape[:2]
    if mask is None:
        return torch.ones(*rows, 2, dtype=torch.bool, device=audio.device)
    return mask if mask.dim() == 3 else mask.unsqueeze(-1).expand(*rows, 2)


def keep(x: Tensor, valid: Tensor) -> Tensor:
    """Return x (B, L, d) with zeros in the rows that are not valid (B, L), whatever they held: NaN too."""
    return torch.where(valid.unsqueeze(-1), x, 0)
