"""Which frames and which sound make a clip, and which clips make a sequence (design 4; papers: 2203.14779, 2209.09068).

A clip is known by the frame at which it ends. Rows are clips on a grid, one every `hop` frames; the clips of a sequence
are `stride` = frames of a clip / hop rows apart, so that they touch and do not overlap. Row -1 stands for a clip that
does not exist.
"""

import numpy as np

FRAMES = 32  # frames that a clip spans, unless a preset says otherwise
PICTURES = 8  # of them that an encoder sees
STEP = 4  # frames between two pictures when no face is lost
RATE = 44_100  # samples of sound per second
SAMPLES = 47_040  # samples that end with the clip: 107 log-mel frames


def clip_ends(length: int, hop: int) -> np.ndarray:
    """The frames at which clips end; with hop 1 every frame ends exactly one.

    Args:
        length: frames of the recording.
        hop: frames between ends.

    Returns:
        int (length // hop,): hop - 1, 2 hop - 1, ...
    """
    return np.arange(hop - 1, length, hop)


def pictures_of_clips(present: np.ndarray, ends: np.ndarray, span: int = FRAMES) -> np.ndarray:
    """The frames whose faces make each clip, by T-BIOM's rule for lost faces.

    Of the last 32 frames only those with a face count: of 32 every 4th, of 24 to 31 every 3rd, of 16 to 23 every
    2nd, always the last eight of these; of 8 to 15 the last eight; fewer are filled up by repeating the last. Of a
    shorter clip the same rule holds.

    Args:
        present: bool (T,), True where a face was found.
        ends: int (n,), the frame at which each clip ends.
        span: frames of a clip.

    Returns:
        int (n, 8), ascending frames; -1 throughout where a clip has no face at all.
    """
    ends = np.asarray(ends)[:, None]
    faces = np.flatnonzero(present)
    if not len(faces):
        return np.full((len(ends), PICTURES), -1)
    first = np.searchsorted(faces, ends - span, side="right")
    stop = np.searchsorted(faces, ends, side="right")
    known = stop - first
    order = np.arange(PICTURES)
    spread = stop - 1 - known // PICTURES * (PICTURES - 1 - order)
    filled = np.minimum(first + order, stop - 1)
    chosen = np.where(known >= PICTURES, spread, filled)
    return np.where(known > 0, faces[np.clip(chosen, 0, len(faces) - 1)], -1)


def clip_pictures(present: np.ndarray, end: int) -> np.ndarray | None:
    """The eight frames of the clip that ends at one frame, or None if it has no face: see `pictures_of_clips`."""
    frames = pictures_of_clips(present, np.array([end]))[0]
    return None if frames[0] < 0 else frames


def sequence_rows(last: np.ndarray | int, stride: int, clips: int) -> np.ndarray:
    """The rows of the sequences that end at the given rows.

    Args:
        last: int (...,), each sequence's last row.
        stride: rows between clips.
        clips: L, clips in a sequence.

    Returns:
        int (..., L), ascending; -1 where a sequence begins before the recording.
    """
    rows = np.asarray(last)[..., None] - stride * np.arange(clips - 1, -1, -1)
    return np.maximum(rows, -1)


def training_rows(n_rows: int, stride: int, clips: int) -> np.ndarray:
    """The last rows of all sequences that lie within a recording entirely: int (K,), K may be 0.

    Args:
        n_rows: rows of the recording.
        stride: rows between clips.
        clips: L, clips in a sequence.
    """
    return np.arange(stride * (clips - 1), max(n_rows, stride * (clips - 1)))


def tiles(n_rows: int, stride: int, clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Covers a recording with sequences in which every row counts exactly once, as the papers evaluate.

    Rows fall into `stride` interleaved trains of touching clips. Each train is cut into windows of L; its last
    window is right-aligned, and only the ends that no earlier window had count in it.

    Args:
        n_rows: rows of the recording.
        stride: rows between clips.
        clips: L, clips in a window.

    Returns:
        Rows int (W, L), -1 = padding before the recording; counted bool (W, L).
    """
    lasts, fresh = [], []
    for phase in range(min(stride, n_rows)):
        train = np.arange(phase, n_rows, stride)
        ends = np.append(np.arange(clips - 1, len(train) - 1, clips), len(train) - 1)
        lasts.append(train[ends])
        fresh.append(np.diff(ends, prepend=-1))
    if not lasts:
        return np.zeros((0, clips), int), np.zeros((0, clips), bool)
    rows = sequence_rows(np.concatenate(lasts), stride, clips)
    return rows, np.arange(clips) >= clips - np.concatenate(fresh)[:, None]
