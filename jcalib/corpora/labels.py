"""What may be done to labels before anything sees them: a rater's delay, time stamps to frames, median smoothing.

None of it is done unless it is asked for, by the preset or, for a corpus in any layout, by labels.json in its folder,
such as {"delay": [0.5, 0.5], "median": 3}: `LabelSettings` is off by default, and what it switches on is a note of the
corpus, so that it reaches the report.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from jcalib.corpora.problems import Problem, UnusableCorpus, as_problems, notes_of
from jcalib.corpora.recording import Corpus, Recording
from jcalib.files import read_json
from jcalib.media import frame_times, probe
from jcalib.settings import LabelSettings, UserError

FILE = "labels.json"
TARGETS = ("valence", "arousal")
TICK = 1e-6  # seconds; a time this close to a stamp is at it


def interpolate_labels(stamps: np.ndarray, values: np.ndarray, times: np.ndarray, gap: float) -> np.ndarray:
    """Interpolates annotations that were given at time stamps to other times, linearly.

    Args:
        stamps: (M,) seconds, ascending.
        values: (M, K), NaN where nobody annotated: nothing is interpolated from or to such a stamp.
        times: (T,) seconds, such as those of the frames.
        gap: the longest stretch between two stamps that is bridged, in seconds.

    Returns:
        float32 (T, K); NaN before the first stamp, after the last, and within longer gaps.

    Raises:
        UserError: stamps and values differ in number, or stamps do not ascend.
    """
    stamps, values, times = np.asarray(stamps, float), np.asarray(values, float), np.asarray(times, float)
    if len(stamps) != len(values):
        raise UserError(f"annotations have {len(stamps)} time stamps for {len(values)} values: each needs one.")
    if not (np.diff(stamps) > 0).all():
        first = int(np.argmin(np.diff(stamps) > 0))
        raise UserError(
            f"time stamp {first + 2} is {stamps[first + 1]:g} s after {stamps[first]:g} s: stamps must ascend."
        )
    if not len(stamps):
        return np.full((len(times), values.shape[1]), np.nan, np.float32)
    before = np.clip(np.searchsorted(stamps, times + TICK, side="right") - 1, 0, len(stamps) - 1)
    after = np.minimum(before + 1, len(stamps) - 1)
    span = stamps[after] - stamps[before]
    passed = times - stamps[before]
    at_stamp = np.abs(passed) <= TICK
    weight = np.where(at_stamp, 0, passed / np.where(span > 0, span, 1))[:, None]
    between = values[before] * (1 - weight) + values[after] * weight
    bridged = (passed > 0) & (span > 0) & (span <= gap + TICK)
    labels = np.where(bridged[:, None], between, np.nan)
    return np.where(at_stamp[:, None], values[before], labels).astype(np.float32)


def shift_labels(labels: np.ndarray, times: np.ndarray, delays: tuple[float, ...]) -> np.ndarray:
    """Takes back a rater's delay: a frame at t gets the label that was given at t + delay.

    Args:
        labels: (T, K), NaN where nobody annotated.
        times: (T,) seconds of the frames, ascending.
        delays: seconds, one a target.

    Returns:
        float32 (T, K), interpolated between frames; NaN where t + delay is outside the recording.

    Raises:
        UserError: there is not one delay a target.
    """
    _one_each(labels, delays)
    shifted = [
        interpolate_labels(times, labels[:, [target]], np.asarray(times) + delay, np.inf)
        for target, delay in enumerate(delays)
    ]
    return np.concatenate(shifted, axis=1)


def shift_frames(labels: np.ndarray, delays: tuple[int, ...]) -> np.ndarray:
    """Takes back a rater's delay that is stated in frames: frame i gets the label of frame i + delay.

    Args:
        labels: (T, K), NaN where nobody annotated.
        delays: frames, one a target.

    Returns:
        float32 (T, K); NaN where i + delay is outside the recording.

    Raises:
        UserError: there is not one delay a target.
    """
    _one_each(labels, delays)
    shifted = np.full(labels.shape, np.nan, np.float32)
    frames = np.arange(len(labels))
    for target, delay in enumerate(delays):
        there = (frames + delay >= 0) & (frames + delay < len(labels))
        shifted[there, target] = labels[frames[there] + delay, target]
    return shifted


def smooth_labels(labels: np.ndarray, width: int) -> np.ndarray:
    """Replaces each label by the median of the labels around it.

    Args:
        labels: (T, K), NaN where nobody annotated: these stay NaN and count in no median.
        width: frames in a window, odd; windows are cut at both ends of the recording. 1 changes nothing.

    Returns:
        float32 (T, K).

    Raises:
        UserError: width is even or less than 1.
    """
    if width < 1 or width % 2 == 0:
        raise UserError(f"median smoothing has a width of {width}: it must be odd, such as 3, or 1 for none.")
    labels = np.asarray(labels, np.float32)
    padded = np.pad(labels, ((width // 2, width // 2), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0)
    known = np.isfinite(labels)
    smooth = labels.copy()
    smooth[known] = np.nanmedian(windows[known], axis=-1)
    return smooth


def label_settings(root: Path, preset: LabelSettings) -> LabelSettings:
    """What is to be done to a corpus' labels: what its own file says, or the preset.

    Args:
        root: the corpus' folder.
        preset: what the preset says.

    Raises:
        UserError: the file cannot be read, has an impossible value, or both say something.
    """
    if not (root / FILE).is_file():
        return preset
    if preset.sentences():
        raise UserError(f"{FILE} and the preset both say what is done to labels: keep one of the two.")
    try:
        values = read_json(root / FILE)
    except ValueError as error:
        raise UserError(f'{FILE} is no JSON ({error}): write it as in {{"delay": [0.5, 0.5]}}.') from None
    if not isinstance(values, dict):
        raise UserError(f'{FILE} holds no settings: write them as in {{"delay": [0.5, 0.5]}}.')
    try:
        return LabelSettings().changed(**values)
    except UserError as error:
        raise UserError(f'{FILE}: {error} Write it as in {{"delay": [0.5, 0.5], "median": 3}}.') from None


def treat_labels(labels: np.ndarray, times: np.ndarray, settings: LabelSettings) -> np.ndarray:
    """Does to one recording's labels what the settings ask for: first the delay, then the median.

    Args:
        labels: (T, 2), NaN where nobody annotated.
        times: (T,) seconds of the frames.
        settings: what is on.

    Returns:
        float32 (T, 2); the same array where nothing is on.
    """
    if any(settings.delay):
        labels = shift_labels(labels, times, settings.delay)
    return smooth_labels(labels, settings.median) if settings.median > 1 else labels


def treat_corpus(corpus: Corpus, settings: LabelSettings) -> Corpus:
    """Does to a corpus' labels what the settings ask for, which its notes then say.

    Args:
        corpus: as read.
        settings: what is on.

    Returns:
        The corpus; a recording that is too short to keep a label of a target is a row of its `problems`.

    Raises:
        UnusableCorpus: every recording is too short to keep a label of a target.
    """
    said = settings.sentences()
    if not said:
        return corpus
    recordings = tuple(
        replace(one, labels=treat_labels(one.labels, frame_times(one.video)[: one.length], settings))
        for one in corpus.recordings
    )
    file = FILE if (corpus.root / FILE).is_file() else ""
    found = [
        problem
        for target, delay in enumerate(settings.delay)
        for problem in _silenced(corpus, recordings, target, delay, file)
    ]
    notes, problems = (*corpus.notes, *notes_of(found), *said), (*corpus.problems, *found, *as_problems(said))
    return replace(corpus, recordings=recordings, notes=notes, problems=problems)


def _silenced(
    corpus: Corpus, treated: tuple[Recording, ...], target: int, delay: float, file: str
) -> Iterator[Problem]:
    """The recordings that had labels of a target and keep none."""
    pairs = zip(corpus.recordings, treated, strict=True)
    had = [pair for pair in pairs if np.isfinite(pair[0].labels[:, target]).any()]
    gone = [before for before, after in had if not np.isfinite(after.labels[:, target]).any()]
    what = TARGETS[target]
    if gone and len(gone) == len(had):
        longest = max(probe(one.video).seconds for one in gone)
        raise UnusableCorpus(
            f"a delay of {delay:g} s leaves no {what}: the longest of {len(gone)} recordings with any is "
            f"{longest:.1f} s. A delay is given in seconds, such as 0.5.",
            corpus.problems,
        )
    for one in gone:
        found = f"{one.name} of {probe(one.video).seconds:.1f} s keeps no {what} after a delay of {delay:g} s"
        done = f"its {what} adds nothing to training or scores"
        yield Problem("nothing annotated", file, None, found, done, one.name)


def _one_each(labels: np.ndarray, delays: tuple[float, ...]) -> None:
    if len(delays) != labels.shape[1]:
        raise UserError(f"{len(delays)} delays for {labels.shape[1]} targets: each target needs one, 0 for none.")
