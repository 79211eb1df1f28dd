"""Fusions without attention: one modality alone, and both side by side."""

from jcalib.fusion.base import Fusion
from jcalib.fusion.registry import register


@register("audio")
class AudioOnly(Fusion):
    """The head on the projected audio; the visual features and their mask are never read."""

    reads = ("audio",)


@register("visual")
class VisualOnly(Fusion):
    """The head on the projected visual features; audio and its mask are never read."""

    reads = ("visual",)


@register("concat")
class Concatenation(Fusion):
    """The head on both projected modalities, clip by clip, without attention: the base class as it is."""
