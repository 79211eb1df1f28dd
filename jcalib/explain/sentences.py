"""What the measures say, in one plain sentence each, with the numbers they rest on."""

from typing import TYPE_CHECKING

from jcalib.explain.intervals import Interval
from jcalib.explain.trust import WORDS, best

if TYPE_CHECKING:
    import pandas as pd

TALK = {"cross-talk, voice": ("voice", "face"), "cross-talk, face": ("face", "voice")}


def looking_sentence(
    averages: "pd.DataFrame", differences: "pd.DataFrame", first: str, second: str, target: str
) -> str:
    """Answer "does the first fusion look at the other modality more than the second, and when?".

    Args:
        averages: from `explain.by_condition`.
        differences: from `explain.differences`, first less second.
        first, second: the fusions.
        target: whose prediction the interaction is of.
    """
    parts = [_looks(averages, differences, measure, first, second) for measure in TALK]
    return f"{' '.join(parts)} {_when(differences)} {_interaction(averages, differences, first, second, target)}"


def trust_sentence(table: "pd.DataFrame", target: str) -> str:
    """Answer "which map to trust for which question, here?".

    Args:
        table: from `explain.trust_table`.
        target: whose prediction was explained.
    """
    parts = []
    for modality, word in WORDS.items():
        where, what = best(table, modality, "AUROC"), best(table, modality, "infidelity")
        asked = []
        if where:
            asked.append(f"where the cause of {target} lies, {_trusted(where, 'AUROC')}")
        if what:
            asked.append(f"which parts carry the prediction, {_trusted(what, 'infidelity')}")
        parts.append(f"In the {word}: {'; '.join(asked)}." if asked else f"In the {word} no clip moved the prediction.")
    if not (table["check"] == "AUROC").any():
        parts.append("Where the cause lies is not measured: it is unknown, or the run's CCC interval includes 0.")
    return " ".join(parts)


def _trusted(found: tuple[str, str, Interval], check: str) -> str:
    method, control, better = found
    if better.low > 0:
        return f"trust `{method}` (better than the map that knows nothing, {control}, by {better.text} in {check})"
    return f"trust none ({method} against the map that knows nothing, {control}: {better.signed} in {check})"


def _looks(averages: "pd.DataFrame", differences: "pd.DataFrame", measure: str, first: str, second: str) -> str:
    own, other = TALK[measure]
    values = averages[averages["condition"] == "all clips"].set_index(["fusion", "measure"])["value"]
    less = _interval(differences, "all clips", measure)
    a, b = (f"{values[name, measure]:.3f}" for name in (first, second))
    return (
        f"The attended {own} of `{first}` {_verb(less)} the {other} {_degree(less)} that of `{second}`: cross-talk "
        f"{a} against {b}, difference {less.signed}."
    )


def _when(differences: "pd.DataFrame") -> str:
    """Where the differences are largest and smallest, over the conditions known."""
    known = differences[differences["measure"].isin(TALK) & (differences["condition"] != "all clips")].dropna()
    if known["condition"].nunique() < 2:
        return "When cannot be said here: too few conditions or persons."
    mean = known.groupby("condition")["value"].mean()
    ordered = sorted(mean.items(), key=lambda pair: pair[1])
    low, high = (f"{value:+.3f} ({name})" for name, value in (ordered[0], ordered[-1]))
    return f"By condition the mean of both differences runs from {low} to {high}."


def _interaction(averages: "pd.DataFrame", differences: "pd.DataFrame", first: str, second: str, target: str) -> str:
    values = averages[(averages["condition"] == "all clips") & (averages["measure"] == "interaction")]
    by_fusion = values.set_index("fusion")["value"]
    less = _interval(differences, "all clips", "interaction")
    return (
        f"In the predicted {target}, what neither modality has alone is {by_fusion[first]:.3f} on average for "
        f"`{first}`, {by_fusion[second]:.3f} for `{second}` (difference {less.signed})."
    )


def _interval(differences: "pd.DataFrame", condition: str, measure: str) -> Interval:
    row = differences[(differences["condition"] == condition) & (differences["measure"] == measure)].iloc[0]
    return Interval(row["value"], row["low"], row["high"], int(row["persons"]))


def _verb(less: Interval) -> str:
    return "depends on" if less.excludes_zero else "cannot be told to depend on"


def _degree(less: Interval) -> str:
    if not less.excludes_zero:
        return "more or less than"
    return "more than" if less.value > 0 else "less than"
