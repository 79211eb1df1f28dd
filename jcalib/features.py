"""Encode a corpus once and keep it: clips in, one row of features per clip end and modality out (design 4 and 7).

A clip's time is the time stamp of its last frame, the moment that frame appears and its label holds; the clip's sound
ends there too, as in the papers' pre-processing, so nothing is heard that comes after the predicted frame.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from jcalib.clips import PICTURES, RATE, SAMPLES, clip_ends, pictures_of_clips
from jcalib.corpora import Corpus, Failure, Recording, failures_frame
from jcalib.encoders import WIDTH, log_mel
from jcalib.files import fingerprint, home, replacing, source_fingerprint
from jcalib.media import frame_times, read_picture, sound_windows
from jcalib.progress import stage
from jcalib.settings import UserError, choose

if TYPE_CHECKING:
    import pandas as pd

MODALITIES = ("audio", "visual")
SIDE = 112  # pixels of a face crop
CHUNK = 128  # clips held at once; at 112 pixels 39 MB of pictures


class ClipInputs(NamedTuple):
    """What the encoders see of n clips: pictures (n, 8, size, size, 3), log-mel (n, 64, 107), valid (n, 2)."""

    pictures: np.ndarray
    log_mel: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True, eq=False)
class RecordingInfo:
    """What the rows of one recording belong to.

    Attributes:
        name: the recording.
        person: who it is.
        role: "encoder", "fusion", "selection", "report" or "test".
        labels: float32 (T, 2) per frame, NaN where not annotated.
        times: float64 (T,), seconds on the container's clock.
    """

    name: str
    person: str
    role: str
    labels: np.ndarray
    times: np.ndarray


@dataclass(frozen=True, eq=False)
class Features:
    """A corpus as the fusions see it: N rows, one per clip end, recording after recording in time order.

    Attributes:
        audio, visual: float32 (N, D); a row that is not valid is zero.
        target: float32 (N, 2), the label of the clip's last frame.
        valid: bool (N, 2), audio and visual.
        recording: int (N,), index into `recordings`, ascending.
        frame: int (N,), the clip's last frame.
        time: float64 (N,), its time in seconds.
        recordings: what the rows belong to.
        hop: frames between rows.
        source: fingerprint of everything the features were made from.
        failures: one row a recording that could not be encoded: name, what, consequence.
    """

    audio: np.ndarray
    visual: np.ndarray
    target: np.ndarray
    valid: np.ndarray
    recording: np.ndarray
    frame: np.ndarray
    time: np.ndarray
    recordings: tuple[RecordingInfo, ...]
    hop: int
    source: str
    failures: "pd.DataFrame" = field(default_factory=failures_frame)

    def of_role(self, role: str) -> list[int]:
        """The numbers of the recordings with a role."""
        return [number for number, info in enumerate(self.recordings) if info.role == role]

    def span(self, recording: int) -> tuple[int, int]:
        """The first row of a recording, by its number, and how many it has."""
        first, stop = np.searchsorted(self.recording, [recording, recording + 1])
        return int(first), int(stop - first)

    def rows(self, role: str) -> np.ndarray:
        """The rows of all recordings with a role: int (K,)."""
        return np.flatnonzero(np.isin(self.recording, self.of_role(role)))

    def of(self, name: str) -> np.ndarray:
        """The rows of one recording, by its name: int (K,).

        Raises:
            UserError: there is no such recording.
        """
        names = [info.name for info in self.recordings]
        first, count = self.span(names.index(choose(name, names, "recording")))
        return np.arange(first, first + count)


def clip_labels(recording: Recording, ends: np.ndarray) -> np.ndarray:
    """A clip's target is the label of its last frame: (n, 2)."""
    return recording.labels[ends]


def clip_inputs(recording: Recording, ends: np.ndarray, size: int = SIDE) -> ClipInputs:
    """Reads what the encoders see of some clips of a recording, all at once.

    Args:
        recording: its crops and its soundtrack are read.
        ends: int (n,), the frames at which clips end, ascending.
        size: side of the pictures in pixels.

    Returns:
        uint8 pictures, float32 log-mels and valid; pictures are zero where no face was found.

    Raises:
        UserError: the recording cannot be read.
    """
    with ThreadPoolExecutor(1) as pool:
        sounds = pool.submit(lambda: list(sound_clips(recording, ends)))
        faces = list(face_clips(recording, ends, size))
        pictures, seen = (np.concatenate(parts) for parts in zip(*faces, strict=True))
        log_mels, heard = (np.concatenate(parts) for parts in zip(*sounds.result(), strict=True))
    return ClipInputs(pictures, log_mels, np.stack([heard, seen], axis=1))


def face_clips(recording: Recording, ends: np.ndarray, size: int = SIDE) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pictures of clips in chunks of at most `CHUNK`; each crop is read once.

    Args:
        recording: its crops are read.
        ends: int (n,), the frames at which clips end, ascending.
        size: side of the pictures in pixels.

    Yields:
        uint8 (c, 8, size, size, 3) and valid, bool (c,): False, and zeros, where no face was found.

    Raises:
        UserError: a crop cannot be read.
    """
    frames = pictures_of_clips(recording.face_present(), ends)
    held: dict[int, np.ndarray] = {}
    with ThreadPoolExecutor() as pool:
        for chunk in (frames[start : start + CHUNK] for start in range(0, len(frames), CHUNK)):
            needed = np.unique(chunk[chunk >= 0]).tolist()
            missing = [frame for frame in needed if frame not in held]
            new = list(pool.map(_read_face, map(recording.face_path, missing)))
            fresh = dict(zip(missing, _resized(new, size), strict=True))
            held = {frame: fresh[frame] if frame in fresh else held[frame] for frame in needed}
            blank = np.zeros((size, size, 3), np.uint8)
            pictures = np.stack([held.get(frame, blank) for frame in chunk.ravel().tolist()])
            yield pictures.reshape(len(chunk), PICTURES, size, size, 3), chunk[:, 0] >= 0


def sound_clips(recording: Recording, ends: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The log-mel spectrograms of clips in chunks of at most `CHUNK`; the soundtrack is decoded once.

    Args:
        recording: its soundtrack is read.
        ends: int (n,), the frames at which clips end, ascending.

    Yields:
        float32 (c, 64, 107) and valid, bool (c,): False where there is no sound at all.

    Raises:
        UserError: the video cannot be read.
    """
    windows = sound_windows(recording.video, _times(recording)[ends], SAMPLES, RATE)
    while chunk := list(islice(windows, CHUNK)):
        sound = np.stack(chunk)
        yield log_mel(torch.from_numpy(sound), RATE).numpy(), np.any(sound, axis=1)


def prepare_pictures(pictures: Tensor, size: int) -> Tensor:
    """Pictures as read to pictures as the visual encoder takes them; differentiable.

    Args:
        pictures: (B, 8, H, W, 3), uint8, or float in [0, 1].
        size: side in pixels; larger pictures are averaged down.

    Returns:
        float32 (B, 3, 8, size, size) in [0, 1].
    """
    scale = 1 if pictures.is_floating_point() else 255
    frames = pictures.flatten(0, 1).permute(0, 3, 1, 2).float() / scale
    if frames.shape[-2:] != (size, size):
        frames = interpolate(frames, (size, size), mode="bilinear", antialias=True)
    return frames.unflatten(0, pictures.shape[:2]).transpose(1, 2).contiguous()


def prepare_inputs(batch: Tensor, modality: str, size: int = SIDE) -> Tensor:
    """Inputs as read to inputs as an encoder takes them.

    Args:
        batch: pictures (B, 8, H, W, 3) or log-mels (B, 64, 107).
        modality: "audio" or "visual".
        size: side of the pictures in pixels.

    Returns:
        float32 (B, 3, 8, size, size) or (B, 1, 64, 107).
    """
    return prepare_pictures(batch, size) if modality == "visual" else batch.float().unsqueeze(1)


def extract_features(
    corpus: Corpus, encoders: dict[str, nn.Module], hop: int, size: int = SIDE, device: str = "cpu"
) -> Features:
    """Encodes every clip end of a corpus, once: a second call reads what the first one kept.

    Args:
        corpus: the recordings.
        encoders: "audio" and "visual" to an encoder with `.features`; they are put into evaluation mode.
        hop: frames between clip ends.
        size: side of the pictures that the visual encoder takes, in pixels.
        device: where to encode.

    Returns:
        The features; a recording that cannot be read is a row of `failures`.

    Raises:
        UserError: no recording can be read.
    """
    stores = {modality: _store(encoders[modality], modality, hop, size) for modality in MODALITIES}
    parts: list[_Part] = []
    failures: list[Failure] = []
    with stage("encode clips", total=len(corpus.recordings)) as progress:
        for recording in corpus.recordings:
            try:
                parts.append(_part(recording, encoders, stores, hop, size, device))
            except (UserError, OSError) as error:
                failures.append(Failure(recording.name, str(error), "recording left out of the features"))
            progress.advance()
        progress.note(f"{sum(len(part.ends) for part in parts)} clips of {len(parts)} recordings")
    if not parts:
        first = failures[0].what if failures else "the corpus is empty"
        raise UserError(f"{corpus.name} has 0 recordings that can be encoded: {first}")
    source = fingerprint([hop, *(store.name for store in stores.values()), *(part.content for part in parts)])
    return _assemble(parts, hop, source, failures)


class _Part(NamedTuple):
    """One recording's rows; NaN rows are missing modalities."""

    info: RecordingInfo
    ends: np.ndarray
    audio: np.ndarray
    visual: np.ndarray
    content: str


def _assemble(parts: list[_Part], hop: int, source: str, failures: list[Failure]) -> Features:
    rows = {name: np.concatenate([getattr(part, name) for part in parts]) for name in MODALITIES}
    valid = np.stack([~np.isnan(rows[name]).any(axis=1) for name in MODALITIES], axis=1)
    return Features(
        audio=np.nan_to_num(rows["audio"]),
        visual=np.nan_to_num(rows["visual"]),
        target=np.concatenate([part.info.labels[part.ends] for part in parts]),
        valid=valid,
        recording=np.repeat(np.arange(len(parts)), [len(part.ends) for part in parts]),
        frame=np.concatenate([part.ends for part in parts]),
        time=np.concatenate([part.info.times[part.ends] for part in parts]),
        recordings=tuple(part.info for part in parts),
        hop=hop,
        source=source,
        failures=failures_frame(failures),
    )


def _part(
    recording: Recording, encoders: dict[str, nn.Module], stores: dict[str, Path], hop: int, size: int, device: str
) -> _Part:
    """Looks a recording up in the stores, or encodes it and keeps it there."""
    content = recording.content()
    times = _times(recording)
    ends = clip_ends(recording.length, hop)
    rows = {}
    for modality in MODALITIES:
        file = stores[modality] / f"{content}.npy"
        if not file.exists():
            clips = face_clips(recording, ends, size) if modality == "visual" else sound_clips(recording, ends)
            encoded = _encode(encoders[modality], modality, clips, size, device)
            with replacing(file) as beside, beside.open("wb") as stream:
                np.save(stream, encoded)
        rows[modality] = np.load(file, mmap_mode="r")
    info = RecordingInfo(recording.name, recording.person, recording.role, recording.labels, times)
    return _Part(info, ends, rows["audio"], rows["visual"], content)


@torch.inference_mode()
def _encode(
    encoder: nn.Module, modality: str, clips: Iterator[tuple[np.ndarray, np.ndarray]], size: int, device: str
) -> np.ndarray:
    """Features of clips, (n, D); a row of NaN where the modality is missing."""
    encoder = encoder.to(device).eval()
    rows = []
    for inputs, valid in clips:
        batch = prepare_inputs(torch.from_numpy(inputs).to(device), modality, size)
        encoded = encoder.features(batch).float().cpu().numpy()  # type: ignore[operator]
        encoded[~valid] = np.nan
        rows.append(encoded)
    return np.concatenate(rows) if rows else np.zeros((0, WIDTH), np.float32)


def _store(encoder: nn.Module, modality: str, hop: int, size: int) -> Path:
    """The folder of one encoder's features: its code, its weights and what it is fed decide the name."""
    digest = hashlib.sha256(type(encoder).__name__.encode())
    for name, value in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    code = source_fingerprint("clips.py", "encoders", "features.py", "media")
    settings = [digest.hexdigest(), code, hop, size if modality == "visual" else None]
    return home() / "features" / f"{modality}-{fingerprint(settings)}"


def _times(recording: Recording) -> np.ndarray:
    times = frame_times(recording.video)[: recording.length]
    if len(times) < recording.length:
        raise UserError(
            f"{recording.name} has {recording.length} labels for {len(times)} frames in {recording.video.name}: "
            "every label needs a frame."
        )
    return times


def _read_face(path: Path) -> np.ndarray:
    picture = read_picture(path)
    if picture.shape != (SIDE, SIDE, 3):
        height, width = picture.shape[:2]
        raise UserError(f"{path} is {height} x {width} pixels: a face crop must be {SIDE} x {SIDE}.")
    return picture


def _resized(pictures: list[np.ndarray], size: int) -> np.ndarray:
    """uint8 (k, size, size, 3), averaged down like `prepare_pictures` does."""
    if not pictures or size == SIDE:
        return np.array(pictures)
    frames = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return interpolate(frames, (size, size), mode="bilinear", antialias=True).permute(0, 2, 3, 1).numpy()
