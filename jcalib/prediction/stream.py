"""A video as a stream of frames: what is seen is noted, and a damaged file ends where it cannot be read any more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from jcalib.media import FaceFrame, has_pictures, has_sound, probe, read_faces, sound_end
from jcalib.progress import Stage
from jcalib.settings import UserError

T = TypeVar("T")
MISSING = 0.02  # share of what a header announces that may be missing: headers round


@dataclass
class Seen:
    """What came by in one pass over a video.

    Attributes:
        times: of each frame, seconds.
        boxes: of the face in each frame, NaN where it is lost.
        troubles: what could not be read.
    """

    times: list[float] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def watch(self, frames: Iterable[FaceFrame], progress: Stage) -> Iterator[FaceFrame]:
        """Passes frames on and notes what they hold."""
        for frame in frames:
            self.times.append(frame.time)
            self.boxes.append(frame.box or (np.nan, np.nan, np.nan, np.nan))
            progress.advance()
            yield frame

    def ends(self, hop: int) -> Iterator[float]:
        """Yields the times of the clip ends, one every `hop` frames, as far as frames have come by when it is asked."""
        end = hop - 1
        while end < len(self.times):
            yield self.times[end]
            end += hop

    def until_damaged(self, items: Iterable[T]) -> Iterator[T]:
        """Passes items on until one cannot be read, and notes why."""
        try:
            yield from items
        except UserError as error:
            self.troubles.append(str(error))


@dataclass(frozen=True)
class Video:
    """A file to predict.

    Attributes:
        path: the file.
        pictures: whether it has a picture stream.
        sound: whether it has a soundtrack.
        length: frames that its header announces, or that its sound lasts for at `fps` where there are no pictures.
        seconds: that its header announces.
        fps: frames per second for a file without pictures.
    """

    path: Path
    pictures: bool
    sound: bool
    length: int
    seconds: float
    fps: float

    @classmethod
    def open(cls, path: Path, fps: float) -> "Video":
        """Looks at a file.

        Raises:
            UserError: it cannot be read, or has neither pictures nor sound.
        """
        pictures, sound = has_pictures(path), has_sound(path)
        if not pictures and not sound:
            raise UserError(f"{path.name} has neither pictures nor sound: nothing can be predicted from it.")
        if not pictures:
            seconds = sound_end(path)
            return cls(path, pictures, sound, int(seconds * fps), seconds, fps)
        return cls(path, pictures, sound, *probe(path), fps)

    def faces(self) -> Iterator[FaceFrame]:
        """Yield a frame a frame; a file without pictures ticks at `fps` as long as it sounds."""
        if self.pictures:
            return read_faces(self.path)
        return (FaceFrame(index, index / self.fps, None, None) for index in range(self.length))

    def notes(self, seen: Seen, clip_frames: int) -> tuple[str, ...]:
        """Say what a reader of its predictions has to know, one sentence each.

        Args:
            seen: what came by.
            clip_frames: frames that a clip of the run spans.
        """
        found = []
        if not self.pictures:
            found.append("No picture stream: predicted from the voice alone.")
        elif np.isnan(seen.boxes).all():
            found.append("No face was found.")
        if not self.sound:
            found.append("No soundtrack: predicted from the face alone.")
        own = (len(seen.times) - 1) / (seen.times[-1] - seen.times[0]) if len(seen.times) > 1 else self.fps
        if not 0.9 < own / self.fps < 1.1:
            found.append(
                f"{own:.3g} frames a second, the run learned from {self.fps:.3g}: a clip is {clip_frames} frames, so "
                f"it lasts {clip_frames / own:.2f} s here instead of {clip_frames / self.fps:.2f} s."
            )
        return tuple(found)

    def missing(self, seen: Seen) -> str:
        """Say what of the video could not be read; empty if all was."""
        if seen.troubles or not seen.times:
            return " ".join(dict.fromkeys(seen.troubles))
        end = seen.times[-1] - seen.times[0] + 1 / self.fps
        whole = len(seen.times) >= self.length * (1 - MISSING) - 2
        if whole and (end >= self.seconds * (1 - MISSING) - 0.2 or self._sounds_on()):
            return ""
        return f"{self.path.name} breaks off: it announces {self.seconds:.1f} s and can be read for {end:.1f} s."

    def _sounds_on(self) -> bool:
        """Whether the sound lasts as long as the header says: then the pictures simply end before it."""
        return self.sound and sound_end(self.path) >= self.seconds * (1 - MISSING) - 0.2
