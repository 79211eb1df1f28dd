"""Encoders: a clip to one vector, 512 wide as a rule, per modality. Pure torch."""

from collections.abc import Mapping

from torch import Tensor

from jcalib.encoders.base import WIDTH, Encoder
from jcalib.encoders.compact import CompactAudio, CompactVisual
from jcalib.encoders.i3d import InceptionI3d
from jcalib.encoders.inception import InceptionVisual
from jcalib.encoders.published import restore
from jcalib.encoders.resnet import ResNetAudio, ResNetVisual
from jcalib.encoders.spectrogram import log_mel
from jcalib.encoders.temporal import TemporalConvNet

KINDS: dict[tuple[str, str], type[Encoder]] = {
    ("compact", "audio"): CompactAudio,
    ("compact", "visual"): CompactVisual,
    ("resnet", "audio"): ResNetAudio,
    ("resnet", "visual"): ResNetVisual,
    ("i3d", "audio"): ResNetAudio,
    ("i3d", "visual"): InceptionVisual,
}

__all__ = [
    "KINDS",
    "WIDTH",
    "CompactAudio",
    "CompactVisual",
    "Encoder",
    "InceptionI3d",
    "InceptionVisual",
    "ResNetAudio",
    "ResNetVisual",
    "TemporalConvNet",
    "build_encoder",
    "encoder_class",
    "log_mel",
    "restore_encoder",
]


def build_encoder(kind: str, modality: str, outputs: int = 2) -> Encoder:
    """Builds an encoder with fresh weights (seed torch's generator before).

    Args:
        kind: "compact", "resnet" or "i3d".
        modality: "audio" or "visual".
        outputs: targets of the read-out that trains it.

    Raises:
        ValueError: there is no such encoder.
    """
    return encoder_class(kind, modality)(outputs)


def restore_encoder(kind: str, modality: str, state: Mapping[str, Tensor]) -> Encoder:
    """Builds an encoder from a checkpoint, a published one or one that the kit trained: see `published.restore`.

    Args:
        kind: "compact", "resnet" or "i3d".
        modality: "audio" or "visual".
        state: the checkpoint's entries.

    Raises:
        ValueError: there is no such encoder, or the entries are not its own; one line with the first differences.
    """
    return restore(encoder_class(kind, modality), state)


def encoder_class(kind: str, modality: str) -> type[Encoder]:
    """Returns the class of an encoder.

    Raises:
        ValueError: there is no such encoder.
    """
    if (kind, modality) not in KINDS:
        known = ", ".join(" ".join(pair) for pair in KINDS)
        raise ValueError(f"no encoder is called {kind} {modality}: there are {known}.")
    return KINDS[kind, modality]
