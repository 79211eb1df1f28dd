"""Vanilla cross-attention with one thing changed at a time: its size, its shared weight, its scale."""

import math
from typing import Any

import torch

from jcalib.fusion.base import Fusion
from jcalib.fusion.cross import CrossAttention
from jcalib.fusion.joint import JointCrossAttention
from jcalib.fusion.registry import register


@register("cross_wide")
class WideCrossAttention(CrossAttention):
    """Cross-attention as large as joint: d is the width at which the parameters of both are nearest in number.

    What it gains over `cross` is size; what joint has over it is not. Maps as `cross`.

    Args:
        sizes: audio_dim, visual_dim, clips, as in `Fusion`.
        dim: d of the joint fusion that it matches; its own d is its attribute `dim`.
        options: the other arguments of `CrossAttention`.
    """

    def __init__(self, *sizes: int, dim: int = 128, **options: Any) -> None:
        super().__init__(*sizes, dim=width_like_joint(*sizes, dim=dim, **options), **options)


def width_like_joint(*sizes: int, dim: int = 128, **options: Any) -> int:
    """Return the d at which cross-attention has the number of parameters nearest to joint's.

    Args:
        sizes: audio_dim, visual_dim, clips, as in `Fusion`.
        dim: d of joint.
        options: the other arguments of `CrossAttention`.
    """
    shared = {name: value for name, value in options.items() if name != "temperature"}
    wanted = _size(JointCrossAttention, *sizes, dim=dim, **shared)
    low, high = 1, 2
    while _size(CrossAttention, *sizes, dim=high, **shared) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        below = _size(CrossAttention, *sizes, dim=middle, **shared) < wanted
        low, high = (middle, high) if below else (low, middle)
    return min((low, high), key=lambda width: abs(_size(CrossAttention, *sizes, dim=width, **shared) - wanted))


def _size(fusion: type[Fusion], *sizes: int, **options: Any) -> int:
    with torch.device("meta"):  # no memory, and nothing is drawn
        return sum(parameter.numel() for parameter in fusion(*sizes, **options).parameters())


@register("cross_untied")
class UntiedCrossAttention(CrossAttention):
    """Cross-attention with a matrix for each direction, where `cross` has one for both.

    Z_a = x_a W_a x_v^T, Z_v = x_v W_v x_a^T. Maps as `cross`.
    """

    tied = False


@register("cross_scaled")
class ScaledCrossAttention(CrossAttention):
    """Cross-attention whose correlations are divided by sqrt(d), as in scaled dot product attention. Maps as `cross`.

    Args:
        sizes: audio_dim, visual_dim, clips, as in `Fusion`.
        options: the arguments of `Fusion`.
    """

    def __init__(self, *sizes: int, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.temperature = math.sqrt(self.dim)
