"""Fit the encoders once and a fusion over many seeds at once; save, resume."""

from jcalib.corpora import Corpus
from jcalib.features import Features, extract_features
from jcalib.settings import Preset
from jcalib.settings import preset as _preset_of
from jcalib.training.batched import Ensemble, pick_device
from jcalib.training.encoders import train_encoders
from jcalib.training.evaluation import complete_sequences
from jcalib.training.fusions import Epoch, fit
from jcalib.training.run import TARGETS, Run, RunSettings

__all__ = [
    "TARGETS",
    "Ensemble",
    "Epoch",
    "Run",
    "RunSettings",
    "complete_sequences",
    "extract",
    "fit",
    "pick_device",
    "train_encoders",
]


def extract(corpus: Corpus, preset: str | Preset = "quick", device: str = "auto") -> Features:
    """Return the features of a corpus: train the encoders, encode every clip end; both only once.

    Args:
        corpus: an opened corpus.
        preset: encoder settings and hop.
        device: "auto", "cpu" or "cuda".

    Returns:
        Features of every recording; a recording that failed is a row in `failures`.
    """
    chosen = _preset_of(preset)
    encoders = train_encoders(corpus, chosen, device)
    return extract_features(corpus, encoders, chosen.hop, size=chosen.encoder.size, device=str(pick_device(device)))
