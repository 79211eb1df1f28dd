"""What is not as it should be in a corpus: found once, by the reader, and told to everyone who asks.

A reader hands its problems on; a corpus' failures and notes are made from them, and `jcalib corpus check` lists them.
"""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from jcalib.corpora.recording import Failure
from jcalib.settings import UserError

if TYPE_CHECKING:
    import pandas as pd

# What each kind costs: "lost" a recording; "mended" nothing more than what the note says; "usual" is how such corpora
# are, and only the check tells it.
KINDS = {
    "no video": "lost",
    "unreadable video": "lost",
    "no header": "lost",
    "mostly unreadable": "lost",
    "too short": "lost",
    "person in two splits": "lost",
    "fewer frames than the header says": "lost",
    "unreadable crop": "lost",
    "labels do not fit": "lost",
    "no split": "lost",
    "failure": "lost",
    "unreadable line": "mended",
    "blank line": "mended",
    "labels and frames differ": "mended",
    "no crops": "mended",
    "two videos": "mended",
    "two editions": "mended",
    "two annotations": "mended",
    "no recording": "mended",
    "nothing annotated": "mended",
    "video without annotation": "mended",
    "frames without a row": "mended",
    "counted from 1": "mended",
    "far apart": "mended",
    "late clock": "mended",
    "empty crop": "mended",
    "few faces": "mended",
    "no gold standard": "mended",
    "no soundtrack": "mended",
    "note": "mended",
    "invalid frames": "usual",
    "invalid in one column": "usual",
    "lost faces": "usual",
    "crops beyond the end": "usual",
    "stray": "usual",
    "column": "usual",
    "no annotation": "usual",
    "byte-order mark": "usual",
}


class Problem(NamedTuple):
    """One thing that is not as it should be.

    Attributes:
        kind: one of `KINDS`.
        file: the file, from the corpus' folder.
        line: its line, counted from 1, where there is one.
        what: what was found.
        consequence: what is done about it.
        name: the recording that it is about, "" for none.
    """

    kind: str
    file: str
    line: int | None
    what: str
    consequence: str
    name: str = ""

    @property
    def cost(self) -> str:
        """ "lost", "mended" or "usual": see `KINDS`."""
        return KINDS[self.kind]


class UnusableCorpus(UserError):
    """A folder in which too little is left for a corpus; its problems say why."""

    def __init__(self, message: str, problems: Iterable[Problem]) -> None:
        super().__init__(f"{message} jcalib corpus check lists what is wrong.")
        self.problems = tuple(problems)


def problems_frame(problems: Iterable[Problem]) -> "pd.DataFrame":
    """Problems as a table with the columns file, line, what and consequence."""
    import pandas as pd

    columns = ["file", "line", "what", "consequence"]
    table = pd.DataFrame([(p.file, p.line, p.what, p.consequence) for p in problems], columns=columns)
    return table.astype({"line": "Int64"})


def failures_of(problems: Iterable[Problem]) -> list[Failure]:
    """The recordings that are lost, one row each; what else is wrong with them is in the same row."""
    lost: dict[str, list[Problem]] = {}
    for one in problems:
        if one.cost == "lost":
            lost.setdefault(one.name, []).append(one)
    return [Failure(name, "; ".join(one.what for one in found), found[0].consequence) for name, found in lost.items()]


def notes_of(problems: Iterable[Problem]) -> tuple[str, ...]:
    """What was mended in recordings that are not lost, one sentence a file and kind."""
    problems = list(problems)
    lost = {one.name for one in problems if one.cost == "lost"}
    mended: dict[tuple[str, str], list[Problem]] = {}
    for one in problems:
        if one.cost == "mended" and one.name not in lost:
            mended.setdefault((one.file, one.kind), []).append(one)
    return tuple(map(_sentence, mended.values()))


def as_problems(notes: Iterable[str]) -> tuple[Problem, ...]:
    """Notes on a corpus as a whole, for the table of everything that was not as it should be."""
    return tuple(Problem("note", "", None, note, "") for note in notes)


def count_kinds(problems: Iterable[Problem]) -> dict[str, int]:
    """How many problems there are of each kind, the costly kinds first."""
    found = Counter(one.kind for one in problems)
    return {kind: found[kind] for kind in KINDS if found[kind]}


def _sentence(alike: list[Problem]) -> str:
    first = alike[0]
    where = f"{first.file} line {first.line}: " if first.line else ""
    more = f" ({len(alike)} of this kind in the file)" if len(alike) > 1 else ""
    return f"{where}{first.what}{more}: {first.consequence}."
