"""What a run's training persons are like, in features: what a prediction is held against when it is explained.

A run keeps it, so that another video is explained as the recordings of the run's own corpus are.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jcalib.features import MODALITIES, Features
from jcalib.files import replacing
from jcalib.training.evaluation import complete_sequences

BACKGROUNDS = 16
KEPT_ROWS = 512  # of each modality that a run keeps, spread over the persons
WHOSE = "the run's training persons"


def background(features: Features, clips: int) -> tuple[Tensor, Tensor]:
    """Return the fixed background: complete sequences of the fusion-training persons, the same for every fusion.

    Args:
        features: with recordings of role "fusion".
        clips: L.

    Returns:
        audio (K, L, Da), visual (K, L, Dv).
    """
    audio, visual, _ = complete_sequences(features, "fusion", clips, BACKGROUNDS, np.random.default_rng(0))
    return audio, visual


def known_rows(features: Features, modality: str) -> np.ndarray:
    """Return a modality's features of all valid clips of the fusion-training persons, (N, D).

    Args:
        features: with recordings of role "fusion".
        modality: "audio" or "visual".
    """
    rows = features.rows("fusion")
    return np.asarray(getattr(features, modality))[rows[features.valid[rows, MODALITIES.index(modality)]]]


@dataclass(frozen=True)
class Reference:
    """Features of the fusion-training persons.

    Attributes:
        audio, visual: (K, L, Da) and (K, L, Dv), complete sequences, which stand in for a missing modality.
        heard, seen: (N, Da) and (M, Dv), valid clips, whose spread is how far a clip varies.
    """

    audio: Tensor
    visual: Tensor
    heard: Tensor
    seen: Tensor

    @classmethod
    def of(cls, features: Features, clips: int, most: int | None = None) -> "Reference":
        """Draw it from features.

        Args:
            features: with recordings of role "fusion".
            clips: L.
            most: N and M at most; all valid clips if None.
        """
        known = (_spread(known_rows(features, modality), most) for modality in MODALITIES)
        return cls(*background(features, clips), *map(torch.from_numpy, known))

    @classmethod
    def read(cls, path: Path) -> "Reference":
        """Read a file that `write` wrote."""
        from safetensors.torch import load_file

        return cls(**load_file(path))

    def write(self, path: Path) -> None:
        """Write the file, whole."""
        from safetensors.torch import save_file

        with replacing(path) as beside:
            save_file({name: values.contiguous() for name, values in vars(self).items()}, beside)

    @property
    def background(self) -> str:
        """What stands in for a missing modality, in words; empty where no training person has a whole sequence."""
        count, clips = self.audio.shape[:2]
        return f"{count} sequences of {clips} clips of {WHOSE}" if count else ""

    @property
    def variation(self) -> str:
        """What a clip varies as, in words."""
        return f"{len(self.heard)} clips of voice and {len(self.seen)} of face of {WHOSE}"


def _spread(rows: np.ndarray, most: int | None) -> np.ndarray:
    if most is None or len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
