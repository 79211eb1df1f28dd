"""Attribution over a whole window: every clip's own frames and sound, for the prediction at one of them (design 11).

Gradients along paths move all clips together, so that one map adds up over the window; maskings and Grad-CAM look at
one clip at a time anyway, with the others as they are.
"""

from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from jcalib.explain.attribution import Attribution, adds_up
from jcalib.explain.baselines import Baseline, own_baseline
from jcalib.explain.methods import COMPLETE, attribute_path
from jcalib.explain.path import Clip, ClipPath, read_clips
from jcalib.settings import UserError

T = TypeVar("T", Clip, Baseline)


def attribute_window(path: ClipPath, clip: Clip, target: str, method: str, baseline: Baseline | None) -> Attribution:
    """Attribute the prediction at a clip to all clips of its window.

    Args:
        path: of the clip and the target.
        clip: from `explain.read_clip`.
        target, method: as in `explain.attribute`.
        baseline: of each clip; each clip's own if None.

    Returns:
        Maps with a leading axis of the window's L clips, zero where the window is padded; `ends` has their seconds.

    Raises:
        UserError: nobody knows where the frames and the sound of the other clips are.
    """
    if clip.media is None:
        raise UserError("this clip does not know its recording: the whole window needs one. Make it by read_clip.")
    places = np.flatnonzero(path.rows >= 0).tolist()
    clips = list(read_clips(clip.media, clip.features, path.rows[places]))
    starts = [baseline or own_baseline(one.pictures, one.log_mel) for one in clips]
    if method in COMPLETE:
        whole = attribute_path(path.at(places), _joined(clips, clip), target, method, _joined(starts, starts[0]))
        pictures, log_mel = np.split(whole.pictures, len(clips)), np.split(whole.log_mel, len(clips), axis=1)
    else:
        found = [attribute_path(path.at([place]), one, target, method, start)
                 for place, one, start in zip(places, clips, starts, strict=True)]  # fmt: skip
        pictures, log_mel = [one.pictures for one in found], [one.log_mel for one in found]
        with torch.no_grad():
            bare = _joined(starts, starts[0])
            origin = float(path.at(places)(bare.pictures[None], bare.log_mel[None]))
        whole = replace(found[0], baseline_prediction=origin, steps=sum(one.steps for one in found))
    ends = np.full(len(path.rows), np.nan)
    ends[places] = [one.second for one in clips]
    laid = _laid(pictures, places, len(ends)), _laid(log_mel, places, len(ends))
    placed = replace(whole, pictures=laid[0], log_mel=laid[1], ends=tuple(ends.tolist()))
    return replace(placed, converged=adds_up(placed.total, placed.difference))


def _joined(parts: list[T], like: T) -> T:
    """Clips, or their baselines, as one: one behind the other in time."""
    pictures = torch.cat([one.pictures for one in parts], dim=1)
    return replace(like, pictures=pictures, log_mel=torch.cat([one.log_mel for one in parts], dim=2))


def _laid(maps: list[np.ndarray], places: list[int], clips: int) -> np.ndarray:
    """Maps in their places of the window, (L, ...)."""
    laid = np.zeros((clips, *maps[0].shape), maps[0].dtype)
    laid[places] = maps
    return laid
