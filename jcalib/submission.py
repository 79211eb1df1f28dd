"""Predict a corpus' test set with a run, and write the file that a challenge takes.

The test set is opened on request only, and every time is counted in the run's folder: a test set that is looked at
often is a validation set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jcalib.corpora import Corpus
from jcalib.corpora.templates import Filled, Template, counts_frame, fill, read_template, write_values
from jcalib.features import Features, extract_features
from jcalib.files import read_json, replacing, replacing_folder, write_json
from jcalib.settings import UserError
from jcalib.training import Run, load_encoder, pick_device
from jcalib.training.evaluation import Resident, predict_rows, smooth, to_frames

if TYPE_CHECKING:
    import pandas as pd

OPENINGS = "test_openings.json"


@dataclass(frozen=True, eq=False)
class Submission:
    """What was written.

    Attributes:
        files: for the challenge.
        counts: how each video was brought to the template's length.
        openings: how often this run has opened a test set, this time included.
        unasked: test recordings that the template does not name.
    """

    files: tuple[Path, ...]
    counts: tuple[Filled, ...]
    openings: int
    unasked: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Videos of the template without any prediction; their rows are zeros."""
        return tuple(one.video for one in self.counts if not one.predicted)

    def frame(self) -> "pd.DataFrame":
        """One row a video: rows, predicted, padded, cut, held."""
        return counts_frame(list(self.counts))

    def lines(self) -> list[str]:
        """What was done, a line a fact."""
        total = {name: sum(getattr(one, name) for one in self.counts) for name in ("rows", "padded", "cut", "held")}
        touched = {name: sum(getattr(one, name) > 0 for one in self.counts) for name in total}
        held = f"{total['held']:,} frames of {touched['held']} videos have neither face nor voice"
        facts = {
            "videos": f"{len(self.counts)}, {total['rows']:,} rows",
            "padded": f"{total['padded']:,} rows of {touched['padded']} videos repeat the last prediction",
            "cut": f"{total['cut']:,} predicted frames of {touched['cut']} videos are not asked for",
            "held": f"{held}: they take the nearest prediction",
            "missing": f"{len(self.missing)} videos are zeros{': ' if self.missing else ''}{', '.join(self.missing)}",
            "test set": f"opened {self.openings} times with this run, this time included",
        }
        if self.unasked:
            facts["not asked"] = f"{len(self.unasked)} test recordings: {', '.join(self.unasked)}"
        return [f"{name:<9} {text}" for name, text in facts.items()]


def submit(
    run: Run,
    corpus: Corpus,
    template: str | Path,
    out: str | Path,
    smooth_over: Sequence[int] = (),
    device: str = "auto",
) -> Submission:
    """Predict the test set and write the challenge's file, or files.

    The prediction is the mean over seeds, smoothed where asked for, then clipped to [-1, 1].

    Args:
        run: whose fusions and encoders predict.
        corpus: its test recordings are predicted.
        template: the organisers' file or folder: see `jcalib.corpora.templates`.
        out: folder; `counts.csv` is written beside the challenge's folder or file.
        smooth_over: frames over which valence and arousal are averaged (T-BIOM: 20, 50); none by default.
        device: "auto", "cpu" or "cuda".

    Returns:
        What was written, with a count of what was padded and cut.

    Raises:
        UserError: the corpus has no test recording, the run does not know its encoders, or the template is none.
    """
    wanted = read_template(template)
    recordings = corpus.with_role("test")
    if not recordings:
        raise UserError(f"{corpus.root} has 0 test recordings: they are Test_Set/<name>.txt, or a list of their names.")
    features = _encode(run, replace(corpus, recordings=recordings), device)
    openings = _open(run, corpus, template)
    predictions = predict_test(run, features, smooth_over, device)
    return _written(wanted, predictions, Path(out), openings)


def predict_test(
    run: Run, features: Features, smooth_over: Sequence[int] = (), device: str = "auto"
) -> dict[str, np.ndarray]:
    """Predict the test recordings of some features: by name, (T, 2), the mean over seeds; NaN with no modality.

    Args:
        run: whose fusions predict.
        features: made by the run's encoders.
        smooth_over: frames over which valence and arousal are averaged; none by default.
        device: "auto", "cpu" or "cuda".
    """
    names, ensemble = features.of_role("test"), run.ensemble(device)
    data = Resident(features, pick_device(device))
    grid = predict_rows(ensemble, data, features, names, run.settings.training.clips)
    predictions = {}
    for number in names:
        first, count = features.span(number)
        rows, info = slice(first, first + count), features.recordings[number]
        values = to_frames(features.frame[rows], grid[:, rows], len(info.labels)).mean(axis=0)
        predictions[info.name] = smooth(values, smooth_over) if smooth_over else values
    return predictions


def openings(run: Run) -> list[dict[str, str]]:
    """Return every time that a test set was opened with a run: time, corpus, template."""
    file = run.folder / OPENINGS
    return list(read_json(file)) if file.is_file() else []


def _encode(run: Run, corpus: Corpus, device: str) -> Features:
    """Features of a corpus, by the encoders that the run was trained with."""
    how = run.encoding
    if how is None:
        raise UserError(f"run {run.folder.name} was trained on ready features: it cannot encode {corpus.root}.")
    encoders = {"audio": load_encoder(how.audio, "audio"), "visual": load_encoder(how.visual, "visual")}
    return extract_features(corpus, encoders, how.hop, how.size, str(pick_device(device)), how.clip_frames)


def _open(run: Run, corpus: Corpus, template: str | Path) -> int:
    """Write down that the test set is opened, and return how often it has been."""
    now = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": corpus.name,
        "template": Path(template).name,
    }
    write_json(run.folder / OPENINGS, [*openings(run), now])
    return len(openings(run))


def _written(template: Template, predictions: dict[str, np.ndarray], out: Path, openings: int) -> Submission:
    values, counts = fill(template, predictions)
    folder = out / "submission"
    with replacing_folder(folder) as beside:
        files = [folder / one.name for one in write_values(template, values, beside)]
    with replacing(out / "counts.csv") as beside:
        counts_frame(counts).to_csv(beside, index=False)
    unasked = tuple(sorted(set(predictions) - set(template.frames)))
    return Submission(tuple(files), tuple(counts), openings, unasked)
