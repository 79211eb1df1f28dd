"""A miniature corpus, its runs and a playback, for what shows a recording over time."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jcalib.corpora import Corpus, open_corpus
from jcalib.explain import Playback, playback
from jcalib.features import Features
from jcalib.settings import Split, preset
from jcalib.training import Run, extract, fit
from tests.builders import add_recording, tone

FRAMES = 112  # three clips that touch, and half of one
LOST = range(70, 78)


class Played(NamedTuple):
    """What was made."""

    corpus: Corpus
    features: Features
    runs: list[Run]
    playback: Playback


def make(root: Path) -> Played:
    """Train tiny encoders and two fusions of two seeds on faces that brighten and voices that rise, and play p4."""
    smoke = preset("smoke")
    small = smoke.changed(
        corpus=smoke.corpus.changed(split=Split(encoder=1, fusion=2, selection=0, report=2)),
        encoder=smoke.encoder.changed(epochs=1, size=32, batch=8),
        training=smoke.training.changed(epochs=2, clips=2, dim=8, rank=4, batch=4),
    )
    for number in range(1, 6):
        beeps = tone(FRAMES / 25, 200 * number) * (np.arange(round(FRAMES / 25 * 44_100)) // 9000 % 2)
        split = "Train_Set" if number < 4 else "Validation_Set"
        add_recording(root, f"p{number}", split, FRAMES, None, LOST, beeps.astype(np.float32))
    corpus = open_corpus(root, small)
    features = extract(corpus, small, "cpu")
    runs = [fit(name, features, 2, small, device="cpu") for name in ("joint", "cross")]
    return Played(corpus, features, runs, playback(runs, corpus, features, "p4"))
