"""Detectors of faces in one picture: YuNet where its file is there, OpenCV's embedded cascades otherwise."""

from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from jcalib.files import hash_file, home
from jcalib.settings import UserError

YUNET = "face_detection_yunet_640.onnx"  # its name in JCALIB_HOME/weights
YUNET_SIDE = 480  # pixels of the longer side of the picture that YuNet sees
YUNET_SCORE = 0.7
CASCADE_SIDE = 320  # the cascades' picture; smaller ones are enlarged, up to ENLARGED
ENLARGED = 4.0
SMALLEST = 1 / 8  # of the shorter side: faces below it are somebody in the background
EYES_SIDE = 160  # pixels to which a face is brought before its eyes are searched


class Face(NamedTuple):
    """One face in one picture, in the picture's pixels.

    Attributes:
        box: x, y, width and height.
        eyes: float (2, 2), the middle of each eye as x, y, the picture's left one first; None where only the
            outline was found.
    """

    box: tuple[float, float, float, float]
    eyes: np.ndarray | None


class Detector(Protocol):
    """Finds faces; any callable with a name will do, and the name says which crops are its own."""

    @property
    def name(self) -> str: ...

    def __call__(self, picture: np.ndarray) -> list[Face]:
        """Find the faces of a uint8 (H, W, 3) RGB picture, in any order."""
        ...


def find_detector(model: str | Path | None = None) -> Detector:
    """Returns YuNet where its file is there, and the cascades otherwise.

    Args:
        model: YuNet's ONNX file; by default `face_detection_yunet_640.onnx` in JCALIB_HOME/weights, if there is one.

    Raises:
        UserError: the file that was named is missing or is no such model.
    """
    usual = home() / "weights" / YUNET
    if model is None:
        return Yunet(usual) if usual.exists() else Cascades()
    if not Path(model).is_file():
        raise UserError(f"{model} is not a file: name YuNet's ONNX file, or none to use OpenCV's cascades.")
    return Yunet(model)


class Yunet:
    """YuNet (Wu, Peng and Yu, 2023) by OpenCV's `FaceDetectorYN`: boxes and five landmarks.

    Args:
        model: the ONNX file.

    Raises:
        UserError: OpenCV cannot load the file.
    """

    def __init__(self, model: str | Path) -> None:
        try:
            self._net = cv2.FaceDetectorYN.create(str(model), "", (YUNET_SIDE, YUNET_SIDE), YUNET_SCORE)
        except cv2.error:
            raise UserError(f"{model} cannot be loaded: it must be YuNet's ONNX file, as OpenCV 4 reads it.") from None
        self.name = f"yunet-{hash_file(Path(model))[:12]}"

    def __call__(self, picture: np.ndarray) -> list[Face]:
        """Find the faces of a uint8 (H, W, 3) RGB picture."""
        small, scale = _scaled(picture, YUNET_SIDE)
        self._net.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        found = [] if rows is None else [np.asarray(row) / scale for row in rows]
        return [Face(_box(row[:4]), row[4:8].reshape(2, 2)) for row in found]


class Cascades:
    """The cascades of Viola and Jones (2001) that OpenCV 4 ships: faces, and eyes within them."""

    name = "cascades"

    def __init__(self) -> None:
        folder = Path(cv2.__file__).parent / "data"
        self._faces = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))
        # The first one stands glasses and gives few false eyes; the second one finds narrow eyes too.
        names = ("haarcascade_eye_tree_eyeglasses.xml", "haarcascade_eye.xml")
        self._eyes = [cv2.CascadeClassifier(str(folder / name)) for name in names]

    def __call__(self, picture: np.ndarray) -> list[Face]:
        """Find the faces of a uint8 (H, W, 3) RGB picture."""
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        small, scale = _scaled(grey, CASCADE_SIDE)
        least = max(24, round(min(small.shape) * SMALLEST))
        boxes = self._faces.detectMultiScale(small, 1.1, 3, minSize=(least, least))
        found = [_box(np.asarray(box) / scale) for box in boxes]
        return [Face(box, self._find_eyes(grey, box)) for box in found]

    def _find_eyes(self, grey: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray | None:
        """Return the pair of eyes that lies best in the upper part of a face, or None."""
        x, y, width, height = (round(value) for value in box)
        upper = grey[y : y + round(0.65 * height), x : x + width]
        scale = EYES_SIDE / width
        upper = cv2.resize(upper, None, fx=scale, fy=scale, interpolation=_filter(scale))
        for cascade in self._eyes:
            found = np.array(cascade.detectMultiScale(upper, 1.08, 3, minSize=(24, 24)), float).reshape(-1, 4)
            pair = _best_pair((found[:, :2] + found[:, 2:] / 2) / EYES_SIDE)
            if pair is not None:
                return pair * width + (x, y)
        return None


def _best_pair(middles: np.ndarray) -> np.ndarray | None:
    """Return the two middles (shares of the face's width) nearest to where eyes are, if they can be a pair."""
    usual = np.array([(0.31, 0.39), (0.69, 0.39)])
    pairs = [np.stack([left, right]) for left in middles for right in middles if left[0] < 0.5 < right[0]]
    distances = [float(np.abs(pair - usual).max()) for pair in pairs]
    if not distances or min(distances) > 0.13:
        return None
    return pairs[int(np.argmin(distances))]


def _scaled(picture: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """Return a picture whose longer side has so many pixels, and the factor."""
    scale = min(side / max(picture.shape[:2]), ENLARGED)
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=_filter(scale)), scale


def _filter(scale: float) -> int:
    return cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR


def _box(values: np.ndarray) -> tuple[float, float, float, float]:
    x, y, width, height = (float(value) for value in values)
    return x, y, width, height
