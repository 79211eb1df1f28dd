"""Reads a user's own recordings: a folder of videos with their annotations.

    videos          <name>.mp4, .mov, .mkv, ... in the folder itself or in videos/
    annotations     <name>.csv or .txt beside them or in annotations/, or one annotations.csv with a column recording;
                    `jcalib.corpora.traces` says what is in them
    persons, splits persons.csv or splits.csv with the columns recording, person, split; by default every recording is a
                    person of its own, and persons are dealt out
    faces           faces/<name>/00001.jpg, ... of 112 x 112 pixels, where the user has crops; they are found otherwise

A recording that cannot be used costs that recording, never the run.
"""

from collections.abc import Container
from dataclasses import replace
from pathlib import Path

import numpy as np

from jcalib.corpora.affwild2 import CONTAINERS, ROLE_OF_SPLIT, SHORTEST
from jcalib.corpora.annotations import LEFT_OUT
from jcalib.corpora.crops import crop_folders, find_crops, is_awaited
from jcalib.corpora.problems import Problem, UnusableCorpus, as_problems, failures_of, notes_of
from jcalib.corpora.recording import Corpus, Recording, failures_frame
from jcalib.corpora.roles import deal_roles
from jcalib.corpora.splits import FILES, comes_near, read_places, recording_of
from jcalib.corpora.traces import Trace, labels_of, read_traces
from jcalib.media import frame_times, has_sound
from jcalib.settings import Split, UserError

TOGETHER = "annotations.csv"
LATE_S = 0.1  # a video whose first frame comes later than this has a clock of its own
FEW_FACES = 0.5  # of a recording's frames


def is_videos(root: Path) -> bool:
    """Whether a folder, or videos/ in it, holds a video."""
    return any(path.suffix.lower() in CONTAINERS for folder in (root, root / "videos") for path in folder.glob("*.*"))


def read_videos(root: str | Path, split: Split, seed: int = 0, faces: bool = True) -> Corpus:
    """Reads a folder of own recordings.

    Args:
        root: the folder.
        split: in which proportion persons are dealt out; see `read_places` and `deal_roles`.
        seed: of both deals.
        faces: False finds no faces and decodes nothing; see `open_corpus`.

    Returns:
        The corpus, with everything that was not as it should be in `problems`.

    Raises:
        UserError: a person is on both sides of the split, or nothing is left to train on or to report.
    """
    root = Path(root)
    problems: list[Problem] = []
    videos = _find_videos(root, problems)
    traces = _find_traces(root, videos, problems)
    labels = {
        name: found
        for name, video in videos.items()
        if (found := _labels(root, name, video, traces, problems)) is not None
    }
    if not labels:
        raise UnusableCorpus(_nothing(root, videos, problems), problems)
    places, taken, unmatched = read_places(root, labels, split, seed, videos)
    problems += unmatched
    problems += [
        Problem("no split", FILES[1], None, f"{name} has no split, and others have one", LEFT_OUT, name)
        for name in sorted(set(labels) - set(places))
    ]
    crops = find_faces(root, {name: videos[name] for name in labels if name in places}, problems, faces)
    kept = [Recording(name, *places[name], "", videos[name], folder, labels[name]) for name, folder in crops.items()]
    for recording in kept:
        problems += _look(recording, root)
    try:
        recordings = with_roles(kept, split, seed)
    except UserError as error:
        raise UnusableCorpus(str(error), [*problems, *as_problems(taken)]) from None
    failures = failures_frame(failures_of(problems))
    told = (*problems, *as_problems(taken))
    return Corpus(root.name, root, recordings, None, failures, (*taken, *notes_of(problems)), told)


def with_roles(recordings: list[Recording], split: Split, seed: int) -> tuple[Recording, ...]:
    trained = deal_roles({one.person for one in recordings if one.split == "train"}, split, seed)
    roles = [trained[one.person] if one.split == "train" else ROLE_OF_SPLIT[one.split] for one in recordings]
    if "report" not in roles:
        raise UserError(f"nobody is in the validation set: {FILES[1]} has to name one person at least to report.")
    return tuple(replace(one, role=role) for one, role in zip(recordings, roles, strict=True))


def _files(folder: Path, suffixes: Container[str]) -> list[Path]:
    return sorted(
        path for path in folder.glob("*") if path.suffix.lower() in suffixes and path.name[0] != "." and path.is_file()
    )


def _find_videos(root: Path, problems: list[Problem]) -> dict[str, Path]:
    videos: dict[str, Path] = {}
    for path in (*_files(root, CONTAINERS), *_files(root / "videos", CONTAINERS)):
        used = videos.setdefault(path.stem, path)
        if used != path:
            shown, what = path.relative_to(root).as_posix(), f"another video named {path.stem}"
            done = f"{used.relative_to(root).as_posix()} is used"
            problems.append(Problem("two videos", shown, None, what, done, path.stem))
    return videos


def _find_traces(root: Path, videos: dict[str, Path], problems: list[Problem]) -> dict[str, Trace]:
    """Every annotation that has its video."""
    traces: dict[str, Trace] = {}
    for folder in (root, root / "annotations"):
        for path in _files(folder, (".csv", ".txt")):
            if path.name.lower() in FILES or (path.name.lower() != TOGETHER and _is_stray(path, root, videos)):
                continue
            shown = path.relative_to(root).as_posix()
            found, more = read_traces(path, shown, None if path.name.lower() == TOGETHER else path.stem)
            problems += more
            for written, trace in found.items():
                name = recording_of(written)
                if name not in videos:
                    hint = comes_near(name, videos)
                    what = f"there is no video named {name!r}{hint}: every annotation needs its video"
                    problems.append(Problem("no video", shown, None, what, LEFT_OUT, name))
                elif name in traces:
                    done = f"{traces[name].file} is used"
                    problems.append(Problem("two annotations", shown, None, f"another one of {name}", done, name))
                else:
                    traces[name] = trace
    return traces


def _is_stray(path: Path, root: Path, videos: dict[str, Path]) -> bool:
    """Whether a text beside the videos is about something else."""
    if path.stem in videos or path.parent != root:
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return "valence" not in file.readline().lower()


def _labels(root: Path, name: str, video: Path, traces: dict[str, Trace], problems: list[Problem]) -> np.ndarray | None:
    """A recording's labels; None, and a problem, where it cannot be used."""
    shown = video.relative_to(root).as_posix()

    def lost(kind: str, file: str, what: str) -> None:
        problems.append(Problem(kind, file, None, what, LEFT_OUT, name))

    if name not in traces:
        if not any(one.name == name and one.cost == "lost" for one in problems):
            problems.append(
                Problem("video without annotation", shown, None, f"{name} has no annotation", "not used", name)
            )
        return None
    try:
        times = frame_times(video)
        labels, found = labels_of(traces[name], times, name)
    except UserError as error:
        unreadable = str(video) in str(error)
        lost(
            "unreadable video" if unreadable else "labels do not fit",
            shown if unreadable else traces[name].file,
            str(error),
        )
        return None
    problems += found
    if len(labels) < SHORTEST:
        lost("too short", shown, f"{name} has {len(labels)} frames: a recording needs {SHORTEST}, one clip")
        return None
    if np.isnan(labels).all():
        what = f"{name} has no annotated frame"
        problems.append(
            Problem("nothing annotated", traces[name].file, None, what, "it adds nothing to training or scores", name)
        )
    if traces[name].kind == "time" and times[0] > LATE_S:
        what = f"the first frame of {name} is shown at {times[0]:.2f} s"
        problems.append(
            Problem("late clock", shown, None, what, "time stamps count on that clock, not from the first frame", name)
        )
    return labels


def find_faces(root: Path, videos: dict[str, Path], problems: list[Problem], find: bool) -> dict[str, Path]:
    """A folder of crops a recording: the user's own, or found; where `find` is off, the one that is awaited."""
    own = {name: root / "faces" / name for name in videos if (root / "faces" / name).is_dir()}
    others = {name: video for name, video in videos.items() if name not in own}
    found, errors = find_crops(others) if find else (crop_folders(others), {})
    for name, error in errors.items():
        shown = videos[name].relative_to(root).as_posix()
        problems.append(Problem("unreadable video", shown, None, error, LEFT_OUT, name))
    folders = own | found
    return {name: folders[name] for name in videos if name in folders}


def _look(recording: Recording, root: Path) -> list[Problem]:
    """What is missing of a recording's face and voice."""
    name, shown, found = recording.name, recording.video.relative_to(root).as_posix(), []
    share = float(recording.face_present().mean())
    if share < FEW_FACES and not is_awaited(recording.faces):
        what = f"no face was found in {name}" if not share else f"{name} has a face in {share:.0%} of its frames only"
        found.append(Problem("few faces", shown, None, what, "other frames count as lost faces", name))
    if not has_sound(recording.video):
        what = f"{name} has no soundtrack"
        found.append(Problem("no soundtrack", shown, None, what, "the voice counts as missing", name))
    return found


def _nothing(root: Path, videos: dict[str, Path], problems: list[Problem]) -> str:
    lost = [one for one in problems if one.cost == "lost"]
    if lost:
        return f"none of {len(videos)} videos in {root} can be used; the first reason: {lost[0].file}: {lost[0].what}."
    return (
        f"{root} has {len(videos)} videos and no annotations: each needs <name>.csv beside it or in annotations/, or "
        f"its rows in {TOGETHER}, with valence, arousal, and time (in seconds) or frame."
    )
