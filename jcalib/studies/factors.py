"""What each switch between vanilla and joint cross-attention does, over the cells of the cube (design 5 and 10).

Joint differs from vanilla in four switches at once. Their Shapley values share joint - cross among them: what turning
one switch adds, averaged over all orders in which the four can be turned, so that the four numbers add up to joint -
cross exactly (Shapley, 1953). Beside them stand the contrasts: one setting against another, averaged over all cells
that agree in the other switches. Both are weighted sums of the cells' CCCs, so both have the crossed interval of
`studies.statistics`; all tests together, on valence and on arousal, are family (iii) under Holm's correction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jcalib.fusion import block
from jcalib.fusion.registry import CELL
from jcalib.settings import UserError
from jcalib.studies.families import MEAN, name_verdict
from jcalib.studies.latex import booktabs
from jcalib.studies.statistics import TARGETS, Comparison, contrast, holm
from jcalib.studies.verdicts import format_ccc, format_interval

if TYPE_CHECKING:
    import pandas as pd

Weights = dict[str, float]

VANILLA, JOINT = block.VANILLA._asdict(), block.JOINT._asdict()
KEYS = ("other", "joint", "itself")


def cell_name(setting: Mapping[str, str]) -> str:
    """Return the name of the fusion with these four switches."""
    return CELL + "-".join(setting[switch] for switch in VANILLA)


def setting(name: str) -> dict[str, str]:
    """Return the four switches of a cell by its name."""
    return dict(zip(VANILLA, name.removeprefix(CELL).split("-"), strict=True))


def cell_names() -> list[str]:
    """Return the names of all 24 cells, vanilla first."""
    return [cell_name(setting) for setting in _settings(KEYS)]


def effects() -> dict[tuple[str, str, str], Weights]:
    """Return the weights of every effect: ("Shapley" or "contrast", switch, "joint - other", ...) to cell to weight."""
    found = {("Shapley", switch, f"{JOINT[switch]} - {VANILLA[switch]}"): shapley(switch) for switch in VANILLA}
    pairs = [(switch, JOINT[switch], VANILLA[switch]) for switch in VANILLA]
    pairs.insert(1, ("key", "joint", "itself"))
    return found | {("contrast", switch, f"{a} - {b}"): averaged(switch, a, b) for switch, a, b in pairs}


def shapley(switch: str) -> Weights:
    """Return the weights of a switch's Shapley value over the 16 cells with key other or joint.

    phi_i = sum over S without i of (v(S + i) - v(S)) / (4 C(3, |S|)), v(S) the CCC of the cell in which the switches
    of S are joint's and the others vanilla's.
    """
    weights = {}
    for setting in _settings(KEYS[:2]):
        turned = {name for name, value in setting.items() if value == JOINT[name]}
        before = len(turned - {switch})
        sign = 1 if switch in turned else -1
        weights[cell_name(setting)] = sign / (len(VANILLA) * comb(len(VANILLA) - 1, before))
    return weights


def averaged(switch: str, a: str, b: str) -> Weights:
    """Return the weights of setting a - setting b of a switch, the mean over all settings of the others."""
    chosen = [setting for setting in _settings(KEYS) if setting[switch] in (a, b)]
    return {cell_name(one): (1 if one[switch] == a else -1) / (len(chosen) / 2) for one in chosen}


def factors(
    sums: Mapping[str, ArrayLike], clusters: Sequence[str] | None = None, margin: float = 0.02
) -> "pd.DataFrame":
    """Return family (iii): every effect on valence and arousal under Holm, and on their mean, which is not tested.

    Args:
        sums: {fusion: (R, S, 2, 6)}, the 24 cells among them.
        clusters: the person of each recording, (R,).
        margin: the largest difference that does not matter.

    Returns:
        Columns kind, switch, effect, target, and the fields of Comparison; p, p_adjusted and verdict are empty for
        the mean. The Shapley values of a target add up to joint - cross.

    Raises:
        UserError: a cell is missing.
    """
    import pandas as pd

    check_complete(sums)
    rows = [(effect, target) for effect in effects() for target in (*TARGETS, MEAN)]
    found = [_effect(sums, effects()[effect], target, clusters, margin) for effect, target in rows]
    tested = [place for place, (_, target) in enumerate(rows) if target != MEAN]
    for place, p in zip(tested, holm([found[place].p for place in tested]), strict=True):
        found[place] = replace(found[place], p_adjusted=float(p))
    table = pd.concat([one.frame() for one in found], ignore_index=True)
    for column, name in enumerate(("kind", "switch", "effect")):
        table.insert(column, name, [effect[column] for effect, _ in rows])
    table.insert(3, "target", [target for _, target in rows])
    verdicts = zip(table["verdict"], table["effect"], strict=True)
    table["verdict"] = [name_verdict(verdict, *effect.split(" - ")) for verdict, effect in verdicts]
    table.loc[table["target"] == MEAN, ["p", "p_adjusted"]] = np.nan
    table.loc[table["target"] == MEAN, "verdict"] = ""
    return table.drop(columns="paired")


def sentences(table: "pd.DataFrame") -> list[str]:
    """Return the effects in words: how joint - vanilla is shared, and every contrast with its verdicts.

    Args:
        table: as `factors` gives it.
    """
    shares = table[(table["kind"] == "Shapley") & (table["target"] == MEAN)].to_dict("records")
    total = format_ccc(sum(one["difference"] for one in shares))
    said = [f"Joint - vanilla is {total} CCC, mean of valence and arousal, and is shared by {_listed(shares)}."]
    contrasts = table[(table["kind"] == "contrast") & (table["target"] != MEAN)]
    for (switch, effect), rows in contrasts.groupby(["switch", "effect"], sort=False):
        found = "; ".join(f"{one['target']} {_amount(one)}, {one['verdict']}" for one in rows.to_dict("records"))
        said.append(f"{switch}, {effect}, mean over the cells that agree in the rest: {found}.")
    return said


def _listed(shares: Sequence[Mapping[Any, Any]]) -> str:
    return ", ".join(f"{one['switch']} ({one['effect']}) {_amount(one)}" for one in shares)


def _amount(one: Mapping[Any, Any]) -> str:
    return f"{format_ccc(one['difference'])} {format_interval(one['low'], one['high'])}"


def to_latex(table: "pd.DataFrame") -> str:
    """Return the effects for a paper (booktabs), with 95 % intervals; a star where the verdict is a difference."""
    rows: dict[tuple[str, str], list[str]] = {}
    for one in table.to_dict("records"):  # targets in order within an effect
        star = "*" if one["verdict"].endswith(" higher") else ""
        cell = _amount(one).replace(" ", f"{star} ", 1)
        effect = one["effect"].replace(" - ", " $-$ ")
        rows.setdefault((f"{one['switch']}: {effect}", one["kind"]), []).append(cell)
    head = ["Effect", "Kind", "Valence", "Arousal", "Mean"]
    return booktabs(head, [[*effect, *cells] for effect, cells in rows.items()], "llccc")


def check_complete(names: Iterable[str]) -> None:
    """Refuse a study in which a cell is missing.

    Raises:
        UserError: with the number of missing cells and the first of them.
    """
    missing = [name for name in cell_names() if name not in set(names)]
    if missing:
        raise UserError(
            f"{len(missing)} of the 24 cells are missing, {missing[0]} the first: effects of the switches need all. "
            "Compare all with ablate(jcalib.fusion.cells(), ...)."
        )


def _effect(
    sums: Mapping[str, ArrayLike], weights: Weights, target: str, clusters: Sequence[str] | None, margin: float
) -> Comparison:
    taken = slice(None) if target == MEAN else slice(TARGETS.index(target), TARGETS.index(target) + 1)
    tables = [np.asarray(sums[name])[:, :, taken] for name in weights]
    return contrast(tables, list(weights.values()), clusters, margin)


def _settings(keys: Iterable[str]) -> list[dict[str, str]]:
    levels = [[VANILLA[switch], JOINT[switch]] for switch in list(VANILLA)[1:]]
    return [dict(zip(VANILLA, setting, strict=True)) for setting in product(keys, *levels)]
