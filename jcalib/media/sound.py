"""A video's soundtrack as mono samples placed on the container's clock.

Every decoded block lies where its own time stamp puts it, so a late or early start, a gap, and a soundtrack
shorter than the video come out aligned with the pictures; where there is no sound there are zeros.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np

from jcalib.media.containers import opened

# Time stamps are rounded to their container's ticks (1 ms in Matroska); anything further off is a real gap.
SLACK_S = 0.02


def has_sound(video: str | Path) -> bool:
    """Whether a file has a soundtrack at all.

    Raises:
        UserError: the file cannot be read.
    """
    with opened(video) as container:
        return bool(container.streams.audio)


def sound_end(video: str | Path) -> float:
    """When the soundtrack ends, by its samples and not by its header: seconds on the clock, 0.0 without one.

    Raises:
        UserError: the file cannot be read.
    """
    rate = 8_000
    return max((position + len(samples) for position, samples in _blocks(video, rate)), default=0) / rate


def read_sound(video: str | Path, rate: int = 44_100) -> tuple[np.ndarray, float]:
    """Reads a whole soundtrack, for recordings that are short enough to hold.

    Args:
        video: a video file.
        rate: samples per second wanted.

    Returns:
        float32 (S,), the mean over channels, and the time of its first sample in seconds on the container's
        clock; (0,) and 0.0 without a soundtrack.

    Raises:
        UserError: the file cannot be read.
    """
    blocks = list(_blocks(video, rate))
    if not blocks:
        return np.zeros(0, np.float32), 0.0
    start = min(position for position, _ in blocks)
    stop = max(position + len(samples) for position, samples in blocks)
    return _assemble(blocks, start, stop), start / rate


def sound_windows(video: str | Path, ends_s: Iterable[float], samples: int, rate: int = 44_100) -> Iterator[np.ndarray]:
    """Cuts one window of sound that ends at each of the given times, in one pass over the soundtrack.

    Memory holds the blocks under one window, however long the recording is.

    Args:
        video: a video file.
        ends_s: seconds on the container's clock, ascending; a window may start before the sound does.
        samples: length of a window.
        rate: samples per second wanted.

    Yields:
        float32 (samples,), one per end; zeros where there is no sound.

    Raises:
        UserError: the file cannot be read.
    """
    blocks = _blocks(video, rate)
    held: deque[tuple[int, np.ndarray]] = deque()
    reached = -np.inf
    for stop in (round(end * rate) for end in ends_s):
        while reached < stop and (block := next(blocks, None)) is not None:
            held.append(block)
            reached = block[0] + len(block[1])
        while held and held[0][0] + len(held[0][1]) <= stop - samples:
            held.popleft()
        yield _assemble(held, stop - samples, stop)


def cut_windows(
    sound: np.ndarray, start_s: float, ends_s: Iterable[float], samples: int, rate: int = 44_100
) -> Iterator[np.ndarray]:
    """Cuts windows like `sound_windows` out of a soundtrack that is in memory.

    Args:
        sound, start_s: as `read_sound` gives them.
        ends_s, samples, rate: as in `sound_windows`.

    Yields:
        float32 (samples,), one per end; zeros where there is no sound.
    """
    blocks = [(round(start_s * rate), sound)]
    for stop in (round(end * rate) for end in ends_s):
        yield _assemble(blocks, stop - samples, stop)


def _assemble(blocks: Iterable[tuple[int, np.ndarray]], start: int, stop: int) -> np.ndarray:
    """The samples from start to stop (positions on the clock) out of blocks that may leave gaps."""
    sound = np.zeros(stop - start, np.float32)
    for position, samples in blocks:
        first, last = max(position, start), min(position + len(samples), stop)
        if first < last:
            sound[first - start : last - start] = samples[first - position : last - position]
    return sound


class _Run:
    """Blocks that follow each other without a gap: one resampler, positions counted from the first block."""

    def __init__(self, start: float, rate: int) -> None:
        self.resampler = av.AudioResampler(format="fltp", rate=rate)
        self.position = round(start * rate)
        self.until = start

    def resampled(self, frame: av.AudioFrame | None) -> Iterator[tuple[int, np.ndarray]]:
        """Mono pieces and their positions; None flushes what the resampler holds back."""
        if frame is not None:
            self.until += frame.samples / frame.sample_rate
            frame.pts = None
        for piece in self.resampler.resample(frame):
            samples = piece.to_ndarray().mean(axis=0, dtype=np.float32)
            yield self.position, samples
            self.position += len(samples)


def _blocks(video: str | Path, rate: int) -> Iterator[tuple[int, np.ndarray]]:
    """Mono blocks of a soundtrack, each with the position of its first sample counted from 0 s."""
    with opened(video) as container:
        if not container.streams.audio:
            return
        run = None
        for frame in container.decode(container.streams.audio[0]):
            if run is None or (frame.time is not None and abs(frame.time - run.until) > SLACK_S):
                if run is not None:
                    yield from run.resampled(None)
                run = _Run(frame.time or 0.0, rate)
            yield from run.resampled(frame)
        if run is not None:
            yield from run.resampled(None)
