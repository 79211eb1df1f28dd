"""Corpora of recordings: the embedded one, rendered when it is first opened, and folders in one of several layouts."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jcalib.corpora.affwild2 import is_affwild2, read_affwild2
from jcalib.corpora.embedded import SETTINGS_FILE, find_synthetic, is_complete
from jcalib.corpora.labels import label_settings, treat_corpus
from jcalib.corpora.problems import Problem, UnusableCorpus
from jcalib.corpora.recola import is_recola, read_recola
from jcalib.corpora.recording import ROLES, Corpus, Failure, Recording, failures_frame
from jcalib.corpora.roles import deal_roles
from jcalib.corpora.videos import is_videos, read_videos
from jcalib.files import read_json
from jcalib.settings import CorpusSettings, Preset, UserError
from jcalib.settings import preset as find_preset

__all__ = [
    "LAYOUTS",
    "ROLES",
    "Corpus",
    "Failure",
    "Layout",
    "Problem",
    "Recording",
    "UnusableCorpus",
    "deal_roles",
    "failures_frame",
    "find_corpus",
    "find_synthetic",
    "open_corpus",
    "read_affwild2",
    "read_recola",
    "read_videos",
]


class Layout(NamedTuple):
    """One way in which a corpus lies in its folder: what it looks like, how it is told, how it is read."""

    looks: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, Preset, bool], Corpus]


def _read_affwild2(folder: Path, preset: Preset, _: bool) -> Corpus:
    written = folder / SETTINGS_FILE  # the embedded corpus' own settings
    settings = CorpusSettings.model_validate(read_json(written)) if written.exists() else None
    wanted = settings or preset.corpus
    return read_affwild2(folder, wanted.split, wanted.seed, settings)


def _read_videos(folder: Path, preset: Preset, faces: bool) -> Corpus:
    return read_videos(folder, preset.corpus.split, preset.corpus.seed, faces)


def _read_recola(folder: Path, preset: Preset, faces: bool) -> Corpus:
    return read_recola(folder, preset.corpus.split, preset.corpus.seed, faces)


# The first that recognises a folder reads it.
LAYOUTS = (
    Layout(
        "Aff-Wild2's, with annotations/VA_Estimation_Challenge/Train_Set/<name>.txt, videos/<name>.mp4 and "
        "cropped_aligned/<name>/00001.jpg",
        is_affwild2,
        _read_affwild2,
    ),
    Layout(
        "RECOLA's, with recordings_video/<name>.mp4 and ratings_gold_standard/{arousal,valence}/<name>.csv",
        is_recola,
        _read_recola,
    ),
    Layout(
        "own videos, with <name>.mp4, <name>.csv with the columns valence, arousal and time or frame, and splits.csv",
        is_videos,
        _read_videos,
    ),
)


def open_corpus(where: str | Path = "synthetic", preset: str | Preset = "quick", faces: bool = True) -> Corpus:
    """Opens a corpus; the embedded one is rendered first where it, or some of it, is missing.

    Args:
        where: "synthetic", or a folder in one of the `LAYOUTS`.
        preset: gives the embedded corpus' size and knobs, the proportions of the roles in any other, and what is done
            to labels (nothing by default) where labels.json in the folder does not; what is done is a note.
        faces: False finds no faces, which decodes every video: a look at what there is. A recording whose crops are
            not there yet has the folder that they will be in.

    Returns:
        The corpus; recordings that could not be used are rows of its `failures`.

    Raises:
        UserError: the folder does not exist or holds no corpus, or a rater's delay leaves no label in it.
    """
    chosen = find_preset(preset)
    folder = _build_synthetic(chosen.corpus) if where == "synthetic" else find_corpus(where)
    labels = label_settings(folder, chosen.labels)
    for layout in LAYOUTS:
        if layout.recognises(folder):
            return treat_corpus(layout.read(folder, chosen, faces), labels)
    known = "; ".join(layout.looks for layout in LAYOUTS)
    raise UserError(f"{folder} holds no corpus in a layout that jcalib knows: {known}.")


def find_corpus(where: str | Path) -> Path:
    """Returns a corpus' folder, without a look at what it holds.

    Raises:
        UserError: there is no such folder; the message gives the near name.
    """
    folder = Path(where).expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder:{_near(folder)} name a corpus' folder, or 'synthetic'.")
    if any(folder.glob("*.npz")) or any(folder.glob("*.safetensors")):
        raise UserError(f"{folder} holds features, not recordings: give it with --features.")
    return folder


def _build_synthetic(settings: CorpusSettings) -> Path:
    folder = find_synthetic(settings)
    if not is_complete(settings, folder):
        from jcalib.corpora.synthetic import build

        build(settings, folder)
    return folder


def _near(folder: Path) -> str:
    siblings = [path.name for path in folder.parent.glob("*") if path.is_dir()]
    near = difflib.get_close_matches(folder.name, [*siblings, "synthetic"], n=1)
    return f" did you mean {near[0]!r}?" if near else ""
