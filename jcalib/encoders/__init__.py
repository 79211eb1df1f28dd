"""Encoders: a clip to one vector of 512, per modality. Pure torch."""

from jcalib.encoders.base import WIDTH, Encoder
from jcalib.encoders.compact import CompactAudio, CompactVisual
from jcalib.encoders.resnet import ResNetAudio, ResNetVisual
from jcalib.encoders.spectrogram import log_mel

KINDS: dict[tuple[str, str], type[Encoder]] = {
    ("compact", "audio"): CompactAudio,
    ("compact", "visual"): CompactVisual,
    ("resnet", "audio"): ResNetAudio,
    ("resnet", "visual"): ResNetVisual,
}

__all__ = [
    "KINDS",
    "WIDTH",
    "CompactAudio",
    "CompactVisual",
    "Encoder",
    "ResNetAudio",
    "ResNetVisual",
    "build_encoder",
    "log_mel",
]


def build_encoder(kind: str, modality: str, outputs: int = 2) -> Encoder:
    """Builds an encoder with fresh weights (seed torch's generator before).

    Args:
        kind: "compact" or "resnet".
        modality: "audio" or "visual".
        outputs: targets of the read-out that trains it.

    Raises:
        ValueError: there is no such encoder.
    """
    if (kind, modality) not in KINDS:
        known = ", ".join(" ".join(pair) for pair in KINDS)
        raise ValueError(f"no encoder is called {kind} {modality}: there are {known}.")
    return KINDS[kind, modality](outputs)
