"""What a clip is compared with: the same clip without its expression, or the average clip (design 11)."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import Tensor

from jcalib.corpora import Corpus
from jcalib.features import Encoding, Features
from jcalib.inputs import clip_inputs, prepare_inputs
from jcalib.settings import UserError

OWN = "blurred face, own noise floor"


@dataclass(frozen=True)
class Baseline:
    """Where a path starts, and what replaces what is taken away.

    Attributes:
        pictures: (3, 8, size, size).
        log_mel: (1, mels, frames).
        name: in words.
        reason: why this one.
    """

    pictures: Tensor
    log_mel: Tensor
    name: str
    reason: str


def own_baseline(pictures: Tensor, log_mel: Tensor) -> Baseline:
    """Return the clip without its expression: the face blurred, the voice at its own noise floor.

    Args:
        pictures, log_mel: the clip, (3, 8, size, size) and (1, mels, frames).
    """
    reason = "keeps person, light and room, so that the map shows the expression; a black picture and digital silence "
    reason += "would add what no recording ever is"
    return Baseline(blurred_face(pictures), noise_floor(log_mel), OWN, reason)


def train_means(corpus: Corpus, features: Features, clips: int = 16) -> Baseline:
    """Return the mean picture and the mean log-mel spectrogram over clips of the fusion-training persons.

    Args:
        corpus: where the recordings are.
        features: made from them by the kit, whose clips and size of pictures count.
        clips: how many, spread over the persons.

    Raises:
        UserError: no clip of theirs has both a face and a voice.
    """
    size = known_encoding(features).size
    rows = features.rows("fusion")
    rows = rows[features.valid[rows].all(axis=1)]
    if not len(rows):
        raise UserError("no clip of the fusion-training persons has a face and a voice: there is no mean clip.")
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, clips).round().astype(int))]
    recordings = {one.name: one for one in corpus.recordings}
    seen, heard = [], []
    for number in np.unique(features.recording[rows]):
        ends = features.frame[rows[features.recording[rows] == number]]
        inputs = clip_inputs(recordings[features.recordings[number].name], ends, size, features.clip_frames)
        seen.append(prepare_inputs(torch.from_numpy(inputs.pictures), "visual", size))
        heard.append(prepare_inputs(torch.from_numpy(inputs.log_mel), "audio"))
    reason = "asks what makes this clip differ from the average one, person and room included"
    return Baseline(torch.cat(seen).mean(0), torch.cat(heard).mean(0), f"mean of {len(rows)} training clips", reason)


def known_encoding(features: Features) -> Encoding:
    """Return how features were made.

    Raises:
        UserError: the features do not come from the kit's encoders.
    """
    if features.encoding is None:
        raise UserError(
            "these features do not say which encoders made them: what cannot be traced to pictures and sound cannot "
            "be attributed. Use features from jcalib.extract."
        )
    return features.encoding


def blurred_face(pictures: Tensor, width: float = 1 / 8) -> Tensor:
    """The face without its expression: every picture blurred, light and colours kept.

    Args:
        pictures: (..., H, W).
        width: standard deviation of the Gaussian, as a part of the shorter side.

    Returns:
        The same shape.
    """
    from scipy.ndimage import gaussian_filter1d

    height, breadth = pictures.shape[-2:]
    sigma = width * min(height, breadth)
    reach = min(ceil(3 * sigma), height - 1, breadth - 1)  # it reflects at the edge, so no further than the picture
    down = gaussian_filter1d(pictures.numpy(), sigma, axis=-2, radius=reach, mode="mirror")
    return torch.from_numpy(gaussian_filter1d(down, sigma, axis=-1, radius=reach, mode="mirror"))


def noise_floor(log_mel: Tensor, quantile: float = 0.1) -> Tensor:
    """The clip's own quiet: each mel band's low quantile over time, held.

    Digital silence is no sound any recording makes, so frames of it (a clip before its recording began) do not
    count unless there is nothing else.

    Args:
        log_mel: (..., mels, frames).
        quantile: between 0 and 1.

    Returns:
        The same shape, constant over time.
    """
    silence = log_mel.amin(dim=(-2, -1), keepdim=True)
    heard = (log_mel > silence).any(dim=-2, keepdim=True)
    counted = torch.where(heard | ~heard.any(dim=-1, keepdim=True), log_mel, torch.nan)
    return counted.nanquantile(quantile, dim=-1, keepdim=True).expand_as(log_mel).contiguous()
