"""Everything that is wrong with a corpus, at once: what its reader saw, and what only shows on a closer look.

The reader looks at annotations and video headers, so that a corpus opens fast. The check also walks through the crops
and the time stamps of every recording that the reader can use.
"""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jcalib.corpora.problems import Problem, UnusableCorpus, count_kinds, problems_frame
from jcalib.corpora.recording import Corpus, Recording
from jcalib.files import replacing
from jcalib.media import frame_times, has_sound, read_picture
from jcalib.progress import stage
from jcalib.settings import Preset, UserError

if TYPE_CHECKING:
    import pandas as pd

LATER = "recording left out when it is encoded"
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
ALIKE = 5  # rows of one kind in one file that are shown; the CSV has all


@dataclass(frozen=True, eq=False)
class Check:
    """What a check found.

    Attributes:
        root: the corpus' folder.
        recordings: those that can be used.
        problems: everything that is not as it should be.
        rates: frames per second of each usable recording, the mean over its length.
        refused: why the folder is no corpus at all, or None.
    """

    root: Path
    recordings: tuple[Recording, ...]
    problems: tuple[Problem, ...]
    rates: tuple[float, ...]
    refused: str | None = None

    @property
    def lost(self) -> tuple[str, ...]:
        """The recordings that cannot be used."""
        return tuple(dict.fromkeys(one.name for one in self.problems if one.cost == "lost"))

    @property
    def usable(self) -> bool:
        """Whether the corpus can be used without losing a recording."""
        return not self.lost and self.refused is None

    def frame(self) -> "pd.DataFrame":
        """One row a problem: file, line, what, consequence."""
        return problems_frame(self.problems)

    def write(self, path: Path) -> Path:
        """Writes the table as CSV and returns its path."""
        with replacing(path) as beside:
            self.frame().to_csv(beside, index=False)
        return path

    def table(self) -> str:
        """The problems to read, a line each: place, what, consequence; many of a kind in a file are folded."""
        alike = Counter((one.file, one.kind) for one in self.problems)
        shown: Counter[tuple[str, str]] = Counter()
        rows = []
        for one in self.problems:
            key = (one.file, one.kind)
            shown[key] += 1
            if shown[key] <= ALIKE:
                rows.append((f"{one.file}:{one.line}" if one.line else one.file, one.what, one.consequence))
            elif shown[key] == alike[key]:
                rows.append((one.file, f"... and {alike[key] - ALIKE} more of this kind", "all are in problems.csv"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join(lines)

    def lines(self) -> list[str]:
        """What there is and what is wrong, a line a fact."""
        splits = Counter(one.split for one in self.recordings)
        labels = np.concatenate([np.zeros((0, 2)), *(one.labels for one in self.recordings if one.split != "test")])
        kinds = ", ".join(f"{kind} {count}" for kind, count in count_kinds(self.problems).items())
        facts = {
            "recordings": f"{len(self.recordings)} usable ({', '.join(f'{n} {name}' for name, n in splits.items())})",
            "lost": f"{len(self.lost)} recordings{': ' if self.lost else ''}{', '.join(self.lost)}",
            "frames": f"{sum(one.length for one in self.recordings):,}",
            "annotated": ", ".join(_share(labels, column) for column in (0, 1)),
            "frame rate": f"{min(self.rates):.2f} to {max(self.rates):.2f}" if self.rates else "",
            "found": kinds or "nothing",
            "refused": self.refused or "",
        }
        return [f"{name:<11} {text}" for name, text in facts.items() if text]


def check_corpus(where: str | Path, preset: str | Preset = "quick") -> Check:
    """Lists every problem of a corpus.

    Args:
        where: "synthetic", or a folder in one of the layouts.
        preset: as for `open_corpus`.

    Returns:
        The check; a recording that only fails on the closer look counts as lost too.

    Raises:
        UserError: the folder does not exist, or is in no layout that jcalib knows.
    """
    from jcalib.corpora import find_corpus, open_corpus

    refused = None
    try:
        corpus = open_corpus(where, preset)
    except UnusableCorpus as error:
        refused = str(error)
        corpus = Corpus("", find_corpus(where), (), problems=error.problems)
    problems, rates = list(corpus.problems or _told(corpus)), {}
    known = {(one.kind, one.name) for one in problems}  # readers may have had the closer look themselves
    with stage("check recordings", len(corpus.recordings)) as progress:
        for recording in corpus.recordings:
            found, rates[recording.name] = check_recording(recording, corpus.root)
            problems += [one for one in found if (one.kind, one.name) not in known]
            progress.advance()
    lost = {one.name for one in problems if one.cost == "lost"}
    recordings = tuple(one for one in corpus.recordings if one.name not in lost)
    return Check(corpus.root, recordings, tuple(problems), tuple(rates[one.name] for one in recordings), refused)


def check_recording(recording: Recording, root: Path) -> tuple[list[Problem], float]:
    """Looks at a recording's crops, time stamps and sound.

    Args:
        recording: as read.
        root: file names are told from here.

    Returns:
        What is not as it should be, and the frame rate.
    """
    times = frame_times(recording.video)
    video, found = _shown(recording.video, root), []
    if len(times) < recording.length:
        what = f"the header tells of {recording.length} frames or more, the file holds {len(times)}"
        found.append(Problem("fewer frames than the header says", video, None, what, LATER, recording.name))
    if not has_sound(recording.soundtrack):
        found.append(
            Problem("no soundtrack", video, None, "no soundtrack", "the voice counts as missing", recording.name)
        )
    if recording.faces.is_dir():
        found += _check_crops(recording, _shown(recording.faces, root))
    span = times[-1] - times[0]
    return found, float((len(times) - 1) / span) if span > 0 else 0.0


def _check_crops(recording: Recording, shown: str) -> list[Problem]:
    name, found, frames = recording.name, [], set()
    for entry in sorted(os.scandir(recording.faces), key=lambda entry: entry.name):
        stem, _, suffix = entry.name.partition(".")
        if suffix != "jpg" or not stem.isdecimal():
            found.append(Problem("stray", f"{shown}/{entry.name}", None, "no crop", "ignored", name))
        elif not entry.stat().st_size:
            done = "it counts as a lost face"
            found.append(Problem("empty crop", f"{shown}/{entry.name}", None, "an empty picture", done, name))
        else:
            frames.add(int(stem) - 1)
            if not _is_whole(Path(entry.path)):
                remedy = f"{LATER}; without the file its face counts as lost"
                what = "a picture that cannot be read"
                found.append(Problem("unreadable crop", f"{shown}/{entry.name}", None, what, remedy, name))
    beyond = sum(not 0 <= frame < recording.length for frame in frames)
    missing = recording.length - (len(frames) - beyond)
    if beyond:
        what = f"{beyond} crops lie beyond the {recording.length} frames"
        found.append(Problem("crops beyond the end", shown, None, what, "ignored", name))
    if missing:
        what = f"{missing} of {recording.length} frames have no crop"
        found.append(Problem("lost faces", shown, None, what, "each counts as a lost face", name))
    return found


def _is_whole(path: Path) -> bool:
    """Whether a picture can be read; a JPEG that ends as one does is not decoded for that."""
    with path.open("rb") as file:
        head = file.read(len(JPEG_START))
        file.seek(-min(len(JPEG_END), file.seek(0, os.SEEK_END)), os.SEEK_END)
        if head == JPEG_START and file.read() == JPEG_END:
            return True
    try:
        read_picture(path)
    except UserError:
        return False
    return True


def _told(corpus: Corpus) -> list[Problem]:
    """Problems out of failures and notes, of readers that keep no more."""
    rows = corpus.failures.itertuples(index=False)
    failures = [Problem("failure", str(r.name), None, str(r.what), str(r.consequence), str(r.name)) for r in rows]
    return failures + [Problem("note", "", None, note, "") for note in corpus.notes]


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _share(labels: np.ndarray, column: int) -> str:
    name = ("valence", "arousal")[column]
    return f"{name} {np.isfinite(labels[:, column]).mean():.1%}" if len(labels) else f"{name} 0.0%"
