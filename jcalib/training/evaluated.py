"""A finished run evaluated again on features: tiled, as when it was trained, or online, clip end by clip end."""

from dataclasses import dataclass

import pandas as pd

from jcalib.features import Encoding, Features
from jcalib.fusion.registry import check_modalities
from jcalib.settings import UserError
from jcalib.training.batched import pick_device
from jcalib.training.evaluation import Resident, frame_table, predict_rows, score
from jcalib.training.run import TARGETS, Run


@dataclass(frozen=True)
class Evaluation:
    """What a run predicts for the report persons.

    Attributes:
        fusion: of the run.
        predictions: every frame, one row a frame and seed: the columns of `Run.predictions`, and evaluation, "tiled"
            or "online".
    """

    fusion: str
    predictions: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """Return one row a seed and target: fusion, evaluation (as above), seed, target, ccc, rmse, pearson."""
        rows = []
        for (how, seed), table in self.predictions.groupby(["evaluation", "seed"], sort=False):
            who = {"fusion": self.fusion, "evaluation": how, "seed": seed}
            rows += [who | {"target": target} | score(table, target) for target in TARGETS]
        return pd.DataFrame(rows).astype(dict.fromkeys(("ccc", "rmse", "pearson"), float))


def evaluate(run: Run, features: Features, online: bool = False, device: str = "auto") -> Evaluation:
    """Predict and score the report persons of features with a finished run, which is not trained again.

    Args:
        run: a finished run.
        features: what it was trained on, or others of the same encoders.
        online: predict each clip end as the last of a window of its own, from clips that have ended; those before the
            recording are masked. By default windows tile a recording, and most ends see clips that come after them.
            Between clip ends predictions are interpolated either way, so that a frame waits for the next clip end.
        device: "auto", "cpu" or "cuda".

    Returns:
        The evaluation, which says which of the two it is.

    Raises:
        UserError: the run cannot read such features, or nobody is to be reported.
    """
    _check_fits(run, features)
    names, chosen = features.of_role("report"), pick_device(device)
    clips, data = run.settings.training.clips, Resident(features, chosen)
    grid = predict_rows(run.ensemble(device), data, features, names, clips, online)
    table = frame_table(features, names, grid, run.settings.seeds)
    return Evaluation(run.settings.fusion, table.assign(evaluation="online" if online else "tiled"))


def _check_fits(run: Run, features: Features) -> None:
    settings, name = run.settings, run.folder.name
    check_modalities(settings.fusion, features.modalities)
    wide = features.audio.shape[1], features.visual.shape[1]
    if wide != (settings.audio_dim, settings.visual_dim):
        raise UserError(
            f"run {name} reads {settings.audio_dim} audio and {settings.visual_dim} visual features, these are "
            f"{wide[0]} and {wide[1]} wide: evaluate it on features of the encoders that it was trained with."
        )
    if _encoders(run.encoding) != _encoders(features.encoding):
        raise UserError(
            f"run {name} was trained on features of {_encoders(run.encoding)}, these are of "
            f"{_encoders(features.encoding)}: evaluate it on features of the encoders that it was trained with."
        )
    if not features.of_role("report"):
        raise UserError("features have 0 recordings of report persons: put some on the validation side of the split.")


def _encoders(encoding: Encoding | None) -> str:
    return f"{encoding.audio} and {encoding.visual}" if encoding else "unknown encoders"
