"""What the measures say, in one plain sentence each, with the numbers they rest on."""

from typing import TYPE_CHECKING

import numpy as np

from jcalib.explain.intervals import Interval
from jcalib.explain.trust import WORDS, best, summary
from jcalib.studies.statistics import TOO_FEW

if TYPE_CHECKING:
    import pandas as pd

TALK = {"cross-talk, voice": ("voice", "face"), "cross-talk, face": ("face", "voice")}
KNOWN = {  # what a control knows of: the model, the clip, or neither
    "uniform": "a uniform map",
    "edges": "a map of edges",
    "other target": "the map of the other target",
    "mean map": "the mean map of other clips",
}
CHANCE = {"AUROC": "chance .5", "infidelity": "0 is perfect, 1 knows nothing"}


def looking_sentence(
    averages: "pd.DataFrame", differences: "pd.DataFrame", first: str, second: str, target: str
) -> str:
    """Say when the fusions look at the other modality differently, and what their predictions owe to both at once.

    Args:
        averages, differences, first, second: as in `looking_headline`.
        target: whose prediction the interaction is of.
    """
    return f"{_when(differences)} {_interaction(averages, differences, first, second, target)}"


def looking_headline(averages: "pd.DataFrame", differences: "pd.DataFrame", first: str, second: str) -> str:
    """Answer "does the first fusion look at the other modality more than the second?".

    Args:
        averages: from `explain.by_condition`.
        differences: from `explain.differences`, first less second.
        first, second: the fusions.
    """
    return " ".join(_looks(averages, differences, measure, first, second) for measure in TALK)


def trust_headline(table: "pd.DataFrame", target: str) -> str:
    """Answer "which map to trust for which question, here?" in one line; `trust_sentence` has the numbers.

    Args:
        table: from `explain.trust_table`.
        target: whose prediction was explained.
    """
    parts = []
    for modality, word in WORDS.items():
        found = {question: best(table, modality, check) for question, check in _questions(target)}
        asked = [f"{question}, trust {_winner(one)}" for question, one in found.items() if one]
        parts.append(f"In the {word}: {'; '.join(asked)}." if asked else f"In the {word} no clip moved the prediction.")
    return " ".join(parts)


def trust_sentence(table: "pd.DataFrame", target: str) -> str:
    """Answer "which map to trust for which question, here?" with the numbers that it rests on.

    Args:
        table, target: as in `trust_headline`.
    """
    parts, averages = [], summary(table)
    for modality, word in WORDS.items():
        asked = []
        for question, check in _questions(target):
            found = best(table, modality, check)
            if found:
                reached = _average(averages, modality, check, found[0])
                asked.append(f"{question}, {_trusted(found, check, reached)}")
        parts.append(f"In the {word}: {'; '.join(asked)}." if asked else f"In the {word} no clip moved the prediction.")
    if not (table["check"] == "AUROC").any():
        parts.append("Where the cause lies is not measured: it is unknown, or the run's CCC interval includes 0.")
    return " ".join(parts)


def faithful_sentence(averages: "pd.DataFrame", method: str) -> str:
    """Answer "is the map faithful to the model?" for one method.

    Args:
        averages: from `explain.summary`.
        method: one of `METHODS`.
    """
    parts = []
    for modality, word in WORDS.items():
        mine = averages[(averages["modality"] == modality) & averages["method"].isin([method, "uniform"])]
        if {"infidelity", "deletion"} <= set(mine["check"]) and set(mine["method"]) == {method, "uniform"}:
            (wrong, wrong_uniform), (left, left_uniform) = (
                [_average(averages, modality, check, name).text for name in (method, "uniform")]
                for check in ("infidelity", "deletion")
            )
            parts.append(
                f"In the {word} {method.replace('_', ' ')} have infidelity {wrong} (0 is perfect; a uniform map "
                f"{wrong_uniform}); with cells taken away in their order {left} of the prediction is left on average, "
                f"in random order {left_uniform}."
            )
    return " ".join(parts) or "Whether maps are faithful is not measured: no clip moved the prediction."


def _questions(target: str) -> tuple[tuple[str, str], ...]:
    """What a map is asked, and the check that answers."""
    return (f"where the cause of {target} lies", "AUROC"), ("which parts carry the prediction", "infidelity")


def _winner(found: tuple[str, str, Interval]) -> str:
    """The best method where it beats the best control, else none."""
    return f"`{found[0]}`" if found[2].low > 0 else "none"


def _average(averages: "pd.DataFrame", modality: str, check: str, method: str) -> Interval:
    here = (averages["modality"] == modality) & (averages["check"] == check) & (averages["method"] == method)
    row = averages[here].iloc[0]
    return Interval(row["value"], row["low"], row["high"], int(row["clusters"]))


def _trusted(found: tuple[str, str, Interval], check: str, reached: Interval) -> str:
    method, control, better = found
    has, trusted = f"{check} {reached.text}, {CHANCE[check]}", f"trust {_winner(found)}"
    if better.low > 0:
        return f"{trusted} ({has}; better than {KNOWN[control]} by {better.text})"
    general = control in ("mean map", "other target") and check == "AUROC" and reached.low > 0.5
    meaning = ": it tells where this model looks, not what moves this clip" if general else ""
    return f"{trusted} (`{method}` has {has}, but is no better than {KNOWN[control]}: {better.signed}{meaning})"


def _looks(averages: "pd.DataFrame", differences: "pd.DataFrame", measure: str, first: str, second: str) -> str:
    own, other = TALK[measure]
    less = _interval(differences, "all clips", measure)
    a, b = (_interval(averages[averages["fusion"] == name], "all clips", measure).value for name in (first, second))
    return (
        f"The attended {own} of `{first}` {_verb(less)} the {other} {_degree(less)} that of `{second}`: cross-talk "
        f"{a:.3f} against {b:.3f}, {_difference(less)}."
    )


def _when(differences: "pd.DataFrame") -> str:
    """In which conditions the differences are largest and smallest, and in how many they are told from 0."""
    known = differences[differences["measure"].isin(TALK) & (differences["condition"] != "all clips")].dropna()
    if known["condition"].nunique() < 2:
        return "When cannot be said here: too few conditions or persons."
    parts = []
    for measure, (own, _) in TALK.items():
        mine = known[known["measure"] == measure]
        names = mine["condition"].iloc[mine["value"].abs().argsort().to_numpy()].tolist()
        least, most = (f"{name} ({_interval(mine, name, measure).signed})" for name in (names[0], names[-1]))
        parts.append(f"the {own}'s difference is largest for {most} and smallest for {least}")
    told = int(((known["low"] > 0) | (known["high"] < 0)).sum())
    return f"By condition {'; '.join(parts)}; {told} of {len(known)} such intervals leave 0 out."


def _interaction(averages: "pd.DataFrame", differences: "pd.DataFrame", first: str, second: str, target: str) -> str:
    values = averages[(averages["condition"] == "all clips") & (averages["measure"] == "interaction")]
    by_fusion = values.set_index("fusion")["value"]
    less = _interval(differences, "all clips", "interaction")
    return (
        f"In the predicted {target}, what neither modality has alone is {by_fusion[first]:.3f} on average for "
        f"`{first}`, {by_fusion[second]:.3f} for `{second}` ({_difference(less)})."
    )


def _interval(differences: "pd.DataFrame", condition: str, measure: str) -> Interval:
    row = differences[(differences["condition"] == condition) & (differences["measure"] == measure)].iloc[0]
    return Interval(row["value"], row["low"], row["high"], int(row["persons"]))


def _difference(less: Interval) -> str:
    return TOO_FEW if np.isnan(less.low) else f"difference {less.signed}"


def _verb(less: Interval) -> str:
    return "depends on" if less.excludes_zero else "cannot be told to depend on"


def _degree(less: Interval) -> str:
    if not less.excludes_zero:
        return "more or less than"
    return "more than" if less.value > 0 else "less than"
