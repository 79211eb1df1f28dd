"""What a fusion attends to, what its predictions depend on, and where in the clip they come from."""

from jcalib.explain.attention import attended_change, attention_maps, block_energy, block_shares
from jcalib.explain.attribution import Attribution, blurred_face, integrated_gradients, noise_floor
from jcalib.explain.influence import feature_covariance, swap_influence, temporal_influence
from jcalib.explain.path import Clip, attribute, clip_path, most_moving_clip, read_clip

__all__ = [
    "Attribution",
    "Clip",
    "attended_change",
    "attention_maps",
    "attribute",
    "block_energy",
    "block_shares",
    "blurred_face",
    "clip_path",
    "feature_covariance",
    "integrated_gradients",
    "most_moving_clip",
    "noise_floor",
    "read_clip",
    "swap_influence",
    "temporal_influence",
]
