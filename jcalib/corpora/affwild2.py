"""Reads Aff-Wild2's own layout (design 7), in which the embedded corpus is written too.

Several editions of the challenge are understood, with the folder names that are in use:

    annotations   VA_Estimation_Challenge or VA_Set (the older), in the folder itself or in one named like annotations;
                  in it Train_Set, Validation_Set or Val_Set, Test_Set; in these <name>.txt
    videos        videos, raw_videos, batch1, batch2, new_vids: <name>.mp4, .avi, ... at any depth
    crops         cropped_aligned/<name>/00001.jpg; other folders named cropped_aligned... are searched too
    test set      Test_Set/<name>.txt, whose values are never read, or a list of names, ...test_set....txt

A recording needs its video even where crops and sound lie beside it as files: only the container has the clock that
puts labels, crops and sound in step. A recording that cannot be used costs that recording, never the run.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jcalib.corpora.annotations import LEFT_OUT, read_annotation
from jcalib.corpora.problems import Problem, UnusableCorpus, failures_of, notes_of
from jcalib.corpora.recording import Corpus, Recording, failures_frame
from jcalib.corpora.roles import deal_roles
from jcalib.media import probe
from jcalib.settings import CorpusSettings, Split, UserError

EDITIONS = ("va_estimation_challenge", "valence_arousal_estimation_challenge", "va_set")  # the first that is there
SETS = {
    "train": ("train_set", "training_set"),
    "validation": ("validation_set", "val_set"),
    "test": ("test_set",),
}
VIDEOS = ("videos", "raw_videos", "batch1", "batch2", "new_vids")
CROPS = "cropped_aligned"
ROLE_OF_SPLIT = {"train": "fusion", "validation": "report", "test": "test"}
SHORTEST = 32  # frames of one clip
CONTAINERS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv", ".flv"}


def is_affwild2(root: Path) -> bool:
    """Whether a folder is laid out like Aff-Wild2: it has a train set's annotations."""
    return bool(_editions(root))


def read_affwild2(root: str | Path, split: Split, seed: int = 0, settings: CorpusSettings | None = None) -> Corpus:
    """Reads a corpus in Aff-Wild2's layout.

    Args:
        root: the corpus' folder.
        split: how many persons of the train set train the encoders, train the fusions and select. Where the
            train set has another number of persons, in the same proportion. The validation set is reported.
        seed: of the shuffle that deals out the roles.
        settings: of the embedded corpus.

    Returns:
        The corpus, with everything that was not as it should be in `problems`. Where labels and frames differ in
        number the shorter counts; a person in two sets counts in the later one only.

    Raises:
        UserError: the folder is not laid out so, or the train set has fewer than two usable persons.
    """
    root = Path(root)
    editions = _editions(root)
    if not editions:
        raise UserError(
            f"{root} has no VA_Estimation_Challenge/Train_Set/: a corpus holds videos/<name>.mp4, {CROPS}/<name>/"
            "00001.jpg and annotations/VA_Estimation_Challenge/Train_Set/<name>.txt, as Aff-Wild2 does."
        )
    problems = _unused_editions(root, editions)
    files = _find_files(root, problems)
    found = [
        recording
        for track in _tracks(root, editions[0], files.videos, problems)
        if (recording := _read_recording(track, files, problems)) is not None
    ]
    found = _one_set_a_person(found, problems)
    problems += _unannotated(files, found, problems)
    try:
        roles = deal_roles({recording.person for recording in found if recording.split == "train"}, split, seed)
    except UserError as error:
        raise UnusableCorpus(str(error), problems) from None
    recordings = [
        replace(recording, role=roles[recording.person]) if recording.split == "train" else recording
        for recording in found
    ]
    failures = failures_frame(failures_of(problems))
    return Corpus(root.name, root, tuple(recordings), settings, failures, notes_of(problems), tuple(problems))


class _Files(NamedTuple):
    """Where everything but the annotations is: videos by name, crops by the track's name."""

    root: Path
    videos: dict[str, Path]
    crops: dict[str, Path]


class _Track(NamedTuple):
    """One annotated face: its name, its set, and the file (or the line of a list) that names it."""

    name: str
    split: str
    file: Path
    line: int | None


def _plain(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _editions(root: Path) -> list[dict[str, Path]]:
    """The editions in a folder, each as a dict of set to folder; the one to use first."""
    annotations = [path for path in _folders(root) if "annotation" in _plain(path.name)]
    candidates = [*(one for folder in annotations for one in _folders(folder)), *_folders(root)]
    found: list[dict[str, Path]] = []
    for rank in (*EDITIONS, None):
        for folder in candidates:
            if _plain(folder.name) == rank or (rank is None and folder in annotations and not found):
                named = {_plain(path.name): path for path in _folders(folder)}
                sets = {split: named[name] for split, names in SETS.items() for name in names if name in named}
                found += [sets] if "train" in sets else []
    return found


def _unused_editions(root: Path, editions: list[dict[str, Path]]) -> list[Problem]:
    used, *others = (sets["train"].parent.relative_to(root).as_posix() for sets in editions)
    return [Problem("two editions", other, None, f"another edition than {used}", "not read") for other in others]


def _find_files(root: Path, problems: list[Problem]) -> _Files:
    videos: dict[str, Path] = {}
    for folder in (path for path in _folders(root) if _plain(path.name) in VIDEOS):
        for path in sorted(folder.rglob("*")):
            shown = path.relative_to(root).as_posix()
            if path.is_dir():
                continue
            if path.suffix.lower() not in CONTAINERS or path.name.startswith("."):
                problems.append(Problem("stray", shown, None, "no video", "ignored"))
            elif path.stem in videos:
                what, used = f"another video named {path.stem}", videos[path.stem].relative_to(root).as_posix()
                problems.append(Problem("two videos", shown, None, what, f"{used} is used", path.stem))
            else:
                videos[path.stem] = path
    crops: dict[str, Path] = {}
    for folder in (path for path in _folders(root) if _plain(path.name).startswith(CROPS)):
        for path in _folders(folder):
            crops.setdefault(path.name, path)
    return _Files(root, videos, crops)


def _tracks(root: Path, sets: dict[str, Path], videos: dict[str, Path], problems: list[Problem]) -> Iterator[_Track]:
    """Every track that a set names, once each."""
    edition = sets["train"].parent
    lists = [path for folder in dict.fromkeys((root, edition.parent, edition)) for path in folder.glob("*.txt")]
    seen: set[str] = set()
    for split, folder in sets.items():
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() != ".txt" or path.name.startswith(".") or not path.is_file():
                shown = path.relative_to(root).as_posix()
                problems.append(Problem("stray", shown, None, "no annotation file", "ignored"))
            elif split == "test" and _is_list(path) and _person(path.stem, videos) not in videos:
                lists.append(path)
            else:
                seen.add(path.stem)
                yield _Track(path.stem, split, path, None)
    for path in sorted(filter(_is_list, lists)):
        for line, name in enumerate(path.read_text("utf-8-sig", "replace").splitlines(), 1):
            if name.strip() and name.strip() not in seen:
                seen.add(name.strip())
                yield _Track(name.strip(), "test", path, line)


def _is_list(path: Path) -> bool:
    """Whether a file lists the test set's names: not a template, whose lines have commas."""
    if "test_set" not in _plain(path.stem) or path.name.startswith(".") or not path.is_file():
        return False
    return "," not in path.read_text("utf-8-sig", "replace").partition("\n")[0]


def _person(name: str, videos: dict[str, Path]) -> str:
    """The video of a track, which is all that the corpus tells of who it is."""
    return name if name in videos else name.removesuffix("_left").removesuffix("_right")


def _read_recording(track: _Track, files: _Files, problems: list[Problem]) -> Recording | None:
    """Reads one recording; None, and a problem, where it cannot be used."""
    name, shown = track.name, track.file.relative_to(files.root).as_posix()

    def problem(kind: str, what: str, consequence: str = LEFT_OUT) -> None:
        problems.append(Problem(kind, shown, track.line, what, consequence, name))

    labels, found = (None, []) if track.split == "test" else read_annotation(track.file, shown)
    problems += found
    person = _person(name, files.videos)
    frames = None
    if person not in files.videos:
        problem("no video", f"there is no video named {person}: every annotation needs its video")
    else:
        try:
            frames = probe(files.videos[person]).frames
        except UserError as error:
            problem("unreadable video", str(error))
    if frames is None or any(one.cost == "lost" for one in found):
        return None
    if labels is None:
        labels = np.full((frames, 2), np.nan, np.float32)
    elif len(labels) != frames:
        problem(
            "labels and frames differ", f"{name} has {len(labels)} labels for {frames} frames", "the shorter counts"
        )
        labels = labels[:frames]
    if len(labels) < SHORTEST:
        problem("too short", f"{name} has {len(labels)} frames: a recording needs {SHORTEST}, one clip")
        return None
    if track.split != "test" and np.isnan(labels).all():
        problem("nothing annotated", f"{name} has no annotated frame", "it adds nothing to training or scores")
    if name not in files.crops:
        problem("no crops", f"{name} has no {CROPS}/{name}/", "all its faces count as lost")
    faces = files.crops.get(name, files.root / CROPS / name)
    truth = files.root / "truth" / f"{name}.npz"
    known = truth if truth.exists() else None
    return Recording(name, person, track.split, ROLE_OF_SPLIT[track.split], files.videos[person], faces, labels, known)


def _one_set_a_person(found: list[Recording], problems: list[Problem]) -> list[Recording]:
    """Leaves a person who is in two sets out of the earlier one, so that nobody is both trained on and scored."""
    order = list(SETS)
    latest: dict[str, str] = {}
    for one in found:
        latest[one.person] = max(one.split, latest.get(one.person, one.split), key=order.index)
    for one in found:
        if one.split != latest[one.person]:
            what = f"{one.person} is in the {one.split} and in the {latest[one.person]} set"
            problems.append(Problem("person in two splits", one.name, None, what, LEFT_OUT, one.name))
    return [one for one in found if one.split == latest[one.person]]


def _unannotated(files: _Files, found: list[Recording], problems: list[Problem]) -> list[Problem]:
    """Videos and crops that no set names."""
    named = {one.name for one in found} | {one.name for one in problems}
    persons = {_person(name, files.videos) for name in named}
    extra = {path: name for name, path in files.videos.items() if name not in persons}
    extra |= {path: name for name, path in files.crops.items() if name not in named}
    return [
        Problem("no annotation", path.relative_to(files.root).as_posix(), None, f"no set names {name}", "not used")
        for path, name in extra.items()
    ]
