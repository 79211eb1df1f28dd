"""What one fusion predicts over a recording and where it comes from, computed once.

It is kept in JCALIB_HOME/maps under a hash of all that made it.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from jcalib.clips import RATE, SAMPLES
from jcalib.explain.attribution import Attribution
from jcalib.explain.baselines import known_encoding
from jcalib.explain.influence import feature_covariance, influence_by_sequence
from jcalib.explain.looking import Windows
from jcalib.explain.memory import differentiable
from jcalib.explain.methods import attribute_path
from jcalib.explain.path import Clip, ClipPath, read_clips
from jcalib.explain.playback import BANDS, FRAME_S, SPECTRA
from jcalib.explain.share import modality_share
from jcalib.explain.side_by_side import side_by_side
from jcalib.explain.source import Source, placed
from jcalib.features import Features
from jcalib.files import fingerprint, home, replacing, source_fingerprint
from jcalib.progress import Stage
from jcalib.settings import UserError, choose
from jcalib.training import TARGETS, Ensemble, Reference, Run, load_encoder
from jcalib.training.evaluation import Resident, predict_rows, to_frames

FINEST = 32  # places a side of a face's map
STEPS = 32, 64  # of Integrated Gradients: a picture needs no more, and the page says how many maps add up


@dataclass(frozen=True, eq=False)
class Explained:
    """What is explained: a run's mean over seeds, or one seed, for one target, by one method."""

    run: Run
    target: str
    method: str
    seed: int | None

    @classmethod
    def of(cls, run: Run, target: str, method: str, seed: int | None) -> "Explained":
        if seed is not None and seed not in run.settings.seeds:
            known = ", ".join(map(str, run.settings.seeds))
            raise UserError(f"seed is {seed}, the run has {known}: take one of these.")
        return cls(run, choose(target, TARGETS, "target"), method, seed)

    @cached_property
    def ensemble(self) -> Ensemble:
        """What predicts; not built where everything is kept."""
        ensemble = self.run.ensemble("cpu")
        if self.seed is None:
            return ensemble
        at = self.run.settings.seeds.index(self.seed)
        parts = ({name: part[at : at + 1] for name, part in x.items()} for x in (ensemble.parameters, ensemble.buffers))
        return Ensemble(ensemble.skeleton, *parts)

    @property
    def clips(self) -> int:
        return self.run.settings.training.clips

    @property
    def column(self) -> int:
        return TARGETS.index(self.target)

    def reference(self, features: Features) -> Reference:
        """The training persons: of the features where these have them, else those that the run keeps."""
        return Reference.of(features, self.clips) if features.of_role("fusion") else self.run.reference

    def predict(self, audio: Tensor, visual: Tensor, mask: Tensor | None) -> Tensor:
        """(B, L), of sequences."""
        return self.ensemble.predict(audio, visual, mask)[..., self.column]

    def attribute(self, path: ClipPath, clip: Clip) -> Attribution:
        """Explain one clip; steps of a path are bounded, as there are many clips."""
        return attribute_path(path, clip, self.target, self.method, steps=STEPS)


def kept_track(explained: Explained, source: Source, progress: Stage) -> dict[str, np.ndarray]:
    """One track's arrays, maps still in target units; computed once."""
    code = source_fingerprint("explain", "encoders", "fusion", "clips.py", "inputs.py", "media")
    what = [explained.run.folder.name, explained.target, explained.method, explained.seed]
    path = home() / "maps" / f"{fingerprint([source.content, source.features.source, *what, code])}.npz"
    if path.is_file():
        progress.advance(len(source.rows))
        with np.load(path) as kept:
            return dict(kept)
    made = {**_predictions(explained, source), **_dependence(explained, source), **_maps(explained, source, progress)}
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **made)  # type: ignore[arg-type]
    return made


def _predictions(explained: Explained, source: Source) -> dict[str, np.ndarray]:
    """Mean and spread over seeds, one a frame."""
    features, length = source.features, len(source.features.recordings[source.number].labels)
    first, count = features.span(source.number)
    data = Resident(features, torch.device("cpu"))
    grid = predict_rows(explained.ensemble, data, features, [source.number], explained.clips)[:, first : first + count]
    values = to_frames(features.frame[first : first + count], grid, length)[..., explained.column]
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.full(length, np.nan)
    return {"prediction": values.mean(axis=0), "spread": spread.astype(np.float32)}


def _dependence(explained: Explained, source: Source) -> dict[str, np.ndarray]:
    """Shares and influence at every clip end; what varies, and stands in for a missing modality, is training data."""
    features, clips = source.features, explained.clips
    first, count = features.span(source.number)
    reference = explained.reference(features)
    windows = Windows.of(features, [source.number], clips, dense=True)
    spreads = _covariance(reference.heard), _covariance(reference.seen)
    inputs = windows.audio, windows.visual
    voice, face = influence_by_sequence(explained.predict, *inputs, *spreads, mask=windows.mask)
    influence = torch.stack([voice, face], dim=-1).detach().numpy()
    shares = np.full((*windows.rows.shape, 3), np.nan, np.float32)
    if len(reference.audio):
        found = modality_share(explained.predict, *inputs, reference.audio, reference.visual, windows.mask)
        shares = torch.stack([found.audio, found.visual, found.interaction], dim=-1).numpy()
    return {
        "shares": by_row(windows, first, count, shares).astype(np.float32),
        "influence": by_row(windows, first, count, influence).astype(np.float32),
    }


def _maps(explained: Explained, source: Source, progress: Stage) -> dict[str, np.ndarray]:
    """The map of each explained clip, laid out over the recording."""
    features, encoding = source.features, known_encoding(source.features)
    encoders = {name: load_encoder(getattr(encoding, name), name) for name in ("audio", "visual")}
    side = max(one for one in range(1, FINEST + 1) if encoding.size % one == 0)
    block = encoding.size // side
    face = np.zeros((len(source.face_frames), side, side), np.float32)
    sound = np.zeros(source.spectrogram.shape, np.float32)
    facts = []

    def work(clip: Clip) -> tuple[float, Attribution]:
        own = explained.ensemble  # weights are shared; what runs them is each thread's own
        parts = Ensemble(own.skeleton, own.parameters, own.buffers), deepcopy(encoders)
        path = ClipPath(*parts, features, clip.row, explained.target, explained.clips)
        return clip.second, explained.attribute(path, clip)

    clips = read_clips(source.recording, features, source.rows)
    with differentiable():
        for frames, (second, found) in zip(source.frames, side_by_side(work, clips), strict=True):
            for frame, picture in zip(frames, found.pictures, strict=True):
                if frame >= 0:  # a picture that fills up a clip comes several times
                    pooled = picture.reshape(side, block, side, block).sum(axis=(1, 3))
                    face[np.searchsorted(source.face_frames, frame)] += pooled
            _lay(sound, found.log_mel, second, source.start)
            facts.append((found.log_mel.sum(), found.pictures.sum(), found.delta, found.converged, found.steps))
            progress.advance()
    columns = np.array(facts, float).reshape(-1, 5)
    return {"face": face, "sound": _pooled(sound), "sums": columns[:, :2].astype(np.float32),
            "missed": columns[:, 2].astype(np.float32), "good": columns[:, 3] > 0,
            "steps": columns[:, 4].astype(int)}  # fmt: skip


def _covariance(rows: Tensor) -> Tensor:
    return feature_covariance(rows) if len(rows) > 1 else torch.zeros(rows.shape[1], rows.shape[1])


def by_row(windows: Windows, first: int, count: int, values: np.ndarray) -> np.ndarray:
    """Put (B, L, ...) values of windows in the order of the recording's rows, (n, ...)."""
    ordered = np.zeros((count, *values.shape[2:]), values.dtype)
    ordered[windows.order - first] = values[windows.counted]
    return ordered


def _lay(sound: np.ndarray, log_mel_map: np.ndarray, end: float, start: float) -> None:
    begin = round((end - SAMPLES / RATE - start) / FRAME_S)
    here, stop = placed(end, start, sound.shape[1])
    if stop > here:
        sound[:, here:stop] += log_mel_map[:, here - begin : stop - begin]


def _pooled(sound: np.ndarray) -> np.ndarray:
    """Sums over cells of the spectrogram's map, (mels, F) to (mels / 2, F / 4 rounded up)."""
    padded = np.pad(sound, ((0, 0), (0, -sound.shape[1] % SPECTRA)))
    return padded.reshape(len(sound) // BANDS, BANDS, -1, SPECTRA).sum(axis=(1, 3))
