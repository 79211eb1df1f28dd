"""A recording as it is seen and heard, and which of its clips are explained: a train of clips that touch."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from jcalib.clips import RATE, SAMPLES, pictures_of_clips
from jcalib.corpora import Recording
from jcalib.encoders import log_mel
from jcalib.encoders.spectrogram import MEAN_DB, MELS, STD_DB
from jcalib.explain.playback import FRAME_S
from jcalib.features import Features
from jcalib.inputs import SIDE
from jcalib.media import read_picture, read_sound

LOST = 128  # grey of a picture without a face


@dataclass(frozen=True, eq=False)
class Source:
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
    def of(cls, recording: Recording, features: Features) -> "Source":
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
            else np.zeros((MELS, 0), np.float32)
        )
        heard = np.zeros(spectrogram.shape[1], bool)
        for row in rows[features.valid[rows, 0]]:
            heard[slice(*placed(features.time[row], start, len(heard)))] = True
        kept = np.unique(frames[frames >= 0])
        return cls(recording, features, number, rows, frames, kept, spectrogram, sound, start, heard)

    @cached_property
    def content(self) -> str:
        """What is in the recording, as a hash."""
        return self.recording.content()

    @cached_property
    def pictures(self) -> np.ndarray:
        """Every frame's face crop, uint8 (T, 112, 112, 3); grey where the face is lost."""
        pictures = np.full((self.recording.length, SIDE, SIDE, 3), LOST, np.uint8)
        for frame in np.flatnonzero(self.recording.face_present()):
            pictures[frame] = read_picture(self.recording.face_path(int(frame)))
        return pictures


def placed(end: float, start: float, length: int) -> tuple[int, int]:
    """Return the first spectrum of a clip's sound and the one after its last, within the recording.

    Args:
        end: seconds at which the clip ends.
        start: seconds at which the first spectrum is centred.
        length: spectra of the recording.
    """
    spectra = SAMPLES // 441 + 1
    begin = round((end - SAMPLES / RATE - start) / FRAME_S)
    return max(begin, 0), max(min(begin + spectra, length), 0)


def _sound(recording: Recording, times: np.ndarray) -> tuple[np.ndarray, float]:
    """The soundtrack from a recording's first frame to its last, and the second at which it starts."""
    samples, start = read_sound(recording.soundtrack)
    frame = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    first = max(round((times[0] - start) * RATE), 0)
    stop = max(round((times[-1] + frame - start) * RATE), 0)
    return samples[first:stop], start + first / RATE
