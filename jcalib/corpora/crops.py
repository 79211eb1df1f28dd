"""Face crops of videos, found once and kept in JCALIB_HOME/faces under a hash of all that made them."""

import os
from collections.abc import Mapping
from pathlib import Path

from loky import ProcessPoolExecutor

from jcalib.files import fingerprint, hash_file, home, replacing_folder, source_fingerprint
from jcalib.media import find_detector, write_faces
from jcalib.media.faces import EVERY_S
from jcalib.progress import stage
from jcalib.settings import UserError

SOURCES = ("media/containers.py", "media/detectors.py", "media/faces.py", "media/pictures.py", "media/tracking.py")


def find_crops(videos: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, str]]:
    """Finds the face of every video, in parallel; what was found before is a look-up.

    Args:
        videos: by recording.

    Returns:
        Folders with `00001.jpg`, ... by recording, empty where there is no face; and why a video has none.
    """
    with stage("find faces", len(videos)) as progress:
        detector = find_detector().name
        folders = crop_folders(videos)
        missing = {folder: videos[name] for name, folder in folders.items() if not folder.is_dir()}
        errors: dict[Path, str] = {}
        if missing:
            workers = min(os.cpu_count() or 1, len(missing))
            with ProcessPoolExecutor(workers, timeout=10) as pool:  # s, after which those of a killed parent end
                for folder, error in zip(missing, pool.map(_make, missing.values(), missing), strict=True):
                    errors |= {folder: error} if error else {}
                    progress.advance()
        progress.advance(len(videos) - len(missing))
        new = f"{len(missing)} of them new" if missing else "unchanged"
        progress.note(f"{len(videos)} videos, {new}, by {detector.partition('-')[0]}")
    whole = {name: folder for name, folder in folders.items() if folder not in errors}
    return whole, {name: errors[folder] for name, folder in folders.items() if folder in errors}


def crop_folders(videos: Mapping[str, Path]) -> dict[str, Path]:
    """Where the crops of each video are, or would be once `find_crops` has found them.

    Args:
        videos: by recording.
    """
    made_by = [find_detector().name, EVERY_S, source_fingerprint(*SOURCES)]
    return {name: _kept() / fingerprint([hash_file(video), *made_by]) for name, video in videos.items()}


def is_awaited(faces: Path) -> bool:
    """Whether a folder of crops is one that `find_crops` has yet to make."""
    return faces.parent == _kept() and not faces.is_dir()


def _kept() -> Path:
    return home() / "faces"


def _make(video: Path, folder: Path) -> str | None:
    """Finds one video's crops; returns what went wrong."""
    try:
        with replacing_folder(folder) as beside:
            write_faces(video, beside)
    except UserError as error:
        return str(error)
    return None
