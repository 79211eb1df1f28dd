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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from jcalib.features import Features
from jcalib.progress import stage
from jcalib.settings import UserError, choose
from jcalib.studies.ablation import Study
from jcalib.studies.corruptions import Corruption, feature_corruptions, recordings_of
from jcalib.studies.families import named
from jcalib.studies.statistics import Comparison, contrast, sums
from jcalib.training import Run
from jcalib.training.batched import Ensemble
from jcalib.training.evaluation import Resident, predict_rows, scored, smooth, to_frames

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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

    def advantage(self, a: str, b: str, kinds: Iterable[str]) -> Comparison:
        """Compare two fusions under corruption: the mean of A - B over kinds, and over each kind's severities.

        Args:
            a, b: names of fusions.
            kinds: of corruption; clean severities do not count.

        Raises:
            UserError: a fusion or a kind that was not evaluated.
        """
        first, second = (choose(name, self.fusions, "fusion") for name in (a, b))
        known = {one.kind: one for one in self.corruptions}
        chosen = [known[choose(kind, known, "corruption")] for kind in kinds]
        shares = {(one.kind, level): 1 / len(one.worse) / len(chosen) for one in chosen for level in one.worse}
        weights = {(first, *place): share for place, share in shares.items()}
        return self._compare(weights | {(second, *place): -share for place, share in shares.items()})

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
) -> Robustness:
    """Evaluate trained runs on corrupted inputs of the report persons.

    Args:
        study: a study, whose margin and smoothing hold here too, or runs. Cells are left out.
        features: what the runs were trained on.
        kinds: of corruption, by name ("voice missing", "face noise", ...); all of them by default.
        fusions: of these runs, those that were run; all by default.
        persons: how many report persons' recordings, the first ones; 0 for all.
        seed: of what is drawn.
        device: "auto", "cpu" or "cuda".

    Raises:
        UserError: an unknown kind, other features than the runs', or no frame that every corruption leaves.
    """
    chosen = study if isinstance(study, Study) else Study({run.settings.fusion: run for run in study})
    _check_source(chosen, features)
    known = {one.kind: one for one in feature_corruptions(features, seed)}
    corruptions = [known[choose(kind, known, "corruption")] for kind in kinds] or list(known.values())
    numbers = _first_persons(features, persons)
    part = recordings_of(features, numbers)
    counted, share = _counted(part, corruptions)
    wanted = list(fusions) or list(chosen.runs)
    ensembles = {name: chosen.runs[name].ensemble(device) for name in named(chosen.runs) if name in wanted}
    clips = next(iter(chosen.runs.values())).settings.training.clips
    clean = dict(_evaluate(ensembles, part, counted, clips, chosen.smooth))
    found: dict[tuple[str, str, float], np.ndarray] = {}
    with stage("corrupt features", sum(len(one.worse) for one in corruptions)) as progress:
        for corruption in corruptions:
            found |= {(name, corruption.kind, corruption.clean): table for name, table in clean.items()}
            for severity in corruption.worse:
                corrupted = corruption.apply(part, severity)
                for name, table in _evaluate(ensembles, corrupted, counted, clips, chosen.smooth):
                    found[name, corruption.kind, severity] = table
                progress.advance()
        progress.note(f"{len(corruptions)} kinds, {len(ensembles)} fusions, {len(numbers)} recordings")
    people = [info.person for info in part.recordings]
    base = "concat" if "concat" in ensembles else "cross" if "cross" in ensembles else next(iter(ensembles))
    return Robustness(tuple(corruptions), found, tuple(ensembles), people, share, base, chosen.margin)


def _check_source(study: Study, features: Features) -> None:
    for name, run in study.runs.items():
        if run.settings.features != features.source:
            raise UserError(
                f"run {name} was trained on features {run.settings.features}, these are {features.source}: "
                "corrupt the features that a run knows."
            )


def _first_persons(features: Features, most: int) -> list[int]:
    """Return the numbers of the report recordings, of the first persons only where that is asked for."""
    numbers = features.of_role("report")
    people = list(dict.fromkeys(features.recordings[number].person for number in numbers))
    kept = set(people[: most or None])
    return [number for number in numbers if features.recordings[number].person in kept]


def _counted(part: Features, corruptions: Sequence[Corruption]) -> tuple[list[np.ndarray], float]:
    """Return the frames of each recording that have a prediction whatever is done, and their share of all labelled."""
    kept = [np.ones(len(info.labels) if not part.one_label else 1, bool) for info in part.recordings]
    for corruption in corruptions:
        for severity in corruption.severities:
            valid = corruption.apply(part, severity).valid.any(axis=1)
            known = np.where(valid, 0.0, np.nan)[None, :, None].astype(np.float32)
            for number in range(len(kept)):
                kept[number] &= np.isfinite(_frames(part, number, known)[0][0, :, 0])
    labelled = sum(int(np.isfinite(info.labels).all(axis=1).sum()) for info in part.recordings)
    if part.one_label:
        labelled = len(kept)
    share = sum(int(one.sum()) for one in kept) / max(labelled, 1)
    if not share:
        kinds = ", ".join(one.kind for one in corruptions)
        raise UserError(f"0 frames have a prediction under all of {kinds}: name fewer kinds of corruption.")
    return kept, min(share, 1.0)


def _evaluate(
    ensembles: Mapping[str, Ensemble],
    features: Features,
    counted: list[np.ndarray],
    clips: int,
    widths: tuple[int, ...],
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each fusion's sums (R, S, 2, 6) over the counted frames."""
    numbers = list(range(len(features.recordings)))
    resident: dict[torch.device, Resident] = {}
    for name, ensemble in ensembles.items():
        device = next(iter(ensemble.parameters.values())).device
        data = resident.setdefault(device, Resident(features, device))
        grid = predict_rows(ensemble, data, features, numbers, clips)
        rows = []
        for number, valid in zip(numbers, counted, strict=True):
            values, labels = _frames(features, number, grid)
            values = smooth(values, widths) if widths else values
            rows.append(sums(values.swapaxes(1, 2), labels.T, valid))
        yield name, np.stack(rows)


def _frames(features: Features, number: int, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions (S, T, K) and labels (T, K) of a recording's frames; with one label, of the recording."""
    if features.one_label:
        return scored(features, [number], grid)
    first, count = features.span(number)
    rows, labels = slice(first, first + count), features.recordings[number].labels
    return to_frames(features.frame[rows], grid[:, rows], len(labels)), labels


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
