"""What a fusion attends to, what its predictions depend on, and where in the clip they come from."""

from jcalib.explain.attention import attended_change, attention_maps, block_energy, block_shares
from jcalib.explain.attribution import Attribution, blurred_face, integrated_gradients, noise_floor
from jcalib.explain.conditions import conditions, episodes, eventful_recording
from jcalib.explain.crosstalk import CrossTalk, cross_talk
from jcalib.explain.influence import feature_covariance, reach, swap_influence, temporal_influence
from jcalib.explain.intervals import Interval, interval_table, jackknife, mean_interval
from jcalib.explain.looking import (
    background,
    by_condition,
    clip_table,
    course_table,
    differences,
    mean_prediction,
    share_against_noise,
    train_covariances,
)
from jcalib.explain.path import Clip, attribute, clip_path, most_moving_clip, read_clip
from jcalib.explain.seeds import across_seeds, rank_correlation
from jcalib.explain.sentences import looking_sentence
from jcalib.explain.share import Shares, add_noise, modality_share

__all__ = [
    "Attribution",
    "Clip",
    "CrossTalk",
    "Interval",
    "Shares",
    "across_seeds",
    "add_noise",
    "attended_change",
    "attention_maps",
    "attribute",
    "background",
    "block_energy",
    "block_shares",
    "blurred_face",
    "by_condition",
    "clip_path",
    "clip_table",
    "conditions",
    "course_table",
    "cross_talk",
    "differences",
    "episodes",
    "eventful_recording",
    "feature_covariance",
    "integrated_gradients",
    "interval_table",
    "jackknife",
    "looking_sentence",
    "mean_interval",
    "mean_prediction",
    "modality_share",
    "most_moving_clip",
    "noise_floor",
    "rank_correlation",
    "reach",
    "read_clip",
    "share_against_noise",
    "swap_influence",
    "temporal_influence",
    "train_covariances",
]
