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

from jcalib.fusion.registry import CELL
from jcalib.studies import factors, families
from jcalib.studies.relations import INTER, INTRA, Relations
from jcalib.studies.statistics import CANNOT_TELL, TOO_FEW, Comparison, contrast, holm
from jcalib.studies.verdicts import corrected, format_ccc, format_interval

if TYPE_CHECKING:
    from jcalib.studies.robustness import Robustness

SUPPORTED, NOT_SUPPORTED, NOT_RUN = "supported", "not supported", "not run"
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
    without: Relations | None = None,
    margin: float = 0.02,
) -> pd.DataFrame:
    """Return the claims as a table, a row each.

    Args:
        sums: {fusion: (R, S, 2, 6)}, joint and cross among them.
        persons: the person of each recording, (R,).
        flops: operations of one sequence, by fusion.
        corrupted: the fusions under corruption, if that was run.
        without: joint without a block of its correlation, from `studies.relations`, if that was run.
        margin: the largest difference in CCC that does not matter.

    Returns:
        Columns of `Claim`.
    """
    tested = _differences(sums, persons, margin) + _relations(without, margin)
    tested += _corrupted(corrupted)
    primary, others = tested[0], tested[1:]
    ran = [one for _, _, one, _ in others if one is not None]
    adjusted = iter(holm([one.p for one in ran]))
    rows = [_row(*primary)]
    for claim, test, one, missing in others:
        again = one and replace(one, p_adjusted=float(next(adjusted)))
        rows.append(_row(claim, test, again, missing))
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


def _differences(sums: Mapping[str, np.ndarray], persons: Sequence[str], margin: float) -> list[Tested]:
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
    return rows


def _relations(without: Relations | None, margin: float) -> list[Tested]:
    """The claims that joint's scores rest on either block of its correlation."""
    rows: list[Tested] = []
    for kind, block in ((INTRA, "own"), (INTER, "other's")):
        one = without.needed(kind, margin) if without else None
        test = f"joint - joint with the {block} block of both correlations at 0"
        rows.append(
            (
                f"predicts from the {kind} relations in its correlation",
                test,
                one,
                "hand in studies.relations(run, features)",
            )
        )
    return rows


def _corrupted(corrupted: "Robustness | None") -> list[Tested]:
    """The claims that joint is robust: it scores higher on what is left, and it loses less than vanilla does."""
    rows: list[Tested] = []
    for kinds, word in ((ABSENT, "absent"), (NOISY, "noisy")):
        known = {one.kind for one in corrupted.corruptions} if corrupted else set()
        ran = corrupted is not None and set(kinds) <= known and {"joint", "cross"} <= set(corrupted.fusions)
        for words, what in (("scores higher", "joint - cross"), ("loses less", "loss of cross - loss of joint")):
            lost = what.startswith("loss")
            one = corrupted.advantage("joint", "cross", kinds, lost) if corrupted is not None and ran else None
            test = f"{what}, mean of {' and '.join(kinds)}"
            rows.append((f"{words} than vanilla with a modality {word}", test, one, "evaluate under corruption"))
    return rows


def _row(claim: str, test: str, one: Comparison | None, missing: str) -> Claim:
    if one is None:
        return Claim(claim, test, NOT_RUN, measured=missing)
    return Claim(claim, test, verdict(one), one.difference, one.low, one.high, _sample(one))


def _sample(one: Comparison) -> str:
    few = f", {TOO_FEW}" if one.verdict == TOO_FEW else ""
    return f"{one.clusters} {one.unit} x {one.seeds} seeds{few}{corrected(one)}"


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
