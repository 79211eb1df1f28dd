"""Still pictures, RGB in memory and JPEG on disk."""

from pathlib import Path

import cv2
import numpy as np

from jcalib.settings import UserError

FACE_SIDE = 112  # pixels of a face crop
# Where the eyes lie in a crop, x and y: the template of ArcFace (Deng et al. 2019) for crops of this size.
EYES = np.array([(38.29, 51.70), (73.53, 51.50)])


def read_picture(path: str | Path) -> np.ndarray:
    """Reads one picture.

    Args:
        path: a JPEG, PNG or any other file that OpenCV reads.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        UserError: the file is missing or is no picture.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise UserError(f"{path} cannot be opened ({error.strerror}): a picture is needed here.") from None
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise UserError(f"{path} is not a readable picture: write it again or delete it, then it counts as lost.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def fit_picture(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scales a picture to fit into a frame and centres it on black.

    Args:
        picture: uint8 (H, W, 3).
        width, height: of the frame, pixels.

    Returns:
        uint8 (height, width, 3).
    """
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    return cv2.copyMakeBorder(
        small, top, height - size[1] - top, left, width - size[0] - left, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )


def write_picture(path: str | Path, rgb: np.ndarray, quality: int = 95) -> None:
    """Writes one picture as JPEG.

    Args:
        path: the file to write.
        rgb: uint8 (H, W, 3).
        quality: JPEG quality, 1 to 100.
    """
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    Path(path).write_bytes(data.tobytes())


def align_face(picture: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """Cuts a face out so that its eyes lie where every crop has them.

    Args:
        picture: uint8 (H, W) or (H, W, 3).
        eyes: (2, 2), the middle of each eye as x, y, the picture's left one first.

    Returns:
        uint8 (112, 112) or (112, 112, 3). What lies outside the picture repeats its edge.
    """
    (left, right), (to_left, to_right) = np.asarray(eyes, float), EYES
    # A similarity of the plane is a multiplication and an addition of complex numbers.
    turn = complex(*(to_right - to_left)) / complex(*(right - left))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    scale = abs(turn)
    if scale < 0.5:
        # Averaged down first: four neighbours a pixel are too few to make a picture much smaller.
        corners = (np.array([(0, 0), (FACE_SIDE, 0), (0, FACE_SIDE), (FACE_SIDE, FACE_SIDE)]) - to_left) @ (
            np.linalg.inv(linear).T
        ) + left
        size = np.array(picture.shape[1::-1])
        x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, size - 1).astype(int)
        x1, y1 = np.clip(np.ceil(corners.max(axis=0)), (x0 + 1, y0 + 1), size).astype(int)
        picture = cv2.resize(picture[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        left, linear = (left - (x0, y0)) * scale, linear / scale
    matrix = np.column_stack([linear, to_left - linear @ left])
    return cv2.warpAffine(
        picture, matrix, (FACE_SIDE, FACE_SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
