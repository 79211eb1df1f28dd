"""The search for hyper-parameters: the same space and the same number of trials for every fusion (design 8).

The persons who select score a trial; the report persons' scores are neither used nor shown while it runs. So fusions
that were tuned equally can be compared on persons that tuned nothing (`Search.study`). Every trial is a run that `fit`
keeps, and is written down once it has ended: a search that was killed proposes the same trials again, and comes to what
an undisturbed one comes to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jcalib.features import Features
from jcalib.files import fingerprint, home
from jcalib.fusion import choose_fusion
from jcalib.progress import muted, stage
from jcalib.settings import Preset, UserError
from jcalib.settings import preset as preset_of
from jcalib.studies.ablation import Study
from jcalib.studies.families import check_compared
from jcalib.studies.journal import Journal
from jcalib.studies.space import Dimension, Stated, dimensions
from jcalib.studies.statistics import TARGETS
from jcalib.studies.verdicts import format_ccc
from jcalib.submission import openings
from jcalib.training import Run, fit, pick_device
from jcalib.training.run import code_of, seeds_of
from jcalib.training.selection import Selection

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRIALS = 20


@dataclass(frozen=True)
class Trial:
    """One setting of the space, trained with all seeds.

    Attributes:
        number: from 0.
        values: of the settings that are searched.
        own: whether they are the preset's own, which are tried first where the space holds them.
        run: what came of it.
    """

    number: int
    values: Mapping[str, Any]
    own: bool
    run: Run

    @property
    def seeds(self) -> list[float]:
        """Each seed's CCC on the selection persons, mean over valence and arousal; -1 where its training diverged."""
        return [-1.0 if one is None else one for one in self.run.metrics["selection"]]

    @property
    def score(self) -> float:
        """Mean over seeds: the objective."""
        return float(np.mean(self.seeds))


@dataclass(frozen=True)
class Search:
    """Every trial of every fusion.

    Attributes:
        space: what was searched.
        trials: by fusion, in order.
        persons: that select.
    """

    space: tuple[Dimension, ...]
    trials: Mapping[str, tuple[Trial, ...]]
    persons: int

    def best(self, fusion: str) -> Trial:
        """Return a fusion's trial with the highest score; the first of equal ones."""
        return max(self.trials[fusion], key=lambda trial: trial.score)

    def frame(self) -> pd.DataFrame:
        """Return one row a trial: fusion, trial, the settings that were searched, ccc (the objective, with its lowest
        and highest seed as low and high), ccc_valence and ccc_arousal on the selection persons, best, run.
        """
        rows = [_row(name, trial, self.best(name)) for name, trials in self.trials.items() for trial in trials]
        return pd.DataFrame(rows)

    def study(self, margin: float = 0.02) -> Study:
        """Return the best trial of each fusion as a study on the report persons, who tuned nothing.

        Args:
            margin: the largest difference in CCC that does not matter.

        Raises:
            UserError: joint or cross was not searched.
        """
        check_compared(self.trials)
        return Study({name: self.best(name).run for name in self.trials}, margin)

    def sentences(self) -> list[str]:
        """Return what was searched and what came out, a sentence each."""
        count = len(next(iter(self.trials.values())))
        opened = sum(len(openings(trial.run)) for trials in self.trials.values() for trial in trials)
        return [
            f"Each fusion had {count} trials in the same space ({', '.join(map(str, self.space))}), scored by CCC on "
            f"{self.persons} selection persons, mean over seeds and over valence and arousal.",
            *map(self._sentence, self.trials),
            "The best of many trials is in part luck: what it is worth, persons say who chose nothing. "
            f"Test sets were opened {opened} times with these runs.",
        ]

    def _sentence(self, fusion: str) -> str:
        best, trials = self.best(fusion), self.trials[fusion]
        values = ", ".join(f"{name} {value:.3g}" for name, value in best.values.items())
        middle = format_ccc(float(np.median([trial.score for trial in trials])))
        own = f", the preset's own settings {format_ccc(trials[0].score)}" if trials[0].own else ""
        return f"{fusion}: best {format_ccc(best.score)} in trial {best.number} ({values}), median {middle}{own}."

    def plot(self) -> "Figure":
        """Draw every trial's score: in order, and against each setting."""
        from jcalib.views.searching import plot_search

        return plot_search(self.frame(), self.space)

    def write(self, folder: Path | str) -> list[Path]:
        """Write every trial as CSV and the figure as PNG and PDF."""
        from jcalib.views import style

        return [style.save(self.plot(), folder, "search", self.frame())]

    def _repr_html_(self) -> str:
        """Show every trial below what came out."""
        from html import escape

        lines = "".join(f"<p>{escape(line)}</p>" for line in self.sentences())
        return lines + self.frame().drop(columns="run").to_html(index=False, border=0, float_format="{:.3g}".format)


def search(
    names: Iterable[str],
    features: Features,
    space: Stated | None = None,
    trials: int = TRIALS,
    seeds: int | Sequence[int] | None = None,
    preset: str | Preset = "quick",
    device: str = "auto",
    sampler_seed: int = 0,
) -> Search:
    """Tune fusions equally: the same space and the same number of trials for each, scored on the selection persons.

    Args:
        names: fusions.
        features: what they are trained on; some persons have to have the role "selection".
        space: setting of the training to (low, high), or to a list of values; `studies.space.SPACE` by default. What
            it does not name is the preset's.
        trials: of each fusion; asked for more later, the search goes on.
        seeds, preset, device: as in `ablate`.
        sampler_seed: of the proposals.

    Returns:
        Every trial. Those that have ended are not trained again.

    Raises:
        UserError: an unknown fusion or setting, an impossible range, no trial, or nobody to select on.
    """
    chosen, stated = preset_of(preset), dimensions(space)
    names = list(dict.fromkeys(choose_fusion(name) for name in names))
    if not names or trials < 1:
        raise UserError(f"a search has {len(names)} fusions and {trials} trials: it takes one or more of each.")
    check_preset(chosen, deals=False)
    persons = _selecting(features)
    found = {name: _Tuner(name, features, stated, seeds, chosen, device, sampler_seed) for name in names}
    made: dict[str, list[Trial]] = {name: [] for name in names}
    with stage(f"search {', '.join(names)}", trials * len(names)) as progress:
        for number in range(trials):
            for name, tuner in found.items():  # in turn: what is interrupted has tuned all alike
                made[name].append(tuner.trial(number))
                progress.advance()
    return Search(stated, {name: tuple(some) for name, some in made.items()}, persons)


class _Tuner:
    """What proposes, trains and writes down the trials of one fusion."""

    def __init__(
        self,
        name: str,
        features: Features,
        space: tuple[Dimension, ...],
        seeds: int | Sequence[int] | None,
        chosen: Preset,
        device: str,
        sampler_seed: int,
    ) -> None:
        self.name, self.features, self.space, self.chosen, self.device = name, features, space, chosen, device
        self.seeds = seeds_of(chosen.seeds if seeds is None else seeds)
        made_of = [features.source, list(map(repr, space)), chosen.training.model_dump(mode="json"), self.seeds]
        parts = [*made_of, pick_device(device).type, code_of(name), sampler_seed]
        folder = home() / "searches"
        self.journal = Journal(folder / f"{name}-{fingerprint(parts)}.journal", space, sampler_seed)

    @property
    def _own(self) -> dict[str, Any]:
        """The preset's own values of what is searched; empty where the space does not hold all of them."""
        values = {one.name: getattr(self.chosen.training, one.name) for one in self.space}
        return values if all(values[one.name] in one for one in self.space) else {}

    def trial(self, number: int) -> Trial:
        """Return a trial; one that has not ended is trained, and written down."""
        kept, own = self.journal.trials, number == 0 and bool(self._own)
        if number < len(kept):
            return Trial(number, kept[number].params, own, self._fit(kept[number].params))
        values = self._own if own else self.journal.propose(number)
        with stage(f"trial {number} of {self.name}") as progress:
            made = Trial(number, values, own, self._fit(values))
            progress.note(f"selection CCC {made.score:.3f}")
        self.journal.add(values, made.score, made.run.folder.name)
        return made

    def _fit(self, values: Mapping[str, Any]) -> Run:
        """Train with these settings, which is a look-up where it was done; what `fit` tells would show the report
        persons' scores.
        """
        training = self.chosen.training.changed(**values)
        with muted():
            return fit(self.name, self.features, self.seeds, self.chosen.changed(training=training), device=self.device)


def check_preset(chosen: Preset, deals: bool = True) -> None:
    """Refuse a preset in which the report persons, or those who train, would decide a search.

    Args:
        chosen: the preset.
        deals: whether it is the preset that deals out the roles; own features may bring theirs.

    Raises:
        UserError: it chooses epochs on the report persons, or has nobody who selects.
    """
    if chosen.training.select_on == "report":
        raise UserError(
            f"preset {chosen.name} chooses epochs on the report persons, as published: a search takes a preset that "
            "chooses on selection persons, as quick does."
        )
    if deals and not chosen.corpus.split.selection:
        raise UserError(f"preset {chosen.name} has nobody with the role selection, who scores a search: take quick.")


def _selecting(features: Features) -> int:
    """Return how many persons score a search."""
    persons = {features.recordings[number].person for number in features.of_role("selection")}
    if not persons:
        raise UserError(
            "nobody has the role selection: a search is scored on persons who neither train nor are reported. "
            "Take the preset quick, or give your own recordings a splits.csv with selection persons."
        )
    chosen = Selection.of(features, "selection")
    if chosen.role != "selection":
        raise UserError(f"{chosen.note}: a search takes selection persons whose labels vary. Annotate them.")
    return len(persons)


def _row(name: str, trial: Trial, best: Trial) -> dict[str, Any]:
    seeds, kept = trial.seeds, trial.run.metrics["best_epoch"]
    epochs = trial.run.history.set_index(["seed", "epoch"])
    chosen = epochs.loc[list(zip(trial.run.settings.seeds, kept, strict=True))]
    by_target = {f"ccc_{target}": float(chosen[f"selection_{target}"].mean()) for target in TARGETS}
    ends = {"ccc": trial.score, "low": min(seeds), "high": max(seeds)}
    first = {"fusion": name, "trial": trial.number, **trial.values}
    return {**first, **ends, **by_target, "best": trial is best, "run": trial.run.folder.name}
