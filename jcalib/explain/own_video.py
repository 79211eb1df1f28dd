"""A video of one's own, made ready to be explained: a corpus of one recording, encoded as a run's features were."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from jcalib.corpora import Corpus, Recording
from jcalib.corpora.crops import find_crops
from jcalib.features import MODALITIES, Features, extract_features
from jcalib.media import frame_times, has_pictures
from jcalib.settings import UserError
from jcalib.training import Run, load_encoder

SECONDS = 60.0


def open_video(video: str | Path, run: Run, seconds: float = SECONDS) -> tuple[Corpus, Features]:
    """Find the face in a video and encode its clips.

    Args:
        video: any file with pictures that PyAV opens.
        run: whose encoders are used.
        seconds: from the video's start; what comes later is left out.

    Returns:
        A corpus with the one recording, of role "report" and without labels, and its features.

    Raises:
        UserError: the run does not know its encoders, or the video cannot be read or is too short.
    """
    video, encoding = Path(video), run.encoding
    if encoding is None:
        raise UserError(
            f"run {run.folder.name} does not know what made its features: name a run that jcalib train made."
        )
    if video.is_dir():
        raise UserError(f"{video} is a folder: name a video.")
    if not video.is_file():
        raise UserError(f"{video} does not exist: name a video.")
    if not has_pictures(video):
        raise UserError(f"{video.name} has no pictures: the player shows a face. jcalib predict takes sound alone.")
    times = frame_times(video)
    length = int(np.searchsorted(times, times[0] + seconds)) if len(times) else 0
    if length < encoding.hop:
        raise UserError(f"{video.name} has {length} frames: an explanation needs {encoding.hop}.")
    folders, errors = find_crops({video.stem: video})
    if errors:
        raise UserError(errors[video.stem])
    labels = np.full((length, 2), np.nan, np.float32)
    recording = Recording(video.stem, video.stem, "validation", "report", video, folders[video.stem], labels)
    corpus = Corpus(video.stem, video.parent, (recording,))
    encoders = {name: load_encoder(getattr(encoding, name), name) for name in MODALITIES}
    features = extract_features(corpus, encoders, encoding.hop, encoding.size, clip_frames=encoding.clip_frames)
    return corpus, replace(features, encoding=encoding)
