"""A corpus of drawn causes, not rendered: cues mixed into features, files of set sizes as faces, noise as voices."""

import wave
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from jcalib.clips import clip_ends
from jcalib.corpora import Corpus, Recording
from jcalib.corpora.synthetic import regime_settings
from jcalib.corpora.synthetic.latents import draw_causes
from jcalib.features import Features, RecordingInfo
from jcalib.settings import CorpusSettings, Split

ROLES = ("encoder", "fusion", "selection", "report")
HOP, STEP, RATE = 8, 4, 8000


@dataclass(frozen=True, eq=False)
class Known(Recording):
    """A recording whose causes are in memory."""

    causes: dict[str, np.ndarray] = field(default_factory=dict)

    def load_truth(self) -> dict[str, np.ndarray]:
        return self.causes


def drawn_corpus(
    root: Path, split: tuple[int, int, int, int] = (8, 14, 3, 10), seed: int = 0, **knobs: object
) -> Corpus:
    """Draw persons; nothing is on disk until `write_faces` or `write_voices`."""
    counts = dict(zip(ROLES, split, strict=True))
    settings = CorpusSettings(split=Split(**counts), seconds=32, seed=seed, **knobs)
    roles = [role for role in ROLES for _ in range(counts[role])]
    recordings = []
    for number, role in enumerate(roles):
        causes = draw_causes(regime_settings(settings), np.random.default_rng([seed, number]))
        name, labels = f"p{number:02d}", causes.labels.astype(np.float32)
        files = (root / f"{name}.wav", root / name, labels, Path("in memory"))
        recordings.append(Known(name, name, "train", role, *files, causes=causes.truth()))
    return Corpus("drawn", root, tuple(recordings), settings)


def drawn_features(corpus: Corpus, seed: int = 0) -> Features:
    """Each modality's features are its four cues at clip ends, mixed, and who it is."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(2, 4, 10))
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("audio", "visual", "target", "valid", "frame", "time")}
    infos = []
    for recording in corpus.recordings:
        truth, ends = recording.load_truth(), clip_ends(recording.length, HOP)
        for name, voice in zip(("audio", "visual"), ("voice", "face"), strict=True):
            cues = np.concatenate([truth[f"{voice}_cue"], truth[f"{voice}_synergy_cue"]], axis=1)[ends]
            mixed = cues @ mixing[int(voice == "face")] + rng.normal(size=10)
            rows[name].append(mixed + 0.3 * rng.normal(size=mixed.shape))
        rows["target"].append(recording.labels[ends])
        rows["valid"].append(np.stack([np.ones(len(ends), bool), ~truth["face_lost"][ends]], axis=1))
        rows["frame"].append(ends)
        rows["time"].append(truth["time"][ends])
        infos.append(RecordingInfo(recording.name, recording.person, recording.role, recording.labels, truth["time"]))
    number = np.repeat(np.arange(len(infos)), [len(ends) for ends in rows["frame"]])
    joined = {name: np.concatenate(parts) for name, parts in rows.items()}
    joined |= {name: joined[name].astype(np.float32) for name in ("audio", "visual")}
    return Features(**joined, recording=number, recordings=tuple(infos), hop=HOP, source="drawn")


def write_faces(corpus: Corpus, bytes_a_label: float = 0) -> None:
    """Write a file for every fourth frame; its size hangs on chance, and on arousal if so wished."""
    rng = np.random.default_rng(1)
    for recording in corpus.recordings:
        recording.faces.mkdir(exist_ok=True)
        sizes = 500 + 50 * rng.normal(size=recording.length) + bytes_a_label * recording.labels[:, 1]
        for frame in range(STEP - 1, recording.length, STEP):
            recording.face_path(frame).write_bytes(bytes(int(sizes[frame])))


def write_voices(corpus: Corpus, loudness_a_label: float = 0) -> None:
    """Write noise of an even loudness, or of one that follows valence."""
    rng = np.random.default_rng(2)
    for recording in corpus.recordings:
        time = recording.load_truth()["time"]
        samples = np.arange(round(len(time) / 25 * RATE)) / RATE
        gain = np.exp(loudness_a_label * np.interp(samples, time, recording.labels[:, 0]))
        sound = (2000 * gain * rng.normal(size=len(samples))).clip(-32767, 32767).astype(np.int16)
        with wave.open(str(recording.video), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(sound.tobytes())


def relabelled(features: Features, labels: list[np.ndarray]) -> Features:
    """Put other labels, (T, 2) a recording, on the same features."""
    infos = tuple(replace(info, labels=new) for info, new in zip(features.recordings, labels, strict=True))
    rows = zip(features.recording, features.frame, strict=True)
    target = np.stack([infos[number].labels[frame] for number, frame in rows])
    return replace(features, recordings=infos, target=target)


def with_causes(corpus: Corpus, causes: list[dict[str, np.ndarray]]) -> Corpus:
    """Put other causes under the same recordings."""
    changed = (replace(one, causes=new) for one, new in zip(corpus.recordings, causes, strict=True))
    return replace(corpus, recordings=tuple(changed))
