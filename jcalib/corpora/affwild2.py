"""Reads Aff-Wild2's own layout (design 7), in which the embedded corpus is written too.

A recording that cannot be used costs that recording, never the run: it becomes a row in the corpus' failures.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from jcalib.corpora.recording import Corpus, Failure, Recording, failures_frame
from jcalib.media import probe
from jcalib.settings import CorpusSettings, Split, UserError

ANNOTATIONS = Path("annotations") / "VA_Estimation_Challenge"
SETS = {"train": "Train_Set", "validation": "Validation_Set", "test": "Test_Set"}
ROLE_OF_SPLIT = {"train": "fusion", "validation": "report", "test": "test"}
INVALID = -5  # the annotators' mark
SHORTEST = 32  # frames of one clip
CONTAINERS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv", ".flv"}


def is_affwild2(root: Path) -> bool:
    """Whether a folder is laid out like Aff-Wild2: it has a train set's annotations."""
    return (root / ANNOTATIONS / SETS["train"]).is_dir()


def read_affwild2(root: str | Path, split: Split, seed: int = 0, settings: CorpusSettings | None = None) -> Corpus:
    """Reads a corpus in Aff-Wild2's layout.

    Args:
        root: folder with `videos/`, `cropped_aligned/` and `annotations/VA_Estimation_Challenge/`.
        split: how many persons of the train set train the encoders, train the fusions and select. Where the
            train set has another number of persons, in the same proportion. The validation set is reported.
        seed: of the shuffle that deals out the roles.
        settings: of the embedded corpus.

    Returns:
        The corpus. Where labels and frames differ in number the shorter counts, which is noted.

    Raises:
        UserError: the folder is not laid out so, or the train set has fewer than two usable persons.
    """
    root = Path(root)
    if not is_affwild2(root):
        raise UserError(
            f"{root} has no {ANNOTATIONS / SETS['train']}/: a corpus holds videos/<name>.mp4, "
            f"cropped_aligned/<name>/00001.jpg and {ANNOTATIONS}/Train_Set/<name>.txt, as Aff-Wild2 does."
        )
    videos = {path.stem: path for path in (root / "videos").glob("*") if path.suffix.lower() in CONTAINERS}
    found: list[Recording] = []
    failures: list[Failure] = []
    notes: list[str] = []
    for name, folder in SETS.items():
        for annotation in sorted((root / ANNOTATIONS / folder).glob("*.txt")):
            try:
                found.append(_read_recording(root, annotation, name, videos, notes))
            except UserError as error:
                failures.append(Failure(annotation.stem, str(error), "recording left out"))
    roles = deal_roles({recording.person for recording in found if recording.split == "train"}, split, seed)
    recordings = [
        replace(recording, role=roles[recording.person]) if recording.split == "train" else recording
        for recording in found
    ]
    return Corpus(root.name, root, tuple(recordings), settings, failures_frame(failures), tuple(notes))


def deal_roles(persons: set[str], split: Split, seed: int) -> dict[str, str]:
    """Deals train persons out to encoder, fusion and selection, in the proportion of the split's counts.

    Args:
        persons: the persons of the train set.
        split: the counts; they are met exactly when they add up to the number of persons.
        seed: of the shuffle. Persons are sorted before it, so that the order of files does not matter.

    Returns:
        Each person's role.

    Raises:
        UserError: too few persons, so that encoders and fusions would have to share one.
    """
    n, alone = len(persons), not split.encoder
    if n < 2 - alone:
        needed = "the fusions need one" if alone else "encoders and fusions need one each"
        raise UserError(f"the train set has {n} usable persons: {needed} at least.")
    shuffled = np.random.default_rng(seed).permutation(sorted(persons)).tolist()
    total = split.encoder + split.fusion + split.selection
    encoder = 0 if alone else min(max(round(n * split.encoder / total), 1), n - 1)
    fusion = min(max(round(n * (split.encoder + split.fusion) / total) - encoder, 1), n - encoder)
    dealt = ["encoder"] * encoder + ["fusion"] * fusion + ["selection"] * (n - encoder - fusion)
    return dict(zip(shuffled, dealt, strict=True))


def _read_recording(root: Path, annotation: Path, split: str, videos: dict[str, Path], notes: list[str]) -> Recording:
    name = annotation.stem
    person = name if name in videos else name.removesuffix("_left").removesuffix("_right")
    if person not in videos:
        raise UserError(f"videos/ has no {person}: every annotation needs its video.")
    frames = probe(videos[person]).frames
    labels = read_labels(annotation) if split != "test" else np.full((frames, 2), np.nan, np.float32)
    if len(labels) != frames:
        notes.append(f"{name} has {len(labels)} labels for {frames} frames: the shorter counts.")
        labels = labels[:frames]
    if len(labels) < SHORTEST:
        raise UserError(f"{name} has {len(labels)} frames: a recording needs {SHORTEST}, one clip.")
    faces = root / "cropped_aligned" / name
    if not faces.is_dir():
        notes.append(f"{name} has no cropped_aligned/{name}/: all its faces count as lost.")
    truth = root / "truth" / f"{name}.npz"
    known = truth if truth.exists() else None
    return Recording(name, person, split, ROLE_OF_SPLIT[split], videos[person], faces, labels, known)


def read_labels(annotation: Path) -> np.ndarray:
    """Reads one annotation file: a header, then `valence,arousal` a frame; blank lines do not count.

    Args:
        annotation: the text file.

    Returns:
        float32 (T, 2); -5, the annotators' mark for "invalid", has become NaN.

    Raises:
        UserError: a line is not two numbers in [-1, 1] or -5.
    """
    lines = [line.strip() for line in annotation.read_text("utf-8-sig", "replace").splitlines()]
    rows = [(number, line) for number, line in enumerate(lines, 1) if line]
    if not rows or rows[0][1].replace(" ", "").lower() != "valence,arousal":
        raise UserError(f"{annotation.name} does not begin with the line valence,arousal.")
    labels = np.array([_label(annotation.name, number, line) for number, line in rows[1:]], np.float32)
    labels = labels.reshape(-1, 2)
    labels[labels == INVALID] = np.nan
    return labels


def _label(name: str, number: int, line: str) -> tuple[float, float]:
    try:
        valence, arousal = (float(value) for value in line.split(","))
    except ValueError:
        raise UserError(f"{name} line {number} is {line[:40]!r}: it must be valence,arousal.") from None
    if not all(abs(value) <= 1 or value == INVALID for value in (valence, arousal)):
        raise UserError(f"{name} line {number} is {line[:40]!r}: a label lies in [-1, 1], or is {INVALID}.")
    return valence, arousal
