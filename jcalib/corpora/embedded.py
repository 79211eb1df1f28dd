"""Where the embedded corpus lies, and whether all of it is there: each recording's own files say what belongs to it."""

import os
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from jcalib.files import home, read_json
from jcalib.settings import CorpusSettings

SETTINGS_FILE = "corpus.json"  # the corpus' settings, written when all recordings are there
DAMAGED = (OSError, EOFError, ValueError, KeyError, BadZipFile)  # what a file that is not whole raises when it is read


def find_synthetic(settings: CorpusSettings) -> Path:
    """Returns the folder of the embedded corpus; a finished one holds `corpus.json`."""
    return home() / "corpora" / f"synthetic-{settings.fingerprint()}"


def recording_name(number: int) -> str:
    """Returns "person_001" for number 0."""
    return f"person_{number + 1:03d}"


def annotation_path(settings: CorpusSettings, number: int, folder: Path) -> Path:
    """Returns where a recording's labels go: the last persons are the validation set, the rest train."""
    held_out = number >= settings.split.persons - settings.split.report
    split = "Validation_Set" if held_out else "Train_Set"
    return folder / "annotations" / "VA_Estimation_Challenge" / split / f"{recording_name(number)}.txt"


def missing_recordings(settings: CorpusSettings, folder: Path) -> list[int]:
    """Lists the recordings that have to be rendered: those of which a file is missing or empty, or a picture missing.

    Args:
        settings: the corpus.
        folder: its root.

    Returns:
        Their numbers, ascending. Pictures are counted only: their sizes would take as long as all else of an opening.
    """
    return [number for number in range(settings.split.persons) if not _is_whole(settings, number, folder)]


def is_complete(settings: CorpusSettings, folder: Path) -> bool:
    """Returns whether all recordings and the settings are there."""
    try:
        written = read_json(folder / SETTINGS_FILE)
    except DAMAGED:
        return False
    return written == settings.model_dump(mode="json") and not missing_recordings(settings, folder)


def _is_whole(settings: CorpusSettings, number: int, folder: Path) -> bool:
    """Whether there are a video, and as many labels and pictures as the truth tells of frames and faces."""
    name = recording_name(number)
    try:
        with (folder / "truth" / f"{name}.npz").open("rb") as file, np.load(file) as truth:
            lost = truth["face_lost"]
        video = (folder / "videos" / f"{name}.mp4").stat().st_size
        lines = annotation_path(settings, number, folder).read_bytes().count(b"\n")
        pictures = sum(one.name.endswith(".jpg") for one in os.scandir(folder / "cropped_aligned" / name))
    except DAMAGED:
        return False
    return video > 0 and lines == 1 + len(lost) and pictures == np.count_nonzero(~lost)
