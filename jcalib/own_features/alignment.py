"""One grid for voice, face and labels that were sampled at different rates: the nearest in time, nothing invented.

The coarser modality is the grid. Every step of it takes the row of the finer one that is nearest in time, if that lies
within half a step; without one the modality is not valid there. Vectors are not interpolated: what lies between two
of them need not be a vector that the extractor could have given, and a missing row would spread to its neighbours.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jcalib.settings import UserError


class Track(NamedTuple):
    """Rows of one kind, (N, D), and the time of each in seconds, (N,), ascending; None where nobody said."""

    values: NDArray
    time: NDArray | None

    def at(self, grid: NDArray) -> NDArray:
        """Return the rows nearest to the grid's times, (G, D); NaN where none lies within half a step."""
        assert self.time is not None
        rows = nearest(self.time, grid)
        return np.where((rows >= 0)[:, None], self.values[rows], np.nan)


def nearest(time: NDArray, grid: NDArray) -> NDArray:
    """Find what is nearest in time to each step of a grid.

    Args:
        time: (N,) seconds, ascending.
        grid: (G,) seconds, ascending.

    Returns:
        int (G,), indices into `time`; -1 where none lies within half of the grid's median step.
    """
    right = np.searchsorted(time, grid).clip(0, len(time) - 1)
    left = (right - 1).clip(0)
    rows = np.where(abs(time[left] - grid) <= abs(time[right] - grid), left, right)
    return np.where(abs(time[rows] - grid) <= 0.5 * _step(grid) * (1 + 1e-6), rows, -1)


def align(audio: Track | None, visual: Track | None) -> tuple[Track, Track, str]:
    """Bring both modalities to the steps of the coarser one.

    Args:
        audio: (Na, Da), or None where the recording has none.
        visual: (Nv, Dv), or None.

    Returns:
        Both with the same N rows and the same times, a missing one with no columns; and what was done, in words, empty
        where they were in step already.

    Raises:
        UserError: there is neither, or they differ in their number of steps and there are no times to go by.
    """
    tracks = {"audio": audio, "visual": visual}
    there = {name: track for name, track in tracks.items() if track is not None}
    if not there:
        raise UserError("it has neither audio nor visual: a recording needs one of the two.")
    if len(there) == 1 or _in_step(*there.values()):
        first = next(iter(there.values()))
        absent = Track(np.zeros((len(first.values), 0)), first.time)
        done = "".join(f"no {name}" for name in tracks if name not in there)
        return there.get("audio", absent), there.get("visual", absent), done
    steps = {name: _step(_known_time(name, track, there)) for name, track in there.items()}
    fine, coarse = ("audio", "visual") if steps["audio"] <= steps["visual"] else ("visual", "audio")
    grid = there[coarse].time
    assert grid is not None
    aligned = {coarse: there[coarse], fine: Track(there[fine].at(grid), grid)}
    return aligned["audio"], aligned["visual"], f"{fine} aligned by time to the steps of {coarse}"


def _in_step(audio: Track, visual: Track) -> bool:
    if len(audio.values) != len(visual.values):
        return False
    if audio.time is None or visual.time is None:
        return audio.time is visual.time
    return np.allclose(audio.time, visual.time, rtol=0, atol=1e-6)


def _known_time(name: str, track: Track, all_tracks: dict[str, Track]) -> NDArray:
    if track.time is None:
        counts = " and ".join(f"{one} has {len(other.values)} steps" for one, other in all_tracks.items())
        raise UserError(
            f"{counts}, and {name} has no times: save audio_time and visual_time in seconds and they are aligned, or "
            "cut both to the same steps."
        )
    return track.time


def _step(time: NDArray) -> float:
    return float(np.median(np.diff(time))) if len(time) > 1 else float("inf")
