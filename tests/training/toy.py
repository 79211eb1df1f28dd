"""Features made from known causes, without pictures or sound: training tests start in milliseconds."""

import numpy as np

from jcalib.features import Features, RecordingInfo
from jcalib.settings import Preset, preset

ROLES = ("fusion",) * 4 + ("selection",) * 2 + ("report",) * 3


def toy_features(frames: int = 320, hop: int = 8, width: int = 6, seed: int = 0, lost: bool = False) -> Features:
    """Voice and face each carry a part of the labels; with `lost`, some clips lack a modality."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(2, 2, width))
    infos, audio, visual, target, valid, number, frame, time = [], [], [], [], [], [], [], []
    for index, role in enumerate(ROLES):
        times = np.arange(frames) / 25
        shared, own_voice, own_face = (
            sum(np.sin(2 * np.pi * f * times + rng.uniform(0, 6)) for f in (0.08, 0.17, 0.29)) / 2 for _ in range(3)
        )
        labels = np.stack([0.3 * shared + 0.2 * own_face, 0.3 * shared + 0.2 * own_voice], 1).astype(np.float32)
        ends = np.arange(hop - 1, frames, hop)
        audio.append((np.stack([shared, own_voice], 1) @ mixing[0])[ends])
        visual.append((np.stack([shared, own_face], 1) @ mixing[1])[ends])
        target.append(labels[ends])
        valid.append(rng.random((len(ends), 2)) > (0.2 if lost else -1))
        number.append(np.full(len(ends), index))
        frame.append(ends)
        time.append(times[ends])
        infos.append(RecordingInfo(f"r{index}", f"p{index}", role, labels, times))
    return Features(
        audio=np.concatenate(audio).astype(np.float32),
        visual=np.concatenate(visual).astype(np.float32),
        target=np.concatenate(target),
        valid=np.concatenate(valid),
        recording=np.concatenate(number),
        frame=np.concatenate(frame),
        time=np.concatenate(time),
        recordings=tuple(infos),
        hop=hop,
        source=f"toy-{frames}-{hop}-{width}-{seed}-{lost}",
    )


def toy_preset(epochs: int = 4, learning_rate: float = 5e-3, **training: object) -> Preset:
    """A preset whose fusions are small."""
    chosen = preset("smoke")
    small = {"epochs": epochs, "dim": 8, "rank": 4, "batch": 4, "learning_rate": learning_rate} | training
    return chosen.changed(training=chosen.training.changed(**small))
