"""Video files to pictures, each with its time on the container's clock; one frame in memory at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

from jcalib.settings import UserError


@contextmanager
def opened(path: str | Path) -> Iterator[InputContainer]:
    """Opens a container for reading; whatever FFmpeg says about it meanwhile becomes one line for the user.

    Raises:
        UserError: the file is missing, is no video, or is damaged.
    """
    try:
        with av.open(str(path)) as container:
            yield container
    except (FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read ({reason}): it must be a whole video file.") from None


def has_pictures(video: str | Path) -> bool:
    """Whether a file has a picture stream at all; a song's cover picture does not count.

    Raises:
        UserError: the file cannot be read.
    """
    with opened(video) as container:
        stream = container.streams.best("video")
        return stream is not None and not stream.disposition & Disposition.attached_pic


class Probe(NamedTuple):
    """What a video's header says: its number of frames and its length in seconds."""

    frames: int
    seconds: float


def probe(video: str | Path) -> Probe:
    """Asks a video's header, so that a large corpus opens without being read.

    Args:
        video: a video file.

    Returns:
        Frames and seconds; frames are counted packet by packet where the header does not tell (MPEG-PS).

    Raises:
        UserError: the file is no video.
    """
    with opened(video) as container:
        stream = _video_stream(container)
        if stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
        else:
            seconds = (container.duration or 0) / av.time_base
        # An AVI's header counts the frames that were dropped while it was recorded, too; its index does not.
        frames = len(stream.index_entries) if "avi" in container.format.name else stream.frames
    return Probe(frames or len(frame_times(video)), seconds)


def frame_times(video: str | Path) -> np.ndarray:
    """When each frame is shown, read from the packets' time stamps without decoding.

    Args:
        video: a video file.

    Returns:
        float64 (T,), seconds on the container's clock, ascending. The first need not be 0.

    Raises:
        UserError: the file is no video.
    """
    with opened(video) as container:
        stream = _video_stream(container)
        packets = (packet for packet in container.demux(stream) if packet.size and not packet.is_discard)
        stamps = np.array([np.nan if packet.pts is None else packet.pts for packet in packets], float)
        times = np.sort(stamps) * float(stream.time_base or 1)
    if np.isnan(times).any():
        # Some containers (AVI with B-frames) leave presentation times to the decoder.
        times = np.array([time for time, _ in _decoded(video)])
    return times


def read_frames(video: str | Path) -> Iterator[tuple[float, np.ndarray]]:
    """Decodes a video frame by frame; pictures that the metadata turns (a phone's) are turned upright.

    Args:
        video: a video file.

    Yields:
        The time in seconds on the container's clock, and uint8 (H, W, 3) RGB.

    Raises:
        UserError: the file is no video or is damaged.
    """
    for time, frame in _decoded(video):
        picture = frame.to_ndarray(format="rgb24")
        quarters = round(frame.rotation / 90) % 4  # counter-clockwise, as numpy turns
        yield time, np.ascontiguousarray(np.rot90(picture, quarters)) if quarters else picture


def _decoded(video: str | Path) -> Iterator[tuple[float, av.VideoFrame]]:
    with opened(video) as container:
        stream = _video_stream(container)
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            if frame.time is None:
                raise UserError(f"{video} has no time stamps: put it into a container that keeps them, such as mp4.")
            yield frame.time, frame


def _video_stream(container: InputContainer) -> av.VideoStream:
    stream = container.streams.best("video")
    if not isinstance(stream, av.VideoStream):
        raise UserError(f"{container.name} has no picture stream: a recording needs frames.")
    return stream
