"""Whether own features are what they seem: labels must not be told by when, by how long, or by what is missing.

The audits of a corpus that need no recordings behind the features (design 9).
"""

import numpy as np
from numpy.typing import NDArray

from jcalib.features import Features
from jcalib.progress import stage
from jcalib.studies import probes
from jcalib.studies.audits import FEWEST, LEAK, Audit, Audits
from jcalib.studies.statistics import TARGETS

CHANCE = 3.0  # standard errors of a correlation over as many independent values as there are recordings


def audit_features(features: Features) -> Audits:
    """Audit features by themselves.

    Args:
        features: of a corpus, or the user's own; test persons are left out.

    Returns:
        The audits that make sense: with a label per step, whether labels of other recordings or the time tell them;
        with one label per recording, whether the length does; and whether what is missing tells them.
    """
    features = probes.without_test(features)
    asked = (_missing_of_recordings, _length) if features.one_label else (_others_labels, _time, _missing)
    with stage("audit features", total=len(asked)) as progress:
        rows = [audit for ask in asked if (audit := ask(features)) is not None]
        progress.note(f"{len(rows)} audits, {sum(audit.holds is False for audit in rows)} failed")
    return Audits(tuple(rows))


def _others_labels(features: Features) -> Audit:
    r = probes.strangers(features.target, features.target, features)
    return _audit("labels of another recording", r, features, "No two recordings share a course of time")


def _time(features: Features) -> Audit:
    persons = _persons(features)[features.recording]
    r = probes.correlation(probes.mean_course(features.target, features.frame, persons), features.target)
    return _audit("time only", r, features, "The mean label of the others at the same step says nothing")


def _missing(features: Features) -> Audit | None:
    if features.valid.all():
        return None
    columns = probes.around(features, features.valid.astype(np.float64))
    predicted = probes.held_out(columns, features.target, _persons(features)[features.recording])
    return _audit("mask only", probes.correlation(predicted, features.target), features, _MASK)


def _missing_of_recordings(features: Features) -> Audit | None:
    if features.valid.all():
        return None
    shares = np.stack([features.valid[rows].mean(0) for rows in _rows(features)])
    return _audit("mask only", _told_by(shares, features), features, _MASK)


def _length(features: Features) -> Audit | None:
    steps = np.array([[len(info.times)] for info in features.recordings], dtype=np.float64)
    if len(np.unique(steps)) == 1:
        return None
    return _audit("length only", _told_by(steps, features), features, "How long a recording is does not tell its label")


_MASK = "A face or a voice is missing by accident, whatever the label"


def _told_by(values: NDArray, features: Features) -> NDArray:
    """Return the correlation of each recording's label with what other persons' recordings make of some values."""
    labels = np.stack([features.target[rows[0]] for rows in _rows(features)])
    return probes.correlation(probes.held_out(values, labels, _persons(features)), labels)


def _rows(features: Features) -> list[NDArray]:
    spans = (features.span(number) for number in range(len(features.recordings)))
    return [np.arange(first, first + count) for first, count in spans]


def _persons(features: Features) -> NDArray:
    return np.array([info.person for info in features.recordings])


def _audit(name: str, r: NDArray, features: Features, why: str) -> Audit:
    """Of the two correlations the farther one counts; few recordings reach a large one by chance."""
    value, recordings = float(r[np.abs(r).argmax()]), len(features.recordings)
    bound = max(LEAK, CHANCE / np.sqrt(recordings))
    known = len(features.of_role("report")) >= FEWEST
    told = ", ".join(f"{target} {one:.2f}" for target, one in zip(TARGETS, r, strict=True))
    few = f" Chance reaches {bound:.2f} with {recordings} recordings." if bound > LEAK else ""
    holds = abs(value) < bound if known else None
    return Audit(name, value, f"|r| below {bound:.2g}", holds, f"{why}: r {told}.{few}")
