"""The heart: the attention equations, and every fusion by name under one contract."""

from jcalib.fusion import attention
from jcalib.fusion.base import Fusion, FusionOutput
from jcalib.fusion.baselines import AudioOnly, Concatenation, VisualOnly
from jcalib.fusion.block import AttentionBlock, Switches
from jcalib.fusion.cells import cells
from jcalib.fusion.cross import CrossAttention, MeanAttention
from jcalib.fusion.cross_variants import ScaledCrossAttention, UntiedCrossAttention, WideCrossAttention
from jcalib.fusion.gated import GatedAttention
from jcalib.fusion.joint import JointCrossAttention, TemporalMixer
from jcalib.fusion.recurrent import RecurrentFusion, RecursiveJointAttention
from jcalib.fusion.registry import FUSIONS, about, build_fusion, choose_fusion, named, register
from jcalib.fusion.released import DenseCoAttention
from jcalib.fusion.transformer import CrossModalTransformer

__all__ = [
    "FUSIONS",
    "AttentionBlock",
    "AudioOnly",
    "Concatenation",
    "CrossAttention",
    "CrossModalTransformer",
    "DenseCoAttention",
    "Fusion",
    "FusionOutput",
    "GatedAttention",
    "JointCrossAttention",
    "MeanAttention",
    "RecurrentFusion",
    "RecursiveJointAttention",
    "ScaledCrossAttention",
    "Switches",
    "TemporalMixer",
    "UntiedCrossAttention",
    "VisualOnly",
    "WideCrossAttention",
    "about",
    "attention",
    "build_fusion",
    "cells",
    "choose_fusion",
    "named",
    "register",
]
