"""Features made worse in a known way: a modality missing, clips lost, noise, voice and face out of step.

A corruption changes what a trained fusion is given, never what it was trained on. Chance is drawn once a kind, so that
severities nest: a clip that is lost at 10 % is lost at 30 % too, and larger noise is the same noise, louder. Nothing
here needs a recording, so it works for a user's own features as for a corpus.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jcalib.features import MODALITIES, Features
from jcalib.training import known_rows

WORDS = {"audio": "voice", "visual": "face"}
LOST = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
NOISE = (0.0, 0.5, 1.0, 2.0, 4.0)
REPLACED = (0.0, 0.5, 1.0)
LAGS = (1 / 3, 2 / 3, 1.0)  # seconds, as near as the features' grid comes to them
FARTHEST = 1.1  # seconds; a grid that is coarser than that cannot show a lag of a second


@dataclass(frozen=True)
class Corruption:
    """One kind of corruption at several severities.

    Attributes:
        kind: its name ("voice missing").
        unit: what a severity counts ("share of clips lost", "lag of the voice (s)").
        severities: in order; the clean one is among them.
        clean: the severity that changes nothing.
        apply: (features, severity) to the corrupted features, same rows.
        level: "features", or "signal" where pictures or sound are changed before they are encoded.
    """

    kind: str
    unit: str
    severities: tuple[float, ...]
    clean: float
    apply: Callable[[Features, float], Features]
    level: str = "features"

    @property
    def worse(self) -> tuple[float, ...]:
        """The severities that change something."""
        return tuple(one for one in self.severities if one != self.clean)


def feature_corruptions(features: Features, seed: int = 0) -> list[Corruption]:
    """Return every corruption at the features, for the modalities that are there.

    Args:
        features: all of them: noise is measured by the spread over the fusion-training persons.
        seed: of the clips that are lost and of the noise.
    """
    found = []
    there = features.modalities
    for modality in there if len(there) > 1 else ():
        found.append(_missing(modality))
    for modality in there:
        found += [_lost(modality, seed), _noisy(modality, spread(features, modality), seed)]
        found.append(_replaced(modality, known_rows(features, modality), seed))
    lags = _lags(features)
    if len(there) > 1 and lags:
        found.append(lags)
    return found


def recordings_of(features: Features, numbers: Sequence[int]) -> Features:
    """Return the features of some recordings alone, in the order they have.

    Args:
        features: the features.
        numbers: of the recordings, ascending.
    """
    rows = np.flatnonzero(np.isin(features.recording, numbers))
    columns = ("audio", "visual", "target", "valid", "frame", "time")
    taken: dict[str, Any] = {name: np.asarray(getattr(features, name))[rows] for name in columns}
    return replace(
        features,
        **taken,
        recording=np.searchsorted(numbers, features.recording[rows]),
        recordings=tuple(features.recordings[number] for number in numbers),
    )


def spread(features: Features, modality: str) -> np.ndarray:
    """Return the standard deviation of each feature over the valid clips of the fusion-training persons, (D,)."""
    return known_rows(features, modality).std(axis=0)


def with_rows(features: Features, modality: str, values: np.ndarray, valid: np.ndarray) -> Features:
    """Return features with other rows of one modality; rows that are not valid become zero.

    Args:
        features: the features.
        modality: "audio" or "visual".
        values: (N, D).
        valid: bool (N,).
    """
    mask = features.valid.copy()
    mask[:, MODALITIES.index(modality)] = valid
    values = np.where(valid[:, None], values, 0).astype(np.float32)
    audio, visual = (values if name == modality else getattr(features, name) for name in MODALITIES)
    return replace(features, audio=audio, visual=visual, valid=mask)


def shifted(features: Features, modality: str, rows: int) -> Features:
    """Return features in which a modality comes some rows later than it did; what then has no row is missing."""
    count = np.bincount(features.recording)
    first = np.repeat(np.cumsum(count) - count, count)
    place, source = np.arange(len(first)) - first, np.arange(len(first)) - rows
    within = (place - rows >= 0) & (place - rows < np.repeat(count, count))
    source = np.where(within, source, 0)
    valid = within & features.valid[source, MODALITIES.index(modality)]
    return with_rows(features, modality, np.asarray(getattr(features, modality))[source], valid)


def _missing(modality: str) -> Corruption:
    def apply(features: Features, severity: float) -> Features:
        valid = features.valid[:, MODALITIES.index(modality)] & (severity == 0)
        return with_rows(features, modality, np.asarray(getattr(features, modality)), valid)

    return Corruption(f"{WORDS[modality]} missing", f"share of the {WORDS[modality]} missing", (0.0, 1.0), 0.0, apply)


def _lost(modality: str, seed: int) -> Corruption:
    def apply(features: Features, severity: float) -> Features:
        drawn = _generator(seed, "lost", modality).random(len(features.frame))
        valid = features.valid[:, MODALITIES.index(modality)] & (drawn >= severity)
        return with_rows(features, modality, np.asarray(getattr(features, modality)), valid)

    return Corruption(f"{WORDS[modality]} clips lost", "share of clips lost", LOST, 0.0, apply)


def _noisy(modality: str, deviation: np.ndarray, seed: int) -> Corruption:
    def apply(features: Features, severity: float) -> Features:
        values = np.asarray(getattr(features, modality))
        noise = _generator(seed, "noise", modality).standard_normal(values.shape, dtype=np.float32)
        valid = features.valid[:, MODALITIES.index(modality)]
        return with_rows(features, modality, values + severity * deviation * noise, valid)

    return Corruption(f"{WORDS[modality]} noise", "noise (SDs of the features)", NOISE, 0.0, apply)


def _replaced(modality: str, known: np.ndarray, seed: int) -> Corruption:
    """Mix in random clips of the training persons: x' = m + sqrt(1 - p) (x - m) + sqrt(p) (r - m), m their mean.

    Mean and covariance of the features stay what they are; what they say of the label goes.
    """

    def apply(features: Features, severity: float) -> Features:
        values, mean = np.asarray(getattr(features, modality)), known.mean(axis=0)
        drawn = known[_generator(seed, "replaced", modality).integers(len(known), size=len(values))]
        mixed = values + ((1 - severity) ** 0.5 - 1) * (values - mean) + severity**0.5 * (drawn - mean)
        return with_rows(features, modality, mixed, features.valid[:, MODALITIES.index(modality)])

    word = WORDS[modality]
    return Corruption(f"{word} replaced", f"share of the {word}'s variance replaced", REPLACED, 0.0, apply)


def _lags(features: Features) -> Corruption | None:
    """Return the lags that the grid of clips allows, voice after face where positive; None where it allows none."""
    step = _row_time(features)
    if features.unit == "s":
        steps = {max(round(lag / step), 1) for lag in LAGS} if step > 0 else set()
        steps = {one for one in steps if one * step <= FARTHEST}
    else:
        steps, step = {1, 2, 3}, 1.0
    if not steps:
        return None
    rows = [*sorted(-one for one in steps), 0, *sorted(steps)]
    by_lag = {round(one * step, 3): one for one in rows}
    return Corruption(
        "voice lags face",
        f"lag of the voice ({features.unit})",
        tuple(by_lag),
        0.0,
        lambda corrupted, severity: shifted(corrupted, "audio", by_lag[severity]),
    )


def _row_time(features: Features) -> float:
    """Return the median time between rows of a recording; 0 where none has two."""
    same = np.diff(features.recording) == 0
    return float(np.median(np.diff(features.time)[same])) if same.any() else 0.0


def _generator(seed: int, *what: str) -> np.random.Generator:
    """Return the chance of one corruption: the same for all its severities, another one for each kind."""
    return np.random.default_rng([seed, *"/".join(what).encode()])
