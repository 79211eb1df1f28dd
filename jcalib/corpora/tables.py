"""Small tables that people wrote: CSV by hand, by a spreadsheet or by an annotation tool, of any country."""

import csv
import difflib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jcalib.settings import UserError

DELIMITERS = (",", ";", "\t")
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


class Table(NamedTuple):
    """A table of texts.

    Attributes:
        name: the file's.
        columns: their names, in small letters.
        rows: the line in the file, counted from 1, and the cells; a row may be too short or too long.
        decimal: what stands before decimals: a comma too, where commas do not part columns.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    decimal: str

    def column(self, name: str) -> int | None:
        """Where a column is, or None."""
        return self.columns.index(name) if name in self.columns else None

    def misfit(self, cells: Sequence[str]) -> str:
        """The rule that a row breaks which has not one cell a column, or nothing."""
        if len(cells) == len(self.columns):
            return ""
        remedy = ""
        if self.decimal == "." and len(cells) > len(self.columns):
            remedy = "; decimal commas need semicolons between the columns"
        return f"{len(cells)} values for {len(self.columns)} columns{remedy}"

    def number(self, cell: str) -> float:
        """A cell as a number; NaN where it is empty.

        Raises:
            ValueError: it is none.
        """
        if "_" in cell:  # which Python takes for a number's
            raise ValueError
        return float(cell.replace(",", ".") if self.decimal == "," else cell) if cell else float("nan")


def read_table(path: Path, needed: Sequence[str], known: Sequence[str]) -> Table:
    """Reads a table; commas, semicolons or tabs part its columns, whichever its first line shows.

    Args:
        path: the file; byte-order marks and line ends of any system do not matter, blank lines are no rows,
            rows of empty cells are.
        needed: names of columns that it must have.
        known: names of all columns that mean something.

    Raises:
        UserError: the file cannot be read, a needed column is missing, or one has nearly the name of a known one.
    """
    text = _decoded(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise UserError(f"{path.name} cannot be read as a table ({error}): save it as CSV.") from None
    rows = [(number, cells) for number, cells in lines if len(cells) > 1 or any(cells)]
    if not any(any(cells) for _, cells in rows):
        raise UserError(f"{path.name} is empty: its first line names the columns, such as {','.join(needed)}.")
    columns = tuple(cell.lower() for cell in rows[0][1])
    _check_columns(path.name, columns, needed, known)
    return Table(path.name, columns, rows[1:], "." if delimiter == "," else ",")


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be opened ({error.strerror}).") from None
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # what spreadsheets write in the West
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_columns(file: str, columns: tuple[str, ...], needed: Sequence[str], known: Sequence[str]) -> None:
    for name in needed:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            hint = f" {near[0]!r} comes near." if near else ""
            shown = ",".join(columns)[:60]
            raise UserError(f"{file} has no column {name!r}:{hint} its first line names the columns, it is {shown!r}.")
    for name in columns:
        near = difflib.get_close_matches(name, set(known) - set(columns), n=1, cutoff=0.7)
        if name not in known and near:
            raise UserError(f"{file} has a column {name!r}: did you mean {near[0]!r}?")
        if name in known and columns.count(name) > 1:
            raise UserError(f"{file} has the column {name!r} twice: once is enough.")
