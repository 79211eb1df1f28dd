"""What the measures say, in one plain sentence each, with the numbers they rest on."""

from typing import TYPE_CHECKING

import numpy as np

from jcalib.explain.intervals import Interval
from jcalib.explain.ranking import alike, best, summary
from jcalib.explain.trust import WORDS
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
    added = _added(averages, first, second)
    return f"{_when(differences)} {_interaction(averages, differences, first, second, target)} {added}"


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
        found = [(question, check, best(table, modality, check)) for question, check in _questions(target)]
        asked = [f"{question}, trust {_winner(table, modality, check, one)}" for question, check, one in found if one]
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
                trusted = _trusted(_winner(table, modality, check, found), found, check, reached)
                asked.append(f"{question}, {trusted}")
        parts.append(f"In the {word}: {'; '.join(asked)}." if asked else f"In the {word} no clip moved the prediction.")
        parts += _of_this_model(averages, modality, word)
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
                f"{wrong_uniform}); with cells taken away in their order the prediction is at {left} on average, in "
                f"random order at {left_uniform}."
            )
    if parts:
        parts.append("Here 1 is the clip's prediction and 0 the baseline's; below 0 what is left pushes back.")
    return " ".join(parts) or "Whether maps are faithful is not measured: no clip moved the prediction."


def _questions(target: str) -> tuple[tuple[str, str], ...]:
    """What a map is asked, and the check that answers."""
    return (f"where the cause of {target} lies", "AUROC"), ("which parts carry the prediction", "infidelity")


def _winner(table: "pd.DataFrame", modality: str, check: str, found: tuple[str, str, Interval]) -> str:
    """The best method where it beats the best control, with those that cannot be told from it; else none."""
    if np.isnan(found[2].low):
        return f"none ({TOO_FEW})"
    if not found[2].low > 0:
        return "none"
    return " or ".join(f"`{name}`" for name in (found[0], *alike(table, modality, check, found[0])))


def _of_this_model(averages: "pd.DataFrame", modality: str, word: str) -> list[str]:
    """Which weights the maps depend on, where that was measured: near 0 where they do."""
    mine = averages[(averages["modality"] == modality) & averages["check"].str.startswith("random ")]
    if mine.empty:
        return []
    stages = [
        f"{part['value'].min():.2f} to {part['value'].max():.2f} ({check.removeprefix('random ')})"
        for check, part in ((name, mine[mine["check"] == name]) for name in dict.fromkeys(mine["check"]))
    ]
    clips = int(mine["clusters"].max())
    said = f"With weights made random, maps of the {word} still agree with themselves (rank correlation) by"
    return [f"{said} {', '.join(stages)}, over {clips} clips: near 0, a map depends on them."]


def _average(averages: "pd.DataFrame", modality: str, check: str, method: str) -> Interval:
    here = (averages["modality"] == modality) & (averages["check"] == check) & (averages["method"] == method)
    row = averages[here].iloc[0]
    return Interval(row["value"], row["low"], row["high"], int(row["clusters"]))


def _trusted(winner: str, found: tuple[str, str, Interval], check: str, reached: Interval) -> str:
    method, control, better = found
    has, trusted = f"{check} {reached.text}, {CHANCE[check]}", f"trust {winner}"
    if better.low > 0:
        return f"{trusted} (`{method}` has {has}; better than {KNOWN[control]} by {better.text})"
    general = control in ("mean map", "other target") and check == "AUROC" and reached.low > 0.5
    meaning = ": it tells where this model looks, not what moves this clip" if general else ""
    if np.isnan(better.low):
        return f"{trusted}: `{method}` has {has}"
    worse = "is worse than" if better.high < 0 else "cannot be told from"
    return f"{trusted} (`{method}` has {has}, but {worse} {KNOWN[control]}: {better.signed}{meaning})"


def _looks(averages: "pd.DataFrame", differences: "pd.DataFrame", measure: str, first: str, second: str) -> str:
    own, other = TALK[measure]
    less = _interval(differences, "all clips", measure)
    if np.isnan(less.value):
        return f"The attended {own} of `{first}` and of `{second}` cannot be compared: one of them does not read it."
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
        if mine.empty:  # one of the two does not read that modality
            continue
        names = mine["condition"].iloc[mine["value"].abs().argsort().to_numpy()].tolist()
        least, most = (f"{_interval(mine, name, measure).signed} ({name})" for name in (names[0], names[-1]))
        parts.append(f"the {own}'s difference lies between {least} and {most}")
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


def _added(averages: "pd.DataFrame", first: str, second: str) -> str:
    """How long what attention adds is: a small cross-talk may mean a small addition."""
    everywhere = averages[averages["condition"] == "all clips"].set_index(["fusion", "measure"])["value"]
    sizes = [
        f"{everywhere[name, f'change, {word}']:.2f} for `{name}` ({word})"
        for word in WORDS.values()
        for name in (first, second)
        if np.isfinite(everywhere[name, f"change, {word}"])
    ]
    return f"The attended features differ from those attended to by {', '.join(sizes)} of their length."


def gating_sentences(tables: "dict[str, pd.DataFrame]") -> list[str]:
    """Answer "does a fusion leave a modality that has gone bad?", a sentence a kind of corruption, at its worst.

    Args:
        tables: by fusion, from `explain.shares_under`; kinds that name neither voice nor face are left out.
    """
    first = next(iter(tables.values()))
    kinds = [kind for kind in dict.fromkeys(first["kind"]) if kind.startswith(("voice", "face"))]
    return [f"{kind}: {'; '.join(_gates(name, tables[name], kind) for name in tables)}." for kind in kinds]


def _gates(fusion: str, table: "pd.DataFrame", kind: str) -> str:
    """Whether the share of the modality that went bad fell: shares are of the voice, the face's is the rest."""
    word = kind.split()[0]
    worst = table[(table["kind"] == kind) & ~table["clean"]].iloc[-1]
    low, high, value = (float(worst[f"change{end}"]) for end in ("_low", "_high", ""))
    if word == "face":
        low, high, value = -high, -low, -value
    moved = Interval(value, low, high, 0)
    if np.isnan(low):
        return f"of `{fusion}` nothing can be said: {TOO_FEW}"
    moves = f"(its share moves by {moved.signed})"
    if not moved.excludes_zero:
        return f"whether `{fusion}` leaves the {word} cannot be told {moves}"
    return f"`{fusion}` {'leaves' if value < 0 else 'listens more to'} the {word} {moves}"


def seeds_sentence(by_seed: "pd.DataFrame") -> str:
    """Say how far seeds of each fusion agree on which clips they depend on.

    Args:
        by_seed: from `explain.across_seeds`, of one fusion or several.
    """
    parts = [
        f"{part['agreement'].mean():.2f} for `{name}` ({part['agreement'].min():.2f} to {part['agreement'].max():.2f})"
        for name, part in by_seed.groupby("fusion", sort=False)
    ]
    return f"Seeds agree with each other on what a prediction depends on by {', '.join(parts)}: 1 is the same for all."


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
