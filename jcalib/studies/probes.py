"""What simple predictors make of a corpus: ridge read-outs, and columns in which a label must not be found (design 9).

A fusion trained for CCC sets its own scale, so a leak is measured by Pearson's r over all clip ends: no rescaling of
the predictor reaches a CCC above |r|.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jcalib.clips import FRAMES, RATE, SAMPLES, pictures_of_clips
from jcalib.corpora import Recording
from jcalib.features import Features
from jcalib.media import sound_windows
from jcalib.studies.corruptions import recordings_of
from jcalib.studies.statistics import CONSTANT, sums

Array = NDArray[np.float64]

PENALTY = 0.3  # of a ridge on standardised columns, per row; on quick .1 to 1 find the same cues
FOLDS = 5
REACH = 4  # clips that a predictor sees on either side of its own, as in the middle of a window of eight
SILENCE = 1e-8  # power, -80 dB


def without_test(features: Features) -> Features:
    """Return the features without the test persons, whose labels are opened on request and counted (design 10)."""
    numbers = [number for number, info in enumerate(features.recordings) if info.role != "test"]
    return features if len(numbers) == len(features.recordings) else recordings_of(features, numbers)


@dataclass(frozen=True, eq=False)
class Ridge:
    """A linear read-out of standardised columns, in closed form: (x - mean) weight + intercept.

    Attributes:
        mean: (K,) of the columns it was fitted on.
        weight: (K, outputs).
        intercept: (outputs,), the mean target.
    """

    mean: Array
    weight: Array
    intercept: Array

    @classmethod
    def fit(cls, columns: NDArray, target: NDArray) -> "Ridge":
        """Fit the rows whose target is known.

        Args:
            columns: (N, K).
            target: (N, outputs), rows with NaN do not count.
        """
        known = np.isfinite(target).all(axis=1)
        x, y = columns[known].astype(np.float64), target[known].astype(np.float64)
        mean, spread = x.mean(0), x.std(0)
        scale = np.where(spread > 1e-6 * (1 + abs(mean)), spread, np.inf)  # a constant column says nothing
        z, intercept = (x - mean) / scale, y.mean(0)
        gram = z.T @ z + PENALTY * len(z) * np.eye(x.shape[1])
        return cls(mean, np.linalg.solve(gram, z.T @ (y - intercept)) / scale[:, None], intercept)

    def __call__(self, columns: NDArray) -> Array:
        """Return (N, outputs)."""
        return (columns - self.mean) @ self.weight + self.intercept


def held_out(columns: NDArray, target: NDArray, persons: NDArray) -> Array:
    """Predict everybody from a ridge on the others, in five folds of persons.

    Args:
        columns: (N, K).
        target: (N, outputs), NaN where unknown.
        persons: (N,).

    Returns:
        (N, outputs) without intercept: a fold's mean target differs from the others', which would look like a leak;
        NaN where nobody else has a target.
    """
    known = np.isfinite(target).all(axis=1)
    predicted = np.full(target.shape, np.nan)
    for mine in _folds(persons):
        if (known & ~mine).any():
            ridge = Ridge.fit(columns[~mine], target[~mine])
            predicted[mine] = ridge(columns[mine]) - ridge.intercept
    return predicted


def mean_course(target: NDArray, frame: NDArray, persons: NDArray) -> Array:
    """Predict everybody by the mean label of the others at the same frame.

    Args:
        target: (N, outputs), NaN where unknown.
        frame: (N,).
        persons: (N,).

    Returns:
        (N, outputs), NaN where no other person has a label at that frame.
    """
    known = np.isfinite(target)
    labels = np.where(known, target, 0.0)
    predicted = np.full(target.shape, np.nan)
    for mine in _folds(persons):
        total, count = (_grouped(values[~mine], frame[~mine], frame.max() + 1) for values in (labels, known))
        mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
        predicted[mine] = mean[frame[mine]]
    return predicted


def correlation(prediction: NDArray, target: NDArray) -> Array:
    """Return Pearson's r of each column over the rows where both are known; 0 where one side is constant.

    Args:
        prediction: (N, outputs).
        target: (N, outputs).
    """
    return _correlation(sums(prediction.T, target.T))


def strangers(prediction: NDArray, target: NDArray, features: Features) -> Array:
    """Return Pearson's r between each recording's prediction and the labels of all other recordings at the same frame.

    Args:
        prediction: (N, outputs) over the rows of the features, NaN where there is none.
        target: (N, outputs), NaN where unknown.
        features: say which recording and frame a row is.

    Returns:
        (outputs,). All pairs count, as products of sums over recordings minus each recording with itself.
    """
    a, b = (np.isfinite(values).astype(np.float64) for values in (prediction, target))
    x, y = np.nan_to_num(prediction), np.nan_to_num(target.astype(np.float64))
    pairs = [(a, b), (x, b), (a, y), (x * x, b), (a, y * y), (x, y)]
    length = features.frame.max() + 1
    six = [
        (_grouped(one, features.frame, length) * _grouped(other, features.frame, length)).sum(0) - (one * other).sum(0)
        for one, other in pairs
    ]
    return _correlation(np.stack(six, axis=-1))


def around(features: Features, values: NDArray) -> Array:
    """Put the values of the clips before and after beside each clip's own.

    Args:
        features: say which rows belong together.
        values: (N, K).

    Returns:
        (N, K (2 `REACH` + 1)); a recording's first and last values go on beyond its ends, which time is not told by.
    """
    rows, stride = np.arange(len(values)), features.stride
    first = np.searchsorted(features.recording, features.recording)
    last = np.searchsorted(features.recording, features.recording, side="right") - 1
    shifts = range(-REACH * stride, REACH * stride + 1, stride)
    return np.concatenate([values[np.clip(rows + shift, first, last)] for shift in shifts], axis=1)


def identity(features: Features, persons: NDArray) -> Array:
    """Predict everybody's mean label from mean features, by a ridge on the other persons.

    Encoder persons stay out: their encoder may know their labels by heart.

    Args:
        features: audio and visual are both used.
        persons: of each recording.

    Returns:
        (N, 2) over the rows, constant within a recording; NaN where the person trained the encoders.
    """
    new = np.array([info.role != "encoder" for info in features.recordings])
    sound, face = (
        np.nan_to_num(_recording_means(features, values, features.valid[:, column]))
        for column, values in enumerate((features.audio, features.visual))
    )
    labels = _recording_means(features, features.target, np.isfinite(features.target).all(axis=1))
    predicted = np.full(labels.shape, np.nan)
    predicted[new] = held_out(np.hstack([sound, face])[new], labels[new], persons[new])
    return predicted[features.recording]


def picture_bytes(recording: Recording, ends: NDArray, span: int = FRAMES) -> Array:
    """Return the mean JPEG size of each clip's eight pictures, (n,), z-scored over the recording; 0 without a face."""
    frames = pictures_of_clips(recording.face_present(), ends, span)
    sizes = np.full(recording.length + 1, np.nan)  # the last entry answers for -1, no face
    for frame in np.unique(frames[frames >= 0]).tolist():
        sizes[frame] = recording.face_path(frame).stat().st_size
    return _standardised(sizes[frames].mean(1))


def loudness(recording: Recording, times: NDArray) -> Array:
    """Return the power in dB of the sound of the clips that end at the given times, (n,), z-scored as above."""
    windows = sound_windows(recording.soundtrack, times, SAMPLES, RATE)
    return _standardised(np.array([10 * np.log10(np.mean(window * window) + SILENCE) for window in windows]))


def _standardised(values: Array) -> Array:
    if not np.isfinite(values).any():
        return np.zeros(len(values))
    return np.nan_to_num((values - np.nanmean(values)) / max(float(np.nanstd(values)), 1e-9))


def _recording_means(features: Features, values: NDArray, counts: NDArray) -> Array:
    """Return the mean of each recording's rows that count, (R, K); NaN where none does."""
    number = len(features.recordings)
    total = _grouped(np.where(counts[:, None], values, 0.0), features.recording, number)
    count = _grouped(counts[:, None], features.recording, number)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _folds(persons: NDArray) -> Iterator[NDArray]:
    """Yield which rows are held out, bool (N,), in each fold."""
    number = np.unique(persons, return_inverse=True)[1]
    yield from (number % FOLDS == fold for fold in range(min(FOLDS, number.max() + 1)))


def _grouped(values: NDArray, group: NDArray, groups: int) -> Array:
    """Return the sums of the rows of each group, (groups, outputs)."""
    total = np.zeros((groups, values.shape[1]))
    np.add.at(total, group, values)
    return total


def _correlation(six: Array) -> Array:
    n, x, y, xx, yy, xy = np.moveaxis(six, -1, 0)
    spread_x, spread_y = n * xx - x * x, n * yy - y * y
    varies = (spread_x > CONSTANT * n * xx) & (spread_y > CONSTANT * n * yy)
    bottom = np.sqrt(np.where(varies, spread_x * spread_y, 1.0))
    return np.where(varies, (n * xy - x * y) / bottom, 0.0)
