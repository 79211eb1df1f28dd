"""What is left of each fusion when a modality is missing, noisy or late: trained runs, evaluated on corrupted inputs.

Nothing is trained again. Every point of every curve is scored over the same frames, those that have a prediction under
every corruption, and has the crossed interval of `studies.statistics`: fresh persons and fresh seeds, given this draw
of the corruption.

Two numbers sum a curve up, as in MultiBench (Liang et al. 2021, arXiv 2107.07502, and its eval_scripts/robustness.py),
with CCC as performance and equal steps of severity:

- **relative robustness**: the area under performance against severity (trapezoids), here over the curve's length, so
  that it is a CCC: what a fusion scores on average along the curve. MultiBench then scales it from 0 to 1 over the
  methods at hand; that is left out, since it would change with the company.
- **effective robustness** (after Taori et al. 2020, arXiv 2007.00644): the mean over the corrupted severities of
  (f - f_clean) - (base - base_clean): how much less a fusion loses than a baseline does. MultiBench's baseline is late
  fusion and it sums where this takes the mean; here it is `concat` (`cross` where that was not run).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jcalib.corpora import Corpus
from jcalib.features import Features
from jcalib.progress import stage
from jcalib.settings import UserError, choose
from jcalib.studies.ablation import Study
from jcalib.studies.corruptions import Corruption, feature_corruptions, recordings_of
from jcalib.studies.families import named
from jcalib.studies.rescoring import counted_frames, evaluate, first_persons
from jcalib.studies.signals import signal_corruptions
from jcalib.studies.statistics import Comparison, contrast
from jcalib.training import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLEAN = "no corruption"
Weights = dict[tuple[str, str, float], float]  # (fusion, kind, severity) to weight


@dataclass(frozen=True)
class Robustness:
    """Fusions under corruption.

    Attributes:
        corruptions: what was done.
        sums: (fusion, kind, severity) to the six sums (R, S, 2, 6), all over the same frames.
        fusions: their names.
        persons: the person of each recording.
        scored: the share of the frames that have a label which is scored.
        baseline: what effective robustness is measured against.
        margin: the largest difference in CCC that does not matter.
    """

    corruptions: tuple[Corruption, ...]
    sums: Mapping[tuple[str, str, float], np.ndarray]
    fusions: tuple[str, ...]
    persons: list[str]
    scored: float
    baseline: str
    margin: float = 0.02

    def frame(self) -> pd.DataFrame:
        """Return one row a fusion, kind and severity.

        Columns level, kind, fusion, severity, unit, clean (whether it is), ccc with low and high (mean of valence and
        arousal), and change, change_low, change_high: against clean.
        """
        rows = []
        for corruption in self.corruptions:
            for fusion in self.fusions:
                for severity in corruption.severities:
                    own = self._compare({(fusion, corruption.kind, severity): 1})
                    change = self._compare(_change(fusion, corruption, severity))
                    row = {"level": corruption.level, "kind": corruption.kind, "fusion": fusion, "severity": severity}
                    row |= {"unit": corruption.unit, "clean": severity == corruption.clean}
                    row |= {"ccc": own.difference, "low": own.low, "high": own.high}
                    rows.append(
                        row | {"change": change.difference, "change_low": change.low, "change_high": change.high}
                    )
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """Return one row a fusion and kind: relative and effective robustness, each with its 95 % interval.

        The baseline's own effective robustness is 0 by definition.
        """
        rows = []
        for corruption in self.corruptions:
            for fusion in self.fusions:
                relative = self._compare(_relative(fusion, corruption))
                effective = self._compare(_effective(fusion, self.baseline, corruption))
                row: dict[str, Any] = {"level": corruption.level, "kind": corruption.kind, "fusion": fusion}
                row |= {"relative": relative.difference, "relative_low": relative.low, "relative_high": relative.high}
                row |= {"effective": effective.difference}
                rows.append(row | {"effective_low": effective.low, "effective_high": effective.high})
        return pd.DataFrame(rows)

    def advantage(self, a: str, b: str, kinds: Iterable[str], beyond_clean: bool = False) -> Comparison:
        """Compare two fusions under corruption: the mean of A - B over kinds, and over each kind's severities.

        Args:
            a, b: names of fusions.
            kinds: of corruption; clean severities do not count.
            beyond_clean: less what A - B is without corruption, so that it says by how much less A loses than B does.

        Raises:
            UserError: a fusion or a kind that was not evaluated.
        """
        first, second = (choose(name, self.fusions, "fusion") for name in (a, b))
        known = {one.kind: one for one in self.corruptions}
        chosen = [known[choose(kind, known, "corruption")] for kind in kinds]
        shares = {(one.kind, level): 1 / len(one.worse) / len(chosen) for one in chosen for level in one.worse}
        if beyond_clean:
            shares |= {(one.kind, one.clean): -1 / len(chosen) for one in chosen}
        weights = {(first, *place): share for place, share in shares.items()}
        return self._compare(weights | {(second, *place): -share for place, share in shares.items()})

    def against(self, other: "Robustness") -> pd.DataFrame:
        """Compare the same fusions, trained in another way, under the same corruptions: self - other.

        Args:
            other: of the other training, from the same corruptions, persons and seeds.

        Returns:
            One row a kind and fusion: kind, fusion, and the difference in relative robustness with its 95 % interval:
            gain, low, high. The first kind is no corruption, where it is the difference in CCC.

        Raises:
            UserError: another corruption, or other frames, persons or seeds.
        """
        self._check_same(other)
        first = self.corruptions[0]
        curves = {CLEAN: lambda fusion: {(fusion, first.kind, first.clean): 1.0}}
        curves |= {one.kind: partial(_relative, corruption=one) for one in self.corruptions}
        rows = []
        for kind, weigh in curves.items():
            for fusion in (name for name in self.fusions if name in other.fusions):
                weights = weigh(fusion)
                tables = [side.sums[place] for side in (self, other) for place in weights]
                signed = [sign * weight for sign in (1, -1) for weight in weights.values()]
                one = contrast(tables, signed, self.persons, self.margin)
                rows.append({"kind": kind, "fusion": fusion, "gain": one.difference, "low": one.low, "high": one.high})
        return pd.DataFrame(rows)

    def _check_same(self, other: "Robustness") -> None:
        mine, theirs = ([(one.kind, one.severities) for one in side.corruptions] for side in (self, other))
        if mine != theirs or self.persons != other.persons:
            raise UserError("the two were not corrupted in the same way on the same persons: evaluate both alike.")
        first, second = (next(iter(side.sums.values())) for side in (self, other))
        if first.shape != second.shape or not np.array_equal(first[..., 0][:, 0], second[..., 0][:, 0]):
            raise UserError("the two were not scored with as many seeds on the same frames: evaluate both alike.")

    def said(self) -> str:
        """Return what has to be said beside the curves, in one sentence."""
        return (
            f"Scored on {self.scored:.0%} of the annotated frames: those with a prediction under every corruption. "
            f"Intervals cover fresh persons and fresh seeds, given one draw of each corruption; effective robustness "
            f"is against {self.baseline}."
        )

    def plot(self, fusions: Iterable[str] = ()) -> "Figure":
        """Draw CCC against severity, a panel a kind; with 95 % bands where at most three fusions are named.

        Args:
            fusions: which ones, where they were evaluated; all by default.
        """
        from jcalib.views.robustness import plot_robustness

        table, wanted = self.frame(), list(fusions) or self.fusions
        return plot_robustness(table[table["fusion"].isin(wanted)])

    def write(self, folder: Path | str) -> Path:
        """Write the figure as PNG and PDF, with every point as CSV; return the PNG."""
        from jcalib.views import style

        return style.save(self.plot(), folder, "robustness", self.frame())

    def _compare(self, weights: Weights) -> Comparison:
        weights = {place: weight for place, weight in weights.items() if weight}
        if not weights:  # a severity against itself
            weights = {next(iter(self.sums)): 0.0}
        return contrast([self.sums[place] for place in weights], list(weights.values()), self.persons, self.margin)


def robustness(
    study: Study | Iterable[Run],
    features: Features,
    kinds: Iterable[str] = (),
    fusions: Iterable[str] = (),
    persons: int = 0,
    seed: int = 0,
    device: str = "auto",
    corpus: Corpus | None = None,
) -> Robustness:
    """Evaluate trained runs on corrupted inputs of the report persons.

    Args:
        study: a study, whose margin and smoothing hold here too, or runs. Cells are left out.
        features: what the runs were trained on.
        kinds: of corruption, by name ("voice missing", "face noise", ...); all of them by default, those of pictures
            and sound where there is a corpus.
        fusions: of these runs, those that were run; all by default.
        persons: how many report persons' recordings, the first ones; 0 for all.
        seed: of what is drawn.
        device: "auto", "cpu" or "cuda".
        corpus: what the features were made from, for corruption of pictures and sound (`studies.signals`), which are
            encoded again; without it features alone are corrupted.

    Raises:
        UserError: an unknown kind, other features than the runs', or no frame that every corruption leaves.
    """
    chosen = study if isinstance(study, Study) else Study({run.settings.fusion: run for run in study})
    _check_source(chosen, features)
    every = feature_corruptions(features, seed)
    every += signal_corruptions(corpus, features, seed, device) if corpus else []
    known = {one.kind: one for one in every}
    corruptions = [known[choose(kind, known, "corruption")] for kind in kinds] or list(known.values())
    numbers = first_persons(features, persons)
    part = recordings_of(features, numbers)
    _encode([one for one in corruptions if one.level == "signal"], part)
    counted, share = counted_frames(part, corruptions)
    wanted = list(fusions) or list(chosen.runs)
    ensembles = {name: chosen.runs[name].ensemble(device) for name in named(chosen.runs) if name in wanted}
    clips = next(iter(chosen.runs.values())).settings.training.clips
    clean = dict(evaluate(ensembles, part, counted, clips, chosen.smooth))
    found: dict[tuple[str, str, float], np.ndarray] = {}
    with stage("corrupt features", sum(len(one.worse) for one in corruptions)) as progress:
        for corruption in corruptions:
            found |= {(name, corruption.kind, corruption.clean): table for name, table in clean.items()}
            for severity in corruption.worse:
                corrupted = corruption.apply(part, severity)
                for name, table in evaluate(ensembles, corrupted, counted, clips, chosen.smooth):
                    found[name, corruption.kind, severity] = table
                progress.advance()
        progress.note(f"{len(corruptions)} kinds, {len(ensembles)} fusions, {len(numbers)} recordings")
    people = [info.person for info in part.recordings]
    base = "concat" if "concat" in ensembles else "cross" if "cross" in ensembles else next(iter(ensembles))
    return Robustness(tuple(corruptions), found, tuple(ensembles), people, share, base, chosen.margin)


def _encode(corruptions: Sequence[Corruption], part: Features) -> None:
    """Encode corrupted pictures and sound, which are kept and only looked up afterwards."""
    if corruptions:
        with stage("encode corrupted signals", sum(len(one.worse) for one in corruptions)) as progress:
            for corruption in corruptions:
                for severity in corruption.worse:
                    corruption.apply(part, severity)
                    progress.advance()
            progress.note(f"{len(corruptions)} kinds, {len(part.recordings)} recordings")


def _check_source(study: Study, features: Features) -> None:
    for name, run in study.runs.items():
        if run.settings.features != features.source:
            raise UserError(
                f"run {name} was trained on features {run.settings.features}, these are {features.source}: "
                "corrupt the features that a run knows."
            )


def _change(fusion: str, corruption: Corruption, severity: float) -> Weights:
    if severity == corruption.clean:
        return {}
    return {(fusion, corruption.kind, severity): 1, (fusion, corruption.kind, corruption.clean): -1}


def _relative(fusion: str, corruption: Corruption) -> Weights:
    """Return the trapezoid rule over equal steps, over the curve's length."""
    steps = len(corruption.severities) - 1
    ends = (0, steps)
    return {
        (fusion, corruption.kind, severity): (0.5 if place in ends else 1) / steps
        for place, severity in enumerate(corruption.severities)
    }


def _effective(fusion: str, baseline: str, corruption: Corruption) -> Weights:
    if fusion == baseline:
        return {}
    signs = {fusion: 1, baseline: -1}
    weights = {(name, corruption.kind, corruption.clean): -sign for name, sign in signs.items()}
    share = 1 / len(corruption.worse)
    return weights | {(n, corruption.kind, at): sign * share for n, sign in signs.items() for at in corruption.worse}
