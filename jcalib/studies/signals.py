"""Sound and pictures made worse before they are encoded: noise, echoes, a codec, silence; blur, cover, frozen, lost.

The counterpart of `studies.corruptions` where there is a corpus: a recording's soundtrack or crops are changed, the
run's own encoders see the result, and the rows they make are kept, so that a second call is a look-up. A modality that
is missing, and a lag, are the same at the features and stay there.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np
from torch import nn

from jcalib.clips import RATE, SAMPLES
from jcalib.corpora import Corpus, Recording
from jcalib.features import Encoding, Features, encode_clips, keep_rows
from jcalib.files import fingerprint, home, source_fingerprint
from jcalib.inputs import Clips, clip_times, picture_clips, sound_clips
from jcalib.media import cut_windows, read_sound
from jcalib.media.degrading import blurred, coded, covered, episodes, noisy, reverberant, silenced
from jcalib.settings import UserError, choose
from jcalib.studies.corruptions import WORDS, Corruption, recordings_of, with_rows
from jcalib.training import load_encoder, pick_device

Crops = list[Path | None]
SHARES = (0.0, 0.1, 0.3, 0.5, 0.7)


@dataclass(frozen=True)
class Kind:
    """One way of making a signal worse.

    Attributes:
        name: after "voice" or "face".
        unit: what a severity counts.
        severities: in order, the first one clean.
        sound: (samples, severity, generator) to samples.
        crops: (crops of all frames, severity, frames per second, generator) to crops.
        picture: (severity, generator) to what is done to every crop.
    """

    name: str
    unit: str
    severities: tuple[float, ...]
    sound: Callable[[np.ndarray, float, np.random.Generator], np.ndarray] | None = None
    crops: Callable[[Crops, float, float, np.random.Generator], Crops] | None = None
    picture: Callable[[float, np.random.Generator], Callable[[np.ndarray], np.ndarray]] | None = None


def _frozen(crops: Crops, share: float, fps: float, rng: np.random.Generator) -> Crops:
    """Drop frames; the last one that came stays on, a lost face too."""
    dropped = rng.random(len(crops)) < share
    last = np.maximum.accumulate(np.where(dropped, 0, np.arange(len(crops))))
    return [crops[frame] for frame in last]


def _lost(crops: Crops, share: float, fps: float, rng: np.random.Generator) -> Crops:
    gone = episodes(len(crops), fps, share, rng)
    return [None if lost else crop for crop, lost in zip(crops, gone, strict=True)]


def _cover(share: float, rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    centre = (float(rng.random()), float(rng.random()))  # the same for a whole recording
    return lambda crop: covered(crop, share, centre)


VOICE = (
    Kind("in noise", "signal to noise (dB)", (math.inf, 20, 10, 0, -10), lambda x, snr, rng: noisy(x, RATE, snr, rng)),
    Kind("in a room", "s until −60 dB", (0.0, 0.3, 0.6, 1.2), lambda x, rt60, rng: reverberant(x, RATE, rt60, rng)),
    Kind("coded", "bit rate (kbit/s, Opus)", (math.inf, 24, 12, 6), lambda x, kbit, _: coded(x, RATE, kbit)),
    Kind("silent", "share of seconds", SHARES, lambda x, share, rng: silenced(x, RATE, share, rng)),
)
FACE = (
    Kind("blurred", "blur (pixels)", (0.0, 1, 2, 4, 8), picture=lambda sigma, _: lambda crop: blurred(crop, sigma)),
    Kind("covered", "share of the crop", (0.0, 0.1, 0.25, 0.5), picture=_cover),
    Kind("frozen", "share of frames dropped", (0.0, 0.3, 0.6, 0.9), crops=_frozen),
    Kind("lost", "share of seconds", SHARES, crops=_lost),
)


def signal_corruptions(corpus: Corpus, features: Features, seed: int = 0, device: str = "auto") -> list[Corruption]:
    """Return every corruption at the signal, for the modalities that are there.

    Args:
        corpus: whose recordings are changed.
        features: made from it; their encoders see the changed recordings.
        seed: of what is drawn, anew for each recording and kind, alike for all its severities.
        device: where to encode: "auto", "cpu" or "cuda".

    Raises:
        UserError: the features were not made by encoders of the kit.
    """
    if features.encoding is None:
        raise UserError(
            "these features name no encoders, so no picture or sound can be encoded again: leave corpus out."
        )
    again = _Again({one.name: one for one in corpus.recordings}, features.encoding, seed, pick_device(device).type)
    kinds = {"audio": VOICE, "visual": FACE}
    return [again.corruption(modality, kind) for modality in features.modalities for kind in kinds[modality]]


def signal_cost(corpus: Corpus, features: Features, device: str = "auto") -> str:
    """Return in a sentence what it takes to encode the corrupted report recordings, measured on the first one.

    Args:
        corpus, features, device: as in `signal_corruptions`.
    """
    corruptions, numbers = signal_corruptions(corpus, features, device=device), features.of_role("report")
    start = perf_counter()
    for one in (corruptions[0], corruptions[-1]):  # a voice and a face
        one.apply(recordings_of(features, numbers[:1]), one.worse[-1])
    severities = sum(len(one.worse) for one in corruptions)
    seconds = (perf_counter() - start) / 2 * severities * len(numbers)
    return (
        f"Corrupting pictures and sound: {severities} severities of {len(numbers)} recordings are encoded again, which "
        f"takes about {seconds:.0f} s where nothing is kept from before."
    )


@dataclass
class _Again:
    """Recordings that are changed and encoded again.

    Attributes:
        recordings: by name.
        encoding: how their features were made.
        seed: of what is drawn.
        device: where to encode.
        encoders: by modality, those that are loaded.
    """

    recordings: dict[str, Recording]
    encoding: Encoding
    seed: int
    device: str
    encoders: dict[str, nn.Module] = field(default_factory=dict)

    def corruption(self, modality: str, kind: Kind) -> Corruption:
        """Return a kind as a corruption of features."""
        clean = kind.severities[0]

        def apply(features: Features, severity: float) -> Features:
            if severity == clean:
                return features
            parts = [
                self._rows(features, number, modality, kind, severity) for number in range(len(features.recordings))
            ]
            rows = np.concatenate(parts)
            valid = ~np.isnan(rows).any(axis=1)
            return with_rows(features, modality, np.nan_to_num(rows), valid)

        name = f"{WORDS[modality]} {kind.name}"
        return Corruption(name, kind.unit, kind.severities, clean, apply, level="signal")

    def _rows(self, features: Features, number: int, modality: str, kind: Kind, severity: float) -> np.ndarray:
        """Return the rows (N, D) of one recording's changed signal, NaN where there is none; kept on disk."""
        first, count = features.span(number)
        ends = features.frame[first : first + count]
        recording = self.recordings[choose(features.recordings[number].name, self.recordings, "recording")]
        file = self._store(modality, kind, severity) / f"{recording.content()}.npy"
        if not file.exists():
            if modality not in self.encoders:
                self.encoders[modality] = load_encoder(getattr(self.encoding, modality), modality)
            rng = np.random.default_rng([self.seed, *f"{modality}/{kind.name}/{recording.name}".encode()])
            make = self._heard if modality == "audio" else self._seen
            clips = make(recording, ends, kind, severity, rng)
            encoder = self.encoders[modality]
            keep_rows(file, encode_clips(encoder, modality, clips, self.encoding.size, self.device))
        return np.asarray(np.load(file, mmap_mode="r"))

    def _store(self, modality: str, kind: Kind, severity: float) -> Path:
        code = source_fingerprint("clips.py", "encoders", "inputs.py", "media", "studies/signals.py")
        settings = [getattr(self.encoding, modality), code, self.encoding.hop, self.encoding.size]
        settings += [self.encoding.clip_frames, kind.name, str(severity), self.seed]
        return home() / "features" / f"{modality}-worse-{fingerprint(settings)}"

    def _heard(
        self, recording: Recording, ends: np.ndarray, kind: Kind, severity: float, rng: np.random.Generator
    ) -> Iterator[Clips]:
        assert kind.sound
        sound, start = read_sound(recording.soundtrack, RATE)
        worse = kind.sound(sound, severity, rng) if len(sound) else sound
        return sound_clips(cut_windows(worse, start, clip_times(recording)[ends].tolist(), SAMPLES, RATE))

    def _seen(
        self, recording: Recording, ends: np.ndarray, kind: Kind, severity: float, rng: np.random.Generator
    ) -> Iterator[Clips]:
        present = recording.face_present()
        crops: Crops = [recording.face_path(frame) if there else None for frame, there in enumerate(present)]
        crops = kind.crops(crops, severity, self.encoding.fps, rng) if kind.crops else crops
        change = kind.picture(severity, rng) if kind.picture else None
        return picture_clips(crops, ends.tolist(), self.encoding.size, self.encoding.clip_frames, change)
