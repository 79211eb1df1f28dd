"""How sure a CCC, or a difference of two, is for a fresh recording and a fresh seed (design 10).

Every CCC comes from six sums per recording, so leaving a recording out, or drawing it twice, is arithmetic on sums.
Recordings and seeds are crossed random factors: each seed meets every recording. A jackknife over recordings (added
up per person first) turns each seed's score into pseudo-values, and the two-way table of these, recordings by seeds,
gives a variance that holds for both at once. Resampling recordings alone takes the luck of five seeds for a
property of the method.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from jcalib.settings import UserError

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

TARGETS = ("valence", "arousal")
FEWEST = 10  # clusters under which a variance over clusters says too little
LEVEL, POWER = 0.05, 0.80
CONSTANT = 1e-12  # a variance below this share of the mean square is rounding

TOO_FEW = "too few recordings for a comparison"
CANNOT_TELL = "cannot tell"


def sums(prediction: ArrayLike, target: ArrayLike, valid: ArrayLike | None = None) -> Array:
    """Return the six sums a CCC needs: n, Sx, Sy, Sxx, Syy, Sxy, with x the prediction and y the target.

    Args:
        prediction: (..., T); frames that are NaN are not counted.
        target: (..., T), broadcast against the prediction; NaN where nobody annotated.
        valid: (..., T) bool, frames that may count. Hand in the frames that all compared fusions predict, so that
            all are scored on the same ones.

    Returns:
        (..., 6) float64. Sums of recordings add up to the sums of all their frames.
    """
    x, y = np.broadcast_arrays(np.asarray(prediction, np.float64), np.asarray(target, np.float64))
    counted = ~(np.isnan(x) | np.isnan(y))
    if valid is not None:
        counted = counted & np.asarray(valid, bool)
    x, y = np.where(counted, x, 0.0), np.where(counted, y, 0.0)
    return np.stack([part.sum(-1) for part in (counted, x, y, x * x, y * y, x * y)], axis=-1)


def ccc_from_sums(sums: ArrayLike) -> Array:
    """Return Lin's concordance from six sums: 2 (n Sxy - Sx Sy) / (n (Sxx + Syy) - 2 Sx Sy).

    Args:
        sums: (..., 6), of one recording or added over many.

    Returns:
        (...). NaN where both sides are constant (or nothing was counted), 0 where one side is.
    """
    n, sx, sy, sxx, syy, sxy = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    x_varies = n * sxx - sx * sx > CONSTANT * n * sxx
    y_varies = n * syy - sy * sy > CONSTANT * n * syy
    above, below = 2 * (n * sxy - sx * sy), n * (sxx + syy) - 2 * sx * sy
    value = np.divide(above, below, out=np.zeros_like(below), where=x_varies & y_varies)
    return np.where(x_varies | y_varies, value, np.nan)


def zero_filled(sums: ArrayLike, frames: ArrayLike) -> Array:
    """Return the sums that the released validation code scores: frames that do not count are set to 0 and kept.

    There, a frame without a label (-5) gets prediction 0 and label 0, which is perfect agreement at 0. Zeros add to n
    alone. With means away from 0 this raises the CCC, and the more frames have no label the more.

    Args:
        sums: (..., 6), of frames that count.
        frames: (...), all frames, also those that do not count.

    Returns:
        (..., 6) float64.
    """
    filled = np.array(sums, np.float64)
    filled[..., 0] = frames
    return filled


@dataclass(frozen=True)
class Comparison:
    """A difference A - B of mean-over-seeds CCC (or one fusion's own CCC), and how sure it is.

    `difference` with its 95 % interval `low`, `high` and its 90 % interval `inner_low`, `inner_high`; two-sided `p`
    against 0, and `p_adjusted` within its family; `detectable` is the smallest true difference that would be found
    with 80 % power, from the variance alone.
    """

    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    inner_low: float
    inner_high: float
    standard_error: float
    df: float
    detectable: float
    margin: float
    clusters: int
    unit: str
    seeds: int
    paired: bool

    @property
    def covers(self) -> str:
        """What the interval generalises to; the training set and the encoders are never part of it."""
        return f"fresh {self.unit} and fresh seeds" if self.seeds > 1 else f"fresh {self.unit}, this one seed"

    @property
    def within_margin(self) -> bool:
        """Whether the 90 % interval lies inside the margin (two one-sided tests at .05)."""
        return -self.margin < self.inner_low and self.inner_high < self.margin

    @property
    def verdict(self) -> str:
        """One of "A higher", "B higher", "no difference above <margin>", "cannot tell", or too few recordings.

        For one fusion's own CCC the first two read "above 0" and "below 0".
        """
        if self.clusters < FEWEST:
            return TOO_FEW
        if self.p_adjusted < LEVEL:
            sides = ("A higher", "B higher") if self.paired else ("above 0", "below 0")
            return sides[self.difference < 0]
        return same_within(self.margin) if self.within_margin else CANNOT_TELL

    def frame(self) -> "pd.DataFrame":
        """Return one row: every field, the verdict, and what the interval covers."""
        import pandas as pd

        return pd.DataFrame([{**asdict(self), "verdict": self.verdict, "covers": self.covers}])


def same_within(margin: float) -> str:
    """Return the verdict's words for a difference inside the margin: "no difference above .02"."""
    return f"no difference above {margin:g}".replace(" 0.", " .")


def compare(
    a: ArrayLike, b: ArrayLike | None = None, clusters: Sequence[str] | None = None, margin: float = 0.02
) -> Comparison:
    """Compare two fusions, or say how sure one fusion's CCC is, for fresh recordings and fresh seeds.

    theta_s = CCC_A,s - CCC_B,s; pseudo-values n theta_s - (n - 1) theta_s(-r), leaving cluster r out of the sums;
    v = max(MS_r + MS_s - MS_e, MS_r, MS_s) / (n S) from their two-way table, with Satterthwaite's df
    (MS_r + MS_s)^2 / (MS_r^2 / (n - 1) + MS_s^2 / (S - 1)). With one seed only recordings vary: v = MS_r / n.

    Args:
        a: sums of fusion A, (R, S, 6) recordings by seeds, or (R, S, K, 6), whose CCC is the mean over K targets.
        b: sums of fusion B over the same recordings, seeds and frames; None for A's own CCC.
        clusters: the person of each recording, (R,); sums are added within a person before the jackknife.
        margin: the largest difference that does not matter.

    Returns:
        A Comparison. Numbers that too few recordings leave undefined are NaN.

    Raises:
        UserError: A and B differ in shape or in the frames they count.
    """
    return contrast([a], [1], clusters, margin) if b is None else contrast([a, b], [1, -1], clusters, margin)


def contrast(
    tables: Sequence[ArrayLike], weights: Sequence[float], clusters: Sequence[str] | None = None, margin: float = 0.02
) -> Comparison:
    """Say how sure a weighted sum of fusions' CCCs is: `compare` with theta_s = sum of w_f CCC_f,s.

    Args:
        tables: sums of each fusion, over the same recordings, seeds and frames.
        weights: of each fusion; they add up to 0 where differences are meant.
        clusters, margin: as in `compare`.

    Returns:
        A Comparison; its `difference` is the weighted sum.

    Raises:
        UserError: fusions differ in shape or in the frames they count.
    """
    clustered = [per_cluster(table, clusters) for table in tables]
    for other in clustered[1:]:
        _check_same_frames(clustered[0], other)
    counted = clustered[0][..., 0].sum((1, 2)) > 0
    clustered = [table[counted] for table in clustered]
    n, seeds = clustered[0].shape[:2]

    theta = weighted([mean_ccc(table.sum(0)) for table in clustered], weights)
    without = weighted([mean_ccc(table.sum(0) - table) for table in clustered], weights)
    variance, df = _crossed_variance(n * theta - (n - 1) * without)

    difference, error = float(theta.mean()), float(np.sqrt(variance))
    outer, inner = (float(stdtrit(df, level)) * error for level in (1 - LEVEL / 2, 1 - LEVEL))
    p = _two_sided(difference, error, df)
    return Comparison(
        difference=difference, low=difference - outer, high=difference + outer, p=p, p_adjusted=p,
        inner_low=difference - inner, inner_high=difference + inner, standard_error=error, df=df,
        detectable=outer + float(stdtrit(df, POWER)) * error, margin=margin, clusters=n,
        unit="recordings" if clusters is None else "persons", seeds=seeds, paired=len(tables) > 1,
    )  # fmt: skip


def holm(p: ArrayLike) -> Array:
    """Return Holm's adjusted p values: reject those below .05 and the family errs in 5 % of cases at most.

    Args:
        p: (m,); NaN, a test that could not be made, stays NaN and counts as one of the m.
    """
    p = np.asarray(p, np.float64)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def per_cluster(sums: ArrayLike, clusters: Sequence[str] | None) -> Array:
    """Return (n, S, K, 6): sums added within each cluster, with an axis of targets."""
    table = np.asarray(sums, np.float64)
    if table.ndim not in (3, 4) or table.shape[-1] != 6:
        raise UserError(f"sums have shape {table.shape}: a comparison needs (recordings, seeds, [targets,] 6).")
    table = table.reshape(*table.shape[:2], -1, 6)
    if clusters is None:
        return table
    if len(clusters) != len(table):
        raise UserError(f"{len(clusters)} clusters name {len(table)} recordings: give the person of each recording.")
    persons, person = np.unique(np.asarray(clusters), return_inverse=True)
    added = np.zeros((len(persons), *table.shape[1:]))
    np.add.at(added, person, table)
    return added


def _check_same_frames(a: Array, b: Array) -> None:
    if a.shape != b.shape:
        raise UserError(
            f"A has {a.shape[0]} clusters x {a.shape[1]} seeds x {a.shape[2]} targets, "
            f"B {b.shape[0]} x {b.shape[1]} x {b.shape[2]}: compare runs with the same ones."
        )
    if not np.array_equal(a[..., 0], b[..., 0]):
        raise UserError(
            f"A counts {a[..., 0].sum():.0f} values, B {b[..., 0].sum():.0f}, or others: "
            "compare over the same frames. Hand statistics.sums the frames valid for both."
        )


def mean_ccc(sums: Array) -> Array:
    """Return the mean CCC over targets, (...) from (..., K, 6)."""
    return ccc_from_sums(sums).mean(-1)


def weighted(scores: Sequence[Array], weights: Sequence[float]) -> Array:
    return np.add.reduce([weight * score for weight, score in zip(weights, scores, strict=True)])


def _crossed_variance(table: Array) -> tuple[float, float]:
    """Return the variance of the mean of a two-way random table (n, S), and its degrees of freedom."""
    n, seeds = table.shape
    if n < 2:
        return np.nan, np.nan
    rows, columns = table.mean(1), table.mean(0)
    ms_rows = seeds * rows.var(ddof=1)
    if seeds == 1:
        return float(ms_rows / n), n - 1.0
    ms_columns = n * columns.var(ddof=1)
    rest = table - rows[:, None] - columns + table.mean()
    ms_rest = (rest**2).sum() / ((n - 1) * (seeds - 1))
    variance = max(ms_rows + ms_columns - ms_rest, ms_rows, ms_columns) / (n * seeds)
    # Satterthwaite's formula in shares of the two: nothing underflows, and no variance at all has an answer.
    share = ms_rows / (ms_rows + ms_columns) if variance else float(n < seeds)
    return float(variance), float(1 / (share**2 / (n - 1) + (1 - share) ** 2 / (seeds - 1)))


def _two_sided(difference: float, error: float, df: float) -> float:
    if error == 0:
        return float(difference == 0)
    return float(2 * stdtr(df, -abs(difference) / error))
