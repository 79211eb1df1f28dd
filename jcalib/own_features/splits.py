"""Who is trained on and who is reported: `splits.csv` of a folder of own features, or a seeded deal."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jcalib.corpora.affwild2 import ROLE_OF_SPLIT
from jcalib.corpora.splits import SHORT, SPLITS, check_sides
from jcalib.corpora.tables import read_table
from jcalib.own_features.files import SUFFIXES
from jcalib.settings import Split, UserError, choose

FILE = "splits.csv"
COLUMNS = ("recording", "person", "split", "role")
ROLES = ("fusion", "selection", "report", "test")


class Place(NamedTuple):
    """What one recording is used for."""

    person: str
    role: str


def read_places(folder: Path, recordings: Iterable[str], split: Split, seed: int) -> tuple[dict[str, Place], list[str]]:
    """Say what each recording is used for, by `splits.csv`, or by a seeded deal where it says nothing.

    Args:
        folder: of the features.
        recordings: names of the files.
        split: the proportions of a deal. Nobody trains an encoder here, so that fusions get the encoders' persons too.
        seed: of the deal.

    Returns:
        The place of each recording that has one, also of those without a file; and what was taken for granted.

    Raises:
        UserError: `splits.csv` cannot be read, or a person is on both sides of a split.
    """
    rows = _read(folder / FILE) if (folder / FILE).is_file() else [{"recording": one} for one in sorted(recordings)]
    persons = {row["recording"]: row.get("person") or row["recording"] for row in rows}
    named = any(row.get("person") for row in rows)
    notes = [] if named else [f"{FILE} names no persons: each recording counts as a person of its own."]
    column = next((name for name in ("role", "split") if name in rows[0]), None)
    if column is None:
        roles = deal(set(persons.values()), _shares(split), seed)
        dealt = ", ".join(f"{role} {list(roles.values()).count(role)}" for role in dict.fromkeys(roles.values()))
        notes.append(f"no split is given: persons were dealt out with seed {seed} ({dealt}), as the preset splits.")
        return {name: Place(person, roles[person]) for name, person in persons.items()}, notes
    sides = {row["recording"]: _side(row, column) for row in rows}
    check_sides(persons, sides)
    if column == "role":
        return {name: Place(persons[name], side) for name, side in sides.items()}, notes
    trained = {persons[name] for name, side in sides.items() if side == "train"}
    shares = {role: count for role, count in _shares(split).items() if role != "report"}
    roles = deal(trained, shares, seed)
    chosen = sum(role == "selection" for role in roles.values())
    notes.append(f"{chosen} of {len(roles)} train persons choose the epoch, dealt out with seed {seed}.")
    return {
        name: Place(persons[name], roles[persons[name]] if side == "train" else ROLE_OF_SPLIT[side])
        for name, side in sides.items()
    }, notes


def deal(persons: set[str], shares: Mapping[str, int], seed: int) -> dict[str, str]:
    """Deal persons out to roles in the proportion of the shares; what is left by rounding goes to the first role.

    Args:
        persons: who.
        shares: by role, the first one being that which needs persons most.
        seed: of the shuffle. Persons are sorted before it, so that the order of files does not matter.

    Returns:
        Each person's role. A reported person is kept wherever there are two persons or more.
    """
    shuffled = np.random.default_rng(seed).permutation(sorted(persons)).tolist()
    first, *others = shares
    counts = {role: round(len(persons) * shares[role] / sum(shares.values())) for role in others}
    if "report" in counts and len(persons) > 1:
        counts["report"] = max(counts["report"], 1)
    names = [first] * (len(persons) - sum(counts.values())) + [role for role in others for _ in range(counts[role])]
    return dict(zip(shuffled, names, strict=True))


def _shares(split: Split) -> dict[str, int]:
    return {"fusion": split.encoder + split.fusion, "selection": split.selection, "report": split.report}


def _read(path: Path) -> list[dict[str, str]]:
    """Return the rows, by the names of their columns."""
    table = read_table(path, ["recording"], COLUMNS)
    if {"split", "role"} <= set(table.columns):
        raise UserError(f"{FILE} has a split and a role: keep one of the two columns.")
    rows: dict[str, dict[str, str]] = {}
    for line, cells in ((line, cells) for line, cells in table.rows if any(cells)):
        if table.misfit(cells):
            raise UserError(f"{FILE} line {line} has {table.misfit(cells)}.")
        row = dict(zip(table.columns, cells, strict=True))
        row["recording"] = _without_suffix(row["recording"])
        if row["recording"] in rows:
            raise UserError(f"{FILE} names {row['recording']!r} twice: a recording has one row.")
        rows[row["recording"]] = row
    if not rows:
        raise UserError(f"{FILE} has no rows: name each recording, its person and split, or take the file away.")
    return list(rows.values())


def _without_suffix(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def _side(row: Mapping[str, str], column: str) -> str:
    said = row[column].lower()
    return choose(SHORT.get(said, said), ROLES if column == "role" else SPLITS, f"{column} of {row['recording']}")
