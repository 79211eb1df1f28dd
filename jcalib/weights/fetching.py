"""Fetch a known file: only when asked by name, resumed where it stopped, and verified before it gets its name."""

from collections.abc import Callable
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from jcalib.files import hash_file
from jcalib.progress import stage
from jcalib.settings import UserError, choose
from jcalib.weights.known import KNOWN, Known

BLOCK = 2**20  # bytes read at once, and the step of the progress bar
TIMEOUT = 60  # seconds without an answer


def fetch(name: str, sha256: str = "", unverified: bool = False) -> Path:
    """Fetch a known file into `JCALIB_HOME/weights`; an interrupted one goes on where it stopped.

    Args:
        name: of the file.
        sha256: what the user knows it to be, where the kit does not.
        unverified: take whatever comes, where nobody knows.

    Returns:
        The file.

    Raises:
        UserError: the name is unknown, no checksum is known, the file cannot be reached or is another one. What
            arrived of an interrupted file is kept; a file with another checksum is removed.
    """
    known = KNOWN[choose(name, KNOWN, "weights file")]
    expected = _expected(known, sha256.lower(), unverified)
    if known.path.is_file():
        if expected and hash_file(known.path) != expected:
            raise UserError(f"{known.path} has another SHA-256 than {expected}: remove it, and fetch it again.")
        return known.path
    if known.url is None:
        raise UserError(f"no address is known for {known.name}: put {known.file} into {known.path.parent} yourself.")
    part = known.path.with_name(f"{known.file}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with stage(f"fetch {name}", known.size and -(-known.size // BLOCK)) as progress:
        _download(known.url, part, progress.advance)
        progress.note(f"{part.stat().st_size:,} bytes")
    found = hash_file(part)
    if expected and found != expected:
        part.unlink()
        raise UserError(f"{known.url} sent another file, with SHA-256 {found}, not {expected}: it was removed.")
    part.replace(known.path)
    return known.path


def _expected(known: Known, given: str, unverified: bool) -> str | None:
    """Return the checksum to hold a file to."""
    if known.sha256 and given and given != known.sha256:
        raise UserError(f"--sha256 has {given}: {known.file} is known to be {known.sha256}.")
    if given and (len(given) != 64 or not set(given) <= set("0123456789abcdef")):
        raise UserError(f"--sha256 has {given!r}: a SHA-256 is 64 hexadecimal digits.")
    expected = known.sha256 or given or None
    if not expected and not unverified:
        raise UserError(
            f"nobody states a checksum of {known.file}: give the one that you know with --sha256, or take what comes "
            "with --unverified."
        )
    return expected


def _download(url: str, part: Path, advance: Callable[[int], None]) -> None:
    """Append what is missing to a file that may have been begun."""
    have = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urlopen(request, timeout=TIMEOUT) as answer:
            resumed = answer.status == 206
            total = _total(answer.headers, have if resumed else 0)
            with part.open("ab" if resumed else "wb") as file:
                advance(file.tell() // BLOCK)
                while block := answer.read(BLOCK):
                    file.write(block)
                    advance(1)
    except HTTPError as error:
        if error.code == 416 and have == _total_of_range(error.headers):
            return  # nothing is missing
        if error.code == 416:
            part.unlink()  # of another, longer file
        raise UserError(f"{url} cannot be fetched: {error.code} {error.reason}.") from None
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(f"{url} cannot be fetched: {reason}. The same command goes on.") from None
    if total is not None and part.stat().st_size != total:
        raise UserError(f"{url} broke off at {part.stat().st_size:,} of {total:,} bytes: the same command goes on.")


def _total(headers: Message, have: int) -> int | None:
    """Return the bytes of the whole file, where the server says how many it sends."""
    length = headers.get("Content-Length")
    return have + int(length) if length else None


def _total_of_range(headers: Message) -> int | None:
    """Return the bytes of the whole file, from a refusal to send what lies beyond its end."""
    total = (headers.get("Content-Range") or "").rpartition("/")[2]
    return int(total) if total.isdecimal() else None
