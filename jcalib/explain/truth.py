"""Does a map lie where the cause lies? The embedded corpus's causal maps, and scores of a map against them (design 11).

The latent is moved throughout the clip, so its map says where in the face and at which frequencies, not when: maps are
added up over time before they are compared. A region holds the cells with most of the true energy. Chance is known for
every score: 1 for energy inside over area inside, the region's area for the pointing game, .5 for AUROC.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from jcalib.clips import SAMPLES, pictures_of_clips
from jcalib.corpora import Corpus
from jcalib.encoders import log_mel
from jcalib.explain.path import Clip
from jcalib.inputs import prepare_pictures
from jcalib.settings import UserError

HELD = 0.9  # of the true energy that lies in the region
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cause:
    """How strongly each cell of a clip shows what moves the target, without sign, in label units a cell's unit.

    Attributes:
        pictures: (8, size, size).
        log_mel: (mels, frames).
    """

    pictures: Array
    log_mel: Array

    def of(self, modality: str) -> Array:
        """Return the map of "visual" or "audio"."""
        return self.pictures if modality == "visual" else self.log_mel


def true_cause(corpus: Corpus, clip: Clip, target: str) -> Cause:
    """Render a clip again with the latents behind the target's cues moved, and see which cells change.

    Root of the sum over latents of (label units per latent x change per latent)^2; pictures before compression,
    log-mel after dB.

    Args:
        corpus: the embedded one.
        clip: one of its clips.
        target: "valence" or "arousal".

    Raises:
        UserError: a corpus whose causes nobody knows.
    """
    if corpus.settings is None:
        raise UserError(f"{corpus.name} has no known causes: only the embedded corpus can be rendered again.")
    from jcalib.corpora.synthetic import recording_number, render_moved, strongest_latents
    from jcalib.corpora.synthetic.causal import DELTA

    recording = next(one for one in corpus.recordings if one.name == clip.recording)
    end = int(clip.features.frame[clip.row])
    frames = pictures_of_clips(recording.face_present(), np.array([end]))[0]
    size, number = clip.pictures.shape[-1], recording_number(clip.recording)
    squares = {"visual": np.zeros((8, size, size)), "audio": np.zeros(clip.log_mel.shape[1:])}
    behind = strongest_latents(corpus.settings, target)
    for latent in sorted({name for latents in behind.values() for name, _ in latents}):
        moved = render_moved(corpus.settings, number, frames, end, SAMPLES, latent)
        for modality, latents in behind.items():
            change = dict(latents).get(latent, 0.0) * _change(moved.pictures, moved.sound, modality, size)
            squares[modality] += np.square(change / (2 * DELTA))
    return Cause(np.sqrt(squares["visual"]), np.sqrt(squares["audio"]))


def region(cause: Array, held: float = HELD) -> NDArray[np.bool_]:
    """Return the smallest set of cells that holds a share of the true energy (sum of squares), equal cells together.

    Args:
        cause: without sign.
        held: the share.
    """
    energy = np.square(cause).ravel()
    order = np.argsort(energy)[::-1]
    needed = int(np.searchsorted(np.cumsum(energy[order]), held * energy.sum())) + 1
    return (energy >= energy[order[min(needed, len(order)) - 1]]).reshape(cause.shape) & (cause > 0)


def against_truth(values: NDArray, cause: Array) -> dict[str, float]:
    """Score a map, by size without sign, against where the cause lies.

    Args:
        values: the map.
        cause: of the same shape.

    Returns:
        "energy ratio": share of the map's absolute values inside the region over the region's share of the area;
        "pointing": 1 where the map's largest cell lies inside; "AUROC" of its sizes for inside against outside. All
        NaN where the map or the cause is zero everywhere.
    """
    size, inside = np.abs(np.asarray(values, dtype=float)), region(cause)
    area = inside.mean()
    if size.sum() == 0 or area in (0, 1):
        return dict.fromkeys(("energy ratio", "pointing", "AUROC"), np.nan)
    ranks = rankdata(size.ravel())[inside.ravel()]
    count, rest = int(inside.sum()), int((~inside).sum())
    return {
        "energy ratio": float(size[inside].sum() / size.sum() / area),
        # A map with several largest cells points at all of them.
        "pointing": float(inside[size == size.max()].mean()),
        "AUROC": float((ranks.sum() - count * (count + 1) / 2) / (count * rest)),
    }


def over_time(values: NDArray, modality: str) -> Array:
    """Return where a map is strong, whenever: sizes added up over pictures, (H, W), or over time, (mels,)."""
    return np.abs(np.asarray(values, dtype=float)).sum(axis=0 if modality == "visual" else -1)


def edge_map(values: NDArray) -> Array:
    """Return the strength of the edges of pictures (8, H, W) or of a spectrogram (mels, frames): it needs no model."""
    from scipy.ndimage import sobel

    values = np.asarray(values, dtype=float)
    return np.hypot(sobel(values, axis=-1), sobel(values, axis=-2))


def _change(pictures: NDArray, sound: NDArray, modality: str, size: int) -> Array:
    """Up less down, as the encoders see it: root of the sum of squares over colours, or log-mel units."""
    if modality == "audio":
        low, high = log_mel(torch.from_numpy(np.ascontiguousarray(sound))).double().numpy()
        return np.asarray(high - low)
    low, high = prepare_pictures(torch.from_numpy(pictures), size).double().numpy()
    return np.asarray(np.sqrt(np.square(high - low).sum(axis=0)))
