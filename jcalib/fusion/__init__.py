"""The heart: the attention equations, and every fusion by name under one contract."""

from jcalib.fusion import attention
from jcalib.fusion.base import Fusion, FusionOutput
from jcalib.fusion.baselines import AudioOnly, Concatenation, VisualOnly
from jcalib.fusion.cross import CrossAttention, MeanAttention
from jcalib.fusion.joint import JointCrossAttention, TemporalMixer
from jcalib.fusion.registry import FUSIONS, build_fusion, register

__all__ = [
    "FUSIONS",
    "AudioOnly",
    "Concatenation",
    "CrossAttention",
    "Fusion",
    "FusionOutput",
    "JointCrossAttention",
    "MeanAttention",
    "TemporalMixer",
    "VisualOnly",
    "attention",
    "build_fusion",
    "register",
]
