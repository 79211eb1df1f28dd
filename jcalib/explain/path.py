"""The whole path from a clip's frames and log-mel to one prediction, with the window's other clips held as they are.

What is explained is the mean prediction over a run's seeds, before clipping, at the place in its window where the
report predicts the clip (design 11).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from jcalib.corpora import Corpus
from jcalib.explain.attribution import Attribution, blurred_face, integrated_gradients, noise_floor
from jcalib.features import Features
from jcalib.inputs import clip_inputs, prepare_inputs
from jcalib.settings import UserError, choose
from jcalib.training import Ensemble, Run
from jcalib.training.evaluation import Resident, predict_rows, recording_tiles
from jcalib.training.run import TARGETS


@dataclass(frozen=True)
class Clip:
    """One clip as the encoders see it.

    Attributes:
        recording: its recording.
        row: its row in the features.
        second: when it ends, on the recording's clock.
        pictures: (3, 8, size, size) in [0, 1].
        log_mel: (1, 64, 107).
    """

    recording: str
    row: int
    second: float
    pictures: Tensor
    log_mel: Tensor


def read_clip(corpus: Corpus, features: Features, row: int, size: int) -> Clip:
    """Read the frames and the sound behind one row of the features.

    Args:
        corpus: where the recording is.
        features: whose row it is.
        row: which.
        size: side of the visual encoder's pictures, pixels.

    Raises:
        UserError: the row's recording is not in the corpus.
    """
    info = features.recordings[features.recording[row]]
    recordings = {one.name: one for one in corpus.recordings}
    recording = recordings[choose(info.name, recordings, "recording")]
    inputs = clip_inputs(recording, np.array([features.frame[row]]), size, features.clip_frames)
    pictures = prepare_inputs(torch.from_numpy(inputs.pictures), "visual", size)[0]
    log_mel = prepare_inputs(torch.from_numpy(inputs.log_mel), "audio")[0]
    return Clip(info.name, row, float(features.time[row]), pictures, log_mel)


def most_moving_clip(run: Run, features: Features, target: str, recording: str = "") -> int:
    """Return the row whose prediction lies farthest from its recording's mean, among clips with face and voice.

    Args:
        run: whose predictions.
        features: what it was evaluated on.
        target: "valence" or "arousal".
        recording: where to look; in all report recordings if empty.

    Raises:
        UserError: an unknown name, or no clip has both a face and a voice.
    """
    column = TARGETS.index(choose(target, TARGETS, "target"))
    names = {features.recordings[one].name: one for one in features.of_role("report")}
    wanted = [names[choose(recording, names, "report recording")]] if recording else list(names.values())
    usable = features.valid.all(1) & np.isin(features.recording, wanted)
    if not usable.any():
        raise UserError("no report clip has both a face and a voice: there is nothing to attribute.")
    data = Resident(features, torch.device("cpu"))
    grid = predict_rows(run.ensemble("cpu"), data, features, wanted, run.settings.training.clips)
    values = grid[:, :, column].mean(0)
    moved = np.full(len(values), -np.inf)
    for one in wanted:
        mine = usable & (features.recording == one)
        if mine.any():
            moved[mine] = np.abs(values[mine] - values[mine].mean())
    return int(moved.argmax())


def clip_path(
    ensemble: Ensemble, encoders: Mapping[str, nn.Module], features: Features, row: int, target: str, clips: int
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the function from one clip's inputs to its prediction.

    Args:
        ensemble: a run's trained fusions.
        encoders: "audio" and "visual", as the features were made with.
        features: gives the window's other clips.
        row: the clip.
        target: "valence" or "arousal".
        clips: L.

    Returns:
        (pictures (B, 3, 8, size, size), log-mel (B, 1, 64, 107)) to (B,), the mean over seeds.
    """
    column = TARGETS.index(choose(target, TARGETS, "target"))
    rows, counted = recording_tiles(features, int(features.recording[row]), clips)
    window, place = (int(index[0]) for index in np.nonzero((rows == row) & counted))
    audio, visual, mask, _ = Resident(features, torch.device("cpu")).gather(torch.from_numpy(rows[window]))
    here = (torch.arange(clips) == place)[:, None]
    for encoder in encoders.values():
        encoder.eval()

    def predict(pictures: Tensor, log_mel: Tensor) -> Tensor:
        heard = encoders["audio"].features(log_mel)[:, None]  # type: ignore[operator]
        seen = encoders["visual"].features(pictures)[:, None]  # type: ignore[operator]
        masks = mask.expand(len(pictures), *mask.shape)
        return ensemble.predict(torch.where(here, heard, audio), torch.where(here, seen, visual), masks)[
            :, place, column
        ]

    return predict


def attribute(run: Run, encoders: Mapping[str, nn.Module], features: Features, clip: Clip, target: str) -> Attribution:
    """Attribute a run's prediction for one clip to its pixels and its log-mel cells, by Integrated Gradients.

    Args:
        run: what is explained, as its mean over seeds.
        encoders: "audio" and "visual", as the features were made with.
        features: what the run was evaluated on.
        clip: from `read_clip`.
        target: "valence" or "arousal".

    Returns:
        The map from a blurred face and the clip's own noise floor, with its completeness.
    """
    path = clip_path(run.ensemble("cpu"), encoders, features, clip.row, target, run.settings.training.clips)
    return integrated_gradients(
        path, clip.pictures, clip.log_mel, blurred_face(clip.pictures), noise_floor(clip.log_mel), target=target
    )
