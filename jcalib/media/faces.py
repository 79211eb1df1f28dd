"""A video's face, frame by frame: one person's, upright, aligned on the eyes, and None where it is lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jcalib.media.containers import read_frames
from jcalib.media.detectors import Detector, find_detector
from jcalib.media.pictures import align_face, write_picture
from jcalib.media.tracking import Follower

EVERY_S = 0.2  # seconds between detections


class FaceFrame(NamedTuple):
    """The face in one frame.

    Attributes:
        index: of the frame, from 0.
        time: seconds on the container's clock.
        crop: uint8 (112, 112, 3) RGB, aligned on the eyes, or None where the face is lost.
        box: x, y, width and height in pixels of the upright picture, or None.
    """

    index: int  # type: ignore[assignment]  # tuple.index is of no use here
    time: float
    crop: np.ndarray | None
    box: tuple[float, float, float, float] | None


def read_faces(video: str | Path, detector: Detector | None = None, every_s: float = EVERY_S) -> Iterator[FaceFrame]:
    """Follows one face through a video; one frame in memory at a time, however long the video is.

    Args:
        video: a video file; pictures that its metadata turns are turned upright.
        detector: finds the faces of a picture; `find_detector()` by default.
        every_s: seconds between detections.

    Yields:
        One `FaceFrame` a frame, in order.

    Raises:
        UserError: the file is no video or is damaged.
    """
    follower = Follower(detector or find_detector(), every_s)
    for index, (time, picture) in enumerate(read_frames(video)):
        track = follower(time, picture)
        if track is None:
            yield FaceFrame(index, time, None, None)
        else:
            x, y, width, height = track.box.tolist()
            yield FaceFrame(index, time, align_face(picture, track.eyes), (x, y, width, height))


def write_faces(video: str | Path, folder: Path, detector: Detector | None = None) -> None:
    """Writes a video's face crops as `00001.jpg`, ..., counted from 1; a frame without a face has no file.

    Args:
        video: a video file.
        folder: an empty one.
        detector: see `read_faces`.

    Raises:
        UserError: the file is no video or is damaged.
    """
    for frame in read_faces(video, detector):
        if frame.crop is not None:
            write_picture(folder / f"{frame.index + 1:05d}.jpg", frame.crop)
