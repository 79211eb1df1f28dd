"""Corpora of recordings: the embedded one, which is rendered when it is first opened, and Aff-Wild2's layout."""

import difflib
from pathlib import Path

from jcalib.corpora.affwild2 import deal_roles, read_affwild2, read_labels
from jcalib.corpora.recording import ROLES, Corpus, Failure, Recording, failures_frame
from jcalib.files import home, read_json
from jcalib.settings import CorpusSettings, Preset, UserError
from jcalib.settings import preset as find_preset

__all__ = [
    "ROLES",
    "Corpus",
    "Failure",
    "Recording",
    "deal_roles",
    "failures_frame",
    "find_corpus",
    "find_synthetic",
    "open_corpus",
    "read_affwild2",
    "read_labels",
]


def open_corpus(where: str | Path = "synthetic", preset: str | Preset = "quick") -> Corpus:
    """Opens a corpus; the embedded one is rendered first where it is missing.

    Args:
        where: "synthetic", or a folder in Aff-Wild2's layout.
        preset: gives the embedded corpus' size and knobs, and the proportions of the roles in any other.

    Returns:
        The corpus; recordings that could not be used are rows of its `failures`.

    Raises:
        UserError: the folder does not exist or holds no corpus.
    """
    wanted = find_preset(preset).corpus
    if where == "synthetic":
        return _open_synthetic(wanted)
    folder = find_corpus(where)
    written = folder / "corpus.json"
    settings = CorpusSettings.model_validate(read_json(written)) if written.exists() else None
    return read_affwild2(folder, (settings or wanted).split, (settings or wanted).seed, settings)


def find_corpus(where: str | Path) -> Path:
    """Returns a corpus' folder, without a look at what it holds.

    Raises:
        UserError: there is no such folder; the message gives the near name.
    """
    folder = Path(where).expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder:{_near(folder)} name a corpus' folder, or 'synthetic'.")
    return folder


def find_synthetic(settings: CorpusSettings) -> Path:
    """Returns the folder of the embedded corpus; a finished one holds `corpus.json`."""
    return home() / "corpora" / f"synthetic-{settings.fingerprint()}"


def _open_synthetic(settings: CorpusSettings) -> Corpus:
    folder = find_synthetic(settings)
    if not (folder / "corpus.json").exists():
        from jcalib.corpora.synthetic import build

        build(settings, folder)
    return read_affwild2(folder, settings.split, settings.seed, settings)


def _near(folder: Path) -> str:
    siblings = [path.name for path in folder.parent.glob("*") if path.is_dir()]
    near = difflib.get_close_matches(folder.name, [*siblings, "synthetic"], n=1)
    return f" did you mean {near[0]!r}?" if near else ""
