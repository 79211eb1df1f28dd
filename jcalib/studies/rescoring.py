"""Trained runs scored again on changed features, over the frames that have a prediction whatever was changed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from jcalib.features import Features
from jcalib.settings import UserError
from jcalib.studies.corruptions import Corruption
from jcalib.studies.statistics import sums
from jcalib.training.batched import Ensemble
from jcalib.training.evaluation import Resident, predict_rows, scored, smooth, to_frames


def first_persons(features: Features, most: int) -> list[int]:
    """Return the numbers of the report recordings, of the first persons only where that is asked for.

    Args:
        features: the features.
        most: how many persons; 0 for all.
    """
    numbers = features.of_role("report")
    people = list(dict.fromkeys(features.recordings[number].person for number in numbers))
    kept = set(people[: most or None])
    return [number for number in numbers if features.recordings[number].person in kept]


def counted_frames(part: Features, corruptions: Sequence[Corruption]) -> tuple[list[np.ndarray], float]:
    """Return the frames of each recording that have a prediction whatever is done, and how many of the labelled do.

    Args:
        part: features of the recordings that are scored.
        corruptions: what is done.

    Returns:
        bool (T,) a recording, labelled or not; the share of the labelled frames that is among them.

    Raises:
        UserError: there is no labelled one.
    """
    kept = [np.ones(len(info.labels) if not part.one_label else 1, bool) for info in part.recordings]
    for corruption in corruptions:
        for severity in corruption.severities:
            valid = corruption.apply(part, severity).valid.any(axis=1)
            known = np.where(valid, 0.0, np.nan)[None, :, None].astype(np.float32)
            for number in range(len(kept)):
                kept[number] &= np.isfinite(_frames(part, number, known)[0][0, :, 0])
    labelled = [np.isfinite(_labels(part, number)).all(axis=1) for number in range(len(kept))]
    counted = sum(int((one & known).sum()) for one, known in zip(kept, labelled, strict=True))
    if not counted:
        kinds = ", ".join(one.kind for one in corruptions)
        raise UserError(f"0 annotated frames have a prediction under all of {kinds}: name fewer kinds of corruption.")
    return kept, counted / sum(int(one.sum()) for one in labelled)


def evaluate(
    ensembles: Mapping[str, Ensemble],
    features: Features,
    counted: list[np.ndarray],
    clips: int,
    widths: tuple[int, ...],
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each fusion's sums (R, S, 2, 6) over the counted frames.

    Args:
        ensembles: by fusion.
        features: of the recordings that are scored, as they were changed.
        counted: from `counted_frames`.
        clips: of a window.
        widths: frames over which predictions are averaged; () for none.
    """
    numbers = list(range(len(features.recordings)))
    resident: dict[torch.device, Resident] = {}
    for name, ensemble in ensembles.items():
        device = next(iter(ensemble.parameters.values())).device
        data = resident.setdefault(device, Resident(features, device))
        grid = predict_rows(ensemble, data, features, numbers, clips)
        rows = []
        for number, valid in zip(numbers, counted, strict=True):
            values, labels = _frames(features, number, grid)
            values = smooth(values, widths) if widths else values
            rows.append(sums(values.swapaxes(1, 2), labels.T, valid))
        yield name, np.stack(rows)


def _frames(features: Features, number: int, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions (S, T, K) and labels (T, K) of a recording's frames; with one label, of the recording."""
    if features.one_label:
        return scored(features, [number], grid)
    first, count = features.span(number)
    rows, labels = slice(first, first + count), _labels(features, number)
    return to_frames(features.frame[rows], grid[:, rows], len(labels)), labels


def _labels(features: Features, number: int) -> np.ndarray:
    """Return the labels of a recording's frames, (T, 2); with one label, of the recording, (1, 2)."""
    if features.one_label:
        return features.target[features.span(number)[0]][None]
    return features.recordings[number].labels
