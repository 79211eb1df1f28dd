"""Still pictures, RGB in memory and JPEG on disk."""

from pathlib import Path

import cv2
import numpy as np

from jcalib.settings import UserError


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
