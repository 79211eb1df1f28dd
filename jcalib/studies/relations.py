"""Which relations of joint's correlation its predictions rest on: trained joints, scored without one of its two blocks.

The papers credit joint with keeping the relations within a modality and those between the two. In C = tanh(x^T W J) the
former are the block of the modality's own features and the latter the other's. How much energy a block holds says
little (an untrained joint has one half in each); what the scores lose without it says what it is used for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jcalib.features import Features
from jcalib.fusion import JointCrossAttention
from jcalib.settings import choose
from jcalib.studies.corruptions import recordings_of
from jcalib.studies.rescoring import counted_frames, evaluate
from jcalib.studies.statistics import Comparison, compare
from jcalib.training import Run
from jcalib.training.batched import Ensemble

INTRA, INTER = "intra-modal", "inter-modal"


@dataclass(frozen=True)
class Relations:
    """A trained joint scored over the same frames as it is and without each block of its correlation.

    Attributes:
        sums: "joint", "intra-modal" and "inter-modal" (what was left out) to the six sums, (R, S, 2, 6).
        persons: the person of each recording.
    """

    sums: Mapping[str, np.ndarray]
    persons: list[str]

    def needed(self, kind: str, margin: float = 0.02) -> Comparison:
        """Return joint - joint without a block, on the mean of valence and arousal.

        Args:
            kind: "intra-modal" or "inter-modal".
            margin: the largest difference in CCC that does not matter.
        """
        return compare(self.sums["joint"], self.sums[choose(kind, (INTRA, INTER), "relation")], self.persons, margin)


class WithoutIntra(JointCrossAttention):
    """Joint whose correlation of each modality with itself is 0."""

    def _keys(self, x_audio: Tensor, x_visual: Tensor) -> tuple[Tensor, Tensor]:
        none = torch.zeros_like(x_audio)
        return torch.cat([none, x_visual], dim=-2), torch.cat([x_audio, none], dim=-2)


class WithoutInter(JointCrossAttention):
    """Joint whose correlation of each modality with the other one is 0."""

    def _keys(self, x_audio: Tensor, x_visual: Tensor) -> tuple[Tensor, Tensor]:
        none = torch.zeros_like(x_audio)
        return torch.cat([x_audio, none], dim=-2), torch.cat([none, x_visual], dim=-2)


def relations(run: Run, features: Features, smooth: tuple[int, ...] = (), device: str = "auto") -> Relations:
    """Score a trained joint on the report persons as it is, and without each of the two blocks of its correlation.

    Args:
        run: of `joint`.
        features: what it was evaluated on.
        smooth: frames over which predictions are averaged before they are scored; () for none.
        device: "auto", "cpu" or "cuda".
    """
    whole = run.ensemble(device)
    ensembles = {"joint": whole}
    for left_out, kind in ((INTRA, WithoutIntra), (INTER, WithoutInter)):
        ensembles[left_out] = Ensemble(run.settings.build(kind), whole.parameters, whole.buffers)
    part = recordings_of(features, features.of_role("report"))
    counted, _ = counted_frames(part, [])
    sums = dict(evaluate(ensembles, part, counted, run.settings.training.clips, smooth))
    return Relations(sums, [info.person for info in part.recordings])
