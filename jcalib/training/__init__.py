"""Fit the encoders once and a fusion over many seeds at once; save, resume."""

from dataclasses import replace

import numpy as np

from jcalib.corpora import Corpus, open_corpus
from jcalib.features import Encoding, Features, extract_features
from jcalib.own_features import open_features
from jcalib.settings import Preset, UserError
from jcalib.settings import preset as _preset_of
from jcalib.training.batched import Ensemble, pick_device
from jcalib.training.encoders import encoder_runs, load_encoder, train_encoders
from jcalib.training.evaluated import Evaluation, evaluate
from jcalib.training.evaluation import complete_sequences
from jcalib.training.fusions import fit
from jcalib.training.reference import Reference, background, known_rows
from jcalib.training.run import TARGETS, Epoch, Run, RunSettings

__all__ = [
    "TARGETS",
    "Ensemble",
    "Epoch",
    "Evaluation",
    "Reference",
    "Run",
    "RunSettings",
    "background",
    "complete_sequences",
    "evaluate",
    "extract",
    "fit",
    "known_rows",
    "load_encoder",
    "open_data",
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
    runs, size = encoder_runs(corpus, chosen, device), chosen.encoder.size
    encoders = {modality: load_encoder(run, modality) for modality, run in runs.items()}
    features = extract_features(corpus, encoders, chosen.hop, size, str(pick_device(device)), chosen.clip_frames)
    fps = 1 / float(np.median(np.concatenate([np.diff(info.times) for info in features.recordings])))
    how = Encoding(**runs, size=size, hop=chosen.hop, fps=round(fps, 3), clip_frames=chosen.clip_frames)
    return replace(features, encoding=how)


def open_data(
    corpus: str = "synthetic", features: str | Features = "", preset: str | Preset = "quick", device: str = "auto"
) -> Features:
    """Return what a chapter works on: the user's own features where they are named, the features of a corpus otherwise.

    Args:
        corpus: "synthetic", or a folder of recordings; see `open_corpus`.
        features: a folder of own features, or none; see `open_features`. What is open already passes through, so
            that a cell can be run twice.
        preset: encoder settings and hop, and the proportions of the roles.
        device: "auto", "cpu" or "cuda".

    Raises:
        UserError: both are named, or there is nothing of the kind.
    """
    if isinstance(features, Features):
        return features
    if not features:
        return extract(open_corpus(corpus, preset), preset, device)
    if corpus != "synthetic":
        raise UserError(f"corpus is {corpus} and features is {features}: name one of the two.")
    return open_features(features, preset)
