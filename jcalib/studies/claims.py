"""What the abstracts say of joint cross-attention, held against the numbers (arXiv 2203.14779, 2209.09068).

Three verdicts, by rules that were fixed before any number was seen. A claim that joint scores higher is *supported*
where the difference is above 0 (p < .05) and not inside the margin, *not supported* where it is inside the margin (the
90 % interval) or below 0, and cannot be told otherwise. Joint - cross is the primary test; all other tests here are one
family under Holm's correction. What was not run says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from jcalib.fusion.registry import CELL
from jcalib.studies import factors, families
from jcalib.studies.corruptions import WORDS
from jcalib.studies.statistics import CANNOT_TELL, LEVEL, TOO_FEW, Comparison, contrast, holm
from jcalib.studies.verdicts import format_ccc, format_interval

if TYPE_CHECKING:
    from jcalib.studies.robustness import Robustness

SUPPORTED, NOT_SUPPORTED, NOT_RUN = "supported", "not supported", "not run"
LEAST_BLOCK = 0.25  # of a correlation's energy that its own and its other block each hold where both are kept
ABSENT = ("voice missing", "face missing")
NOISY = ("voice noise", "face noise")


@dataclass(frozen=True)
class Claim:
    """A claim with its verdict: supported, not supported, cannot tell, or not run.

    Attributes:
        claim: what is said of joint.
        test: what was computed.
        verdict: what follows.
        number, low, high: its value and 95 % interval; NaN where it was not run.
        measured: on what, or what to run.
    """

    claim: str
    test: str
    verdict: str
    number: float = np.nan
    low: float = np.nan
    high: float = np.nan
    measured: str = ""


def claims(
    sums: Mapping[str, np.ndarray],
    persons: Sequence[str],
    flops: Mapping[str, int],
    corrupted: "Robustness | None" = None,
    blocks: Sequence[Mapping[str, float]] | None = None,
    margin: float = 0.02,
) -> pd.DataFrame:
    """Return the claims as a table, a row each.

    Args:
        sums: {fusion: (R, S, 2, 6)}, joint and cross among them.
        persons: the person of each recording, (R,).
        flops: operations of one sequence, by fusion.
        corrupted: the fusions under corruption, if that was run.
        blocks: of each seed of joint, "audio" and "visual" to the share of the correlation's energy in the modality's
            own block, as `explain.block_shares` gives it, if that was run.
        margin: the largest difference in CCC that does not matter.

    Returns:
        Columns of `Claim`.
    """
    tested = _differences(sums, persons, corrupted, margin)
    primary, others = tested[0], tested[1:]
    ran = [one for _, _, one, _ in others if one is not None]
    adjusted = iter(holm([one.p for one in ran]))
    rows = [_row(*primary)]
    for claim, test, one, missing in others:
        again = one and replace(one, p_adjusted=float(next(adjusted)))
        rows.append(_row(claim, test, again, missing))
    rows[5:5] = [_block(blocks, modality) for modality in WORDS]
    rows.append(_cost(sums, persons, flops, margin))
    return pd.DataFrame(rows)


def sentences(table: pd.DataFrame) -> list[str]:
    """Return the claims in words, one a row of `claims`: the verdict first, in bold Markdown."""
    said = []
    for one in table.to_dict("records"):
        sample = f"{one['test']}; {one['measured']}"
        if one["verdict"] != NOT_RUN:
            interval = "" if np.isnan(one["low"]) else f" {format_interval(one['low'], one['high'])}"
            sample = f"{format_ccc(one['number'])}{interval}, {sample}"
        said.append(f"**{one['verdict']}**: joint {one['claim']} ({sample}).")
    return said


def verdict(comparison: Comparison) -> str:
    """Return what a difference says of the claim that A scores higher than B by more than the margin."""
    if comparison.verdict == TOO_FEW:
        return CANNOT_TELL
    if comparison.within_margin or comparison.verdict == "B higher":
        return NOT_SUPPORTED
    return SUPPORTED if comparison.verdict == "A higher" else CANNOT_TELL


Tested = tuple[str, str, Comparison | None, str]


def _differences(
    sums: Mapping[str, np.ndarray], persons: Sequence[str], corrupted: "Robustness | None", margin: float
) -> list[Tested]:
    """Return the claims that one fusion, or one setting, scores higher than another; None where it was not run."""
    rows: list[Tested] = []
    for other, words in (
        ("cross", "scores higher than vanilla cross-attention"),
        ("lstm", "scores higher than a recurrent network"),
        ("transformer", "scores higher than conventional attention"),
    ):
        both = {"joint", other} <= set(sums)
        one = families.difference(sums, "joint", other, clusters=persons, margin=margin) if both else None
        rows.append((words, f"joint - {other}", one, f"compare {other} too"))
    cells = set(factors.cell_names()) <= set(sums)
    for other, words in (
        ("other", "gains from keeping intra-modal relations"),
        ("itself", "gains from inter-modal ones"),
    ):
        weights = factors.averaged("key", "joint", other)
        tables = [sums[name] for name in weights] if cells else []
        one = contrast(tables, [*weights.values()], persons, margin) if cells else None
        rows.append((words, f"key joint - {other}, mean over cells", one, "compare the 24 cells too"))
    for kinds, word in ((ABSENT, "absent"), (NOISY, "noisy")):
        known = {one.kind for one in corrupted.corruptions} if corrupted else set()
        ran = corrupted is not None and set(kinds) <= known and {"joint", "cross"} <= set(corrupted.fusions)
        one = corrupted.advantage("joint", "cross", kinds) if corrupted is not None and ran else None
        words = f"scores higher than vanilla with a modality {word}"
        rows.append((words, f"joint - cross, mean of {' and '.join(kinds)}", one, "evaluate under corruption"))
    return rows


def _row(claim: str, test: str, one: Comparison | None, missing: str) -> Claim:
    if one is None:
        return Claim(claim, test, NOT_RUN, measured=missing)
    return Claim(claim, test, verdict(one), one.difference, one.low, one.high, _sample(one))


def _sample(one: Comparison) -> str:
    few = f", {TOO_FEW}" if one.verdict == TOO_FEW else ""
    return f"{one.clusters} {one.unit} x {one.seeds} seeds{few}"


def _block(blocks: Sequence[Mapping[str, float]] | None, modality: str) -> Claim:
    """Return whether a correlation keeps both: its own and its other block each hold a quarter of its energy."""
    claim = f"keeps both relations in the correlation of the {WORDS[modality]}"
    test = f"share of its energy in its own block; both hold {format_ccc(LEAST_BLOCK, 2)} or more"
    if blocks is None:
        return Claim(claim, test, NOT_RUN, measured="hand in explain.block_shares of joint's seeds")
    shares = np.array([one[modality] for one in blocks])
    if len(shares) < 2:
        return Claim(claim, test, CANNOT_TELL, float(shares.mean()), measured="1 seed")
    half = float(stdtrit(len(shares) - 1, 1 - LEVEL / 2)) * shares.std(ddof=1) / np.sqrt(len(shares))
    mean = float(shares.mean())
    low, high = mean - half, mean + half
    if low >= LEAST_BLOCK and high <= 1 - LEAST_BLOCK:
        found = SUPPORTED
    elif high < LEAST_BLOCK or low > 1 - LEAST_BLOCK:
        found = NOT_SUPPORTED
    else:
        found = CANNOT_TELL
    return Claim(claim, test, found, mean, low, high, f"{len(shares)} seeds")


def _cost(sums: Mapping[str, np.ndarray], persons: Sequence[str], flops: Mapping[str, int], margin: float) -> Claim:
    """Return whether joint is cost-effective: it beats every fusion that takes fewer operations.

    All have to be beaten, so no correction is due; the one that comes nearest to joint is shown.
    """
    cheaper = [name for name in sums if flops[name] < flops["joint"] and not name.startswith(CELL)]
    claim = "is cost-effective"
    if not cheaper:
        return Claim(claim, "joint - each cheaper fusion", NOT_RUN, measured="compare a cheaper fusion too")
    found = {name: families.difference(sums, "joint", name, clusters=persons, margin=margin) for name in cheaper}
    verdicts = {name: verdict(one) for name, one in found.items()}
    nearest = min(found, key=lambda name: found[name].difference)
    for wanted in (NOT_SUPPORTED, CANNOT_TELL):
        failing = [name for name in found if verdicts[name] == wanted]
        if failing:
            nearest = min(failing, key=lambda name: found[name].difference)
            break
    one, times = found[nearest], flops["joint"] / flops[nearest]
    test = f"joint - {nearest}, the nearest of {len(cheaper)} with fewer operations; joint takes {times:.2f} times its"
    return Claim(claim, test, verdicts[nearest], one.difference, one.low, one.high, _sample(one))
