"""Finished trials of one fusion in a file that a kill leaves whole, and the proposal of the next.

The file is an Optuna journal: one line a trial, which Optuna's own tools read. A trial is written once it has ended;
the next proposal follows from the written ones and its number alone. So what a kill loses is proposed again.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcalib.studies.space import Dimension

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


class Journal:
    """The trials of one fusion.

    Args:
        path: the file; there or not.
        space: what is searched.
        seed: of the sampler.
    """

    def __init__(self, path: Path, space: Sequence[Dimension], seed: int) -> None:
        self.path, self.space, self.seed = path, space, seed

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def trials(self) -> "list[FrozenTrial]":
        """What has ended, in order."""
        return self._kept.get_trials(deepcopy=False)

    def propose(self, number: int) -> dict[str, Any]:
        """Return the settings of trial `number`, whose predecessors are written: by the tree-structured Parzen
        estimator (Bergstra et al., 2011), at random for the first ten.
        """
        import optuna

        sampler = optuna.samplers.TPESampler(seed=1_000_003 * self.seed + number)
        quiet = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            copy = optuna.create_study(direction="maximize", sampler=sampler)
            copy.add_trials(self.trials[:number])
            return copy.ask(self._distributions).params
        finally:
            optuna.logging.set_verbosity(quiet)

    def add(self, values: dict[str, Any], score: float, run: str) -> None:
        """Write down a trial that has ended.

        Args:
            values: its settings.
            score: what is maximised.
            run: name of the folder that holds all seeds.
        """
        from optuna.trial import create_trial

        trial = create_trial(value=score, params=values, distributions=self._distributions, user_attrs={"run": run})
        self._kept.add_trial(trial)

    @cached_property
    def _distributions(self) -> dict[str, Any]:
        return {one.name: one.distribution() for one in self.space}

    @cached_property
    def _kept(self) -> "Study":
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        self.path.parent.mkdir(parents=True, exist_ok=True)
        quiet = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            storage = JournalStorage(JournalFileBackend(str(self.path)))
            return optuna.create_study(
                study_name=self.path.stem, storage=storage, direction="maximize", load_if_exists=True
            )
        finally:
            optuna.logging.set_verbosity(quiet)
