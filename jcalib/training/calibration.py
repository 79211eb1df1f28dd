"""How far off a run's predictions are: the interval around a prediction on a new person, by split conformal.

The interval is the mean over seeds plus and minus one half-width per target, cut to [-1, 1]. The half-width is a
quantile of the absolute residuals on the selection persons. Frames of one person are alike, so persons, not frames, are
the units that are exchangeable, and each person weighs the same however long the recording (Lee, Barber and Willett,
arXiv 2306.06342). A guarantee of `LEVEL` for a new person takes the quantile at LEVEL (K + 1) / K of K persons, which
exists from 9 persons on at 90 %. With fewer the quantile at LEVEL itself is taken (CDF pooling of Dunn, Wasserman and
Ramdas, arXiv 1809.07441), which guarantees LEVEL K / (K + 1) only. Both leave out that the epochs were chosen on the
same persons; so the coverage on the report persons, who chose nothing, is measured beside.
"""

import numpy as np
import pandas as pd

from jcalib.settings import Settings

LEVEL = 0.9


class Calibration(Settings):
    """The interval of one target, and what is known about it.

    Attributes:
        level: nominal coverage.
        half_width: added and subtracted; None where there was nobody to calibrate on.
        persons: K, selection persons.
        frames: residuals of these persons.
        rank: of the residual that became the half-width, the smallest is 1.
        guaranteed: coverage of a random frame of a new person that K persons can promise, before the choice of epochs.
        coverage: measured on the report persons, each weighing the same; None where it could not be.
        lowest: the lowest coverage of a report person.
        report_persons: how many.
    """

    level: float = LEVEL
    half_width: float | None = None
    persons: int = 0
    frames: int = 0
    rank: int | None = None
    guaranteed: float | None = None
    coverage: float | None = None
    lowest: float | None = None
    report_persons: int = 0

    def sentence(self, target: str) -> str:
        """Say in words what the interval is worth."""
        nominal = f"{target}: nominal {100 * self.level:.0f} %"
        if self.half_width is None:
            return f"{nominal} interval not calibrated: the run had no selection persons with a label."
        words = f"{nominal}, ± {self.half_width:.2f}, from {_people(self.persons, 'selection')}"
        words += f" (residual {self.rank:,} of {self.frames:,}; they guarantee {100 * (self.guaranteed or 0):.0f} %)"
        if self.coverage is None:
            return f"{words}; not measured."
        return (
            f"{words}; measured {100 * self.coverage:.0f} % on {_people(self.report_persons, 'report')}, "
            f"{100 * (self.lowest or 0):.0f} % on the worst of them."
        )


def _people(number: int, role: str) -> str:
    return f"{number} {role} {'person' if number == 1 else 'persons'}"


def calibrate(selection: pd.DataFrame, report: pd.DataFrame, target: str) -> Calibration:
    """Set the interval of one target on the selection persons and measure it on the report persons.

    Args:
        selection: predictions and labels, one row a frame and seed, as `frame_table` gives them; may be empty.
        report: the same of the report persons.
        target: "valence" or "arousal".

    Returns:
        The calibration; without a residual it says so.
    """
    residuals = _residuals(selection, target)
    if residuals.empty:
        return Calibration()
    persons = residuals["person"].nunique()
    half_width, rank = conformal_quantile(residuals["residual"].to_numpy(), residuals["person"].to_numpy(), LEVEL)
    measured = _residuals(report, target)
    covered = (measured["residual"] <= half_width).groupby(measured["person"]).mean()
    return Calibration(
        half_width=half_width,
        persons=persons,
        frames=len(residuals),
        rank=rank,
        guaranteed=guarantee(persons, LEVEL),
        coverage=None if covered.empty else float(covered.mean()),
        lowest=None if covered.empty else float(covered.min()),
        report_persons=len(covered),
    )


def conformal_quantile(residuals: np.ndarray, persons: np.ndarray, level: float) -> tuple[float, int]:
    """Return the residual that a new person's frame stays below with probability `level`, and its rank.

    With one residual a person and enough persons this is split conformal's rank, ceil((K + 1) level) of K.

    Args:
        residuals: (n,) absolute residuals.
        persons: (n,) whose they are.
        level: nominal coverage, below 1.

    Returns:
        The smallest residual up to which the persons' mean share of residuals reaches level (K + 1) / K, or level
        itself where that is above 1; and its rank, from 1.
    """
    _, person, counts = np.unique(persons, return_inverse=True, return_counts=True)
    wanted = _wanted(len(counts), level)
    order = np.argsort(residuals, kind="stable")
    share = np.cumsum((1 / (len(counts) * counts))[person][order])
    place = min(int(np.searchsorted(share, wanted - 1e-9)), len(order) - 1)
    return float(residuals[order[place]]), place + 1


def guarantee(persons: int, level: float) -> float:
    """Return the coverage that K persons can promise: `level`, or what is left of it where they are too few."""
    return _wanted(persons, level) * persons / (persons + 1)


def _wanted(persons: int, level: float) -> float:
    """Return the quantile's level among K persons, of which the new one makes K + 1."""
    corrected = level * (persons + 1) / persons
    return corrected if corrected <= 1 + 1e-9 else level


def _residuals(table: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return person and absolute residual of the mean over seeds, one row a frame that is annotated and predicted."""
    if table.empty:
        return pd.DataFrame({"person": [], "residual": []})
    frames = table.groupby(["recording", "frame"], sort=False)
    mean = frames[target].mean().clip(-1, 1)
    residual = (mean - frames[f"true_{target}"].first()).abs()
    return pd.DataFrame({"person": frames["person"].first(), "residual": residual}).dropna()
