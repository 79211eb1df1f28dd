"""Valence and arousal as users write them down: a line a frame, by number of frame, or by time stamp.

The columns `valence` and `arousal` are needed, in [-1, 1]; empty, `nan` and -5 are "not annotated". Beside them:

    nothing         row i is frame i
    frame           the frame's number, counted from 0, or from 1 where the first is 1; frames between are not annotated
    time            seconds on the container's clock, interpolated to the frames' times
    recording       whose row it is, in a file for many
"""

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jcalib.corpora.annotations import INVALID, LEFT_OUT, MASKED, MOST_UNREADABLE
from jcalib.corpora.labels import interpolate_labels
from jcalib.corpora.problems import Problem
from jcalib.corpora.tables import Table, read_table
from jcalib.settings import UserError

TARGETS = ("valence", "arousal")
KNOWN = ("recording", "frame", "time", *TARGETS)
BRIDGED_S = 1.0  # the longest stretch that is interpolated, or three usual steps where those are longer
USUAL_STEPS = 3
BEYOND = 1.5  # times a video's length up to which time stamps may go on
REACHED = 0.05  # of a video's length that time stamps reach at least: minutes taken for seconds reach a sixtieth
TOLD = 0.1  # of a video's frames that time stamps may leave without a label before it is said


class Trace(NamedTuple):
    """One recording's annotation, as written.

    Attributes:
        kind: "line", "frame" or "time".
        at: float (M,), the frame's number or the time in seconds; the row's number for "line".
        values: float (M, 2), NaN where not annotated.
        lines: int (M,), in the file.
        file: how messages call the file.
    """

    kind: str
    at: np.ndarray
    values: np.ndarray
    lines: np.ndarray
    file: str


def read_traces(path: Path, shown: str, whose: str | None = None) -> tuple[dict[str, Trace], list[Problem]]:
    """Reads an annotation file to its end; a row that cannot be read counts as not annotated.

    Args:
        path: the file.
        shown: how messages call it.
        whose: the recording's name; None for a file for many, which names it in each row.

    Returns:
        A trace a recording, and what is not as it should be. A file or a trace that cannot be used has none.
    """
    problems: list[Problem] = []
    needed = TARGETS if whose else ("recording", *TARGETS)
    try:
        table = read_table(path, needed, KNOWN)
        _check_clock(table)
    except UserError as error:
        return {}, [Problem("no header", shown, 1, str(error), LEFT_OUT, whose or "")]
    for name in sorted(set(table.columns) - set(KNOWN)):
        problems.append(Problem("column", shown, 1, f"a column {name!r}", "ignored", whose or ""))
    kind = next((name for name in ("frame", "time") if name in table.columns), "line")
    if {"frame", "time"} <= set(table.columns):
        problems.append(Problem("column", shown, 1, "a column 'time' beside 'frame'", "ignored", whose or ""))
    rows: dict[str, list[tuple[float, float, float, int]]] = {}
    for line, cells in table.rows:
        if kind != "line" and not any(cells):
            continue
        name = whose or _name(table, cells)
        own = rows.setdefault(name, [])
        at = _place(table, cells, kind)
        values = _values(table, cells, kind, at)
        if isinstance(values, str):
            what = f"{' '.join(cells)[:40]!r}: {values}"
            problems.append(Problem("unreadable line", shown, line, what, MASKED, name))
            values = (np.nan, np.nan)
        own.append((at, *values, line))
    traces = {}
    for name, written in rows.items():
        trace = _trace(kind, written, shown)
        lost = _mostly_unreadable(name, len(written), problems, shown)
        problems += lost
        if not lost:
            traces[name] = trace
    if whose and not rows:
        problems.append(Problem("nothing annotated", shown, None, f"{path.name} has no rows", LEFT_OUT, whose))
    return traces, problems


def labels_of(trace: Trace, times: np.ndarray, name: str) -> tuple[np.ndarray, list[Problem]]:
    """Brings an annotation to a recording's frames.

    Args:
        trace: as written.
        times: (T,) seconds of the frames on the container's clock, ascending.
        name: of the recording.

    Returns:
        float32 (T, 2), or fewer where there are fewer lines than frames; and what is not as it should be.

    Raises:
        UserError: time stamps cannot be those of the video, or a frame or a time is there twice.
    """
    match trace.kind:
        case "line":
            return _by_line(trace, len(times), name)
        case "frame":
            return _by_frame(trace, len(times), name)
        case _:
            return _by_time(trace, times, name)


def _by_line(trace: Trace, frames: int, name: str) -> tuple[np.ndarray, list[Problem]]:
    labels = trace.values.astype(np.float32)
    if len(labels) == frames:
        return labels, []
    what = f"{name} has {len(labels)} labels for {frames} frames"
    found = Problem("labels and frames differ", trace.file, None, what, "the shorter counts", name)
    return labels[:frames], [found]


def _by_frame(trace: Trace, frames: int, name: str) -> tuple[np.ndarray, list[Problem]]:
    problems, number = [], trace.at
    if len(number) and number.min() == 1:
        number = number - 1
        what, done = "the first frame is 1", "frames are counted from 1"
        problems.append(Problem("counted from 1", trace.file, int(trace.lines[0]), what, done, name))
    _refuse_twice(trace, number, "frame")
    inside = number < frames
    if not inside.all():
        what = f"{int((~inside).sum())} rows lie beyond the {frames} frames (up to {trace.at.max():.0f})"
        problems.append(Problem("labels and frames differ", trace.file, None, what, "they do not count", name))
    labels = np.full((frames, len(TARGETS)), np.nan, np.float32)
    labels[number[inside].astype(int)] = trace.values[inside]
    missing = frames - int(inside.sum())
    if missing:
        what = f"{missing} of {frames} frames have no row"
        problems.append(Problem("frames without a row", trace.file, None, what, f"each {MASKED}", name))
    return labels, problems


def _by_time(trace: Trace, times: np.ndarray, name: str) -> tuple[np.ndarray, list[Problem]]:
    order = np.argsort(trace.at, kind="stable")
    stamps, values = trace.at[order], trace.values[order]
    _check_seconds(stamps, times)
    _refuse_twice(trace, trace.at, "time")
    step = float(np.median(np.diff(stamps))) if len(stamps) > 1 else 0.0
    gap = max(BRIDGED_S, USUAL_STEPS * step)
    problems = []
    if step > BRIDGED_S:
        what = f"time stamps of {name} are {step:.3g} s apart"
        problems.append(Problem("far apart", trace.file, None, what, "labels between are interpolated", name))
    reached = interpolate_labels(stamps, np.zeros((len(stamps), 1)), times, gap)  # whatever the values are
    missing = int(np.isnan(reached).sum())
    if len(stamps) and missing > TOLD * len(times):
        what = (
            f"time stamps of {name}, from {stamps[0]:.3g} to {stamps[-1]:.3g} s, leave {missing} of {len(times)} "
            "frames without a label"
        )
        problems.append(Problem("frames without a row", trace.file, None, what, f"each {MASKED}", name))
    return interpolate_labels(stamps, values, times, gap), problems


def _check_seconds(stamps: np.ndarray, times: np.ndarray) -> None:
    """Refuses stamps that end long after the video, as milliseconds do, or soon after its start, as minutes do."""
    end = float(times[-1]) + (float(np.median(np.diff(times))) if len(times) > 1 else 0.0)
    if len(stamps) and stamps[-1] > max(BEYOND * end, end + 2):
        raise UserError(
            f"times reach {stamps[-1]:,.0f} for a video of {end:.1f} s: they must be seconds on the video's own clock."
        )
    if len(stamps) and stamps[-1] < REACHED * end:
        raise UserError(
            f"times reach {stamps[-1]:.2g} s for a video of {end:.1f} s: they must be seconds on the video's own "
            "clock, or a last row of -5 says that the rest is not annotated."
        )


def _refuse_twice(trace: Trace, at: np.ndarray, what: str) -> None:
    order = np.argsort(at, kind="stable")
    same = np.flatnonzero(np.diff(at[order]) == 0)
    if len(same):
        first, second = sorted(trace.lines[order[same[0] : same[0] + 2]].tolist())
        raise UserError(
            f"{trace.file} has {what} {trace.at[order[same[0]]]:g} in line {first} and in line {second}: "
            "one row is needed; average several raters first."
        )


def _check_clock(table: Table) -> None:
    """Refuses a clock under another name: its rows would pass for frames."""
    if {"frame", "time"} & set(table.columns):
        return
    for index, name in enumerate(table.columns):
        if name in KNOWN:
            continue
        try:
            values = [table.number(cells[index]) for _, cells in table.rows[:100]]
        except (ValueError, IndexError):
            continue
        if len(values) > 2 and all(one < other for one, other in pairwise(values)):
            raise UserError(
                f"{table.name} has a column {name!r} that ascends like a clock: name it time (in seconds) or frame, "
                "or take it away where row i is frame i."
            )


def _name(table: Table, cells: list[str]) -> str:
    index = table.columns.index("recording")
    return cells[index] if index < len(cells) else ""


def _place(table: Table, cells: list[str], kind: str) -> float:
    """Where a row stands, whatever its values are; NaN where it does not say, 0 where rows are counted."""
    if kind == "line":
        return 0.0
    try:
        at = table.number(cells[table.columns.index(kind)])
    except (ValueError, IndexError):
        return np.nan
    fits = kind == "time" or (at >= 0 and at % 1 == 0)
    return at if np.isfinite(at) and fits else np.nan


def _values(table: Table, cells: list[str], kind: str, at: float) -> tuple[float, float] | str:
    """A row's two values, or the rule that it breaks."""
    misfit = table.misfit(cells)
    if misfit:
        return misfit
    if np.isnan(at):
        return f"{kind} must be a whole number, 0 or more" if kind == "frame" else f"{kind} must be a number"
    numbers = []
    for name in TARGETS:
        try:
            numbers.append(table.number(cells[table.columns.index(name)]))
        except ValueError:
            return f"{name} must be a number"
        if not (abs(numbers[-1]) <= 1 or numbers[-1] == INVALID or np.isnan(numbers[-1])):
            return f"{name} lies in [-1, 1], or is {INVALID}"
    return numbers[0], numbers[1]


def _trace(kind: str, written: list[tuple[float, float, float, int]], shown: str) -> Trace:
    rows = np.array(written, float).reshape(-1, 4)
    rows = rows[np.isfinite(rows[:, 0])]
    if kind != "line":
        rows = rows[_adds(rows[:, 0], np.isnan(rows[:, 1:3]).all(axis=1))]
    at = np.arange(len(rows), dtype=float) if kind == "line" else rows[:, 0]
    values = np.where(rows[:, 1:3] == INVALID, np.nan, rows[:, 1:3])
    return Trace(kind, at, values, rows[:, 3].astype(int), shown)


def _adds(at: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Which rows add something: one without a value adds nothing to another one of its place."""
    order = np.lexsort((empty, at))  # at each place those with values come first
    again = np.concatenate([[False], np.diff(at[order]) == 0])[: len(at)]
    adds = np.ones(len(at), bool)
    adds[order] = ~(again & empty[order])
    return adds


def _mostly_unreadable(name: str, rows: int, problems: list[Problem], shown: str) -> list[Problem]:
    bad = [one for one in problems if one.kind == "unreadable line" and one.name == name]
    if len(bad) <= MOST_UNREADABLE * rows:
        return []
    what = f"{len(bad)} of {rows} lines cannot be read (line {bad[0].line} is {bad[0].what})"
    return [Problem("mostly unreadable", shown, None, what, LEFT_OUT, name)]
