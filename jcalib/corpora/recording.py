"""A recording, and a corpus of recordings that are split by person into roles (design 2 and 8)."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jcalib.files import hash_file
from jcalib.media import probe, read_picture
from jcalib.settings import CorpusSettings, UserError, choose

if TYPE_CHECKING:
    import pandas as pd

    from jcalib.corpora.problems import Problem

ROLES = ("encoder", "fusion", "selection", "report", "test")


class Failure(NamedTuple):
    """Something that went wrong and what it cost; a row, not a stop."""

    name: str
    what: str
    consequence: str


def failures_frame(failures: Iterable[Failure] = ()) -> "pd.DataFrame":
    """Failures as a table with the columns name, what and consequence."""
    import pandas as pd

    return pd.DataFrame(list(failures), columns=list(Failure._fields))


@dataclass(frozen=True, eq=False)
class Recording:
    """One person's video with its soundtrack, face crops and labels.

    Attributes:
        name: the track's name; `_left` and `_right` tracks of one video are two recordings.
        person: who it is, as far as the corpus tells: the video's name.
        split: "train", "validation" or "test", as distributed.
        role: what the kit uses it for, one of `ROLES`.
        video: the container with picture and sound.
        faces: folder of 112 x 112 crops `00001.jpg`, counted from 1; a frame without crop, or with an empty one, has
            no face.
        labels: float32 (T, 2), valence and arousal in [-1, 1], NaN where nobody annotated.
        truth: npz of the embedded corpus' causes, or None.
        sound: a file of its own for the sound, on the video's clock; None where the video has it.
    """

    name: str
    person: str
    split: str
    role: str
    video: Path
    faces: Path
    labels: np.ndarray
    truth: Path | None = None
    sound: Path | None = None

    @property
    def length(self) -> int:
        """T, the number of frames."""
        return len(self.labels)

    @property
    def soundtrack(self) -> Path:
        """The file that holds the sound."""
        return self.sound or self.video

    def face_path(self, frame: int) -> Path:
        """Where the crop of a frame (counted from 0) is, or would be."""
        return self.faces / f"{frame + 1:05d}.jpg"

    def face_present(self) -> np.ndarray:
        """Which frames have a crop that is not empty: bool (T,)."""
        present = np.zeros(self.length, bool)
        frames = [int(path.stem) - 1 for path in self._crops() if path.stat().st_size]
        present[[frame for frame in frames if 0 <= frame < self.length]] = True
        return present

    def face(self, frame: int) -> np.ndarray | None:
        """The crop of a frame (counted from 0): uint8 (112, 112, 3) RGB, or None where the face is lost.

        Raises:
            UserError: the crop is there but cannot be read.
        """
        path = self.face_path(frame)
        return read_picture(path) if path.exists() and path.stat().st_size else None

    def load_truth(self) -> dict[str, np.ndarray]:
        """The embedded corpus' causes per frame, by name.

        Raises:
            UserError: the recording has no truth file.
        """
        if self.truth is None:
            raise UserError(f"{self.name} has no truth file: only the embedded corpus knows its causes.")
        with np.load(self.truth) as arrays:
            return dict(arrays)

    def content(self) -> str:
        """A hash of the video's and the sound's bytes, the labels and the crops' names and sizes."""
        digest = hashlib.sha256(hash_file(self.video).encode())
        if self.sound is not None:
            digest.update(hash_file(self.sound).encode())
        digest.update(self.labels.tobytes())
        for path in self._crops():
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        return digest.hexdigest()

    def _crops(self) -> list[Path]:
        return sorted(path for path in self.faces.glob("*.jpg") if path.stem.isdecimal())


@dataclass(frozen=True, eq=False)
class Corpus:
    """Recordings, each with its role.

    Attributes:
        name: the folder's name.
        root: the folder.
        recordings: those that can be used.
        settings: of the embedded corpus, None for any other.
        failures: one row a recording left out: name, what, consequence.
        notes: what was mended while reading, one sentence each.
        problems: everything that was not as it should be, as far as the reader saw: see `jcalib.corpora.problems`.
    """

    name: str
    root: Path
    recordings: tuple[Recording, ...]
    settings: CorpusSettings | None = None
    failures: "pd.DataFrame" = field(default_factory=failures_frame)
    notes: tuple[str, ...] = ()
    problems: tuple["Problem", ...] = ()

    def with_role(self, role: str) -> tuple[Recording, ...]:
        """The recordings of one role.

        Raises:
            UserError: there is no such role.
        """
        choose(role, ROLES, "role")
        return tuple(recording for recording in self.recordings if recording.role == role)

    def describe(self) -> str:
        """What there is in a few words: recordings, persons, minutes, recordings left out."""
        persons = len({recording.person for recording in self.recordings})
        minutes = sum(probe(recording.video).seconds for recording in self.recordings) / 60
        lost = f", {len(self.failures)} left out" if len(self.failures) else ""
        return f"{self.name}: {len(self.recordings)} recordings of {persons} persons{lost}, {minutes:.1f} min"

    def frame(self) -> "pd.DataFrame":
        """One row a recording: person, split, role, frames, seconds, annotated and face fractions."""
        import pandas as pd

        return pd.DataFrame([_row(recording) for recording in self.recordings])


def _row(recording: Recording) -> dict[str, str | int | float]:
    return {
        "recording": recording.name,
        "person": recording.person,
        "split": recording.split,
        "role": recording.role,
        "frames": recording.length,
        "seconds": probe(recording.video).seconds,
        "annotated": float(np.isfinite(recording.labels).all(axis=1).mean()),
        "face": float(recording.face_present().mean()),
    }
