"""Many videos to one folder: a table and an annotated video each, one page for all, and a row for each that failed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np
import pandas as pd

from jcalib.clips import RATE
from jcalib.corpora import Failure, failures_frame
from jcalib.corpora.affwild2 import CONTAINERS
from jcalib.files import replacing
from jcalib.media import fit_picture, has_pictures, has_sound, read_frames, sound_windows, write_timed
from jcalib.media.writing import BLOCK
from jcalib.prediction.page import Entry, write_page
from jcalib.prediction.predictor import Predictor
from jcalib.prediction.result import Prediction
from jcalib.prediction.stream import Seen
from jcalib.progress import stage
from jcalib.settings import UserError

SOUNDS = {".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus"}
TAKEN = ("failures", "index")  # files of the folder's own
MARKS = {".csv": "time,valence,valence_spread,", ".html": "predicted valence and arousal</title>"}  # of what is ours


@dataclass(frozen=True)
class Predicted:
    """What came out.

    Attributes:
        folder: where everything is.
        entries: one a video that was predicted, in order.
        failures: name, what and consequence of every file that could not be read, entirely or from some time on.
    """

    folder: Path
    entries: tuple[Entry, ...]
    failures: pd.DataFrame

    @property
    def index(self) -> Path:
        """The page."""
        return self.folder / "index.html"


def find_videos(places: Sequence[str | Path], out: Path) -> tuple[dict[str, Path], list[Failure]]:
    """Find the files to predict, and name what comes out of each.

    Args:
        places: files, which are tried whatever they are called, and folders, in which videos and sound files at any
            depth count; those under `out` do not.
        out: where the results go.

    Returns:
        The results' names, which differ from each other, to the files; and a row for each folder that holds none.

    Raises:
        UserError: a place does not exist, there is no file at all, or a result would overwrite a file it is made from,
            or any other that is no earlier prediction.
    """
    found: dict[Path, Path] = {}
    empty = []
    for place in map(Path, places):
        if not place.exists():
            raise UserError(f"{place} does not exist: name video files, or folders that hold some.")
        files = [place] if place.is_file() else [one for one in _within(place) if out.resolve() not in one.parents]
        found |= {one.resolve(): one for one in files}
        if not files:
            empty.append(Failure(place.name, f"folder {place} holds no video", "nothing predicted"))
    if not found:
        raise UserError(f"{', '.join(map(str, places))}: no video there. Name video files, or folders that hold some.")
    named = dict(zip(_names(list(found)), found.values(), strict=True))
    for name in named:
        for result in (out / f"{name}.mp4", out / f"{name}.csv"):
            if result.resolve() in found:
                raise UserError(f"{result} would be overwritten by its own prediction: name another folder with --out.")
    _check_earlier(out, named)
    return named, empty


def predict_files(predictor: Predictor, places: Sequence[str | Path], out: str | Path) -> Predicted:
    """Predict videos and write `NAME.csv` and `NAME.mp4` of each, `index.html`, and `failures.csv` where any failed.

    Args:
        predictor: a run made ready.
        places: see `find_videos`.
        out: folder to write to.

    Raises:
        UserError: see `find_videos`.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: name a folder for the predictions.")
    named, failures = find_videos(places, out)
    entries = []
    with stage("predict videos", len(named)) as progress:
        for name, video in named.items():
            try:
                prediction = predictor(video)
                _write(prediction, video, out, name)
                entries.append(Entry.of(prediction, name))
                if prediction.trouble:
                    end = prediction.table["time"].iloc[-1]
                    failures.append(Failure(video.name, prediction.trouble, f"predicted up to {end:.2f} s"))
            except (UserError, OSError) as error:
                failures.append(Failure(video.name, str(error), "not predicted"))
            progress.advance()
        progress.note(f"{len(entries)} of {len(named)} predicted")
    table = failures_frame(failures)
    write_page(out / "index.html", predictor, entries, table)
    _write_failures(table, out / "failures.csv")  # after the page, by which it is known as ours
    return Predicted(out, tuple(entries), table)


def _check_earlier(out: Path, names: Iterable[str]) -> None:
    """Refuse a folder in which a result would replace what no prediction wrote.

    A table and the page are known by their text; a video and the failures by the table and the page beside them.
    """
    known_by = {f"{name}{suffix}": f"{name}.csv" for name in names for suffix in (".csv", ".mp4")}
    known_by |= {"index.html": "index.html", "failures.csv": "index.html"}
    for name, mark in known_by.items():
        if (out / name).exists() and not _is_ours(out / mark):
            raise UserError(f"{out / name} is there and no prediction of jcalib: name another folder with --out.")


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return MARKS[path.suffix] in file.read(1000)


def _within(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(path for path in files if path.suffix.lower() in CONTAINERS | SOUNDS)


def _names(files: Sequence[Path]) -> list[str]:
    """Return a name for each file: its stem; where several share one, with the folder's name before; else numbered."""
    stems = Counter(path.stem.lower() for path in files)
    taken = set(TAKEN)
    names = []
    for path in files:
        own = path.stem if stems[path.stem.lower()] == 1 else f"{path.parent.name}-{path.stem}"
        tries = (own if number == 1 else f"{own}-{number}" for number in count(1))
        name = next(one for one in tries if one.lower() not in taken)
        taken.add(name.lower())
        names.append(name)
    return names


def _write(prediction: Prediction, video: Path, out: Path, name: str) -> None:
    """Write a prediction's table and its annotated video."""
    with replacing(out / f"{name}.csv") as beside:
        table = prediction.table.astype({"face": int, "voice": int})
        table.to_csv(beside, index=False, float_format="%.4f", lineterminator="\n")
    with stage(f"draw {video.name}", len(table)) as progress, replacing(out / f"{name}.mp4") as beside:
        frames = _annotated(prediction, video, progress.advance)
        write_timed(beside, frames, _sound(prediction, video))


def _annotated(prediction: Prediction, video: Path, advance: Callable[[], None]) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the seconds from the start and the picture with its traces, for every predicted frame."""
    from jcalib.views.annotated import Annotator, picture_size

    times = prediction.table["time"].to_numpy()
    draw = Annotator(prediction.table, prediction.boxes, prediction.fusion)
    blank = np.zeros((270, 480, 3), np.uint8)
    pictures: Iterable[tuple[float, np.ndarray]] = (
        read_frames(video) if has_pictures(video) else ((time, blank) for time in times)
    )
    size = None
    for index, (_, picture) in enumerate(islice(Seen().until_damaged(pictures), len(times))):
        size = size or picture_size(picture.shape[1], picture.shape[0])
        yield times[index] - times[0], draw(index, picture, fit_picture(picture, *size))
        advance()


def _sound(prediction: Prediction, video: Path) -> Iterator[np.ndarray]:
    """Yield the sound as the model heard it, in blocks from the first frame's time on."""
    if not has_sound(video):
        return iter(())
    start = round(prediction.table["time"].iloc[0] * RATE)
    ends = ((start + BLOCK * number) / RATE for number in count(1))
    return Seen().until_damaged(sound_windows(video, ends, BLOCK, RATE))


def _write_failures(table: pd.DataFrame, path: Path) -> None:
    """Write the failures; without any no file is left, not even an earlier one."""
    if table.empty:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as beside:
        table.to_csv(beside, index=False, lineterminator="\n")
