"""A recording's face crops and its sound as one video, for what plays it."""

import tempfile
from pathlib import Path

import numpy as np

from jcalib.clips import RATE
from jcalib.media import write_timed
from jcalib.media.writing import BLOCK


def film(pictures: np.ndarray, times: np.ndarray, sound: np.ndarray, start: float) -> bytes:
    """Return the pictures with their sound as mp4, from 0 s on.

    Args:
        pictures: uint8 (T, H, W, 3).
        times: (T,) seconds.
        sound: float32 (S,), mono at 44.1 kHz.
        start: seconds at which it starts, on the clock of `times`.
    """
    lead = max(round((start - times[0]) * RATE), 0)
    whole = np.concatenate([np.zeros(lead, np.float32), sound]) if len(sound) else sound
    whole = np.pad(whole, (0, -len(whole) % BLOCK))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "playback.mp4"
        write_timed(path, zip(times - times[0], pictures, strict=True), whole.reshape(-1, BLOCK))
        return path.read_bytes()
