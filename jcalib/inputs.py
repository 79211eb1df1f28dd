"""What the encoders see of a recording: pictures and log-mel spectrograms of its clips, read in a stream (design 4).

A clip's time is the time stamp of its last frame, the moment that frame appears and its label holds; the clip's sound
ends there too, as in the papers' pre-processing, so nothing is heard that comes after the predicted frame.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from jcalib.clips import FRAMES, PICTURES, RATE, SAMPLES, pictures_of_clips
from jcalib.corpora import Recording
from jcalib.encoders import log_mel
from jcalib.media import frame_times, read_picture, sound_windows
from jcalib.settings import UserError

SIDE = 112  # pixels of a face crop
CHUNK = 128  # clips held at once; at 112 pixels 39 MB of pictures

Clips = tuple[np.ndarray, np.ndarray]  # what an encoder sees of some clips, and which of them are valid


class ClipInputs(NamedTuple):
    """What the encoders see of n clips: pictures (n, 8, size, size, 3), log-mel (n, 64, 107), valid (n, 2)."""

    pictures: np.ndarray
    log_mel: np.ndarray
    valid: np.ndarray


def clip_labels(recording: Recording, ends: np.ndarray) -> np.ndarray:
    """A clip's target is the label of its last frame: (n, 2)."""
    return recording.labels[ends]


def clip_inputs(recording: Recording, ends: np.ndarray, size: int = SIDE, span: int = FRAMES) -> ClipInputs:
    """Reads what the encoders see of some clips of a recording, all at once.

    Args:
        recording: its crops and its soundtrack are read.
        ends: int (n,), the frames at which clips end, ascending.
        size: side of the pictures in pixels.
        span: frames of a clip, of which pictures are taken; its sound is as long as ever.

    Returns:
        uint8 pictures, float32 log-mels and valid; pictures are zero where no face was found.

    Raises:
        UserError: the recording cannot be read.
    """
    with ThreadPoolExecutor(1) as pool:
        sounds = pool.submit(lambda: list(voice_clips(recording, ends)))
        faces = list(face_clips(recording, ends, size, span))
        pictures, seen = (np.concatenate(parts) for parts in zip(*faces, strict=True))
        log_mels, heard = (np.concatenate(parts) for parts in zip(*sounds.result(), strict=True))
    return ClipInputs(pictures, log_mels, np.stack([heard, seen], axis=1))


def face_clips(recording: Recording, ends: np.ndarray, size: int = SIDE, span: int = FRAMES) -> Iterator[Clips]:
    """The pictures of clips of a recording: `picture_clips` of its crops.

    Args:
        recording: its crops are read.
        ends: int (n,), the frames at which clips end, ascending.
        size: side of the pictures in pixels.
        span: frames of a clip.
    """
    present = recording.face_present()
    crops = (recording.face_path(frame) if present[frame] else None for frame in range(len(present)))
    return picture_clips(crops, ends.tolist(), size, span)


def picture_clips(
    crops: Iterable[Path | np.ndarray | None],
    ends: Iterable[int],
    size: int = SIDE,
    span: int = FRAMES,
    change: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Iterator[Clips]:
    """The pictures of clips in chunks of at most `CHUNK`; memory holds the crops under one chunk.

    Args:
        crops: one a frame, in order: the file of a crop, a crop uint8 (112, 112, 3), or None where no face was found.
        ends: the frames at which clips end, ascending; those that come after the last crop are left out.
        size: side of the pictures in pixels.
        span: frames of a clip.
        change: what is done to every crop that is looked at, (112, 112, 3) to the same; nothing by default.

    Yields:
        uint8 (c, 8, size, size, 3) and valid, bool (c,): False, and zeros, where no face was found.

    Raises:
        UserError: a crop cannot be read.
    """
    crops, ends = iter(crops), iter(ends)
    start, window = 0, list[Path | np.ndarray | None]()  # the crops of the frames from `start` on
    held: dict[int, np.ndarray] = {}  # those of them that are read and resized
    with ThreadPoolExecutor() as pool:
        while chunk := list(islice(ends, CHUNK)):
            first = max(chunk[0] - span + 1, start)
            window = [*window, *islice(crops, chunk[-1] + 1 - start - len(window))][first - start :]
            start = first
            reached = np.array([end - start for end in chunk if end - start < len(window)], int)
            if not len(reached):
                return
            frames = pictures_of_clips(np.array([crop is not None for crop in window]), reached, span)
            frames = np.where(frames < 0, -1, frames + start)
            needed = np.unique(frames[frames >= 0]).tolist()
            missing = [frame for frame in needed if frame not in held]
            new = list(pool.map(_read_crop, [window[frame - start] for frame in missing]))
            new = [change(crop) for crop in new] if change else new
            held |= dict(zip(missing, _resized(new, size), strict=True))
            held = {frame: picture for frame, picture in held.items() if frame >= start}
            blank = np.zeros((size, size, 3), np.uint8)
            pictures = np.stack([held.get(frame, blank) for frame in frames.ravel().tolist()])
            yield pictures.reshape(len(frames), PICTURES, size, size, 3), frames[:, 0] >= 0


def sound_clips(windows: Iterable[np.ndarray]) -> Iterator[Clips]:
    """The log-mel spectrograms of clips in chunks of at most `CHUNK`.

    Args:
        windows: the sound of each clip, float32 (47040,), as `sound_windows` gives it.

    Yields:
        float32 (c, 64, 107) and valid, bool (c,): False where there is no sound at all.

    Raises:
        UserError: the sound cannot be read.
    """
    windows = iter(windows)
    while chunk := list(islice(windows, CHUNK)):
        sound = np.stack(chunk)
        yield log_mel(torch.from_numpy(sound), RATE).numpy(), np.any(sound, axis=1)


def voice_clips(recording: Recording, ends: np.ndarray) -> Iterator[Clips]:
    """The log-mel spectrograms of clips of a recording: `sound_clips` of its soundtrack, which is decoded once.

    Args:
        recording: its soundtrack is read.
        ends: int (n,), the frames at which clips end, ascending.

    Raises:
        UserError: the video cannot be read.
    """
    return sound_clips(sound_windows(recording.soundtrack, clip_times(recording)[ends], SAMPLES, RATE))


def prepare_pictures(pictures: Tensor, size: int) -> Tensor:
    """Pictures as read to pictures as the visual encoder takes them; differentiable.

    Args:
        pictures: (B, 8, H, W, 3), uint8, or float in [0, 1].
        size: side in pixels; larger pictures are averaged down.

    Returns:
        float32 (B, 3, 8, size, size) in [0, 1].
    """
    scale = 1 if pictures.is_floating_point() else 255
    frames = pictures.flatten(0, 1).permute(0, 3, 1, 2).float() / scale
    if frames.shape[-2:] != (size, size):
        frames = interpolate(frames, (size, size), mode="bilinear", antialias=True)
    return frames.unflatten(0, pictures.shape[:2]).transpose(1, 2).contiguous()


def prepare_inputs(batch: Tensor, modality: str, size: int = SIDE) -> Tensor:
    """Inputs as read to inputs as an encoder takes them.

    Args:
        batch: pictures (B, 8, H, W, 3) or log-mels (B, 64, 107).
        modality: "audio" or "visual".
        size: side of the pictures in pixels.

    Returns:
        float32 (B, 3, 8, size, size) or (B, 1, 64, 107).
    """
    return prepare_pictures(batch, size) if modality == "visual" else batch.float().unsqueeze(1)


def clip_times(recording: Recording) -> np.ndarray:
    """Return the time of each frame of a recording, (T,), seconds on the container's clock.

    Raises:
        UserError: there are more labels than frames.
    """
    times = frame_times(recording.video)[: recording.length]
    if len(times) < recording.length:
        raise UserError(
            f"{recording.name} has {recording.length} labels for {len(times)} frames in {recording.video.name}: "
            "every label needs a frame."
        )
    return times


def _read_crop(crop: Path | np.ndarray | None) -> np.ndarray:
    if not isinstance(crop, Path):
        assert crop is not None
        return crop
    picture = read_picture(crop)
    if picture.shape != (SIDE, SIDE, 3):
        height, width = picture.shape[:2]
        raise UserError(f"{crop} is {height} x {width} pixels: a face crop must be {SIDE} x {SIDE}.")
    return picture


def _resized(pictures: list[np.ndarray], size: int) -> np.ndarray:
    """uint8 (k, size, size, 3), averaged down like `prepare_pictures` does."""
    if not pictures or size == SIDE:
        return np.array(pictures)
    frames = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return interpolate(frames, (size, size), mode="bilinear", antialias=True).permute(0, 2, 3, 1).numpy()
