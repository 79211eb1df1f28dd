"""Frames and sound to a video file: H.264 and AAC in mp4."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np

BLOCK = 1024  # samples in one AAC frame
CLOCK = 90_000  # ticks per second of pictures with times of their own


def write_video(
    path: str | Path, frames: Iterable[np.ndarray], fps: float, sound: np.ndarray, rate: int = 44_100
) -> None:
    """Writes a video with its soundtrack; both start at 0 s. The same input gives the same bytes.

    Args:
        path: the mp4 file to write.
        frames: uint8 (H, W, 3) RGB pictures of one even height and width, taken one at a time.
        fps: frames per second.
        sound: float32 (S,), mono, in [-1, 1]; an empty one gives a video without soundtrack.
        rate: samples per second.

    Raises:
        ValueError: there is no frame, or height or width is odd, which 4:2:0 colour cannot hold.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("0 frames: a video needs at least one.")
    height, width = first.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"frames are {height} x {width}: height and width must be even.")
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {"crf": "18", "preset": "ultrafast", "threads": "1"}
        audio = container.add_stream("aac", rate=rate, layout="mono") if len(sound) else None
        if audio is not None:
            audio.options = {"aac_coder": "fast"}
        written = 0
        for number, picture in enumerate(chain([first], frames), 1):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            # Sound goes in step with the pictures, so that the muxer never holds much back.
            while audio is not None and written < min(len(sound), number / fps * rate):
                container.mux(audio.encode(_sound_frame(sound[written : written + BLOCK], written, rate)))
                written += BLOCK
        while audio is not None and written < len(sound):
            container.mux(audio.encode(_sound_frame(sound[written : written + BLOCK], written, rate)))
            written += BLOCK
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))


def _sound_frame(block: np.ndarray, start: int, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block[None], np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
    return frame


def write_timed(
    path: str | Path, frames: Iterable[tuple[float, np.ndarray]], sound: Iterable[np.ndarray] = (), rate: int = 44_100
) -> None:
    """Writes pictures with times of their own, and the sound beside them; one picture in memory at a time.

    Args:
        path: the mp4 file to write.
        frames: seconds from the start, ascending, and uint8 (H, W, 3) RGB of one even height and width.
        sound: float32 blocks (1024,), mono, one after the other from 0 s; those after the last picture are left out.
        rate: samples per second.

    Raises:
        ValueError: there is no frame.
    """
    frames, blocks = iter(frames), iter(sound)
    first, block = next(frames, None), next(blocks, None)
    if first is None:
        raise ValueError("0 frames: a video needs at least one.")
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=25)
        video.height, video.width = first[1].shape[:2]
        video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, CLOCK)
        video.options = {"crf": "23", "preset": "superfast", "tune": "zerolatency"}
        audio = None if block is None else container.add_stream("aac", rate=rate, layout="mono")
        written = 0
        for time, picture in chain([first], frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time * CLOCK), Fraction(1, CLOCK)
            container.mux(video.encode(frame))
            while audio is not None and block is not None and written < time * rate:
                container.mux(audio.encode(_sound_frame(block, written, rate)))
                written, block = written + len(block), next(blocks, None)
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))
