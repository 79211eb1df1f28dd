"""Who is in a recording and on which side of the split: `persons.csv`, `splits.csv`, or a seeded deal by person."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jcalib.corpora.affwild2 import CONTAINERS
from jcalib.corpora.problems import Problem
from jcalib.corpora.tables import read_table
from jcalib.settings import Split, UserError, choose

FILES = ("persons.csv", "splits.csv")
SPLITS = ("train", "validation", "test")
SHORT = {"training": "train", "val": "validation", "valid": "validation", "dev": "validation"}


class Place(NamedTuple):
    """A recording's person and split."""

    person: str
    split: str


class Places(NamedTuple):
    """The place of each recording, what was taken for granted, one sentence each, and the rows that name none."""

    of: dict[str, Place]
    notes: list[str]
    problems: list[Problem]


def recording_of(written: str) -> str:
    """The recording's name where its video's may be written; a dot in a name is no suffix."""
    path = Path(written)
    return path.stem if path.suffix.lower() in CONTAINERS else written


def read_places(root: Path, recordings: Iterable[str], split: Split, seed: int, lost: Iterable[str] = ()) -> Places:
    """Says who is in each recording and on which side of the split.

    Args:
        root: folder in which `persons.csv` or `splits.csv`, or both, have the columns recording, person and split.
        recordings: their names.
        split: the proportion in which persons are dealt out to train and validation where no split is given.
        seed: of the deal.
        lost: names of recordings that are there and cannot be used; a row may name them.

    Returns:
        The places. A recording that no row names counts as a person of its own; where others have a split it has none
        and no place.

    Raises:
        UserError: a file cannot be read, a person is on both sides, or fewer than three persons would be dealt out.
    """
    names, notes = sorted(recordings), []
    said, problems = _read_files(root, {*names, *lost})
    persons = {name: said.get(name, {}).get("person") or name for name in names}
    alone = [name for name in names if not said.get(name, {}).get("person")]
    if alone:
        which = "every recording" if len(alone) == len(names) else f"{len(alone)} recordings ({_few(alone)})"
        notes.append(f"No person is named for {which}: each counts as a person of its own; persons.csv can say more.")
    splits = {name: said[name]["split"] for name in names if said.get(name, {}).get("split")}
    if not splits:
        dealt, sentence = _deal(set(persons.values()), split, seed)
        places = {name: Place(persons[name], dealt[persons[name]]) for name in names}
        return Places(places, [*notes, sentence], problems)
    check_sides(persons, splits)
    return Places({name: Place(persons[name], splits[name]) for name in splits}, notes, problems)


def comes_near(name: str, known: Iterable[str]) -> str:
    """Returns "; 'anna' comes near" where a name was meant that there is, also one in another case, or nothing."""
    plain = {one.lower(): one for one in sorted(known)}
    near = difflib.get_close_matches(name.lower(), plain, n=1)
    return f"; {plain[near[0]]!r} comes near" if near else ""


def _read_files(root: Path, known: Collection[str]) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """What the files say of each recording, by column, and the rows that say it of none."""
    said: dict[str, dict[str, str]] = {}
    problems = []
    for file, line, row in _rows(root):
        name = recording_of(row["recording"])
        if name not in known:
            what = f"there is no recording named {name!r}{comes_near(name, known)}"
            problems.append(Problem("no recording", file, line, what, "the row does not count", name))
        own = said.setdefault(name, {})
        for column in ("person", "split"):
            value = row.get(column, "")
            if column == "split" and value:
                value = choose(SHORT.get(value.lower(), value.lower()), SPLITS, f"split in {file} line {line}")
            if value and own.setdefault(column, value) != value:
                raise UserError(
                    f"{file} line {line} gives {row['recording']} the {column} {value!r} after {own[column]!r}: "
                    "a recording has one."
                )
    return said, problems


def _rows(root: Path) -> Iterator[tuple[str, int, dict[str, str]]]:
    """The file, the line and the cells by column of each row."""
    for file in FILES:
        if not (root / file).is_file():
            continue
        table = read_table(root / file, ["recording"], ["recording", "person", "split"])
        if not {"person", "split"} & set(table.columns):
            raise UserError(f"{file} has neither person nor split: its columns are recording, person and split.")
        for line, cells in ((line, cells) for line, cells in table.rows if any(cells)):
            if table.misfit(cells):
                raise UserError(f"{file} line {line} has {table.misfit(cells)}.")
            yield file, line, dict(zip(table.columns, cells, strict=True))


def check_sides(persons: Mapping[str, str], splits: Mapping[str, str]) -> None:
    """Refuses a person on two sides: whom the model was trained on says nothing of new persons.

    Raises:
        UserError: naming the person and a recording on each side.
    """
    first: dict[str, str] = {}
    for name, side in splits.items():
        other = first.setdefault(persons[name], name)
        if splits[other] != side:
            raise UserError(
                f"{persons[name]} is in {splits[other]} ({other}) and in {side} ({name}): a person stands on one side "
                "of a split. Mend splits.csv."
            )


def _deal(persons: set[str], split: Split, seed: int) -> tuple[dict[str, str], str]:
    n = len(persons)
    if n < 3:
        raise UserError(f"{n} persons have usable recordings: encoders, fusions and the report need one each at least.")
    shuffled = np.random.default_rng(seed).permutation(sorted(persons)).tolist()
    report = min(max(round(n * split.report / split.persons), 1), n - 2)
    dealt = dict.fromkeys(shuffled[report:], "train") | dict.fromkeys(shuffled[:report], "validation")
    return dealt, (
        f"No split is given: of {n} persons {report} are reported ({_few(sorted(shuffled[:report]))}) and {n - report} "
        f"trained on, dealt out with seed {seed} as the preset splits."
    )


def _few(names: list[str], shown: int = 5) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
