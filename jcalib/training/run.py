"""A run: one fusion trained with S seeds, as a folder that is written whole.

`settings.json`, `checkpoint.safetensors` (leading seed axis), `history.csv`, `predictions.parquet` (report persons,
every frame), `metrics.json`, `calibration.json` (of the interval of a prediction), `encoding.json` and
`reference.safetensors` (how to encode another video, and what to explain it against; only where the features know how
they were made), `provenance.json`, and `status.json` last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from jcalib.features import Encoding
from jcalib.files import fingerprint, home, lost, read_json, source_fingerprint, write_status
from jcalib.fusion import FUSIONS, Fusion, build_fusion
from jcalib.settings import Settings, TrainingSettings, UserError, choose
from jcalib.training.batched import Ensemble, pick_device
from jcalib.training.calibration import Calibration
from jcalib.training.own_code import is_own, own_code
from jcalib.training.reference import Reference

TARGETS = ("valence", "arousal")
REFERENCE = "reference.safetensors"
FILES = (
    *("settings.json", "checkpoint.safetensors", "history.csv", "predictions.parquet", "metrics.json"),
    *("calibration.json", "provenance.json"),
)
ENCODED = ("encoding.json", REFERENCE)  # also, where the features know how they were made


class RunSettings(Settings):
    """Everything that decides a run's numbers; its fingerprint names the run's folder."""

    fusion: str
    seeds: tuple[int, ...]
    training: TrainingSettings
    features: str  # fingerprint of the features
    audio_dim: int
    visual_dim: int
    one_label: bool = False  # a label a recording, which then counts once
    device: str  # runs of different devices are not pooled
    code: str  # fingerprint of the code that trains

    @property
    def name(self) -> str:
        """The run's folder name."""
        return f"{self.fusion}-{self.fingerprint()}"

    def build(self, kind: type[Fusion] | None = None) -> Fusion:
        """Return one freshly initialised fusion of this run, or a fusion of another class in its sizes."""
        size, make = self.training, kind or partial(build_fusion, self.fusion)
        return make(
            self.audio_dim,
            self.visual_dim,
            size.clips,
            targets=len(TARGETS),
            dim=size.dim,
            rank=size.rank,
            dropout=size.dropout,
        )


@dataclass(frozen=True)
class Epoch:
    """What a callback is told after each epoch.

    Attributes:
        number: of the epoch, from 0.
        loss: (S,) mean training loss, 1 - CCC.
        selection: (S, 2) CCC on the persons that select.
    """

    number: int
    loss: np.ndarray
    selection: np.ndarray


def seeds_of(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds that a number of them, or a list of them, means: 3 is 0, 1, 2.

    Raises:
        UserError: there is none, one comes twice, or one is not a number from 0 to 2^31 - 1.
    """
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(int(seed) for seed in seeds)
    if not chosen:
        raise UserError(f"seeds has {seeds!r}: a run needs at least one.")
    wrong = [seed for seed in chosen if not 0 <= seed < 2**31 or chosen.count(seed) > 1]
    if wrong:
        raise UserError(f"seeds has {wrong[0]}: each is a number from 0 to 2147483647 and comes once.")
    return chosen


def code_of(fusion: str) -> str:
    """Return a fingerprint of what trains: this room, the attention, and the code of the fusion.

    Raises:
        UserError: a user's own fusion uses something that no fingerprint can be taken of.
    """
    import inspect

    cls = FUSIONS[fusion]
    own = own_code(cls) if is_own(cls.__module__) else inspect.getsource(cls)
    return fingerprint([source_fingerprint("concordance.py", "clips.py", "fusion", "training"), own])


def _find(where: str | Path) -> Path:
    """Return the folder that a run's folder or name means, finished or not."""
    name = str(where) and str(Path(where))  # without a slash at its end
    marks = ("checkpoint.safetensors", "settings.json", "training.pt")
    for folder in (Path(name), runs_folder() / name) if name else ():
        if any((folder / mark).is_file() for mark in marks):
            return folder
    if name and Path(name).is_dir():
        raise UserError(f"{name} is a folder, but no run or report: name a run, its folder, or a report's folder.")
    finished = (path.parent.name for path in runs_folder().glob("*/status.json"))
    known = sorted(one for one in finished if not one.startswith("encoder-"))
    if not known:
        raise UserError(f"unknown run {name!r}: there is none yet, jcalib train trains one.")
    return runs_folder() / choose(name, known, "run")


def runs_folder() -> Path:
    """Return the folder that holds all runs."""
    return home() / "runs"


@dataclass(frozen=True)
class Run:
    """A finished run, read from its folder when asked.

    Attributes:
        folder: where it is.
        settings: what it was made from.
    """

    folder: Path
    settings: RunSettings

    @classmethod
    def load(cls, where: str | Path) -> "Run":
        """Open a run by its folder or by its name under the runs folder.

        Raises:
            UserError: there is no finished run of that name, it lost a file, or another version of the kit wrote it.
        """
        folder = _find(where)
        missing = lost(folder, FILES)
        if "status.json" in missing:
            raise UserError(f"run {folder.name} is not finished: the command that began it goes on where it stopped.")
        if missing:
            raise UserError(
                f"run {folder.name} lost {', '.join(missing)}: jcalib train with the same settings makes it again."
            )
        try:
            return cls(folder, RunSettings.model_validate(read_json(folder / "settings.json")))
        except ValidationError:
            raise UserError(
                f"run {folder.name} is no run of a fusion that this version wrote: train it again."
            ) from None

    def is_whole(self) -> bool:
        """Whether it is finished, and every file that it promises is there."""
        return not lost(self.folder, FILES)

    def write_status(self) -> None:
        """Write, after everything else, that it is finished."""
        write_status(self.folder, FILES + ENCODED * (self.encoding is not None))

    @cached_property
    def history(self) -> pd.DataFrame:
        """Loss and selection CCC by epoch and seed."""
        return pd.read_csv(self.folder / "history.csv")

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Every frame of the report persons, one row a frame and seed."""
        return pd.read_parquet(self.folder / "predictions.parquet")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """CCC by target and seed, epochs kept and who chose them, parameters, seconds."""
        return read_json(self.folder / "metrics.json")

    @cached_property
    def calibration(self) -> dict[str, Calibration]:
        """How far off this run's predictions are, by target."""
        kept = read_json(self.folder / "calibration.json")
        return {target: Calibration.model_validate(kept[target]) for target in TARGETS}

    @cached_property
    def encoding(self) -> Encoding | None:
        """How its features were made, None where that is not known."""
        file = self.folder / "encoding.json"
        return Encoding.model_validate(read_json(file)) if file.is_file() else None

    @cached_property
    def reference(self) -> Reference:
        """What its training persons are like.

        Raises:
            UserError: it keeps none.
        """
        if not (self.folder / REFERENCE).is_file():
            raise UserError(
                f"run {self.folder.name} keeps no features of its training persons, which a video is explained "
                "against: name a run that this version trained on a corpus."
            )
        return Reference.read(self.folder / REFERENCE)

    def frame(self) -> pd.DataFrame:
        """Return one row a seed and target: fusion, seed, target, ccc, rmse, pearson, parameters, and the cost.

        The cost is that of all seeds together: train_seconds, and train_peak_mb, the most MiB that tensors hold in a
        training step. It is counted from what operations make, not sampled: parameters, gradients, the optimiser's
        moments and the activations of a batch; not the features, nor what a kernel or an allocator takes besides.
        """
        table = pd.DataFrame(self.metrics["scores"]).astype(dict.fromkeys(("ccc", "rmse", "pearson"), float))
        table.insert(0, "fusion", self.settings.fusion)
        return table.assign(**{name: self.metrics[name] for name in ("parameters", "train_seconds", "train_peak_mb")})

    def ensemble(self, device: str = "auto") -> Ensemble:
        """Return the trained fusions of all seeds, ready to predict."""
        from safetensors.torch import load_file

        ensemble = Ensemble.create(self.settings.build, self.settings.seeds, pick_device(device))
        ensemble.load(load_file(self.folder / "checkpoint.safetensors"))
        return ensemble

    def fusion(self, seed: int | None = None) -> Fusion:
        """Return the trained fusion of one seed, the first by default, in evaluation mode.

        Raises:
            UserError: the run has no such seed.
        """
        seeds = self.settings.seeds
        if seed is not None and seed not in seeds:
            raise UserError(f"seed is {seed}, the run has {', '.join(map(str, seeds))}: take one of these.")
        place = 0 if seed is None else seeds.index(seed)
        fusion = self.settings.build()
        fusion.load_state_dict({name: values[place] for name, values in self.ensemble("cpu").state().items()})
        return fusion.eval()

    def stacked(self) -> tuple[list[str], list[np.ndarray], list[np.ndarray]]:
        """Return the report recordings' persons, predictions and labels as arrays for statistics.

        Returns:
            persons (R,), predictions: R arrays (S, T, 2), labels: R arrays (T, 2).
        """
        persons, values, labels = [], [], []
        for _, one in self.predictions.groupby("recording", sort=True):
            seeds = one["seed"].nunique()
            values.append(one[list(TARGETS)].to_numpy().reshape(seeds, -1, 2))
            labels.append(one[["true_valence", "true_arousal"]].to_numpy().reshape(seeds, -1, 2)[0])
            persons.append(one["person"].iloc[0])
        return persons, values, labels
