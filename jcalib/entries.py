"""Whether a checkpoint's entries are those that a module has: the first differences, in one line."""

from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor

SHOWN = 3  # differences; the rest is counted


def check_entries(state: Mapping[str, Tensor], shapes: Mapping[str, Sequence[int]], what: str) -> None:
    """Refuse entries that are not exactly the expected ones.

    Args:
        state: the entries, by name.
        shapes: the expected shape of every entry.
        what: the checkpoint that was expected, for the message ("the published cam.py weights").

    Raises:
        ValueError: an entry is missing, unknown or of another shape.
    """
    differences = [f"{name} is missing" for name in shapes if name not in state]
    differences += [f"{name} is unknown" for name in state if name not in shapes]
    differences += [
        f"{name} is {tuple(state[name].shape)}, expected {tuple(shape)}"
        for name, shape in shapes.items()
        if name in state and tuple(state[name].shape) != tuple(shape)
    ]
    if differences:
        raise ValueError(f"not {what}: {first_of(differences)}.")


def first_of(things: Iterable[str]) -> str:
    """Return the first few of some words, and how many more there are."""
    every = list(things)
    more = f"; and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return "; ".join(every[:SHOWN]) + more
