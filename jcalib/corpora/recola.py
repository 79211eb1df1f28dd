"""Reads RECOLA, the T-BIOM paper's second corpus, as its authors and the AVEC challenges distribute it.

What is public of the layout, which was never seen here with the data in it; tested on a miniature only:

    recordings      recordings_video or RECOLA-Video-recordings: <name>.mp4, .avi, ...; where a video has no soundtrack,
                    recordings_audio or RECOLA-Audio-recordings: <name>.wav, taken to start with the video
    ratings         every 40 ms, in [-1, 1]; a folder arousal and a folder valence with <name>.csv or <name>.arff in
                      ratings_gold_standard     one value a time: what counts where it is there
                      ratings_individual, or emotional_behaviour in RECOLA-Annotation: one column a rater; their mean
                      counts where there is no gold standard, which is noted
    splits          AVEC's names say them: train_1, dev_1 (which is reported), test_1; for others splits.csv does
    faces           faces/<name>/00001.jpg, ... of 112 x 112 pixels, where the user has crops; they are found otherwise

FG 2021 takes back a rater's delay of 58 frames for valence and 68 for arousal, at 25 a second, and a median of 3: as
labels.json, which `jcalib.corpora.labels` describes, {"delay": [2.32, 2.72], "median": 3}.

The two persons of a dyad count as two persons. The paper's sequences of 128 frames in clips of 16 are the preset
`recola`; where FG 2021 predicts the mean label of a sequence, the kit predicts each clip's, as for every corpus.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from jcalib.corpora.affwild2 import CONTAINERS
from jcalib.corpora.annotations import LEFT_OUT
from jcalib.corpora.labels import interpolate_labels
from jcalib.corpora.problems import Problem, UnusableCorpus, as_problems, failures_of, notes_of
from jcalib.corpora.ratings import read_ratings
from jcalib.corpora.recording import Corpus, Recording, failures_frame
from jcalib.corpora.splits import Place, Places, read_places
from jcalib.corpora.videos import find_faces, with_roles
from jcalib.media import frame_times, has_sound
from jcalib.settings import Split, UserError

GOLD = ("ratings_gold_standard",)
RATERS = ("ratings_individual", "emotional_behaviour")
TARGETS = ("valence", "arousal")
PREFIXES = {"train_": "train", "dev_": "validation", "test_": "test"}
GAP_S = 0.2  # five ratings; nothing is interpolated over a longer gap
SHORTEST = 16  # frames of one of the paper's clips


def is_recola(root: Path) -> bool:
    """Whether a folder is laid out like RECOLA: it has ratings of arousal and of valence."""
    return any(_folder(root, name, target) for name in (*GOLD, *RATERS) for target in TARGETS)


def read_recola(root: str | Path, split: Split, seed: int = 0, faces: bool = True) -> Corpus:
    """Reads RECOLA, or a corpus that is laid out like it.

    Args:
        root: the folder.
        split: in which proportion train persons get the roles; see `deal_roles`.
        seed: of the deal.
        faces: False finds no faces and decodes nothing; see `open_corpus`.

    Returns:
        The corpus, with everything that was not as it should be in `problems`.

    Raises:
        UserError: nothing is left to train on or to report.
    """
    root, problems = Path(root), list[Problem]()
    videos = dict(_files(root, "video", CONTAINERS))
    sounds = dict(_files(root, "audio", {".wav"}))
    labels = {
        name: found
        for name, video in sorted(videos.items())
        if (found := _labels(root, name, video, problems)) is not None
    }
    try:
        places, taken, unmatched = _places(root, list(labels), split, seed, videos)
        problems += unmatched
        problems += [
            Problem("no split", "splits.csv", None, f"{name} has no split, and others have one", LEFT_OUT, name)
            for name in sorted(set(labels) - set(places))
        ]
        crops = find_faces(root, {name: videos[name] for name in labels if name in places}, problems, faces)
        kept = [
            Recording(name, *places[name], "", videos[name], folder, labels[name], None, _sound(videos, sounds, name))
            for name, folder in crops.items()
        ]
        recordings = with_roles(kept, split, seed)
    except UserError as error:
        raise UnusableCorpus(str(error), problems) from None
    failures = failures_frame(failures_of(problems))
    told = (*problems, *as_problems(taken))
    return Corpus(root.name, root, recordings, None, failures, (*taken, *notes_of(problems)), told)


def _labels(root: Path, name: str, video: Path, problems: list[Problem]) -> np.ndarray | None:
    """A recording's labels, (T, 2); None, and a problem, where it cannot be used."""
    columns = []
    try:
        times = frame_times(video)
        for target in TARGETS:
            columns.append(_rated(root, name, target, times, problems))
    except UserError as error:
        kind = "labels do not fit" if columns or "line" in str(error) else "unreadable video"
        problems.append(Problem(kind, video.relative_to(root).as_posix(), None, str(error), LEFT_OUT, name))
        return None
    if len(times) < SHORTEST:
        what = f"{name} has {len(times)} frames: a recording needs {SHORTEST}, one clip"
        problems.append(Problem("too short", video.relative_to(root).as_posix(), None, what, LEFT_OUT, name))
        return None
    return np.concatenate(columns, axis=1)


def _rated(root: Path, name: str, target: str, times: np.ndarray, problems: list[Problem]) -> np.ndarray:
    """The ratings of one target at the frames' times, (T, 1): the gold standard, or the mean over raters."""
    for kinds in (GOLD, RATERS):
        for path in _rating_files(root, kinds, target, name):
            shown = path.relative_to(root).as_posix()
            stamps, values, found = read_ratings(path, shown, name)
            problems += found
            if np.nanmax(np.abs(values), initial=0) > 1:
                raise UserError(f"{shown} has a rating beyond 1: a label lies in [-1, 1].")
            if kinds == RATERS:
                what = f"{name} has no gold standard of {target}"
                done = f"the mean of {values.shape[1]} raters counts"
                problems.append(Problem("no gold standard", shown, None, what, done, name))
            return interpolate_labels(stamps, _mean(values), times, GAP_S)
    if not name.startswith("test_"):
        what = f"{name} has no ratings of {target}"
        problems.append(Problem("nothing annotated", name, None, what, "it adds nothing to training or scores", name))
    return np.full((len(times), 1), np.nan, np.float32)


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean over raters who rated, (M, 1); NaN where nobody did."""
    known = np.isfinite(values)
    count = known.sum(axis=1, keepdims=True)
    total = np.where(known, values, 0).sum(axis=1, keepdims=True)
    return np.where(count, total / np.maximum(count, 1), np.nan)


def _places(root: Path, names: list[str], split: Split, seed: int, videos: Iterable[str]) -> Places:
    """Person and split of each recording: by AVEC's names, or as for own videos."""
    if names and all(name.startswith(tuple(PREFIXES)) for name in names):
        return Places({name: Place(name, PREFIXES[name.partition("_")[0] + "_"]) for name in names}, [], [])
    return read_places(root, names, split, seed, videos)


def _sound(videos: dict[str, Path], sounds: dict[str, Path], name: str) -> Path | None:
    """The sound's own file, where the video has none."""
    return sounds[name] if name in sounds and not has_sound(videos[name]) else None


def _folder(root: Path, name: str, target: str) -> Path | None:
    """A folder of ratings, in the corpus' folder or one below."""
    found = (one for pattern in (name, f"*/{name}") for one in sorted(root.glob(pattern)))
    return next((one / target for one in found if (one / target).is_dir()), None)


def _rating_files(root: Path, kinds: tuple[str, ...], target: str, name: str) -> Iterator[Path]:
    folders = (_folder(root, kind, target) for kind in kinds)
    for folder in filter(None, folders):
        yield from (path for suffix in (".csv", ".arff", ".txt") if (path := folder / f"{name}{suffix}").is_file())


def _files(root: Path, kind: str, suffixes: set[str]) -> Iterator[tuple[str, Path]]:
    """Files in the folders whose name tells their kind, by name."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and kind in path.name.lower()):
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file():
                yield path.stem, path
