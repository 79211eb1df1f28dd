"""Finds the files of own features in a folder, and says what a folder is that has none."""

import difflib
from collections import Counter
from pathlib import Path

from jcalib.corpora import Failure
from jcalib.corpora.affwild2 import CONTAINERS
from jcalib.own_features.files import SUFFIXES
from jcalib.settings import UserError

FORMAT = "own features are <recording>.npz or .safetensors with audio, visual and target"


def find_features(where: str | Path) -> Path:
    """Return a folder of own features, without a look into its files.

    Raises:
        UserError: there is no such folder, or it holds something else; the message says what, and what to do.
    """
    if not str(where):
        raise UserError(f"features is empty: name a folder. {FORMAT[0].upper()}{FORMAT[1:]}.")
    folder = Path(where).expanduser()
    if folder.is_file():
        raise UserError(f"{folder} is a file: name the folder that holds it and the others.")
    if not folder.is_dir():
        siblings = [path.name for path in folder.parent.glob("*") if path.is_dir()]
        near = difflib.get_close_matches(folder.name, siblings, n=1)
        hint = f" did you mean {near[0]!r}?" if near else ""
        raise UserError(f"{folder} is not a folder:{hint} {FORMAT}.")
    if not any(_is_features(path) for path in folder.iterdir()):
        raise UserError(f"{folder} {_what_it_is(folder)}")
    return folder


def feature_files(folder: Path) -> tuple[dict[str, Path], list[Failure]]:
    """Return the files by the names of their recordings, sorted; a second file of one name is a failure."""
    files: dict[str, Path] = {}
    failures = []
    for path in sorted(folder.iterdir()):
        if _is_features(path):
            first = files.setdefault(path.stem, path)
            if first != path:
                failures.append(Failure(path.stem, f"{first.name} is there too: keep one.", f"{path.name} is not read"))
    return files, failures


def _is_features(path: Path) -> bool:
    return path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _what_it_is(folder: Path) -> str:
    kinds = Counter(path.suffix.lower() for path in folder.rglob("*") if path.is_file())
    if not kinds:
        return f"is empty: {FORMAT}."
    if CONTAINERS & kinds.keys() or (folder / "annotations").is_dir():
        return "holds recordings, not features: give it with --corpus."
    below = next((path.parent for path in sorted(folder.rglob("*")) if _is_features(path)), None)
    if below is not None:
        return f"holds features only below {below.relative_to(folder)}/: name that folder, or put all into one."
    usual, count = kinds.most_common(1)[0]
    return f"holds no features but {count} {usual or 'nameless'} files: {FORMAT}."
