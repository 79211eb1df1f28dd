"""How sure a number summed over clips is for fresh recordings: a jackknife over clusters."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from jcalib.studies.verdicts import format_ccc, format_interval

if TYPE_CHECKING:
    import pandas as pd


class Interval(NamedTuple):
    """A number with its 95 % interval; NaN bounds with fewer than three clusters."""

    value: float
    low: float
    high: float
    clusters: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval is known and lies on one side of 0."""
        return self.low > 0 or self.high < 0

    @property
    def text(self) -> str:
        """The number and its interval: ".120 [.100, .140]", or why it has none."""
        return self.worded()

    def worded(self, digits: int = 3) -> str:
        """Return the same with another number of decimals."""
        if np.isnan(self.value):
            return "–"
        return f"{format_ccc(self.value, digits)} {format_interval(self.low, self.high, digits)}"

    @property
    def signed(self) -> str:
        """The same with a plus before a number above 0."""
        return ("+" if self.value > 0 else "") + self.text


def jackknife(
    columns: ArrayLike, clusters: ArrayLike, statistic: Callable[[NDArray], NDArray] = lambda sums: sums[..., 0]
) -> Interval:
    """Compute a statistic of column sums, and how sure it is when whole clusters come anew.

    Args:
        columns: (N, K), one row a clip.
        clusters: (N,) whose clip it is; rows are added within a cluster first.
        statistic: column sums (..., K) to numbers (...), such as a ratio of two.

    Returns:
        The statistic of all, and the t interval of its pseudo-values n theta - (n - 1) theta(-c).
    """
    rows = np.asarray(columns, dtype=float)
    names, number = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.zeros((len(names), rows.shape[1]))
    np.add.at(sums, number, rows)
    n, total = len(names), sums.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(statistic(total))
        pseudo = n * value - (n - 1) * statistic(total - sums)
    if n < 3 or not np.isfinite(pseudo).all():
        return Interval(value, np.nan, np.nan, n)
    half = float(stdtrit(n - 1, 0.975)) * pseudo.std(ddof=1) / np.sqrt(n)
    return Interval(value, value - half, value + half, n)


def mean_interval(values: ArrayLike, clusters: ArrayLike, weights: ArrayLike = 1.0) -> Interval:
    """Return the mean of some values, NaN left out, and its interval over clusters.

    Args:
        values: (N,).
        clusters: (N,).
        weights: (N,), or one for all. Ratios weighted by what they were divided by come to a ratio of sums, in which
            small denominators count little.
    """
    values = np.asarray(values, dtype=float)
    known = np.isfinite(values)
    if not known.any():
        return Interval(np.nan, np.nan, np.nan, 0)
    weight = np.broadcast_to(np.asarray(weights, dtype=float), values.shape)[known]
    columns = np.stack([values[known] * weight, weight], axis=1)
    return jackknife(columns, np.asarray(clusters)[known], lambda sums: sums[..., 0] / sums[..., 1])


def interval_table(
    found: "pd.DataFrame",
    rows: str,
    columns: str,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    digits: int = 3,
) -> "pd.DataFrame":
    """Return intervals in words, a row and a column each kind, in the order in which they come.

    Args:
        found: with columns value, low and high.
        rows, columns: of `found`, what names a row and a column.
        bounds: between which a kind of row lies by its nature. An interval, which is symmetric about a mean and knows
            no bounds, is cut there in print; the numbers of `found` stay.
        digits: decimals.
    """
    words = [
        Interval(value, *within(kind, (low, high), bounds or {}), 0).worded(digits)
        for kind, value, low, high in zip(found[rows], found["value"], found["low"], found["high"], strict=True)
    ]
    table = found.assign(words=words).pivot(index=rows, columns=columns, values="words").fillna("–")
    table = table.loc[list(dict.fromkeys(found[rows])), list(dict.fromkeys(found[columns]))]
    return table.rename_axis(index=None, columns=rows)


def within(kind: str, ends: tuple[float, float], bounds: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Return an interval's ends, cut at the bounds of its kind where it has any.

    Args:
        kind: of the measure.
        ends: low and high; NaN stays.
        bounds: by kind.
    """
    least, most = bounds.get(kind, (-np.inf, np.inf))
    return max(ends[0], least), min(ends[1], most)
