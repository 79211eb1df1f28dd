"""What the embedded corpus's own causes allow: true cues in place of features, through the same window and head.

The cues at clip ends become `Features`, with a modality masked while its cue is hidden (face lost or covered, voice
under noise), and the mixer, a temporal MLP on both modalities, is trained on them like on any others (design 9).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from jcalib.features import Features
from jcalib.settings import CorpusSettings, Preset, UserError
from jcalib.studies.ablation import Study
from jcalib.studies.statistics import TARGETS, ccc_from_sums
from jcalib.training import fit

Truth = dict[str, NDArray]

CUES = {"voice": ("voice_cue", "voice_synergy_cue"), "face": ("face_cue", "face_synergy_cue")}  # audio first
HIDDEN = {"voice": ("voice_noisy",), "face": ("face_lost", "face_covered")}
VIEWS = {"face": (0, 1), "voice": (1, 0), "both": (1, 1)}  # what is left of audio and visual
SEEDS, EPOCHS = 2, 20  # four clean columns are learnt in half the epochs that 512 take
GAIN = 0.4  # of the product of sign and course, so that it spreads as labels do
LAG_REACH = 1.5  # s, shifts searched on either side of no lag


def at_ends(features: Features, truths: Sequence[Truth], names: Sequence[str]) -> NDArray:
    """Return courses at clip ends, beside each other: (N, columns); one-dimensional ones are one column."""
    parts = []
    for number, truth in enumerate(truths):
        first, count = features.span(number)
        ends = features.frame[first : first + count]
        parts.append(np.column_stack([truth[name][ends] for name in names]))
    return np.concatenate(parts)


def shown(features: Features, truths: Sequence[Truth]) -> NDArray:
    """Return where the voice (column 0) and the face (1) can be heard and seen at clip ends: bool (N, 2)."""
    hidden = [at_ends(features, truths, names).any(axis=1) for names in HIDDEN.values()]
    return ~np.stack(hidden, axis=1)


def cue_features(features: Features, truths: Sequence[Truth]) -> Features:
    """Put the true cues in place of the features: audio is the voice's four, visual the face's four.

    Args:
        features: recordings, clip ends and labels are kept.
        truths: of each recording, in the features' order.
    """
    valid = shown(features, truths)
    cues = [at_ends(features, truths, names).astype(np.float32) for names in CUES.values()]
    audio, visual = (np.where(valid[:, [column]], values, 0) for column, values in enumerate(cues))
    return _named(replace(features, audio=audio, visual=visual, valid=valid))


def with_synergy_target(features: Features, truths: Sequence[Truth]) -> Features:
    """Put m g, the product that only both modalities tell, in place of both labels: a corpus of q = 1."""
    courses = [GAIN * np.stack([one[f"m_{name}"] * one[f"g_{name}"] for name in TARGETS], axis=1) for one in truths]
    infos = tuple(
        replace(info, labels=course.astype(np.float32))
        for info, course in zip(features.recordings, courses, strict=True)
    )
    rows = zip(features.recording, features.frame, strict=True)
    target = np.stack([infos[number].labels[frame] for number, frame in rows])
    return _named(replace(features, recordings=infos, target=target))


def with_strangers_labels(features: Features, rng: np.random.Generator) -> Features:
    """Give every recording that trains or selects the labels of another person's: nothing is left to learn.

    Courses are turned around in time by a random number of frames, end to start. Otherwise the few slow waves of a
    corpus agree a little at equal times, whoever's they are, and whatever the assignment.

    Args:
        features: the report persons keep their labels.
        rng: whose labels go to whom, and turned how far.

    Raises:
        UserError: a role has one person only.
    """
    infos = list(features.recordings)
    target = features.target.copy()
    for role in ("fusion", "selection"):
        for one, stranger in _strangers(features, role, rng):
            fitted = np.resize(features.recordings[stranger].labels, infos[one].labels.shape)
            fitted = np.roll(fitted, rng.integers(len(fitted)), axis=0)
            infos[one] = replace(infos[one], labels=fitted)
            first, count = features.span(one)
            target[first : first + count] = fitted[features.frame[first : first + count]]
    return _named(replace(features, recordings=tuple(infos), target=target))


def _strangers(features: Features, role: str, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield each recording of a role and the one whose labels it gets, by number."""
    owned: dict[str, list[int]] = {}
    for number in features.of_role(role):
        owned.setdefault(features.recordings[number].person, []).append(number)
    if len(owned) == 1:
        raise UserError(
            f"{role} has one person, {next(iter(owned))}: labels of a stranger need two. Name more persons for it."
        )
    persons, order = list(owned.values()), rng.permutation(len(owned))
    for place, giver in zip(order, np.roll(order, 1), strict=True):
        yield from zip(persons[place], cycle(persons[giver]), strict=False)


def scores(features: Features, preset: Preset) -> dict[str, tuple[float, float]]:
    """Train the mixer on the face, the voice and both, and score the report persons on the same frames.

    What a view leaves out is zero and not masked, so that it has an answer, if a blind one, where its own cue is
    hidden: that the other modality helps out there is a part of what both are worth.

    Args:
        features: the cues as features.
        preset: window, size and optimiser, those of the fusions; at most 20 epochs.

    Returns:
        "face", "voice" and "both" to CCC of valence and arousal, the mean over two seeds, over the frames in which
        a face or a voice is there.
    """
    size = preset.training.changed(epochs=min(EPOCHS, preset.training.epochs))
    shorter, runs = preset.changed(training=size), {}
    for view, (voice, face) in VIEWS.items():
        left = replace(features, audio=features.audio * np.float32(voice), visual=features.visual * np.float32(face))
        runs[view] = fit("mixer", _named(left), SEEDS, shorter)
    reached = {view: ccc_from_sums(sums.sum(axis=0)).mean(axis=0) for view, sums in Study(runs).sums.items()}
    return {view: (float(valence), float(arousal)) for view, (valence, arousal) in reached.items()}


def found_lag(truths: Sequence[Truth], target: str, settings: CorpusSettings) -> float:
    """Return by how many seconds the voice's cue comes after sqrt(r) s + sqrt(u_v) a, where they agree best.

    Args:
        truths: of all recordings.
        target: "valence" or "arousal".
        settings: the mix of latents and the frame rate, the regime applied.
    """
    mix = getattr(settings, target)
    reach = round((LAG_REACH + abs(settings.lag)) * settings.fps)
    total = np.zeros(2 * reach + 1)
    for truth in truths:
        signal = np.sqrt(mix.redundancy) * truth[f"s_{target}"] + np.sqrt(mix.unique_voice) * truth[f"a_{target}"]
        total += _shifted(truth["voice_cue"][:, TARGETS.index(target)], signal, reach)
    return float((total.argmax() - reach) / settings.fps)


def _shifted(late: NDArray, early: NDArray, reach: int) -> NDArray:
    """Return the correlation of `late` with `early` moved by -reach to reach frames, over what overlaps."""
    length = len(late)
    shifts = range(-reach, reach + 1)
    pairs = [(late[max(k, 0) : length + min(k, 0)], early[max(-k, 0) : length - max(k, 0)]) for k in shifts]
    return np.array([np.corrcoef(one, other)[0, 1] for one, other in pairs])


def _named(features: Features) -> Features:
    """Name features by all that a training reads, so that the same cues are not trained on twice."""
    digest = hashlib.sha256(f"{features.stride} {[(info.name, info.role) for info in features.recordings]}".encode())
    labels = (info.labels for info in features.recordings)
    for array in (features.audio, features.visual, features.valid, features.target, features.frame, *labels):
        digest.update(np.ascontiguousarray(array).tobytes())
    return replace(features, source=digest.hexdigest()[:12])
