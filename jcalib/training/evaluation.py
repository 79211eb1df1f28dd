"""Predictions on a grid of clip ends, their way to frames, and the CCC of each seed.

A recording is tiled with windows of L clips as the papers do; the last tile is right-aligned and only its new clip
ends count, so that each grid point is predicted once. Online, each grid point is the last of a window of its own, which
costs L times as much. Between grid points predictions are interpolated.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from jcalib.clips import sequence_rows, tiles, training_rows
from jcalib.concordance import ccc
from jcalib.features import Features
from jcalib.settings import UserError
from jcalib.training.batched import Ensemble

CHUNK = 256  # windows evaluated at once; bounds the memory of a joint correlation


class Resident:
    """A corpus's features on a device, from which sequences are gathered by index.

    Args:
        features: the features.
        device: where they live.
    """

    def __init__(self, features: Features, device: torch.device) -> None:
        self.audio = torch.as_tensor(np.asarray(features.audio), device=device)
        self.visual = torch.as_tensor(np.asarray(features.visual), device=device)
        self.target = torch.as_tensor(features.target, device=device)
        self.valid = torch.as_tensor(features.valid, device=device)
        self.device = device

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return audio, visual, mask and target of some rows; a row of -1 is padding.

        Args:
            rows: (...,) int64.

        Returns:
            (..., Da), (..., Dv), (..., 2) bool, (..., 2) with NaN at padding.
        """
        rows = rows.to(self.device)
        real = (rows >= 0).unsqueeze(-1)
        rows = rows.clamp(min=0)
        target = torch.where(real, self.target[rows], torch.nan)
        return self.audio[rows], self.visual[rows], self.valid[rows] & real, target


def recording_tiles(features: Features, recording: int, clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the windows that tile one recording.

    Args:
        features: the features.
        recording: its number.
        clips: L.

    Returns:
        rows (W, L) into the features, -1 for padding; counted (W, L) bool, true once for each row.
    """
    first, count = features.span(recording)
    rows, counted = tiles(count, features.stride, clips)
    return np.where(rows >= 0, rows + first, -1), counted


def online_windows(features: Features, recording: int, clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a window for each row of one recording, which ends there and counts there alone.

    Args:
        features, recording, clips: as in `recording_tiles`.

    Returns:
        rows (n, L) into the features, -1 for padding; counted (n, L) bool, true in the last column.
    """
    first, count = features.span(recording)
    rows = sequence_rows(np.arange(count), features.stride, clips)
    return np.where(rows >= 0, rows + first, -1), np.broadcast_to(np.arange(clips) == clips - 1, rows.shape)


@torch.no_grad()
def predict_rows(
    ensemble: Ensemble, data: Resident, features: Features, names: list[int], clips: int, online: bool = False
) -> np.ndarray:
    """Predict every clip end of some recordings once, `CHUNK` windows at a time; beside them memory holds row numbers.

    Args:
        ensemble: S trained fusions.
        data: the features on the device.
        features: the same features, for their layout.
        names: numbers of the recordings.
        clips: L.
        online: whether each clip end is the last of a window of its own, rather than a part of a tile.

    Returns:
        (S, N, K) float32 over all rows of the features; NaN where not asked for or with no valid modality.
    """
    windows = online_windows if online else recording_tiles
    pairs = [windows(features, one, clips) for one in names]
    rows = torch.from_numpy(np.concatenate([pair[0] for pair in pairs]))
    counted = torch.from_numpy(np.concatenate([pair[1] for pair in pairs]))
    result = None
    for part, use in zip(rows.split(CHUNK), counted.split(CHUNK), strict=True):
        audio, visual, mask, _ = data.gather(part)
        prediction = ensemble(audio, visual, mask).prediction.cpu()  # (S, W, L, K)
        if result is None:
            result = torch.full((len(prediction), len(features.frame), prediction.shape[-1]), torch.nan)
        use = use & mask.any(-1).cpu()
        result[:, part[use]] = prediction[:, use]
    assert result is not None
    return result.numpy()


def scored(features: Features, names: list[int], grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is compared with labels: clip ends; with one label a recording, each recording's mean prediction.

    Args:
        features: the features.
        names: numbers of the recordings.
        grid: (S, N, K) from `predict_rows`.

    Returns:
        Predictions (S, n, K), NaN where there is none, and labels (n, K): a row a clip end, or a row a recording,
        however many clips it has.
    """
    spans = [slice(first, first + count) for first, count in map(features.span, names)]
    if not features.one_label:
        rows = np.concatenate([np.arange(span.start, span.stop) for span in spans])
        return grid[:, rows], features.target[rows]
    means = np.stack([_mean_of_known(grid[:, span]) for span in spans], axis=1)
    return means, np.stack([features.target[span.start] for span in spans])


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Return the mean over clips, (S, K) of (S, n, K), of those that have a prediction; NaN where none has."""
    known = ~np.isnan(values)
    total, count = np.where(known, values, 0).sum(axis=1, dtype=np.float64), known.sum(axis=1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0).astype(np.float32)


def to_frames(ends: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Interpolate predictions at clip ends to all frames, holding the first and the last.

    Args:
        ends: (n,) frame numbers of the clip ends.
        values: (S, n, K).
        length: frames of the recording.

    Returns:
        (S, length, K); NaN around a clip end that has no prediction.
    """
    frames = np.arange(length)
    columns = values.transpose(0, 2, 1).reshape(-1, len(ends))
    out = np.stack([np.interp(frames, ends, column) for column in columns])
    return out.reshape(len(values), values.shape[2], length).transpose(0, 2, 1).astype(np.float32)


def smooth(values: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Average predictions along time, as T-BIOM does before scoring (20 frames for valence, 50 for arousal).

    The released code pads with zeros, which pulls both ends of a recording towards 0; here a window that reaches
    beyond the recording, or over frames without a prediction, averages what there is.

    Args:
        values: (..., T, K), NaN where there is no prediction; such frames stay so.
        widths: frames of the window, one a target; an even window reaches one frame further back than ahead.

    Returns:
        (..., T, K) of the same type.

    Raises:
        UserError: there is not one width of 1 or more for each target.
    """
    from scipy.ndimage import uniform_filter1d

    if len(widths) != values.shape[-1] or min(widths) < 1:
        raise UserError(f"smooth has {list(widths)}: it takes a width in frames for each of valence and arousal.")
    known = np.isfinite(values)
    smoothed = np.full(values.shape, np.nan)
    for target, width in enumerate(widths):
        parts = (np.where(known, values, 0)[..., target], known[..., target])
        total, count = (uniform_filter1d(part.astype(float), width, mode="constant") for part in parts)
        smoothed[..., target] = total / np.where(known[..., target], count, np.nan)
    return smoothed.astype(values.dtype)


def frame_table(features: Features, names: list[int], grid: np.ndarray, seeds: Sequence[int]) -> pd.DataFrame:
    """Return predictions and labels of every frame of some recordings, one row a frame and seed.

    With one label a recording it is one row a recording and seed, at the recording's last frame.

    Args:
        features: the features.
        names: numbers of the recordings.
        grid: (S, N, 2) from `predict_rows`.
        seeds: the S seeds.

    Returns:
        Columns recording, person, seed, frame, time, valence, arousal, true_valence, true_arousal.
    """
    parts = []
    for one in names:
        info = features.recordings[one]
        frames = np.arange(len(info.labels))
        if features.one_label:
            frames = frames[-1:]
            values, _ = scored(features, [one], grid)
        else:
            first, count = features.span(one)
            rows = slice(first, first + count)
            values = to_frames(features.frame[rows], grid[:, rows], len(frames))
        labels, length = info.labels[frames], len(frames)
        parts.append(
            pd.DataFrame(
                {
                    "recording": info.name,
                    "person": info.person,
                    "seed": np.repeat(seeds, length),
                    "frame": np.tile(frames, len(seeds)),
                    "time": np.tile(info.times[frames], len(seeds)),
                    "valence": values[..., 0].ravel(),
                    "arousal": values[..., 1].ravel(),
                    "true_valence": np.tile(labels[:, 0], len(seeds)),
                    "true_arousal": np.tile(labels[:, 1], len(seeds)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def complete_sequences(
    features: Features, role: str, clips: int, most: int, generator: np.random.Generator
) -> tuple[Tensor, Tensor, np.ndarray]:
    """Draw sequences in which every clip has a face and a voice, for what is averaged over sequences.

    Args:
        features: the features.
        role: whose recordings.
        clips: L.
        most: how many at most.
        generator: where the choice comes from.

    Returns:
        audio (B, L, Da), visual (B, L, Dv), recording numbers (B,).
    """
    stride = features.stride
    lasts = [training_rows(count, stride, clips) + first for first, count in map(features.span, features.of_role(role))]
    rows = sequence_rows(np.concatenate(lasts), stride, clips)
    rows = rows[features.valid[rows].all((1, 2))]
    rows = rows[np.sort(generator.permutation(len(rows))[:most])]
    audio, visual = (torch.from_numpy(np.asarray(x)[rows]) for x in (features.audio, features.visual))
    return audio, visual, features.recording[rows[:, -1]]


def score(table: pd.DataFrame, target: str) -> dict[str, float | None]:
    """Return CCC, RMSE and Pearson's r of one seed's frames, over the frames that are annotated and predicted.

    None is what is not defined: CCC and r where nothing varies, and all three where no frame counts.
    """
    pair = table[[target, f"true_{target}"]].dropna().to_numpy(dtype=np.float64, copy=True)
    if not len(pair):
        return dict.fromkeys(("ccc", "rmse", "pearson"))
    predicted, true = pair[:, 0], pair[:, 1]
    value = float(ccc(torch.from_numpy(predicted)[:, None], torch.from_numpy(true)[:, None])[0])
    spread = predicted.std() * true.std()
    return {
        "ccc": None if math.isnan(value) else value,
        "rmse": float(np.sqrt(np.mean((predicted - true) ** 2))),
        "pearson": float(np.mean((predicted - predicted.mean()) * (true - true.mean())) / spread) if spread else None,
    }
