"""The comparisons a report makes, fixed before any number is seen (design 10).

Two questions have one test each, on the mean of valence and arousal, unadjusted: joint - cross, the papers' claim
(primary), and joint - mixer, whether it is the correlation (planned). Secondary: every other fusion - cross on each
target, under Holm's correction together. So how many fusions stand beside joint and mixer changes nothing of what is
said of these two. Beside them, under a correction of its own, every fusion - the better single modality. Everything
here takes {fusion: sums (R, S, 2, 6)}: recordings, seeds, valence and arousal, the six sums.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from jcalib.fusion.registry import CELL
from jcalib.settings import UserError, choose
from jcalib.studies.statistics import TARGETS, Comparison, ccc_from_sums, compare, holm

if TYPE_CHECKING:
    import pandas as pd

MEAN = "mean"
SINGLE = ("audio", "visual")

Test = tuple[str, str, str]  # fusion A, fusion B, target


@dataclass(frozen=True)
class Family:
    """Tests that share one error rate: their p values are adjusted together by Holm's rule."""

    name: str
    tests: tuple[Test, ...]
    comparisons: tuple[Comparison, ...]

    def of(self, a: str, b: str, target: str = MEAN) -> Comparison:
        """Return one comparison of the family.

        Raises:
            UserError: the family has no such test.
        """
        wanted = (a, b, target)
        if wanted not in self.tests:
            known = "; ".join(f"{x} - {y}, {of}" for x, y, of in self.tests)
            raise UserError(f"family {self.name!r} has no test {a} - {b}, {target}: it holds {known}.")
        return self.comparisons[self.tests.index(wanted)]

    def frame(self) -> "pd.DataFrame":
        """Return one row a test: family, a, b, target, and the fields of Comparison, verdicts naming the fusions."""
        import pandas as pd

        rows = [comparison.frame() for comparison in self.comparisons]
        table = pd.concat(rows, ignore_index=True)
        for column, name in enumerate(("a", "b", "target")):
            table.insert(column, name, [test[column] for test in self.tests])
        table.insert(0, "family", self.name)
        verdicts = zip(table["verdict"], table["a"], table["b"], strict=True)
        return table.assign(verdict=[name_verdict(verdict, a, b) for verdict, a, b in verdicts])


def name_verdict(verdict: str, a: str, b: str) -> str:
    """Return a verdict with the fusions' names: "A higher" becomes "joint higher"."""
    return {"A higher": f"{a} higher", "B higher": f"{b} higher"}.get(verdict, verdict)


def difference(
    sums: Mapping[str, ArrayLike],
    a: str,
    b: str,
    target: str = MEAN,
    clusters: Sequence[str] | None = None,
    margin: float = 0.02,
) -> Comparison:
    """Compare two fusions by name, outside any family.

    Args:
        sums: {fusion: (R, S, 2, 6)}.
        a, b: names of the fusions.
        target: "valence", "arousal" or "mean".
        clusters: the person of each recording, (R,).
        margin: the largest difference that does not matter.

    Raises:
        UserError: a name is unknown.
    """
    of = choose(target, (*TARGETS, MEAN), "target")
    taken = slice(None) if of == MEAN else slice(TARGETS.index(of), TARGETS.index(of) + 1)
    first, second = (np.asarray(sums[choose(name, sums, "fusion")])[:, :, taken] for name in (a, b))
    return compare(first, second, clusters, margin)


def primary(sums: Mapping[str, ArrayLike], clusters: Sequence[str] | None = None, margin: float = 0.02) -> Family:
    """Return family (i): joint - cross on the mean of valence and arousal, unadjusted."""
    return _family("primary", (("joint", "cross", MEAN),), sums, clusters, margin)


def planned(sums: Mapping[str, ArrayLike], clusters: Sequence[str] | None = None, margin: float = 0.02) -> Family:
    """Return joint - mixer on the mean of valence and arousal, unadjusted: the one contrast planned beside the primary.

    Raises:
        UserError: one of the two was not run.
    """
    return _family("planned", (("joint", "mixer", MEAN),), sums, clusters, margin)


def secondary(sums: Mapping[str, ArrayLike], clusters: Sequence[str] | None = None, margin: float = 0.02) -> Family:
    """Return every fusion - cross on each target, under Holm."""
    tests = [(name, "cross", target) for name in named(sums) if name != "cross" for target in TARGETS]
    return _family("secondary", tuple(tests), sums, clusters, margin)


def single(sums: Mapping[str, ArrayLike], clusters: Sequence[str] | None = None, margin: float = 0.02) -> Family:
    """Return every fusion of both modalities - the better single modality, on the mean, under Holm."""
    best = better_single(sums)
    tests = tuple((name, best, MEAN) for name in named(sums) if name not in SINGLE)
    return _family("single", tests, sums, clusters, margin)


def overview(
    sums: Mapping[str, ArrayLike], clusters: Sequence[str] | None = None, margin: float = 0.02
) -> "pd.DataFrame":
    """Return what the differences figure draws, on the mean: joint - mixer, joint - concat, and every fusion of two
    modalities - cross.

    Intervals without p values and verdicts: those are the families' to give. Single modalities are so far below that
    they would press the rest together; the scores figure shows them.
    """
    simpler = [("joint", name, MEAN) for name in ("mixer", "concat") if {"joint", name} <= set(sums)]
    tests = (*simpler, *((name, "cross", MEAN) for name in named(sums) if name not in ("cross", *SINGLE)))
    table = _family("overview", tests, sums, clusters, margin).frame()
    return table.drop(columns=["p", "p_adjusted", "verdict"])


def scores(sums: Mapping[str, ArrayLike], seeds: Mapping[str, Sequence[int]]) -> "pd.DataFrame":
    """Return every seed's CCC over all recordings: columns fusion, target, seed, ccc.

    Args:
        sums: {fusion: (R, S, 2, 6)}.
        seeds: the S seeds of each.
    """
    import pandas as pd

    rows = []
    for fusion, table in sums.items():
        values = ccc_from_sums(np.asarray(table).sum(0))
        for column, of in enumerate(TARGETS):
            rows += [(fusion, of, seed, ccc) for seed, ccc in zip(seeds[fusion], values[:, column], strict=True)]
    return pd.DataFrame(rows, columns=["fusion", "target", "seed", "ccc"])


def better_single(sums: Mapping[str, ArrayLike]) -> str:
    """Return "audio" or "visual", whichever alone has the higher mean CCC over targets and seeds.

    Chosen on the recordings it is then compared on, so a fusion that beats it has beaten the luckier of the two.
    """
    return max(SINGLE, key=lambda name: ccc_from_sums(np.asarray(sums[name]).sum(0)).mean())


def named(sums: Iterable[str]) -> list[str]:
    """Return the fusions without the cells, which are compared as factors (`studies.factors`)."""
    return [name for name in sums if not name.startswith(CELL)]


def check_compared(names: Iterable[str]) -> None:
    """Refuse a study without the two fusions that it is about.

    Raises:
        UserError: joint or cross is missing.
    """
    there = list(names)
    missing = [name for name in ("joint", "cross") if name not in there]
    if missing:
        raise UserError(f"the study has {', '.join(there)}, not {missing[0]}: joint and cross are what is compared.")


def _family(
    name: str,
    tests: tuple[Test, ...],
    sums: Mapping[str, ArrayLike],
    clusters: Sequence[str] | None,
    margin: float,
) -> Family:
    raw = [difference(sums, a, b, target, clusters, margin) for a, b, target in tests]
    adjusted = holm([comparison.p for comparison in raw])
    return Family(name, tests, tuple(replace(c, p_adjusted=float(p)) for c, p in zip(raw, adjusted, strict=True)))
