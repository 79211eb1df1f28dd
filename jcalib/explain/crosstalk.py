"""Does a fusion look at the other modality? Cross-talk: what a swap of the other modality does to attended features.

Attended audio answers to audio by itself already (concatenation passes it on); what is asked here is how much of its
movement comes from the face, and the reverse (design 11). No gradient, no unit: it compares fusions of any kind.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from jcalib.explain.influence import donors
from jcalib.explain.steady import assert_steady
from jcalib.fusion import FusionOutput
from jcalib.fusion.inputs import row_mask

Attend = Callable[[Tensor, Tensor, Tensor | None], FusionOutput]


@dataclass(frozen=True)
class CrossTalk:
    """Squared changes of attended features, per clip; zero where a clip is masked.

    Attributes:
        other: (..., B, L, 2) |change of attended audio when the visual features are swapped|^2, and of attended visual
            when audio is; last axis audio, visual. A leading axis of seeds where the fusion has one.
        own: (..., B, L, 2) the same when the modality itself is swapped.
    """

    other: Tensor
    own: Tensor

    def share(self, where: Tensor | None = None) -> Tensor:
        """Return the cross-talk: other over other plus own, each summed over clips.

        Args:
            where: (B, L) bool, the clips that count; None for all.

        Returns:
            (..., 2), audio, visual, in [0, 1]; NaN where nothing moves, as for a modality that is not read.
        """
        counted = torch.ones_like(self.other[..., 0], dtype=torch.bool) if where is None else where
        other, own = ((energy * counted[..., None]).sum(dim=(-3, -2)) for energy in (self.other, self.own))
        return other / (other + own)


def cross_talk(
    attend: Attend,
    audio: Tensor,
    visual: Tensor,
    mask: Tensor | None = None,
    recording: Tensor | None = None,
    draws: int = 1,
    generator: torch.Generator | None = None,
    chunk: int = 64,
) -> CrossTalk:
    """Swap one modality's whole window for another recording's, and see how far both attended features move.

    E|change of attended audio, visual swapped|^2 over the same plus E|change, audio swapped|^2, and the reverse:
    0 for a fusion whose attended features of one modality are made from that modality alone.

    Args:
        attend: a fusion in eval mode, or a run's `Ensemble`: (audio (B, L, Da), visual (B, L, Dv), mask) to a
            `FusionOutput`.
        audio, visual: (B, L, Da) and (B, L, Dv), the fusion's inputs.
        mask: (B, L) or (B, L, 2) bool, True is valid, last axis audio, visual; a clip counts, before and after,
            where it and its donor are valid.
        recording: (B,) which recording each sequence is of; donors come from another one. None: every sequence
            is a recording of its own.
        draws: donors per sequence; their squares are averaged.
        generator: of the donors, on the CPU; None is seeded with 0.
        chunk: sequences at once.

    Raises:
        UserError: where all sequences are of one recording, or the fusion is not in eval mode.
    """
    valid = row_mask(mask, audio)
    assert_steady(lambda a, v, m: _first_axis_is_sequences(attend(a, v, m)), audio, visual, valid)
    own, donor = (index.to(audio.device) for index in donors(len(audio), recording, draws, generator))
    parts = []
    with torch.no_grad():
        for mine, theirs in zip(own.split(chunk), donor.split(chunk), strict=True):
            common = valid[mine] & valid[theirs]
            before = attend(audio[mine], visual[mine], common)
            heard = attend(audio[theirs], visual[mine], common)
            seen = attend(audio[mine], visual[theirs], common)
            swapped = _moved(before, seen, heard, common), _moved(before, heard, seen, common)
            parts.append(torch.stack(swapped))
    other, moved = torch.cat(parts, dim=-3).unflatten(-3, (len(audio), draws)).mean(dim=-3)
    return CrossTalk(other, moved)


def _moved(before: FusionOutput, audio_after: FusionOutput, visual_after: FusionOutput, valid: Tensor) -> Tensor:
    """(..., B, L, 2): how far attended audio and attended visual moved, squared, where the clip is valid."""
    pairs = (before.audio, audio_after.audio), (before.visual, visual_after.visual)
    squares = torch.stack([(new - old).square().sum(dim=-1) for old, new in pairs], dim=-1)
    return torch.where(valid, squares, 0)


def _first_axis_is_sequences(output: FusionOutput) -> Tensor:
    attended = torch.cat([output.audio, output.visual], dim=-1)
    return attended if attended.dim() == 3 else attended.movedim(0, -1)
