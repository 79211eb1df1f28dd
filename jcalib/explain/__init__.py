"""What a fusion attends to, what its predictions depend on, and where in the clip they come from."""

from jcalib.explain.attending import Attending, attending
from jcalib.explain.attention import attended_change, attention_maps, block_energy, block_shares
from jcalib.explain.attribution import Attribution, integrated_gradients
from jcalib.explain.baselines import Baseline, blurred_face, noise_floor, own_baseline, train_means
from jcalib.explain.conditions import conditions, episodes, eventful_recording
from jcalib.explain.crosstalk import CrossTalk, cross_talk
from jcalib.explain.influence import feature_covariance, reach, swap_influence, temporal_influence
from jcalib.explain.intervals import Interval, interval_table, jackknife, mean_interval
from jcalib.explain.looking import (
    by_condition,
    clip_table,
    course_table,
    differences,
    mean_prediction,
    train_covariances,
)
from jcalib.explain.methods import METHODS, attribute
from jcalib.explain.own_video import open_video
from jcalib.explain.path import Clip, ClipPath, clip_path, most_moving_clip, read_clip
from jcalib.explain.playback import Playback, Track
from jcalib.explain.playing import playback
from jcalib.explain.ranking import summary
from jcalib.explain.relevance import attention_relevance, clip_relevance
from jcalib.explain.seeds import across_seeds, rank_correlation
from jcalib.explain.sentences import (
    faithful_sentence,
    gating_sentences,
    looking_headline,
    looking_sentence,
    seeds_sentence,
    trust_headline,
    trust_sentence,
)
from jcalib.explain.share import Shares, modality_share
from jcalib.explain.shifting import shares_under
from jcalib.explain.trust import Examined, ccc_interval, clips_to_explain, examine, trust_table
from jcalib.explain.truth import against_truth, edge_map, region, true_cause

__all__ = [
    "METHODS",
    "Attending",
    "Attribution",
    "Baseline",
    "Clip",
    "ClipPath",
    "CrossTalk",
    "Examined",
    "Interval",
    "Playback",
    "Shares",
    "Track",
    "across_seeds",
    "against_truth",
    "attended_change",
    "attending",
    "attention_maps",
    "attention_relevance",
    "attribute",
    "block_energy",
    "block_shares",
    "blurred_face",
    "by_condition",
    "ccc_interval",
    "clip_path",
    "clip_relevance",
    "clip_table",
    "clips_to_explain",
    "conditions",
    "course_table",
    "cross_talk",
    "differences",
    "edge_map",
    "episodes",
    "eventful_recording",
    "examine",
    "faithful_sentence",
    "feature_covariance",
    "gating_sentences",
    "integrated_gradients",
    "interval_table",
    "jackknife",
    "looking_headline",
    "looking_sentence",
    "mean_interval",
    "mean_prediction",
    "modality_share",
    "most_moving_clip",
    "noise_floor",
    "open_video",
    "own_baseline",
    "playback",
    "rank_correlation",
    "reach",
    "read_clip",
    "region",
    "seeds_sentence",
    "shares_under",
    "summary",
    "swap_influence",
    "temporal_influence",
    "train_covariances",
    "train_means",
    "true_cause",
    "trust_headline",
    "trust_sentence",
    "trust_table",
]
