"""The comparison of fusions: train them on the same features, and say what their scores allow to say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jcalib.features import Features
from jcalib.fusion import choose_fusion
from jcalib.settings import Preset, UserError
from jcalib.settings import preset as preset_of
from jcalib.studies import factors, families, practices, verdicts
from jcalib.studies.claims import claims
from jcalib.studies.cost import costs, flops
from jcalib.studies.families import MEAN, SINGLE
from jcalib.studies.statistics import Comparison, ccc_from_sums, compare, sums
from jcalib.training import Run, evaluation, fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jcalib.studies.relations import Relations
    from jcalib.studies.robustness import Robustness


@dataclass(frozen=True)
class Study:
    """Runs that are compared on the report persons.

    Attributes:
        runs: by fusion.
        margin: the largest difference in CCC that does not matter.
        smooth: frames over which predictions of valence and arousal are averaged before they are scored; () for none.
    """

    runs: Mapping[str, Run]
    margin: float = 0.02
    smooth: tuple[int, ...] = ()

    @cached_property
    def sums(self) -> dict[str, np.ndarray]:
        """The six sums of every fusion, (R, S, 2, 6), over the frames that all of them predict."""
        stacked = {name: run.stacked()[1] for name, run in self.runs.items()}
        result: dict[str, list[np.ndarray]] = {name: [] for name in stacked}
        for recording, true in enumerate(self._labels):
            values = {name: parts[recording] for name, parts in stacked.items()}
            if self.smooth:
                values = {name: evaluation.smooth(predicted, self.smooth) for name, predicted in values.items()}
            both = np.logical_and.reduce([np.isfinite(one).all(axis=0) for one in values.values()])  # (T, 2)
            for name, predicted in values.items():
                result[name].append(sums(predicted.swapaxes(1, 2), true.T, both.T))  # (S, 2, 6)
        return {name: np.stack(parts) for name, parts in result.items()}

    @cached_property
    def _labels(self) -> list[np.ndarray]:
        return self._first.stacked()[2]

    @cached_property
    def persons(self) -> list[str]:
        """The person of each recording: the clusters of the statistics."""
        return self._first.stacked()[0]

    @property
    def seeds(self) -> dict[str, tuple[int, ...]]:
        """The seeds of every fusion."""
        return {name: run.settings.seeds for name, run in self.runs.items()}

    def frame(self) -> pd.DataFrame:
        """Return one row a fusion, seed and target: the columns of `Run.frame`, and flops (`studies.cost.flops`).
        With smoothing CCC is that of the smoothed predictions, and rmse and pearson are left out.
        """
        tables = {name: run.frame().assign(flops=flops(run.settings)) for name, run in self.runs.items()}
        if self.smooth:
            for name, table in tables.items():  # rows are targets within seeds
                values = ccc_from_sums(self.sums[name].sum(0)).ravel()
                tables[name] = table.drop(columns=["rmse", "pearson"]).assign(ccc=values)
        return pd.concat(tables.values(), ignore_index=True)

    def zero_filled(self) -> pd.DataFrame:
        """Return what zero-filling would have claimed of every fusion: `studies.practices.zero_filled_scores`."""
        return practices.zero_filled_scores(self.sums, [len(true) for true in self._labels])

    def practices(self, zero_fill: bool = False) -> list[str]:
        """Return what has to be said about the numbers, a sentence each: smoothing where it is on, and on request
        what zero-filling would have claimed.
        """
        return practices.sentences(self.smooth, self.zero_filled() if zero_fill else None)

    def primary(self) -> Comparison:
        """Return joint - cross on the mean of valence and arousal, the one test that is not adjusted."""
        return families.primary(self.sums, self.persons, self.margin).of("joint", "cross")

    def against_mixer(self) -> Comparison | None:
        """Return joint - mixer on the mean, planned and not adjusted; None where one of the two was not run."""
        if not self._has_mixer:
            return None
        return families.planned(self.sums, self.persons, self.margin).of("joint", "mixer")

    def comparisons(self) -> pd.DataFrame:
        """Return every test of the families that were fixed beforehand, with interval, p, verdict."""
        parts = [families.primary, families.secondary]
        parts[1:1] = [families.planned] if self._has_mixer else []
        parts += [families.single] if self._has_singles else []
        return pd.concat([part(self.sums, self.persons, self.margin).frame() for part in parts], ignore_index=True)

    @property
    def _has_mixer(self) -> bool:
        return {"joint", "mixer"} <= set(self.sums)

    @property
    def _has_singles(self) -> bool:
        return set(SINGLE) <= set(self.sums)

    def table(self) -> pd.DataFrame:
        """Return one row a fusion, best first; the 24 cells have a table of their own (`cells`).

        Columns fusion, ccc_valence, ccc_arousal, mean, low, high (95 % interval of the mean), parameters,
        train_seconds, beats_single, joint_against.
        """
        rows = [self._row(name) for name in families.named(self.runs)]
        return pd.DataFrame(rows).sort_values("mean", ascending=False, ignore_index=True)

    def cells(self) -> pd.DataFrame:
        """Return one row a cell that was run, best first: fusion, key, axis, normaliser, combine, ccc_valence,
        ccc_arousal, mean, low, high, parameters, train_seconds.
        """
        names = [name for name in factors.cell_names() if name in self.runs]
        rows = [self._row(name) | factors.setting(name) for name in names]
        numbers = ("ccc_valence", "ccc_arousal", "mean", "low", "high", "parameters", "train_seconds")
        columns = ["fusion", *factors.VANILLA, *numbers]
        return pd.DataFrame(rows, columns=columns).sort_values("mean", ascending=False, ignore_index=True)

    def _row(self, name: str) -> dict[str, Any]:
        own = compare(self.sums[name], clusters=self.persons, margin=self.margin)
        by_target = [compare(self.sums[name][:, :, k], clusters=self.persons).difference for k in (0, 1)]
        return {
            "fusion": name,
            "ccc_valence": by_target[0],
            "ccc_arousal": by_target[1],
            "mean": own.difference,
            "low": own.low,
            "high": own.high,
            "parameters": self.runs[name].metrics["parameters"],
            "train_seconds": self.runs[name].metrics["train_seconds"],
            "beats_single": self.beats_single(name),
            "joint_against": self._joint_against(name),
        }

    def beats_single(self, name: str) -> str:
        """Return in words whether a fusion beats the better of the single modalities."""
        if name in SINGLE:
            return ""
        if not self._has_singles:
            return "audio and visual alone were not run, so nothing says whether it beats them."
        single = families.single(self.sums, self.persons, self.margin)
        return verdicts.beats_single(name, single.of(name, families.better_single(self.sums)))

    def _joint_against(self, name: str) -> str:
        if name == "cross":
            return families.name_verdict(self.primary().verdict, "joint", "cross")
        mixer = self.against_mixer()
        if name == "mixer" and mixer is not None:
            return families.name_verdict(mixer.verdict, "joint", "mixer")
        return ""

    def headline(self) -> str:
        """Return the answer in one sentence that follows from the numbers."""
        said = f" All numbers are {self.practice}." if self.practice else ""
        data = "these features" if self._own else "this corpus"
        run = "concat" in self.sums
        concat = families.difference(self.sums, "concat", "cross", MEAN, self.persons, self.margin) if run else None
        return verdicts.headline(self.primary(), self.against_mixer(), data, concat) + said

    @property
    def practice(self) -> str:
        """What has to be said beside every number that was chosen where it is reported; else empty."""
        return self._first.settings.training.practice

    @property
    def _first(self) -> Run:
        """Any of the runs: features, seeds and training are those of all."""
        return next(iter(self.runs.values()))

    @property
    def _own(self) -> bool:
        """Whether the features are the user's own: no encoder of the kit made them."""
        return self._first.encoding is None

    def detectable(self) -> str:
        """Return what difference could have been seen, and what no interval covers."""
        once = " One label per recording: each counts once." * self._first.settings.one_label
        of_data = "one set of features" if self._own else "one encoder"
        return verdicts.detectable(self.primary(), f"one training set, {of_data}", self.against_mixer()) + once

    def plot(self) -> "Figure":
        """Draw the differences with their intervals."""
        from jcalib.views.comparisons import plot_differences

        return plot_differences(families.overview(self.sums, self.persons, self.margin))

    def plot_scores(self) -> "Figure":
        """Draw every fusion's CCC, seeds as small dots; `plot_cells` draws the 24 cells."""
        from jcalib.views.comparisons import plot_scores

        return plot_scores(self.scores())

    def scores(self) -> pd.DataFrame:
        """Return each seed's CCC over all recordings: fusion, target, seed, ccc; without the 24 cells."""
        return families.scores({name: self.sums[name] for name in families.named(self.sums)}, self.seeds)

    def plot_cells(self) -> "Figure":
        """Draw the CCC of the 24 cells as a chart of the four switches, joint and vanilla in its corners."""
        from jcalib.views.factors import plot_cells

        return plot_cells(self.cells())

    def factors(self) -> pd.DataFrame:
        """Return what each switch between vanilla and joint does: `studies.factors.factors` of the 24 cells.

        Raises:
            UserError: a cell was not run.
        """
        return factors.factors(self.sums, self.persons, self.margin)

    def plot_factors(self) -> "Figure":
        """Draw the effects of the switches with their intervals."""
        from jcalib.views.factors import plot_factors

        return plot_factors(self.factors())

    def cost(self, device: str = "auto") -> pd.DataFrame:
        """Return one row a fusion: `studies.cost.costs`, measured now, beside its CCC (mean, low, high)."""
        named = {name: self.runs[name] for name in families.named(self.runs)}
        return costs(named, device).merge(self.table()[["fusion", "mean", "low", "high"]], on="fusion")

    def claims(self, corrupted: "Robustness | None" = None, without: "Relations | None" = None) -> pd.DataFrame:
        """Return what the abstracts claim of joint, a row each with its verdict: `studies.claims.claims`."""
        operations = {name: flops(run.settings) for name, run in self.runs.items()}
        return claims(self.sums, self.persons, operations, corrupted, without, self.margin)

    def write(self, folder: Path | str) -> list[Path]:
        """Write tables as CSV and LaTeX, and figures as PNG and vector PDF, each with its numbers as CSV.

        Args:
            folder: where they go; files of the same name are replaced.

        Returns:
            What was written, effects of the switches among it where all 24 cells were run.
        """
        from jcalib.studies.export import write_study

        return write_study(self, Path(folder))

    def to_latex(self) -> str:
        """Return the table for a paper (booktabs)."""
        from jcalib.studies.export import table_to_latex

        return table_to_latex(self.table(), self.practice)


def ablate(
    names: Iterable[str],
    features: Features,
    seeds: int | Sequence[int] | None = None,
    preset: str | Preset = "quick",
    device: str = "auto",
    margin: float = 0.02,
    smooth: Iterable[int] = (),
) -> Study:
    """Train fusions on the same features with the same seeds and settings, and compare them.

    Args:
        names: fusions; "joint" and "cross" have to be among them for the comparison the kit is about.
        features: what they are trained and evaluated on.
        seeds: how many, or which; the preset's number by default.
        preset: size, optimiser and epochs, equal for all.
        device: "auto", "cpu" or "cuda".
        margin: the largest difference in CCC that does not matter.
        smooth: frames over which predictions of valence and arousal are averaged before they are scored (T-BIOM: 20,
            50); none by default.

    Returns:
        The study. Runs that are there already are not trained again.

    Raises:
        UserError: an unknown fusion, a missing one, or smoothing over time where a recording has one label.
    """
    if features.one_label and tuple(smooth):
        raise UserError("smooth averages over frames, and a recording with one label has one prediction: leave it out.")
    names = [choose_fusion(name) for name in names]
    families.check_compared(names)
    chosen = preset_of(preset)
    return Study({name: fit(name, features, seeds, chosen, device=device) for name in names}, margin, tuple(smooth))
