"""Annotation files of Aff-Wild2: a header, then `valence,arousal` a frame; -5 is the annotators' mark for "invalid"."""

from pathlib import Path

import numpy as np

from jcalib.corpora.problems import Problem

HEADER = "valence,arousal"
INVALID = -5
MOST_UNREADABLE = 0.1  # of a file's lines; beyond it the file is something else
LEFT_OUT = "recording left out"
MASKED = "counts as not annotated"


def read_annotation(path: Path, shown: str) -> tuple[np.ndarray, list[Problem]]:
    """Reads one annotation file to its end, whatever is wrong with it.

    Line i after the header is frame i. A line that is not two numbers in [-1, 1] or -5 costs its frame; a blank line
    is no frame; -5 costs its own column only. Byte-order marks and line ends of any system do not matter.

    Args:
        path: the text file.
        shown: how messages call it.

    Returns:
        float32 (T, 2), NaN where not annotated, and what is not as it should be. Where the header is missing or more
        than a tenth of the lines cannot be read, one of these costs the recording.
    """
    text = path.read_bytes().decode("utf-8", "replace")
    name = path.stem
    problems: list[Problem] = []
    if text.startswith("\ufeff"):
        problems.append(Problem("byte-order mark", shown, 1, "a byte-order mark", "ignored", name))
    lines = [line.strip() for line in text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    header = next((number for number, line in enumerate(lines) if line), None)
    if header is None or lines[header].replace(" ", "").lower() != HEADER:
        found = f"it is {lines[header][:40]!r}" if header is not None else "the file is empty"
        what = f"{path.name} does not begin with the line {HEADER}, {found}"
        return np.zeros((0, 2), np.float32), [*problems, Problem("no header", shown, 1, what, LEFT_OUT, name)]
    last = max(number for number, line in enumerate(lines) if line)
    rows = []
    for number, line in enumerate(lines[header + 1 : last + 1], header + 2):
        if not line:
            problems.append(Problem("blank line", shown, number, "a blank line", "it is no frame", name))
            continue
        values = _values(line)
        if isinstance(values, str):
            what = f"{line[:40]!r}: {values}"
            problems.append(Problem("unreadable line", shown, number, what, f"the frame {MASKED}", name))
            values = (np.nan, np.nan)
        rows.append(values)
    labels = np.array(rows, np.float32).reshape(-1, 2)
    problems += _judge(labels, problems, shown, name)
    labels[labels == INVALID] = np.nan
    return labels, problems


def _values(line: str) -> tuple[float, float] | str:
    """The two numbers of a line, or the rule that it breaks."""
    try:
        valence, arousal = (float(value) for value in line.split(","))
    except ValueError:
        return f"a line must be {HEADER}"
    if all(abs(value) <= 1 or value == INVALID for value in (valence, arousal)):
        return valence, arousal
    return f"a label lies in [-1, 1], or is {INVALID}"


def _judge(labels: np.ndarray, problems: list[Problem], shown: str, name: str) -> list[Problem]:
    """What the file as a whole shows."""
    found = []
    unreadable = sum(one.kind == "unreadable line" for one in problems)
    if unreadable > MOST_UNREADABLE * len(labels):
        first = next(one for one in problems if one.kind == "unreadable line")
        what = f"{unreadable} of {len(labels)} lines cannot be read (line {first.line} is {first.what})"
        found.append(Problem("mostly unreadable", shown, None, what, LEFT_OUT, name))
    invalid = labels == INVALID
    both, one = int(invalid.all(axis=1).sum()), int((invalid.sum(axis=1) == 1).sum())
    if both:
        what = f"{both} of {len(labels)} frames have {INVALID} in both columns"
        found.append(Problem("invalid frames", shown, None, what, f"each {MASKED}", name))
    if one:
        what = f"{one} of {len(labels)} frames have {INVALID} in one column"
        found.append(
            Problem("invalid in one column", shown, None, what, f"that column {MASKED}, the other counts", name)
        )
    return found
