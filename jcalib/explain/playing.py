"""Make a `Playback`: explain clips that touch, so that each picture and each sound belongs to one clip's map.

What takes long is kept in JCALIB_HOME/maps under a hash of all that made it.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from jcalib.clips import RATE, SAMPLES, pictures_of_clips
from jcalib.corpora import Corpus, Recording
from jcalib.encoders import log_mel
from jcalib.encoders.spectrogram import MEAN_DB, STD_DB
from jcalib.explain.attribution import BASELINE, blurred_face, integrated_gradients, noise_floor
from jcalib.explain.conditions import SIGN, episodes
from jcalib.explain.influence import feature_covariance, influence_by_sequence
from jcalib.explain.looking import BACKGROUNDS, Windows, mean_prediction
from jcalib.explain.path import clip_path
from jcalib.explain.playback import BANDS, FRAME_S, SPECTRA, Playback, Track, colour_limit, quantised
from jcalib.explain.share import modality_share
from jcalib.features import Features
from jcalib.files import fingerprint, home, replacing, source_fingerprint
from jcalib.inputs import SIDE, clip_inputs, prepare_inputs
from jcalib.media import read_sound, write_timed
from jcalib.media.writing import BLOCK
from jcalib.progress import stage
from jcalib.settings import UserError, choose
from jcalib.training import TARGETS, Run, complete_sequences, load_encoder
from jcalib.training.evaluation import Resident, predict_rows, to_frames

FINEST = 32  # places a side of a face's map
LOST = 128  # grey of a picture without a face


def playback(
    runs: Sequence[Run], corpus: Corpus, features: Features, recording: str, targets: Sequence[str] = TARGETS
) -> Playback:
    """Explain one recording over time, for one or a few fusions.

    Maps are Integrated Gradients of every clip of a train of clips that touch: what each part of the clip adds to the
    prediction at its end. Modality shares and temporal influence are taken at every clip end.

    Args:
        runs: trained on `features`, one a fusion.
        corpus: where the recording is.
        features: of the corpus, made by the kit's encoders.
        recording: its name.
        targets: what is explained.

    Raises:
        UserError: an unknown name, two runs of one fusion, or features of unknown encoders.
    """
    if features.encoding is None:
        raise UserError("these features do not say which encoders made them: use features from jcalib.extract.")
    names = [run.settings.fusion for run in runs]
    if len(set(names)) < len(names) or not names:
        raise UserError(f"runs are of {', '.join(names) or 'no fusion'}: a playback takes one run a fusion.")
    recordings = {one.name: one for one in corpus.recordings}
    source = _Source.of(recordings[choose(recording, recordings, "recording")], features)
    parts = {}
    with stage(f"explain {recording}", len(runs) * len(targets) * len(source.rows)) as progress:
        for run in runs:
            for target in targets:
                parts[run.settings.fusion, target] = _kept(run, source, target)
                progress.advance(len(source.rows))
        progress.note(f"{len(source.rows)} clips, {len(runs)} fusions, {len(targets)} targets")
    limits = {
        target: (
            colour_limit([parts[name, target]["sound"][:, source.heard[::SPECTRA]] for name in names]),
            colour_limit([parts[name, target]["face"] for name in names]),
        )
        for target in targets
    }
    tracks = {key: _quantised(*key, part, *limits[key[1]]) for key, part in parts.items()}
    seeds = ", ".join(f"{run.settings.fusion} ({run.folder.name}, {len(run.settings.seeds)} seeds)" for run in runs)
    return source.playback(f"Mean over seeds of {seeds}.", limits, tracks, corpus, targets)


def _quantised(fusion: str, target: str, part: dict[str, np.ndarray], voice: float, face: float) -> Track:
    maps = {"sound": quantised(part["sound"], voice), "face": quantised(part["face"], face)}
    return Track(fusion=fusion, target=target, **{**part, **maps})


@dataclass(frozen=True, eq=False)
class _Source:
    """A recording as it is seen and heard, and which of its clips are explained."""

    recording: Recording
    features: Features
    number: int
    rows: np.ndarray  # of the features, explained
    frames: np.ndarray  # (C, 8), of each clip's pictures, -1 without a face
    face_frames: np.ndarray
    spectrogram: np.ndarray  # decibel (mels, F)
    sound: np.ndarray
    start: float  # of the sound, seconds
    heard: np.ndarray

    @classmethod
    def of(cls, recording: Recording, features: Features) -> "_Source":
        """Read a recording and choose clips that touch, from its first whole clip on."""
        number = [info.name for info in features.recordings].index(recording.name)
        first, count = features.span(number)
        rows = np.arange(first + min(features.stride, count) - 1, first + count, features.stride)
        rows = rows[features.valid[rows].any(axis=1)]
        frames = pictures_of_clips(recording.face_present(), features.frame[rows], features.clip_frames)
        sound, start = _sound(recording, features.recordings[number].times)
        spectrogram = (
            log_mel(torch.from_numpy(sound), RATE).numpy() * STD_DB + MEAN_DB
            if len(sound) > SAMPLES // 2
            else np.zeros((64, 0), np.float32)
        )
        heard = np.zeros(spectrogram.shape[1], bool)
        for row in rows[features.valid[rows, 0]]:
            heard[slice(*_place(features.time[row], start, len(heard)))] = True
        kept = np.unique(frames[frames >= 0])
        return cls(recording, features, number, rows, frames, kept, spectrogram, sound, start, heard)

    def playback(
        self,
        origin: str,
        limits: dict[str, tuple[float, float]],
        tracks: dict[tuple[str, str], Track],
        corpus: Corpus,
        targets: Sequence[str],
    ) -> Playback:
        """Put everything together."""
        features, info = self.features, self.features.recordings[self.number]
        first, count = features.span(self.number)
        windows = Windows.of(features, [self.number], next(iter(tracks.values())).influence.shape[1], dense=True)
        rows = _by_row(windows, first, count, np.repeat(windows.rows[:, None], windows.rows.shape[1], axis=1))
        seen = self.recording.face_present()
        pictures = np.stack([self._picture(frame, bool(seen[frame])) for frame in range(len(seen))])
        low, high = _range(self.spectrogram)
        happening = {
            f"{name}, {target}" if name == SIGN else name: np.asarray(values, bool)[: len(seen)]
            for target in targets
            for name, values in (episodes(corpus, self.recording.name, target) or {}).items()
            if name != "time"
        }
        fps = (len(info.times) - 1) / (info.times[-1] - info.times[0])
        return Playback(
            name=self.recording.name,
            origin=origin,
            times=info.times,
            true=info.labels.astype(np.float32),
            seen=seen,
            pictures=pictures,
            video=_video(pictures, info.times, self.sound, self.start),
            spectrogram=((self.spectrogram - low) / (high - low) * 255).clip(0, 255).astype(np.uint8),
            decibel=(low, high),
            sound_start=self.start,
            heard=self.heard,
            ends=features.frame[first : first + count],
            windows=np.where(rows >= 0, features.frame[np.maximum(rows, 0)], -1),
            explained=features.frame[self.rows],
            face_frames=self.face_frames,
            spans=(features.clip_frames / fps, SAMPLES / RATE),
            limits=limits,
            tracks=tracks,
            baseline=BASELINE,
            episodes={name: values for name, values in happening.items() if values.any()},
        )

    def _picture(self, frame: int, seen: bool) -> np.ndarray:
        picture = self.recording.face(frame) if seen else None
        return np.full((SIDE, SIDE, 3), LOST, np.uint8) if picture is None else picture


def _kept(run: Run, source: _Source, target: str) -> dict[str, np.ndarray]:
    """One track's arrays, maps still in target units; computed once."""
    code = source_fingerprint("explain", "encoders", "fusion", "clips.py", "inputs.py", "media")
    key = [source.recording.content(), run.folder.name, source.features.source, target, code]
    path = home() / "maps" / f"{fingerprint(key)}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return dict(kept)
    made = {**_predictions(run, source, target), **_dependence(run, source, target), **_maps(run, source, target)}
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **made)  # type: ignore[arg-type]
    return made


def _predictions(run: Run, source: _Source, target: str) -> dict[str, np.ndarray]:
    """Mean and spread over seeds, one a frame."""
    features, length = source.features, len(source.features.recordings[source.number].labels)
    first, count = features.span(source.number)
    clips = run.settings.training.clips
    data = Resident(features, torch.device("cpu"))
    grid = predict_rows(run.ensemble("cpu"), data, features, [source.number], clips)[:, first : first + count]
    values = to_frames(features.frame[first : first + count], grid, length)[..., TARGETS.index(target)]
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.full(length, np.nan)
    return {"prediction": values.mean(axis=0), "spread": spread.astype(np.float32)}


def _dependence(run: Run, source: _Source, target: str) -> dict[str, np.ndarray]:
    """Shares and influence at every clip end; what varies, and stands in for a missing modality, is training data."""
    features, clips = source.features, run.settings.training.clips
    first, count = features.span(source.number)
    role = "fusion" if features.of_role("fusion") else "report"  # a video of its own varies as it does itself
    windows = Windows.of(features, [source.number], clips, dense=True)
    predict = mean_prediction(run, target)
    spreads = _covariance(features, role, 0), _covariance(features, role, 1)
    inputs = windows.audio, windows.visual
    voice, face = influence_by_sequence(predict, *inputs, *spreads, mask=windows.mask)
    influence = torch.stack([voice, face], dim=-1).detach().numpy()
    shares = np.full((*windows.rows.shape, 3), np.nan, np.float32)
    audio, visual, _ = complete_sequences(features, role, clips, BACKGROUNDS, np.random.default_rng(0))
    if len(audio):
        found = modality_share(predict, *inputs, audio, visual, windows.mask)
        shares = torch.stack([found.audio, found.visual, found.interaction], dim=-1).numpy()
    return {
        "shares": _by_row(windows, first, count, shares).astype(np.float32),
        "influence": _by_row(windows, first, count, influence).astype(np.float32),
    }


def _maps(run: Run, source: _Source, target: str) -> dict[str, np.ndarray]:
    """Integrated Gradients of each explained clip, laid out over the recording."""
    assert source.features.encoding is not None
    encoding, features = source.features.encoding, source.features
    encoders = {name: load_encoder(getattr(encoding, name), name) for name in ("audio", "visual")}
    ensemble, clips = run.ensemble("cpu"), run.settings.training.clips
    side = max(one for one in range(1, FINEST + 1) if encoding.size % one == 0)
    block = encoding.size // side
    face = np.zeros((len(source.face_frames), side, side), np.float32)
    sound = np.zeros(source.spectrogram.shape, np.float32)
    facts = []
    for row, frames, inputs in zip(source.rows, source.frames, _inputs(source, encoding.size), strict=True):
        path = clip_path(ensemble, encoders, features, int(row), target, clips)
        starts = blurred_face(inputs[0]), noise_floor(inputs[1])
        found = integrated_gradients(path, *inputs, *starts, target=target)
        for frame, picture in zip(frames, found.pictures, strict=True):
            if frame >= 0:  # a picture that fills up a clip comes several times
                pooled = picture.reshape(side, block, side, block).sum(axis=(1, 3))
                face[np.searchsorted(source.face_frames, frame)] += pooled
        _lay(sound, found.log_mel, float(features.time[row]), source.start)
        facts.append((found.log_mel.sum(), found.pictures.sum(), found.delta, found.converged, found.steps))
    columns = np.array(facts, float).reshape(-1, 5)
    return {"face": face, "sound": _pooled(sound), "sums": columns[:, :2].astype(np.float32),
            "missed": columns[:, 2].astype(np.float32), "good": columns[:, 3] > 0,
            "steps": columns[:, 4].astype(int)}  # fmt: skip


def _inputs(source: _Source, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the pictures and the log-mel of each explained clip."""
    if not len(source.rows):
        return
    features = source.features
    read = clip_inputs(source.recording, features.frame[source.rows], size, features.clip_frames)
    for pictures, spectra in zip(read.pictures, read.log_mel, strict=True):
        yield (
            prepare_inputs(torch.from_numpy(pictures[None]), "visual", size)[0],
            prepare_inputs(torch.from_numpy(spectra[None]), "audio")[0],
        )


def _covariance(features: Features, role: str, column: int) -> torch.Tensor:
    values = np.asarray((features.audio, features.visual)[column])
    rows = features.rows(role)
    valid = torch.from_numpy(values[rows][features.valid[rows, column]])
    return feature_covariance(valid) if len(valid) > 1 else torch.zeros(values.shape[1], values.shape[1])


def _by_row(windows: Windows, first: int, count: int, values: np.ndarray) -> np.ndarray:
    """Put (B, L, ...) values of windows in the order of the recording's rows, (n, ...)."""
    ordered = np.zeros((count, *values.shape[2:]), values.dtype)
    ordered[windows.order - first] = values[windows.counted]
    return ordered


def _place(end: float, start: float, length: int) -> tuple[int, int]:
    """The first spectrum of the sound that ends at a time, and the one after its last, within the recording."""
    spectra = SAMPLES // 441 + 1
    begin = round((end - SAMPLES / RATE - start) / FRAME_S)
    return max(begin, 0), max(min(begin + spectra, length), 0)


def _lay(sound: np.ndarray, log_mel_map: np.ndarray, end: float, start: float) -> None:
    begin = round((end - SAMPLES / RATE - start) / FRAME_S)
    here, stop = _place(end, start, sound.shape[1])
    if stop > here:
        sound[:, here:stop] += log_mel_map[:, here - begin : stop - begin]


def _pooled(sound: np.ndarray) -> np.ndarray:
    """Sums over cells of the spectrogram's map, (mels, F) to (mels / 2, F / 4 rounded up)."""
    padded = np.pad(sound, ((0, 0), (0, -sound.shape[1] % SPECTRA)))
    return padded.reshape(len(sound) // BANDS, BANDS, -1, SPECTRA).sum(axis=(1, 3))


def _sound(recording: Recording, times: np.ndarray) -> tuple[np.ndarray, float]:
    """The soundtrack from a recording's first frame to its last, and the second at which it starts."""
    samples, start = read_sound(recording.video)
    frame = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    first = max(round((times[0] - start) * RATE), 0)
    stop = max(round((times[-1] + frame - start) * RATE), 0)
    return samples[first:stop], start + first / RATE


def _range(decibel: np.ndarray) -> tuple[float, float]:
    """Where greys begin and end."""
    if not decibel.size:
        return -80.0, 0.0
    low, high = (float(value) for value in np.percentile(decibel, (2, 99.9)))
    return low, max(high, low + 1)


def _video(pictures: np.ndarray, times: np.ndarray, sound: np.ndarray, start: float) -> bytes:
    """The pictures with their sound as mp4, from 0 s on."""
    lead = max(round((start - times[0]) * RATE), 0)
    whole = np.concatenate([np.zeros(lead, np.float32), sound]) if len(sound) else sound
    whole = np.pad(whole, (0, -len(whole) % BLOCK))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "playback.mp4"
        write_timed(path, zip(times - times[0], pictures, strict=True), whole.reshape(-1, BLOCK))
        return path.read_bytes()
