"""The whole path from a clip's frames and log-mel to one prediction, with the window's other clips held as they are.

What is explained is the mean prediction over a run's seeds, before clipping, at the place in its window where the
report predicts the clip (design 11).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from jcalib.corpora import Corpus
from jcalib.explain.baselines import known_encoding
from jcalib.features import Features
from jcalib.inputs import clip_inputs, prepare_inputs
from jcalib.settings import UserError, choose
from jcalib.training import Ensemble, Run, load_encoder
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
        features: whose row it is; they hold the window's other clips.
    """

    recording: str
    row: int
    second: float
    pictures: Tensor
    log_mel: Tensor
    features: Features


def read_clip(corpus: Corpus, features: Features, row: int) -> Clip:
    """Read the frames and the sound behind one row of the features.

    Args:
        corpus: where the recording is.
        features: whose row it is, made by the kit's encoders.
        row: which.

    Raises:
        UserError: the row's recording is not in the corpus, or nobody knows which encoders made the features.
    """
    info = features.recordings[features.recording[row]]
    recordings = {one.name: one for one in corpus.recordings}
    recording = recordings[choose(info.name, recordings, "recording")]
    size = known_encoding(features).size
    inputs = clip_inputs(recording, np.array([features.frame[row]]), size, features.clip_frames)
    pictures = prepare_inputs(torch.from_numpy(inputs.pictures), "visual", size)[0]
    log_mel = prepare_inputs(torch.from_numpy(inputs.log_mel), "audio")[0]
    return Clip(info.name, row, float(features.time[row]), pictures, log_mel, features)


def moved_from_mean(run: Run, features: Features, target: str, names: list[int]) -> np.ndarray:
    """Return how far each row's prediction lies from its recording's mean, (N,); -inf without face and voice.

    Args:
        run: whose predictions.
        features: what it was evaluated on.
        target: "valence" or "arousal".
        names: numbers of the recordings to look in.
    """
    column = TARGETS.index(choose(target, TARGETS, "target"))
    grid = predict_rows(run.ensemble("cpu"), Resident(features, torch.device("cpu")), features, names,
                        run.settings.training.clips)  # fmt: skip
    values = grid[:, :, column].mean(0)
    moved = np.full(len(values), -np.inf)
    for one in names:
        mine = features.valid.all(1) & (features.recording == one)
        if mine.any():
            moved[mine] = np.abs(values[mine] - values[mine].mean())
    return moved


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
    names = {features.recordings[one].name: one for one in features.of_role("report")}
    wanted = [names[choose(recording, names, "report recording")]] if recording else list(names.values())
    moved = moved_from_mean(run, features, target, wanted)
    if not np.isfinite(moved).any():
        raise UserError("no report clip has both a face and a voice: there is nothing to attribute.")
    return int(moved.argmax())


class ClipPath:
    """The function from one clip's inputs to its prediction: pictures (B, 3, 8, size, size), log-mel (B, 1, 64, 107).

    Args:
        ensemble: a run's trained fusions.
        encoders: "audio" and "visual", as the features were made with.
        features: gives the window's other clips.
        row: the clip.
        target: "valence" or "arousal".
        clips: L.

    Attributes:
        encoders: the two, in evaluation mode.
        ensemble: the fusions.
        reads: the modalities that reach the prediction.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        encoders: Mapping[str, nn.Module],
        features: Features,
        row: int,
        target: str,
        clips: int,
    ) -> None:
        self._column = TARGETS.index(choose(target, TARGETS, "target"))
        rows, counted = recording_tiles(features, int(features.recording[row]), clips)
        window, self._place = (int(index[0]) for index in np.nonzero((rows == row) & counted))
        self.device = next(iter(ensemble.parameters.values())).device
        gathered = Resident(features, self.device).gather(torch.from_numpy(rows[window]))
        self._audio, self._visual, self._mask, _ = gathered
        self._here = (torch.arange(clips, device=self.device) == self._place)[:, None]
        self.encoders = {name: encoder.to(self.device).eval() for name, encoder in encoders.items()}
        self.ensemble = ensemble
        self.reads: tuple[str, ...] = ensemble.skeleton.reads  # type: ignore[assignment]

    def __call__(self, pictures: Tensor, log_mel: Tensor) -> Tensor:
        """Return the mean prediction over seeds, (B,)."""
        return self.by_seed(pictures, log_mel).mean(0)

    def by_seed(self, pictures: Tensor, log_mel: Tensor) -> Tensor:
        """Return every seed's prediction, (S, B)."""
        heard, seen = self._encode("audio", log_mel), self._encode("visual", pictures)
        audio = torch.where(self._here, heard[:, None], self._audio)
        visual = torch.where(self._here, seen[:, None], self._visual)
        masks = self._mask.expand(len(pictures), *self._mask.shape)
        predicted = self.ensemble(audio, visual, masks).prediction[:, :, self._place, self._column]
        # A modality that the fusion does not read has a gradient all the same: zero.
        return predicted + 0 * (heard.sum(dim=1) + seen.sum(dim=1))

    def _encode(self, modality: str, inputs: Tensor) -> Tensor:
        """Encode; a batch of one and the same clip, as when only the other modality is masked, once."""
        inputs = inputs.to(self.device)
        encoder = self.encoders[modality]
        if not torch.is_grad_enabled() and len(inputs) > 1 and bool((inputs[1:] == inputs[:1]).all()):
            return encoder.features(inputs[:1]).expand(len(inputs), -1)  # type: ignore[operator]
        return encoder.features(inputs)  # type: ignore[operator]


def clip_path(run: Run, clip: Clip, target: str, device: str = "cpu") -> ClipPath:
    """Return the path through a run's encoders and fusions for one clip.

    Args:
        run: what is explained; it knows its encoders.
        clip: from `read_clip`.
        target: "valence" or "arousal".
        device: "auto", "cpu" or "cuda".

    Raises:
        UserError: the run was trained on features whose encoders nobody knows.
    """
    encoding = known_encoding(clip.features)
    encoders = {modality: load_encoder(getattr(encoding, modality), modality) for modality in ("audio", "visual")}
    return ClipPath(run.ensemble(device), encoders, clip.features, clip.row, target, run.settings.training.clips)
