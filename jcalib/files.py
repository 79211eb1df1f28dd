"""Where things live, content hashes, and files that appear whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from jcalib.settings import UserError
from jcalib.settings import fingerprint as fingerprint

ROOT = Path(__file__).resolve().parents[1]
HOME_REMEDY = "set JCALIB_HOME to a folder that you may write to."


def home() -> Path:
    """Return the folder of corpora, features and runs: `JCALIB_HOME`, or `data/` of the checkout."""
    return Path(os.environ.get("JCALIB_HOME") or ROOT / "data").resolve()


def check_home() -> None:
    """Refuse a home that cannot be written to, before any work.

    Raises:
        UserError: it cannot.
    """
    check_writable(home(), HOME_REMEDY)


def nearest(folder: Path) -> Path:
    """Return a folder, or the first one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def free_gb(folder: Path) -> float:
    """Return the free disk, in GB, where a folder is or will be."""
    return shutil.disk_usage(nearest(folder)).free / 1e9


def check_writable(folder: Path, remedy: str = "name another folder with --out.") -> None:
    """Refuse a folder that cannot be made, or cannot be written to; nothing is left there.

    Args:
        folder: which need not exist yet.
        remedy: what to do then.

    Raises:
        UserError: it cannot.
    """
    try:
        with tempfile.TemporaryFile(dir=nearest(folder)):
            pass
    except OSError as error:
        raise UserError(f"{folder} cannot be written to ({error.strerror}): {remedy}") from None


def shown(path: Path) -> str:
    """Return a path as short as it can be from where the user is."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it on success, remove it on failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid4().hex[:8]}-{path.name}")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it takes its place on success and goes on failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid4().hex[:8]}-{path.name}")
    beside.mkdir()
    try:
        yield beside
        shutil.rmtree(path, ignore_errors=True)
        beside.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Let one process at a time do a piece of work; others wait, and find it done. A killed one waits for nobody.

    Args:
        name: of the work.

    Raises:
        UserError: the home, in which its lock lies, cannot be written to.
    """
    from filelock import FileLock

    check_home()
    folder = home() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock"):
        yield


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole, keys sorted."""
    with replacing(path) as beside:
        beside.write_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text())


def write_status(folder: Path, files: Iterable[str]) -> None:
    """Write, last of all, that a run is finished, and which files it promises."""
    write_json(folder / "status.json", {"status": "ok", "files": list(files)})


def lost(folder: Path, files: Iterable[str] = ("settings.json",)) -> list[str]:
    """Return which files a finished run promises and does not have; its status where it never finished.

    Args:
        folder: the run's.
        files: what it promises where its status does not say, as earlier versions' do not.
    """
    status = folder / "status.json"
    if not status.is_file():
        return [status.name]
    return [name for name in read_json(status).get("files", files) if not (folder / name).is_file()]


def source_fingerprint(*parts: str) -> str:
    """Fingerprint source files of the package: what they made is made again when they change.

    Args:
        parts: files or folders below `jcalib/`.
    """
    package = Path(__file__).parent
    paths = {path for part in parts for path in (package / part, *(package / part).rglob("*.py"))}
    files = sorted(path for path in paths if path.is_file())
    return fingerprint([[str(path.relative_to(package)), hash_file(path)] for path in files])
