"""The files in which the ABAW challenges take predictions of valence and arousal, edition by edition.

From the 5th challenge on it is one text file with the header `image_location,valence,arousal` and a row
`<video>/00001.jpg,v,a` for each image that the organisers' template names. Earlier it was one text file a video with
the header `valence,arousal` and a row a frame; its template is a folder of such files, or a list of the test set's
names, which says nothing about lengths.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jcalib.files import replacing
from jcalib.settings import UserError

if TYPE_CHECKING:
    import pandas as pd

SINGLE, BY_VIDEO = "image_location,valence,arousal", "valence,arousal"


@dataclass(frozen=True, eq=False)
class Template:
    """What a challenge wants predicted.

    Attributes:
        header: `SINGLE` or `BY_VIDEO`, which tells the edition.
        frames: by video, in the template's order, the frames (counted from 0) that are wanted, (n,); None for all.
        name: of the file that a single text file is written to.
    """

    header: str
    frames: dict[str, np.ndarray | None]
    name: str


class Filled(NamedTuple):
    """How one video's predictions were brought to the template's length.

    Attributes:
        video: its name.
        rows: written.
        predicted: frames that were predicted.
        padded: rows behind the last frame, which repeat its prediction.
        cut: predicted frames that the template does not ask for.
        held: frames with neither face nor voice, which take the nearest prediction.
    """

    video: str
    rows: int
    predicted: int
    padded: int
    cut: int
    held: int


def read_template(path: str | Path) -> Template:
    """Reads a template of any edition.

    Args:
        path: the single text file, a folder with one text file a video, or a list of names.

    Returns:
        The template; values in it are not looked at.

    Raises:
        UserError: it is none of these, or an image is not called `<video>/<number>.jpg`.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(one for one in path.glob("*.txt") if one.is_file() and not one.name.startswith("."))
        return Template(BY_VIDEO, {one.stem: np.arange(len(_rows(one, BY_VIDEO))) for one in files}, "")
    lines = _lines(path)
    if _plain(lines[0]) == SINGLE:
        return Template(SINGLE, _images(path), path.name)
    if any("," in line for line in lines):
        raise UserError(f"{path} begins with {lines[0][:40]!r}: a template begins with {SINGLE}, or lists names.")
    return Template(BY_VIDEO, dict.fromkeys(lines), "")


def fill(template: Template, predictions: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[Filled]]:
    """Brings predictions to the template's length.

    Args:
        template: what is wanted.
        predictions: by video, (T, 2); NaN where a frame has neither face nor voice.

    Returns:
        By video, in the template's order, (n, 2) in [-1, 1], and the counts. A video without any prediction becomes
        zeros, with `predicted` 0.

    Raises:
        UserError: a video's predictions are missing and the template does not say how long it is.
    """
    values, counts = {}, []
    for video, frames in template.frames.items():
        given = predictions.get(video, np.zeros((0, 2)))
        if frames is None and not len(given):
            raise UserError(
                f"{video} has no predictions, and a list does not say how many are wanted: jcalib corpus check says "
                "why it was left out; or take it off the list."
            )
        wanted = np.arange(len(given)) if frames is None else frames
        known = np.flatnonzero(np.isfinite(given).all(axis=1))
        beyond = int((wanted >= len(given)).sum()) if len(given) else 0
        unused = len(given) - len(np.unique(wanted[wanted < len(given)]))
        held = int((~np.isin(wanted[wanted < len(given)], known)).sum())
        if len(known):
            values[video] = given[_nearest(known, np.minimum(wanted, len(given) - 1))].clip(-1, 1)
        else:
            values[video] = np.zeros((len(wanted), 2))
        counts.append(Filled(video, len(wanted), len(known), beyond, unused, held))
    return values, counts


def write_values(template: Template, values: Mapping[str, np.ndarray], out: Path) -> list[Path]:
    """Writes predictions as the template's edition wants them, five digits each, and returns the files.

    Args:
        template: gives the edition, the order and the images' names.
        values: by video, (n, 2), a row for each wanted frame.
        out: folder.
    """
    rows = {video: [f"{valence:.5f},{arousal:.5f}" for valence, arousal in values[video]] for video in template.frames}
    if template.header == BY_VIDEO:
        return [_write(out / f"{video}.txt", [BY_VIDEO, *some]) for video, some in rows.items()]
    named = [
        f"{video}/{frame + 1:05d}.jpg,{row}"
        for video, frames in template.frames.items()
        for frame, row in zip(frames if frames is not None else (), rows[video], strict=True)
    ]
    return [_write(out / template.name, [SINGLE, *named])]


def read_values(path: str | Path) -> dict[str, np.ndarray]:
    """Reads a submission back, of either edition: by video, (n, 2).

    Args:
        path: the single text file, or a folder with one text file a video.

    Raises:
        UserError: a row is not what the header says.
    """
    path = Path(path)
    if path.is_dir():
        return {one.stem: _numbers(one, _rows(one, BY_VIDEO)) for one in sorted(path.glob("*.txt"))}
    rows: dict[str, list[str]] = {}
    for row in _rows(path, SINGLE):
        image, _, pair = row.partition(",")
        rows.setdefault(image.rpartition("/")[0], []).append(pair)
    return {video: _numbers(path, some) for video, some in rows.items()}


def counts_frame(counts: list[Filled]) -> "pd.DataFrame":
    """The counts as a table, one row a video."""
    import pandas as pd

    return pd.DataFrame(counts, columns=list(Filled._fields))


def _nearest(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The known frame next to each wanted one; of two as near, the earlier."""
    after = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    before = (after - 1).clip(min=0)
    return np.where(np.abs(known[before] - wanted) <= np.abs(known[after] - wanted), known[before], known[after])


def _images(path: Path) -> dict[str, np.ndarray | None]:
    frames: dict[str, list[int]] = {}
    for row in _rows(path, SINGLE):
        image = row.partition(",")[0].strip()
        video, _, file = image.rpartition("/")
        number, _, suffix = file.partition(".")
        if not video or suffix != "jpg" or not number.isdecimal() or int(number) < 1:
            raise UserError(f"{path.name} names the image {image[:60]!r}: it must be <video>/00001.jpg, from 1 on.")
        frames.setdefault(video, []).append(int(number) - 1)
    return {video: np.array(some) for video, some in frames.items()}


def _rows(path: Path, header: str) -> list[str]:
    """The lines behind a header."""
    first, *rest = _lines(path)
    if _plain(first) != header:
        raise UserError(f"{path.name} begins with {first[:40]!r}: its header must be {header}.")
    return rest


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8-sig", "replace")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name the organisers' file or folder.") from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise UserError(f"{path} is empty: name the organisers' file or folder.")
    return lines


def _numbers(path: Path, rows: list[str]) -> np.ndarray:
    try:
        return np.array([[float(value) for value in row.split(",")] for row in rows]).reshape(-1, 2)
    except ValueError:
        raise UserError(f"{path.name} has a row that is not two numbers: write it again.") from None


def _plain(line: str) -> str:
    return line.replace(" ", "").lower()


def _write(path: Path, lines: list[str]) -> Path:
    with replacing(path) as beside:
        beside.write_text("\n".join(lines) + "\n")
    return path
