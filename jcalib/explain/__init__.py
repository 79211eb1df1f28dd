"""What a fusion attends to, what its predictions depend on, and where in the clip they come from."""

from jcalib.explain.attention import attended_change, attention_maps, block_energy, block_shares
from jcalib.explain.attribution import Attribution, blurred_face, integrated_gradients, noise_floor
from jcalib.explain.influence import feature_covariance, swap_influence, temporal_influence

__all__ = [
    "Attribution",
    "attended_change",
    "attention_maps",
    "block_energy",
    "block_shares",
    "blurred_face",
    "feature_covariance",
    "integrated_gradients",
    "noise_floor",
    "swap_influence",
    "temporal_influence",
]
