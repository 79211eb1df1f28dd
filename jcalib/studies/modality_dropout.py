"""The fusions of a study, trained again so that they know a missing modality."""

from collections.abc import Iterable

from jcalib.features import Features
from jcalib.settings import Preset
from jcalib.studies.ablation import Study
from jcalib.training import fit


def with_modality_dropout(
    study: Study, names: Iterable[str], features: Features, share: float, preset: Preset, device: str = "auto"
) -> Study:
    """Train fusions of a study with the same seeds and settings, but without voice or face in some sequences.

    Args:
        study: where the fusions, their seeds, margin and smoothing come from.
        names: which of its fusions.
        features: what they were trained on.
        share: of the sequences of a step that lose one modality.
        preset: what they were trained with.
        device: "auto", "cpu" or "cuda".
    """
    changed = preset.changed(training=preset.training.changed(modality_dropout=share))
    runs = {name: fit(name, features, study.runs[name].settings.seeds, changed, device=device) for name in names}
    return Study(runs, study.margin, study.smooth)


def dropout_cost(study: Study, names: Iterable[str]) -> str:
    """Return in a sentence what `with_modality_dropout` takes, from what the study's own training took."""
    chosen = list(names)
    seconds = sum(study.runs[name].metrics["train_seconds"] for name in chosen)
    return f"Training {', '.join(chosen)} again with modality dropout takes about {seconds:.0f} s."
