"""What a report would be made from, counted: recordings, persons and frames by role, clips, and what is left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jcalib.clips import FRAMES
from jcalib.corpora import Corpus, Recording, find_synthetic, open_corpus
from jcalib.corpora.crops import is_awaited
from jcalib.features import Features
from jcalib.media import probe
from jcalib.reporting.values import SYNTHETIC
from jcalib.settings import Preset

SPLITS, ROLES = ("train", "validation", "test"), ("encoder", "fusion", "selection", "report", "test")
SPLIT_OF = {"report": "validation", "test": "test"}  # of a role; all others are of the train set


class Count(NamedTuple):
    """What there is for one role; None is not known before the embedded corpus is rendered, or faces are found."""

    split: str
    role: str
    recordings: int
    persons: int
    frames: int
    annotated: int | None
    faces: int | None


@dataclass(frozen=True)
class Holdings:
    """What a report would be made from.

    Attributes:
        name: of the data.
        counts: one for each role.
        clips: that would be encoded; 0 for own features.
        rows: clip ends, or steps, of each recording that trains fusions.
        stride: rows between the clips of a sequence.
        left_out: what would be skipped, and what was mended, one sentence each.
        unseen: seconds of each video whose faces are yet to be found.
    """

    name: str
    counts: tuple[Count, ...]
    clips: int
    rows: tuple[int, ...]
    stride: int
    left_out: tuple[str, ...]
    unseen: tuple[float, ...] = ()

    def total(self) -> Count:
        """Return the sums over all roles."""
        sums = {name: _sum(getattr(one, name) for one in self.counts) for name in Count._fields[2:]}
        return Count("all", "", **sums)  # type: ignore[arg-type]  # the first three are always known


def look_at(where: str, own: str, preset: Preset) -> Holdings:
    """Count what a report would be made from; nothing is rendered, decoded or encoded.

    Args:
        where: "synthetic", or a corpus' folder.
        own: a folder of own features in place of a corpus, or empty.
        preset: gives the embedded corpus' size, and hop and sequences.

    Raises:
        UserError: the folder holds nothing of the kind.
    """
    if own:
        from jcalib.own_features import open_features

        return _of_features(own, open_features(own, preset))
    if where == SYNTHETIC and not (find_synthetic(preset.corpus) / "corpus.json").exists():
        return _of_settings(preset)
    return _of_corpus(open_corpus(where, preset, faces=False), preset)


def _of_corpus(corpus: Corpus, preset: Preset) -> Holdings:
    pairs = sorted({(one.split, one.role) for one in corpus.recordings}, key=_order)
    counts = []
    for split, role in pairs:
        some = [one for one in corpus.recordings if (one.split, one.role) == (split, role)]
        annotated = sum(int(np.isfinite(one.labels).all(axis=1).sum()) for one in some)
        faces = _sum(_faces(one) for one in some)
        persons, frames = len({one.person for one in some}), sum(one.length for one in some)
        counts.append(Count(split, role, len(some), persons, frames, annotated, faces))
    clips = sum(one.length // preset.hop for one in corpus.recordings)
    rows = tuple(one.length // preset.hop for one in corpus.with_role("fusion"))
    unseen = tuple(probe(one.video).seconds for one in corpus.recordings if is_awaited(one.faces))
    left_out = tuple(_left_out(corpus, preset))
    return Holdings(corpus.name, tuple(counts), clips, rows, FRAMES // preset.hop, left_out, unseen)


def _faces(recording: Recording) -> int | None:
    """Frames with a face, None where they are yet to be found."""
    return None if is_awaited(recording.faces) else int(recording.face_present().sum())


def _of_settings(preset: Preset) -> Holdings:
    """What is annotated, and where the face is lost, is drawn when the corpus is rendered."""
    split, frames = preset.corpus.split, round(preset.corpus.seconds * preset.corpus.fps)
    dealt = {role: getattr(split, role) for role in ROLES[:4]}
    counts = tuple(
        Count(SPLIT_OF.get(role, "train"), role, number, number, number * frames, None, None)
        for role, number in dealt.items()
        if number
    )
    rows = (frames // preset.hop,) * split.fusion
    unknown = ("nothing is known before the corpus is rendered",)
    return Holdings(SYNTHETIC, counts, split.persons * (frames // preset.hop), rows, FRAMES // preset.hop, unknown)


def _of_features(folder: str, features: Features) -> Holdings:
    counts = []
    for role in ROLES:
        numbers, rows = features.of_role(role), features.rows(role)
        if numbers:
            persons = len({features.recordings[one].person for one in numbers})
            annotated = int(np.isfinite(features.target[rows]).all(axis=1).sum())
            seen = int(features.valid[rows, 1].sum())
            counts.append(Count(SPLIT_OF.get(role, "train"), role, len(numbers), persons, len(rows), annotated, seen))
    rows_of = tuple(features.span(one)[1] for one in features.of_role("fusion"))
    left_out = (*_failures(features.failures.to_dict("records")), *features.notes)
    return Holdings(folder, tuple(counts), 0, rows_of, features.stride, left_out)


def _left_out(corpus: Corpus, preset: Preset) -> Iterator[str]:
    yield from _failures(corpus.failures.to_dict("records"))
    yield from corpus.notes
    needed = preset.training.clips * FRAMES
    short = [one.name for one in corpus.with_role("fusion") if one.length < needed]
    if short:
        yield f"{len(short)} fusion recordings have no sequence of {needed} frames to train on: {_some(short)}"
    faceless = [one.name for one in corpus.recordings if _faces(one) == 0]
    if faceless:
        yield f"{len(faceless)} recordings have no face at all: {_some(faceless)}"
    unseen = [one.name for one in corpus.recordings if is_awaited(one.faces)]
    if unseen:
        yield f"whether these have a face, and decode to their end, shows once faces are found: {_some(unseen)}"
    if corpus.settings is None:
        yield f"jcalib corpus check {corpus.root} lists every problem with file and line"


def _failures(rows: Iterable[dict]) -> Iterator[str]:
    return (f"{row['name']}: {row['what']} ({row['consequence']})" for row in rows)


def _order(pair: tuple[str, str]) -> tuple[int, int]:
    return SPLITS.index(pair[0]), ROLES.index(pair[1])


def _sum(values: Iterable[int | None]) -> int | None:
    every = list(values)
    return None if None in every else sum(value or 0 for value in every)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
