"""Learning curves: what a fusion scores against how many recordings it was trained on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from jcalib.features import Features
from jcalib.files import fingerprint
from jcalib.settings import Preset, UserError
from jcalib.studies.ablation import Study
from jcalib.studies.families import scores
from jcalib.studies.statistics import compare
from jcalib.training import fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEFT_OUT = "left out"


@dataclass(frozen=True)
class LearningCurve:
    """Studies by the number of recordings that the fusions were trained on."""

    studies: dict[int, Study]

    def frame(self) -> pd.DataFrame:
        """Return one row a size, fusion, target and seed: recordings, fusion, target, seed, ccc."""
        parts = [scores(study.sums, study.seeds).assign(recordings=size) for size, study in self.studies.items()]
        return pd.concat(parts, ignore_index=True)

    def intervals(self) -> pd.DataFrame:
        """Return one row a size and fusion: recordings, fusion, ccc (mean of valence and arousal), low, high."""
        rows = []
        for size, study in self.studies.items():
            for name, table in study.sums.items():
                own = compare(table, clusters=study.persons)
                rows.append((size, name, own.difference, own.low, own.high))
        return pd.DataFrame(rows, columns=["recordings", "fusion", "ccc", "low", "high"])

    def plot(self) -> "Figure":
        """Draw CCC against the number of training recordings: the mean over seeds, in a band of all seeds."""
        from jcalib.views.learning import plot_learning

        return plot_learning(self.frame())

    def write(self, folder: Path | str) -> Path:
        """Write the figure as PNG and PDF, with every seed's CCC as CSV; return the PNG."""
        from jcalib.views import style

        return style.save(self.plot(), folder, "learning", self.frame())


def learning_curve(
    names: Iterable[str],
    features: Features,
    sizes: Sequence[int],
    seeds: int | Sequence[int] | None = None,
    preset: str | Preset = "quick",
    device: str = "auto",
    order: int = 0,
) -> LearningCurve:
    """Train fusions on growing numbers of recordings and score all on the same report persons.

    A larger set holds the smaller ones. An epoch visits every clip end once, so that fewer recordings are fewer steps;
    the persons that choose the epoch stay the same. Runs that are there already are not trained again.

    Args:
        names: fusions.
        features: what they are trained and evaluated on.
        sizes: numbers of training recordings.
        seeds, preset, device: as in `ablate`.
        order: seed of the order in which recordings are added.

    Raises:
        UserError: a size below 1 or above the number of fusion-training recordings.
    """
    names = list(names)
    check_sizes(features, sizes)
    cut = {size: with_recordings(features, size, order) for size in sorted(set(sizes))}
    return LearningCurve(
        {size: Study({n: fit(n, part, seeds, preset, device=device) for n in names}) for size, part in cut.items()}
    )


def with_recordings(features: Features, size: int, order: int = 0) -> Features:
    """Return features in which only some of the fusion-training recordings train; the rest have a role of no use.

    Args:
        features: the features.
        size: how many train; all of them gives the features as they are.
        order: seed of the order in which they are taken.

    Raises:
        UserError: there are not that many.
    """
    check_sizes(features, [size])
    numbers = features.of_role("fusion")
    if size == len(numbers):
        return features
    kept = set(np.random.default_rng(order).permutation(numbers)[:size].tolist())
    infos = tuple(
        replace(info, role=LEFT_OUT) if number in numbers and number not in kept else info
        for number, info in enumerate(features.recordings)
    )
    source = fingerprint([features.source, "trained on", sorted(infos[number].name for number in kept)])
    return replace(features, recordings=infos, source=source)


def check_sizes(features: Features, sizes: Iterable[int]) -> None:
    """Refuse sizes of a learning curve that there are not.

    Raises:
        UserError: a size below 1 or above the number of fusion-training recordings.
    """
    there = len(features.of_role("fusion"))
    for size in sizes:
        if not 1 <= size <= there:
            raise UserError(f"a learning curve's size is {size}: there are {there} training recordings, take 1 to all.")


def learning_cost(study: Study, sizes: Sequence[int], fusions: int, recordings: int) -> str:
    """Return in words what a learning curve will cost, from how long a study's runs took.

    Args:
        study: runs on all recordings.
        sizes: of the curve.
        fusions: how many will be trained.
        recordings: how many training recordings there are in all.
    """
    new = set(sizes) - {recordings}  # all of them: that run is there
    mean = float(np.mean([run.metrics["train_seconds"] for run in study.runs.values()]))
    seconds = fusions * mean * sum(size / recordings for size in new)
    trainings = fusions * len(new)
    count = f"{trainings} {'training' if trainings == 1 else 'trainings'}"
    return f"{count} more, about {seconds:.0f} s by how long these fusions took on all {recordings} recordings."
