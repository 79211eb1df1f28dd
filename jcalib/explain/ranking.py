"""Which map to trust for which question: checks averaged over clips, the best method, and what cannot be told from it.

Clusters are recordings: one clip each, so that an interval speaks of fresh ones.
"""

from typing import TYPE_CHECKING

from jcalib.explain.intervals import Interval, mean_interval
from jcalib.explain.methods import METHODS

if TYPE_CHECKING:
    import pandas as pd

CONTROLS = ("uniform", "edges", "other target", "mean map")
HIGHER = ("insertion", "energy ratio", "pointing", "AUROC", "agreement")


def summary(table: "pd.DataFrame") -> "pd.DataFrame":
    """Average a trust table over recordings.

    Returns:
        Columns modality, check, method, value, low, high, clusters.
    """
    import pandas as pd

    rows = [
        {"modality": modality, "check": check, "method": method}
        | mean_interval(part["value"], part["recording"], part["weight"])._asdict()
        for (modality, check, method), part in table.groupby(["modality", "check", "method"], sort=False)
    ]
    found = pd.DataFrame(rows, columns=["modality", "check", "method", "value", "low", "high", "clusters"])
    return found[found["clusters"] > 0].reset_index(drop=True)


def best(table: "pd.DataFrame", modality: str, check: str) -> tuple[str, str, Interval] | None:
    """Return the best method by one check, the best control, and how much better it is on the same clips.

    Args:
        table: from `trust_table`.
        modality: "visual" or "audio".
        check: one that controls have, too.

    Returns:
        Names and the interval of the difference (positive: the method is better), or None where nothing is measured.
    """
    wide, weight = _by_clip(table, modality, check)
    controls = [name for name in CONTROLS if name in wide]
    methods = [name for name in METHODS if name in wide]
    if not methods or not controls:
        return None
    sign = 1 if check in HIGHER else -1
    means = {name: sign * mean_interval(wide[name], wide.index, weight).value for name in (*methods, *controls)}
    method, control = (max(names, key=lambda name: means[name]) for names in (methods, controls))
    return method, control, mean_interval(sign * (wide[method] - wide[control]), wide.index, weight)


def alike(table: "pd.DataFrame", modality: str, check: str, method: str) -> list[str]:
    """Return the methods that cannot be told from one by a check, on the same clips (95 % interval of the difference).

    Args:
        table: from `trust_table`.
        modality: "visual" or "audio".
        check: a check.
        method: the one, such as `best` names it.
    """
    wide, weight = _by_clip(table, modality, check)
    others = [name for name in METHODS if name in wide and name != method]
    return [name for name in others if not mean_interval(wide[name] - wide[method], wide.index, weight).excludes_zero]


def _by_clip(table: "pd.DataFrame", modality: str, check: str) -> "tuple[pd.DataFrame, pd.Series]":
    """The values of one check, a row a clip and a column a method; and the clips' weights."""
    part = table[(table["modality"] == modality) & (table["check"] == check)]
    wide = part.pivot_table(index="recording", columns="method", values="value")
    return wide, part.groupby("recording")["weight"].first()
