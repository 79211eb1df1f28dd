"""Who chooses the epoch that is kept, and by which targets (design 8)."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from jcalib.concordance import ccc
from jcalib.features import Features
from jcalib.settings import UserError
from jcalib.training.evaluation import scored
from jcalib.training.run import TARGETS


@dataclass(frozen=True)
class Selection:
    """What an epoch is chosen by.

    Attributes:
        role: whose recordings choose.
        recordings: their numbers.
        targets: bool (2,), which targets count: a label that nobody gave, or that never changes, tells no epochs apart.
        note: what is not as the settings ask for, in a few words; "" where nothing is.
    """

    role: str
    recordings: list[int]
    targets: np.ndarray
    note: str

    @classmethod
    def of(cls, features: Features, wanted: str) -> "Selection":
        """Take the persons with a role, or those who train where the labels of the former tell no epochs apart.

        Args:
            features: what is trained and evaluated on.
            wanted: the role, "selection" or "report".

        Raises:
            UserError: no label of those who train varies either.
        """
        why = ""
        for role in (wanted, "fusion"):
            recordings = features.of_role(role)
            targets = _varying(features, recordings)
            if targets.any():
                return cls(role, recordings, targets, why or _left_out(role, targets))
            lack = "no label varies on" if recordings else "there are no"
            why = f"epochs are chosen on the persons who train: {lack} {wanted} persons"
        raise UserError(
            "no label of the fusion persons varies: there is nothing to learn. Annotate them, or train on others."
        )

    def score(self, ccc_by_target: np.ndarray) -> np.ndarray:
        """Return each seed's mean over the targets that count, (S,) of (S, 2); NaN where a training diverged."""
        return ccc_by_target[:, self.targets].mean(1)

    def record(self, best: np.ndarray) -> dict[str, object]:
        """Return what a run keeps: each seed's best score, None where it has none, and who gave it by which targets."""
        scores = [score if math.isfinite(score) else None for score in best.tolist()]
        return {"selection": scores, "selected_on": self.role, "selected_by": _names(self.targets), "note": self.note}


def _varying(features: Features, recordings: list[int]) -> np.ndarray:
    """Return the targets for which a right prediction would have a CCC: two different labels that are predicted."""
    if not recordings:
        return np.zeros(len(TARGETS), dtype=bool)
    right = np.where(features.valid.any(axis=1, keepdims=True), features.target, np.nan)
    predicted, labels = scored(features, recordings, right[None])
    mask = ~np.isnan(predicted[0])
    return ~torch.isnan(ccc(torch.from_numpy(predicted[0]), torch.from_numpy(labels), torch.from_numpy(mask))).numpy()


def _left_out(role: str, targets: np.ndarray) -> str:
    if targets.all():
        return ""
    return f"epochs are chosen by {_names(targets)[0]} alone: {_names(~targets)[0]} does not vary on {role} persons"


def _names(targets: np.ndarray) -> list[str]:
    return [name for name, counts in zip(TARGETS, targets, strict=True) if counts]
