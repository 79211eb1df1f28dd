"""Every setting of a preset with its source; where a paper and its code differ, which is taken and why.

CVPRW is arXiv 2203.14779 with JointCrossAttentional-AV-Fusion at 84c95b2, T-BIOM is arXiv 2209.09068 with
Joint-Cross-Attention-for-Audio-Visual-Fusion at f1f0a0c; file and line are given where they are known. What is only
remembered of a PDF is not in here.
"""

from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from jcalib import clips
from jcalib.settings import PRESETS, Decay, Preset, Settings
from jcalib.settings import preset as preset_of

if TYPE_CHECKING:
    import pandas as pd


class Sourced(NamedTuple):
    """A setting, its value, where the value comes from, and what has to be said about it."""

    setting: str
    value: str
    source: str
    note: str = ""


OWN = "the kit's own"
YOURS = "your own choice"
UNUSED = ("not used", "the encoders have weights and are not trained")
BOTH = ("CVPRW cam.py:16-28, T-BIOM cam.py", "the 512 to 128 encoder is in the code alone")

# Settings that have the same source in every preset where they have the value that the paper's preset has.
SHARED: dict[str, tuple[str, str]] = {
    "training.dim": BOTH,
    "training.rank": BOTH,
    "training.dropout": ("CVPRW cam.py:32-34", "of the head"),
    "training.clips": ("CVPRW main.py", "256 frames in clips of 32"),
    "clip_frames": ("CVPRW and T-BIOM code", ""),
}
_FROZEN = {f"encoder.{name}": UNUSED for name in ("epochs", "batch", "learning_rate", "weight_decay", "seed")}
_PAPERS = {
    **_FROZEN,
    "training.dim": BOTH,
    "training.rank": BOTH,
    "training.weight_decay": ("CVPRW and T-BIOM code", "Adam without decay; AdamW with 0 is Adam, step for step"),
    "training.modality_dropout": (OWN, "off unless asked for"),
    "training.select_on": ("T-BIOM code", "the best validation score is kept and reported: numbers say so"),
    "hop": ("CVPRW and T-BIOM code", "stride 1: every frame ends one clip"),
    "clip_frames": ("CVPRW and T-BIOM code", ""),
    "seeds": (OWN, "the authors report one training each"),
    "fusions": (OWN, "the papers' two, controls, variants, and each modality alone"),
    "labels.delay": (OWN, "off unless asked for"),
    "labels.median": (OWN, "off unless asked for"),
}
PUBLISHED: dict[str, dict[str, tuple[str, str]]] = {
    "paper": {
        **_PAPERS,
        "encoder.kind": (
            "CVPRW pytorch_i3d_new.py:297-356",
            "I3D without temporal stride on faces, ResNet-18 on sound. The authors' fine-tuned I3D and temporal "
            "convolution were never published: with the public I3D the features are its own 1,024, maximum over time",
        ),
        "encoder.size": ("CVPRW code", "crops of 112 are resized, bilinearly; values in [-1, 1]"),
        "encoder.weights_audio": ("CVPRW code", "TSAV's ResNet-18 with one input channel, frozen"),
        "encoder.weights_visual": (OWN, "the public I3D stands in for the authors' own, frozen"),
        "training.clips": ("CVPRW main.py", "256 frames in clips of 32"),
        "training.epochs": ("CVPRW code", ""),
        "training.batch": ("CVPRW code", "the last, smaller batch is kept; the code drops it"),
        "training.learning_rate": ("CVPRW code", ""),
        "training.decay": ("CVPRW code", ""),
        "training.dropout": ("CVPRW cam.py:32-34", "of the head, with a ReLU that the code lacks"),
    },
    "paper-tbiom": {
        **_PAPERS,
        "encoder.kind": (
            "T-BIOM tsav.py",
            "R(2+1)D-18 and ResNet-18. Faces are pooled to 512; the code keeps 25,088 and reads them as 49 places of "
            "512, which mixes channels and places",
        ),
        "encoder.size": ("T-BIOM code", "crops as they are, Kinetics' mean and deviation"),
        "encoder.weights_audio": ("T-BIOM code", "TSAV, frozen"),
        "encoder.weights_visual": ("T-BIOM main.py:166-174", "TSAV, frozen; the first three of four input channels"),
        "training.clips": ("T-BIOM config_file.json", "512 frames in clips of 32"),
        "training.epochs": ("T-BIOM code", ""),
        "training.batch": ("T-BIOM code", "shuffled; config_file.json has the training in order"),
        "training.learning_rate": ("T-BIOM config_file.json", "kept for all epochs"),
        "training.decay": (
            "T-BIOM train.py:46-51",
            "its steps, from the learning rate of the configuration. The code jumps to 1e-3, ten times that, at epoch "
            "6, where its own log falls from CCC .71 to .00: taken for a mistake",
        ),
        "training.dropout": ("T-BIOM cam.py:32-38", "of the head, with a ReLU that the code lacks"),
    },
}
# What the code fixes, and no setting changes.
FIXED = (
    Sourced("clip, pictures", f"{clips.PICTURES}, every {clips.STEP}th frame", "CVPRW and T-BIOM code"),
    Sourced(
        "lost faces",
        "every 3rd, every 2nd or each of those there, the last repeated; none: masked",
        "T-BIOM dataset_new.py:103-126",
        "CVPRW takes the first eight and fills up with black; T-BIOM evaluates clips without a face as black pictures",
    ),
    Sourced("target of a clip", "label of its last frame", "CVPRW and T-BIOM code", "the code: last one with a face"),
    Sourced("training sequences", "all L clips within the recording", "T-BIOM dataset_new.py:134"),
    Sourced("sound", "44,100 Hz, mono", "CVPRW and T-BIOM code"),
    Sourced("spectra", "DFT 1024, window 20 ms, hop 10 ms, 64 mel bands", "CVPRW and T-BIOM code"),
    Sourced(
        "spectra of a clip",
        f"{1 + clips.SAMPLES // 441}, zero power on the left",
        "CVPRW code",
        "T-BIOM has 104 and fills up after normalisation; 107 in both presets, so that they compare",
    ),
    Sourced("decibel", "80 dB below the clip's maximum, mean -14.8, deviation 19.895", "CVPRW and T-BIOM code"),
    Sourced(
        "augmentation",
        "none",
        OWN,
        "features are computed once. CVPRW flips clips, T-BIOM varies light and contrast by .2",
    ),
    Sourced("optimiser", "Adam (AdamW where weight decay is not 0)", "CVPRW and T-BIOM code"),
    Sourced("precision", "float32", OWN, "the code: mixed, the loss in float16 too"),
    Sourced("initialisation", "PyTorch's default", "CVPRW cam.py"),
    Sourced("targets", "valence and arousal together, mean of 1 - CCC", "T-BIOM code", "CVPRW trains valence alone"),
    Sourced(
        "annotation -5",
        "left out",
        "the challenge's metric",
        "CVPRW keeps them; T-BIOM counts them as 0 predicted and 0 annotated (val.py:157-188), which lifts its CCC",
    ),
    Sourced("smoothing of predictions", "none", OWN, "T-BIOM test.py:187-203: means of 20 and 50 frames"),
)


def settings_table(preset: str | Preset = "paper") -> "pd.DataFrame":
    """Return every setting of a preset, one a row: setting, value, source, note.

    Args:
        preset: a preset or its name.

    Raises:
        UserError: an unknown preset.
    """
    import pandas as pd

    return pd.DataFrame(sourced(preset_of(preset)), columns=list(Sourced._fields))


def sourced(preset: Preset) -> list[Sourced]:
    """Return every setting of a preset that decides a number, and what the code fixes, each with its source."""
    parts: dict[str, Settings] = {"encoder": preset.encoder, "training": preset.training, "labels": preset.labels}
    leaves = [(f"{name}.{field}", value) for name, part in parts.items() for field, value in part]
    leaves += [(name, getattr(preset, name)) for name in ("clip_frames", "hop", "seeds", "fusions")]
    return [*_rows(preset, leaves), *FIXED]


def _rows(preset: Preset, leaves: list[tuple[str, Any]]) -> Iterator[Sourced]:
    given = PRESETS.get(preset.name, preset)
    for setting, value in leaves:
        source, note = PUBLISHED.get(preset.name, {}).get(setting) or _shared(setting, value)
        if value != reduce(getattr, setting.split("."), given):
            source, note = YOURS, ""
        yield Sourced(setting, _spelled(value), source, note)


def _shared(setting: str, value: Any) -> tuple[str, str]:
    """Return the published source of a setting, where its value is the published one."""
    if setting in SHARED and value == reduce(getattr, setting.split("."), PRESETS["paper"]):
        return SHARED[setting]
    return OWN, ""


def _spelled(value: Any) -> str:
    match value:
        case None:
            return "cosine to zero"  # the one setting that may be None is the decay
        case Decay():
            return f"times {value.factor:g} every {value.every} epochs after epoch {value.after}"
        case tuple():
            return " ".join(map(str, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value) or "none"
