"""The whole path from a clip's frames and log-mel to one prediction, with the window's other clips held as they are,
or handed in as well.

What is explained is the mean prediction over a run's seeds, before clipping, at the place in its window where the
report predicts the clip (design 11).
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from jcalib.corpora import Corpus, Recording
from jcalib.explain.baselines import known_encoding
from jcalib.explain.side_by_side import DRAWING
from jcalib.features import Features
from jcalib.fusion.inputs import MODALITIES
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
        media: where the frames and the sound of the window's other clips can be read; None: they cannot.
    """

    recording: str
    row: int
    second: float
    pictures: Tensor
    log_mel: Tensor
    features: Features
    media: Recording | None = None


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
    return next(read_clips(recording, features, np.array([row])))


def read_clips(recording: Recording, features: Features, rows: np.ndarray) -> Iterator[Clip]:
    """Yield some clips of one recording, read in one pass.

    Args:
        recording: whose frames and sound.
        features: made from it by the kit's encoders.
        rows: of the features.
    """
    size = known_encoding(features).size
    if not len(rows):
        return
    read = clip_inputs(recording, features.frame[rows], size, features.clip_frames)
    for row, pictures, spectra in zip(rows.tolist(), read.pictures, read.log_mel, strict=True):
        seen = prepare_inputs(torch.from_numpy(pictures[None]), "visual", size)[0]
        heard = prepare_inputs(torch.from_numpy(spectra[None]), "audio")[0]
        yield Clip(recording.name, row, float(features.time[row]), seen, heard, features, recording)


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

    `at` other places of the window it takes the inputs of the clips there, one behind the other in time: pictures
    (B, 3, 8 C, size, size), log-mel (B, 1, 64, 107 C).

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
        rows: (L,) of the features, the window's clips; -1 is padding.
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
        self.rows = rows[window]
        self._inputs_at = [int(self._place)]
        self.encoders = {name: encoder.to(self.device).eval() for name, encoder in encoders.items()}
        self.ensemble = ensemble
        self.reads: tuple[str, ...] = ensemble.skeleton.reads  # type: ignore[assignment]

    def __call__(self, pictures: Tensor, log_mel: Tensor) -> Tensor:
        """Return the mean prediction over seeds, (B,)."""
        return self.by_seed(pictures, log_mel).mean(0)

    def by_seed(self, pictures: Tensor, log_mel: Tensor) -> Tensor:
        """Return every seed's prediction, (S, B)."""
        heard, seen = self._encode("audio", log_mel, 3), self._encode("visual", pictures, 2)
        audio, visual = self._placed(self._audio, heard), self._placed(self._visual, seen)
        masks = self._mask.expand(len(pictures), *self._mask.shape)
        predicted = self.ensemble(audio, visual, masks).prediction[:, :, self._place, self._column]
        # A modality that the fusion does not read has a gradient all the same: zero.
        return predicted + 0 * (heard.sum(dim=(1, 2)) + seen.sum(dim=(1, 2)))

    def at(self, places: Sequence[int]) -> "ClipPath":
        """Return the path to the same prediction from the inputs of the clips at some places of the window."""
        other = copy(self)
        other._inputs_at = [int(place) for place in places]
        return other

    def _encode(self, modality: str, inputs: Tensor, time: int) -> Tensor:
        """(B, C, D); one clip expanded to a batch, as where only the other modality is masked, is encoded once."""
        count, clips = len(inputs), len(self._inputs_at)
        if inputs.stride(0) == 0 and not inputs.requires_grad:  # a gradient belongs to each clip of the batch
            inputs = inputs[:1]
        apart = inputs.to(self.device).unflatten(time, (clips, -1)).movedim(time, 1).flatten(0, 1)
        encoded = self.encoders[modality].features(apart)  # type: ignore[operator]
        return encoded.unflatten(0, (-1, clips)).expand(count, -1, -1)

    def _placed(self, window: Tensor, encoded: Tensor) -> Tensor:
        """The window's features (L, D) with some clips' own in their places, (B, L, D)."""
        places = torch.tensor(self._inputs_at, device=self.device)
        return window.expand(len(encoded), *window.shape).index_copy(1, places, encoded)


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
    with DRAWING:  # modules draw their weights before they load them
        encoders = {name: load_encoder(getattr(encoding, name), name) for name in MODALITIES}
        ensemble = run.ensemble(device)
    return ClipPath(ensemble, encoders, clip.features, clip.row, target, run.settings.training.clips)
