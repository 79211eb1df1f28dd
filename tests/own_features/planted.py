"""Folders of own features with a planted truth: the label is a function of the voice alone, the face is noise."""

from pathlib import Path

import numpy as np

from jcalib.files import replacing

WIDTHS = {"audio": 12, "visual": 20}
ROLES = ("fusion",) * 12 + ("selection",) * 5 + ("report",) * 12


def smooth(rng: np.random.Generator, steps: int, columns: int = 2) -> np.ndarray:
    """Slow courses within [-1, 1]: (steps, columns)."""
    time, phase = np.arange(steps)[:, None], rng.uniform(0, 6.28, (3, columns))
    return sum(np.sin(time * (0.21, 0.37, 0.55)[k] + phase[k]) for k in range(3)) / 3


def planted(
    seed: int, steps: int = 40, one_label: bool = False, shuffled: bool = False, mixing: int = 0
) -> dict[str, np.ndarray]:
    """Return the arrays of one recording.

    Args:
        seed: of the recording.
        steps: N.
        one_label: whether its label is one constant, which the voice carries throughout.
        shuffled: whether the labels belong to nobody's voice.
        mixing: seed of what all recordings have in common.
    """
    rng = np.random.default_rng([seed, 7])
    weights = np.random.default_rng(mixing).normal(size=(2, WIDTHS["audio"]))
    level = rng.uniform(-0.9, 0.9, 2)
    labels = np.tile(level, (steps, 1)) if one_label else smooth(rng, steps)
    audio = labels @ weights + 0.3 * rng.normal(size=(steps, WIDTHS["audio"]))
    if shuffled:
        level, labels = rng.uniform(-0.9, 0.9, 2), smooth(rng, steps)
    return {
        "audio": audio,
        "visual": rng.normal(size=(steps, WIDTHS["visual"])),
        "target": level if one_label else labels,
    }


def save(folder: Path, name: str, **arrays: np.ndarray) -> Path:
    """Write one recording as .npz."""
    path = folder / f"{name}.npz"
    with replacing(path) as beside, beside.open("wb") as stream:
        np.savez(stream, **arrays)
    return path


def write_splits(folder: Path, rows: dict[str, tuple[str, ...]], head: str = "recording,person,role") -> None:
    """Write splits.csv."""
    lines = [head, *(",".join((name, *values)) for name, values in rows.items())]
    (folder / "splits.csv").write_text("\n".join(lines) + "\n")


def planted_folder(folder: Path, roles: tuple[str, ...] = ROLES, **options: object) -> Path:
    """Write a recording a role, r00, r01, ... of persons p00, p01, ..., and splits.csv."""
    rows = {}
    for number, role in enumerate(roles):
        save(folder, f"r{number:02d}", **planted(number, **options))  # type: ignore[arg-type]
        rows[f"r{number:02d}"] = (f"p{number:02d}", role)
    write_splits(folder, rows)
    return folder
