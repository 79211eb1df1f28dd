"""Follows one face through a video: found every now and then, carried by optical flow between, lost when it is gone.

The first face is the largest one. From then on the same face is meant: a detection counts where it lies where the face
was, or looks like it. A face that was held only for a moment (somebody who walks by) is forgotten when it is lost.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from jcalib.media.detectors import Detector, Face
from jcalib.media.pictures import align_face

GAIN = 0.3  # of a detection against the flow: detectors tremble, flow drifts
JUMP = 0.3  # eye distances between the two from which the detection alone counts
HOLD_S = 2.0  # how long flow alone carries a face (blinks, a turned head)
PATIENCE_S = 2.0  # how long a lost face may come back at its place
PASSING_S = 2.0  # a face held for less than this is forgotten once it is lost
UNLIKE = 0.6  # likeness to the last detection below which a frame is looked at again
ALIKE_HERE, ALIKE_THERE = 0.6, 0.8  # likeness wanted of a face that comes back at its place, elsewhere
LOOK = 24  # pixels of the grey picture that likeness is judged on
PATCH = 128  # pixels of the region in which flow is measured


@dataclass(frozen=True)
class Track:
    """Where a face is: eyes (2, 2) and box (x, y, width, height), in pixels of the upright picture."""

    eyes: np.ndarray
    box: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """The box's middle, (2,)."""
        return self.box[:2] + self.box[2:] / 2

    def moved(self, matrix: np.ndarray) -> "Track":
        """Return the track after a similarity, (2, 3)."""
        scale = float(np.hypot(*matrix[:, 0]))
        size = self.box[2:] * scale
        middle = matrix[:, :2] @ self.middle + matrix[:, 2]
        return Track(self.eyes @ matrix[:, :2].T + matrix[:, 2], np.concatenate([middle - size / 2, size]))

    def towards(self, other: "Track", gain: float) -> "Track":
        """Return the track, moved a share of the way to another."""
        return Track(self.eyes + gain * (other.eyes - self.eyes), self.box + gain * (other.box - self.box))


class Follower:
    """Follows one face; called once a frame, in order.

    Args:
        detector: finds the faces of one picture.
        every_s: seconds between detections; frames between them are carried by flow.
    """

    def __init__(self, detector: Detector, every_s: float) -> None:
        self._detector, self._every_s = detector, every_s
        self._track: Track | None = None
        self._grey: np.ndarray | None = None  # the last frame, while a face is followed
        self._last: Track | None = None  # where the face was when it was last seen
        self._look = self._looks_like = np.zeros(LOOK * LOOK)  # at the last detection; on average
        self._seen_s = self._detected_s = self._supported_s = -np.inf
        self._held_s = 0.0

    def __call__(self, time: float, picture: np.ndarray) -> Track | None:
        """Return where the face is in the next frame, or None where it is lost.

        Args:
            time: of the frame, seconds.
            picture: uint8 (H, W, 3) RGB.
        """
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        carried = self._carried(grey)
        doubtful = carried is None or _likeness(self._look, _look(grey, carried)) < UNLIKE
        # A face that has just gone is looked for at once, a lost one every now and then.
        if time - self._detected_s >= self._every_s - 1e-3 or (doubtful and self._track is not None):
            found = self._found(time, grey, self._detector(picture), carried)
            self._detected_s = time
        else:
            found = None
        if found is None and not doubtful and time - self._supported_s <= HOLD_S:
            found = carried
        self._remember(time, grey, found)
        return found

    def _carried(self, grey: np.ndarray) -> Track | None:
        if self._track is None or self._grey is None or self._grey.shape != grey.shape:
            return None
        matrix = _flow(self._grey, grey, self._track.box)
        return None if matrix is None else self._track.moved(matrix)

    def _found(self, time: float, grey: np.ndarray, faces: list[Face], carried: Track | None) -> Track | None:
        """Return the track that the detections support, and keep what the face looks like."""
        if carried is not None:
            near = [face for face in faces if _is_near(face, carried, 0.5)]
            face = min(near, key=lambda face: _distance(face, carried), default=None)
            if face is None:
                return None
            self._supported_s, track = time, self._corrected(grey, carried, face)
        else:
            tracks = [_as_track(face) for face in faces if face.eyes is not None]
            known = self._last is not None and self._held_s >= PASSING_S
            own = [track for track in tracks if not known or self._is_own(time, grey, track)]
            chosen = max(own, key=lambda track: track.box[2], default=None)
            if chosen is None:
                return None
            if not known:
                self._held_s, self._looks_like = 0.0, _look(grey, chosen)
            self._supported_s, track = time, chosen
        self._look = _look(grey, track)
        self._looks_like = 0.95 * self._looks_like + 0.05 * self._look
        return track

    def _is_own(self, time: float, grey: np.ndarray, track: Track) -> bool:
        """Whether a face found elsewhere or later is the one that was followed."""
        assert self._last is not None
        here = time - self._seen_s <= PATIENCE_S and _is_near(Face(tuple(track.box), None), self._last, 1.0)
        return _likeness(self._looks_like, _look(grey, track)) >= (ALIKE_HERE if here else ALIKE_THERE)

    def _corrected(self, grey: np.ndarray, carried: Track, face: Face) -> Track:
        """Return the carried track, brought nearer to a detection that can be believed."""
        if face.eyes is None:
            return carried
        found = _as_track(face)
        apart = np.abs(found.eyes - carried.eyes).max() / max(float(np.linalg.norm(np.diff(found.eyes, axis=0))), 1e-6)
        if apart <= JUMP:
            return carried.towards(found, GAIN)
        return found if _likeness(self._looks_like, _look(grey, found)) >= ALIKE_THERE else carried

    def _remember(self, time: float, grey: np.ndarray, found: Track | None) -> None:
        if found is not None:
            self._held_s += time - self._seen_s if self._track is not None else 0.0
            self._last, self._seen_s = found, time
        self._track, self._grey = found, grey if found is not None else None


def _as_track(face: Face) -> Track:
    return Track(np.asarray(face.eyes, float), np.asarray(face.box, float))


def _is_near(face: Face, track: Track, widths: float) -> bool:
    """Whether a face has about the place and the size of a track."""
    ratio = face.box[2] / max(track.box[2], 1e-6)
    return _distance(face, track) <= widths * track.box[2] and 1 / 1.7 < ratio < 1.7


def _distance(face: Face, track: Track) -> float:
    middle = np.asarray(face.box[:2]) + np.asarray(face.box[2:]) / 2
    return float(np.linalg.norm(middle - track.middle))


def _look(grey: np.ndarray, track: Track) -> np.ndarray:
    """Return what a face looks like: a small aligned picture, free of brightness and contrast."""
    face = cv2.resize(align_face(grey, track.eyes)[14:106, 10:102], (LOOK, LOOK), interpolation=cv2.INTER_AREA)
    values = face.astype(np.float64).ravel()
    return (values - values.mean()) / (values.std() + 1e-6)


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two looks, in [-1, 1]."""
    return float(np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-9))


def _flow(before: np.ndarray, after: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """Return the similarity (2, 3) by which a face moved between two grey pictures, or None where it cannot be told.

    Corners inside the box are followed (Lucas and Kanade 1981); those that do not come back when they are followed
    backwards do not count, nor those that do not move with the others, such as a talking mouth's.
    """
    height, width = before.shape
    reach = 0.3 * box[2:]
    x0, y0 = np.clip(np.floor(box[:2] - reach), 0, (width - 1, height - 1)).astype(int)
    x1, y1 = np.clip(np.ceil(box[:2] + box[2:] + reach), 1, (width, height)).astype(int)
    if min(x1 - x0, y1 - y0) < 8:
        return None
    scale = PATCH / max(x1 - x0, y1 - y0)
    patches = [
        cv2.resize(picture[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for picture in (before, after)
    ]
    inside = np.zeros_like(patches[0])
    corner = np.round((box[:2] - (x0, y0)) * scale).astype(int)
    cv2.rectangle(inside, corner.tolist(), np.round(corner + box[2:] * scale).astype(int).tolist(), 255, -1)
    points = cv2.goodFeaturesToTrack(patches[0], 60, 0.01, 4, mask=inside)
    if points is None or len(points) < 8:
        return None
    forth, there = _followed(patches[0], patches[1], points)
    back, here = _followed(patches[1], patches[0], forth)
    good = there & here & (np.abs(back - points).max(axis=(1, 2)) < 0.7)
    if good.sum() < 8:
        return None
    matrix, _ = cv2.estimateAffinePartial2D(points[good], forth[good], ransacReprojThreshold=1.0)
    if matrix is None:
        return None
    offset = np.array([x0, y0], float)
    linear = matrix[:, :2]
    shift = matrix[:, 2] / scale + offset - linear @ offset
    return np.column_stack([linear, shift])


def _followed(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where points (n, 1, 2) have gone, and which could be followed."""
    moved = np.empty_like(points)
    forth, status, _ = cv2.calcOpticalFlowPyrLK(before, after, points, moved, winSize=(15, 15), maxLevel=3)
    return np.asarray(forth), np.asarray(status).ravel() == 1
