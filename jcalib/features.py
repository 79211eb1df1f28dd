"""Encode a corpus once and keep it: clips in, one row of features per clip end and modality out (design 4 and 7)."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn

from jcalib.clips import FRAMES, clip_ends
from jcalib.corpora import Corpus, Failure, Recording, failures_frame
from jcalib.encoders import WIDTH
from jcalib.files import fingerprint, home, replacing, source_fingerprint
from jcalib.inputs import SIDE, Clips, clip_times, face_clips, prepare_inputs, voice_clips
from jcalib.progress import stage
from jcalib.settings import Settings, UserError, choose

if TYPE_CHECKING:
    import pandas as pd

MODALITIES, TARGETS = ("audio", "visual"), ("valence", "arousal")
BATCH_PIXELS = 2**19  # of one picture of each clip, encoded at once: 128 clips at 64 pixels, 41 at 112, 10 at 224
BATCH_SOUNDS = 128


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


class Encoding(Settings):
    """How clips became features: what it takes to encode another video in the same way.

    Attributes:
        audio, visual: the runs of the encoders.
        size: side of the pictures that the visual encoder takes, in pixels.
        hop: frames between clip ends.
        fps: median frames per second of the recordings.
        clip_frames: frames that a clip spans.
    """

    audio: str
    visual: str
    size: int
    hop: int
    fps: float
    clip_frames: int = FRAMES


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
        source: fingerprint of everything the features were made from, and of who is used for what.
        clip_frames: frames that a clip spans.
        one_label: whether a recording has one label, which all its rows repeat; it then counts once in every score.
        unit: what `time` counts, "s", or "steps" where nobody knows the seconds.
        failures: one row a recording that could not be encoded: name, what, consequence.
        notes: what was mended or taken for granted while reading, one sentence each.
        encoding: what encoded them; None where that is not known, as for a user's own features.
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
    clip_frames: int = FRAMES
    one_label: bool = False
    unit: str = "s"
    failures: "pd.DataFrame" = field(default_factory=failures_frame)
    notes: tuple[str, ...] = ()
    encoding: Encoding | None = None

    @property
    def stride(self) -> int:
        """Rows between the clips of a sequence, which touch and do not overlap."""
        return self.clip_frames // self.hop

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that have a valid row at all."""
        return tuple(name for column, name in enumerate(MODALITIES) if self.valid[:, column].any())

    @property
    def clip_time(self) -> float:
        """Time between the clips of a sequence, in `unit`: the median over all recordings; NaN where none holds two."""
        later = np.arange(self.stride, len(self.time))
        later = later[self.recording[later] == self.recording[later - self.stride]]
        return float(np.median(self.time[later] - self.time[later - self.stride])) if len(later) else float("nan")

    def table(self) -> "pd.DataFrame":
        """One row a recording: who, role, clips, fractions with voice, face and label, mean labels; a test's NaN."""
        import pandas as pd

        rows = []
        for number, info in enumerate(self.recordings):
            first, count = self.span(number)
            target, valid = pd.DataFrame(self.target[first : first + count]), self.valid[first : first + count]
            row = {"recording": info.name, "person": info.person, "role": info.role, "steps": count}
            row |= dict(zip(MODALITIES, valid.mean(axis=0).tolist(), strict=True))
            told = {"labelled": target.notna().any(axis=1).mean(), **dict(zip(TARGETS, target.mean(), strict=True))}
            hidden = info.role == "test"  # whose labels are opened on request, and counted
            rows.append(row | (dict.fromkeys(told, np.nan) if hidden else told))
        return pd.DataFrame(rows)

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


def extract_features(
    corpus: Corpus,
    encoders: dict[str, nn.Module],
    hop: int,
    size: int = SIDE,
    device: str = "cpu",
    clip_frames: int = FRAMES,
) -> Features:
    """Encodes every clip end of a corpus, once: a second call reads what the first one kept.

    Args:
        corpus: the recordings.
        encoders: "audio" and "visual" to an encoder with `.features`; they are put into evaluation mode.
        hop: frames between clip ends.
        size: side of the pictures that the visual encoder takes, in pixels.
        device: where to encode.
        clip_frames: frames that a clip spans.

    Returns:
        The features; a recording that cannot be read is a row of `failures`.

    Raises:
        UserError: no recording can be read.
    """
    stores = {modality: _store(encoders[modality], modality, hop, size, clip_frames) for modality in MODALITIES}
    parts: list[_Part] = []
    failures: list[Failure] = []
    with stage("encode clips", total=len(corpus.recordings)) as progress:
        for recording in corpus.recordings:
            try:
                parts.append(_part(recording, encoders, stores, hop, size, device, clip_frames))
            except (UserError, OSError) as error:
                failures.append(Failure(recording.name, str(error), "recording left out of the features"))
            progress.advance()
        progress.note(f"{sum(len(part.ends) for part in parts)} clips of {len(parts)} recordings")
    if not parts:
        first = failures[0].what if failures else "the corpus is empty"
        raise UserError(f"{corpus.name} has 0 recordings that can be encoded: {first}")
    who = [(part.content, part.info.name, part.info.person, part.info.role) for part in parts]
    source = fingerprint([hop, *(store.name for store in stores.values()), *who])
    return replace(_assemble(parts, hop, source, failures, corpus.notes), clip_frames=clip_frames)


class _Part(NamedTuple):
    """One recording's rows; NaN rows are missing modalities."""

    info: RecordingInfo
    ends: np.ndarray
    audio: np.ndarray
    visual: np.ndarray
    content: str


def _assemble(parts: list[_Part], hop: int, source: str, failures: list[Failure], notes: tuple[str, ...]) -> Features:
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
        notes=notes,
    )


def _part(
    recording: Recording,
    encoders: dict[str, nn.Module],
    stores: dict[str, Path],
    hop: int,
    size: int,
    device: str,
    span: int,
) -> _Part:
    """Looks a recording up in the stores, or encodes it and keeps it there."""
    content = recording.content()
    times = clip_times(recording)
    ends = clip_ends(recording.length, hop)
    rows = {}
    for modality in MODALITIES:
        file = stores[modality] / f"{content}.npy"
        if not file.exists():
            clips = face_clips(recording, ends, size, span) if modality == "visual" else voice_clips(recording, ends)
            keep_rows(file, encode_clips(encoders[modality], modality, clips, size, device))
        rows[modality] = np.load(file, mmap_mode="r")
    info = RecordingInfo(recording.name, recording.person, recording.role, recording.labels, times)
    return _Part(info, ends, rows["audio"], rows["visual"], content)


def keep_rows(file: Path, encoded: Iterable[np.ndarray]) -> None:
    """Writes what `encode_clips` yields for a recording, (N, D) float32, beside and renamed."""
    parts = list(encoded)
    with replacing(file) as beside, beside.open("wb") as stream:
        np.save(stream, np.concatenate(parts) if parts else np.zeros((0, WIDTH), np.float32))


def encode_clips(
    encoder: nn.Module, modality: str, clips: Iterable[Clips], size: int = SIDE, device: str = "cpu"
) -> Iterator[np.ndarray]:
    """Encodes clips chunk by chunk.

    Args:
        encoder: with `.features`; it is put into evaluation mode.
        modality: "audio" or "visual".
        clips: chunks of inputs and valid, as `picture_clips` and `sound_clips` give them.
        size: side of the pictures that the visual encoder takes, in pixels.
        device: where to encode.

    Yields:
        float32 (c, D); a row of NaN where the modality is missing.
    """
    encoder = encoder.to(device).eval()
    at_once = max(BATCH_PIXELS // size**2, 1) if modality == "visual" else BATCH_SOUNDS
    for inputs, valid in clips:
        with torch.inference_mode():
            parts = torch.from_numpy(inputs).split(at_once)
            batches = (prepare_inputs(part.to(device), modality, size) for part in parts)
            encoded = torch.cat([encoder.features(one).float().cpu() for one in batches]).numpy()  # type: ignore[operator]
        encoded[~valid] = np.nan
        yield encoded


def _store(encoder: nn.Module, modality: str, hop: int, size: int, span: int) -> Path:
    """The folder of one encoder's features: its code, its weights and what it is fed decide the name."""
    digest = hashlib.sha256(type(encoder).__name__.encode())
    for name, value in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    code = source_fingerprint("clips.py", "encoders", "inputs.py", "media")
    settings = [digest.hexdigest(), code, hop, (size, span) if modality == "visual" else None]
    return home() / "features" / f"{modality}-{fingerprint(settings)}"
