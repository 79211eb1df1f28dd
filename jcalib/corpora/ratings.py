"""Files of ratings against time, as RECOLA and the AVEC challenges distribute them: CSV with semicolons, or ARFF."""

from pathlib import Path

import numpy as np

from jcalib.corpora.annotations import MASKED
from jcalib.corpora.problems import Problem
from jcalib.settings import UserError

UNKNOWN = ("", "?", "nan")


def read_ratings(path: Path, shown: str, name: str) -> tuple[np.ndarray, np.ndarray, list[Problem]]:
    """Reads one file of ratings.

    In CSV, semicolons, tabs or commas part the columns, whichever the first line has; a first line of names is looked
    at for the column of times, whose name holds "time" (the first column without such a line). In ARFF the names are
    the attributes'. Columns of text, such as the instance's name, do not count. A missing rating is "?", "nan" or
    empty; one that is no number counts as missing.

    Args:
        path: `.csv`, `.txt` or `.arff`.
        shown: how problems call the file.
        name: of the recording.

    Returns:
        Times (M,) in seconds, ratings (M, R), NaN where missing, one column a rater, and the ratings that cannot be
        read.

    Raises:
        UserError: a row does not fit, times do not ascend, or nothing is rated.
    """
    names, rows = _arff(path) if path.suffix.lower() == ".arff" else _csv(path)
    _check_widths(path, rows)
    table = [[_number(cell) for cell in row] for _, row in rows]
    at = next((column for column, head in enumerate(names) if "time" in head.lower()), None if names else 0)
    if at is None:
        raise UserError(f"{path.name} has the columns {', '.join(names)}: one of them must be a time.")
    text = {column for column, cells in enumerate(zip(*table, strict=True)) if _is_text(cells)}
    rated = [column for column in range(len(table[0])) if column != at and column not in text]
    if at in text or not rated:
        raise UserError(f"{path.name} has no column of {'times' if at in text else 'ratings'} that are numbers.")
    problems = [
        Problem("unreadable line", shown, line, f"{row[k]!r}: a rating must be a number", f"it {MASKED}", name)
        for (line, row), numbers in zip(rows, table, strict=True)
        for k in rated
        if numbers[k] is None
    ]
    values = np.array([[np.nan if row[k] is None else row[k] for k in (at, *rated)] for row in table], float)
    _check_times(path, rows, values[:, 0], at)
    return values[:, 0], values[:, 1:], problems


def _check_widths(path: Path, rows: list[tuple[int, list[str]]]) -> None:
    if not rows:
        raise UserError(f"{path.name} holds no ratings: it needs a time and a rating in each row.")
    for line, row in rows:
        if len(row) != len(rows[0][1]):
            raise UserError(f"{path.name} line {line} has {len(row)} values, the first row {len(rows[0][1])}: mend it.")


def _check_times(path: Path, rows: list[tuple[int, list[str]]], times: np.ndarray, at: int) -> None:
    for (line, row), time in zip(rows, times, strict=True):
        if np.isnan(time):
            raise UserError(f"{path.name} line {line} has the time {row[at]!r}: a time must be a number.")
    if not (np.diff(times) > 0).all():
        line = rows[int(np.argmin(np.diff(times) > 0)) + 1][0]
        raise UserError(f"{path.name} line {line} does not come later than the line before: times must ascend.")


def _is_text(cells: tuple[float | None, ...]) -> bool:
    """Whether a column holds more texts than numbers; one cell that is mistyped makes no text of a rater."""
    return sum(cell is None for cell in cells) > sum(cell is not None and not np.isnan(cell) for cell in cells)


def _csv(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    text = path.read_text("utf-8-sig", "replace")
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        return [], []
    delimiter = max(";\t,", key=lines[0][1].count)
    rows = [(number, _cells(line, delimiter)) for number, line in lines]
    first = rows[0][1]
    if any(_number(cell) is not None and cell not in UNKNOWN for cell in first):
        return [], rows
    return first, rows[1:]


def _arff(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    names, rows, data = [], [], False
    for number, line in enumerate(path.read_text("utf-8-sig", "replace").splitlines(), 1):
        words = line.split()
        if not words or line.startswith("%"):
            continue
        if data:
            rows.append((number, _cells(line, ",")))
        elif words[0].lower() == "@attribute":
            names.append(words[1].strip("'\""))
        data = data or words[0].lower() == "@data"
    return names, rows


def _cells(line: str, delimiter: str) -> list[str]:
    """A row's cells; a delimiter at its end opens no other."""
    return [cell.strip().strip("'\"") for cell in line.strip().removesuffix(delimiter).split(delimiter)]


def _number(cell: str) -> float | None:
    """A number, NaN where it is unknown, None where it is text."""
    if cell.lower() in UNKNOWN:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        return None
