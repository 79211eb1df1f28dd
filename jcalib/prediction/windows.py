"""Predictions of clips as they come: the windows of an evaluation, each as soon as its last clip is there."""

import numpy as np
import torch

from jcalib.clips import sequence_rows, tiles
from jcalib.training import Ensemble

CHUNK = 256  # windows evaluated at once


class Windows:
    """Tiles a recording of unknown length as `clips.tiles` does; memory holds the rows under one window a phase.

    Args:
        ensemble: S trained fusions.
        clips: L, clips in a window.
        stride: rows between clips.
        device: where the fusions are.
    """

    def __init__(self, ensemble: Ensemble, clips: int, stride: int, device: torch.device) -> None:
        self._ensemble, self._clips, self._stride, self._device = ensemble, clips, stride, device
        reads = getattr(ensemble.skeleton, "reads", ("audio", "visual"))
        self._read = torch.tensor([modality in reads for modality in ("audio", "visual")], device=device)
        self._start, self.rows = 0, 0  # the first row that is held, and how many there were
        self._held: list[torch.Tensor] = []
        self._done: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, audio: np.ndarray, visual: np.ndarray) -> None:
        """Takes the next rows and predicts the windows that they complete.

        Args:
            audio: float32 (c, Da), NaN where there is no voice.
            visual: float32 (c, Dv), NaN where there is no face.
        """
        new = [torch.from_numpy(rows).to(self._device) for rows in (audio, visual)]
        self._held = [torch.cat(pair) for pair in zip(self._held, new, strict=True)] if self._held else new
        last = np.arange(self.rows, self.rows + len(audio))
        self.rows += len(audio)
        last = last[last // self._stride % self._clips == self._clips - 1]
        self._predict(sequence_rows(last, self._stride, self._clips), np.ones((len(last), self._clips), bool))
        start = max(self.rows - self._stride * self._clips, 0)
        self._held, self._start = [rows[start - self._start :] for rows in self._held], start

    def finish(self) -> np.ndarray:
        """Predicts the windows that the recording's end cuts short, right-aligned.

        Returns:
            float32 (S, n, K) of all rows; NaN where no modality that the fusion reads was there.
        """
        rows, counted = tiles(self.rows, self._stride, self._clips)
        late = ~counted.all(axis=1)
        self._predict(rows[late], counted[late])
        seeds, targets = self._done[0][1].shape[::2]
        result = np.full((seeds, self.rows, targets), np.nan, np.float32)
        for rows, values in self._done:
            result[:, rows] = values
        return result

    @torch.no_grad()
    def _predict(self, rows: np.ndarray, counted: np.ndarray) -> None:
        for first in range(0, len(rows), CHUNK):
            part = torch.from_numpy(rows[first : first + CHUNK])
            place = (part - self._start).clamp(min=0).to(self._device)
            inputs = [held[place] for held in self._held]
            mask = torch.stack([~rows.isnan().any(-1) for rows in inputs], -1)
            mask &= (part >= 0).unsqueeze(-1).to(self._device)
            audio, visual = (rows.nan_to_num() for rows in inputs)
            predicted = self._ensemble(audio, visual, mask).prediction.cpu().numpy()
            use = counted[first : first + CHUNK] & (mask & self._read).any(-1).cpu().numpy()
            self._done.append((part.numpy()[use], predicted[:, use]))
