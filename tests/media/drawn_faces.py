"""Drawn persons whose eyes are known, put into larger pictures that move."""

from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np

from jcalib.corpora.synthetic import Script
from jcalib.corpora.synthetic.scene import SIZE
from jcalib.media import Face
from jcalib.settings import preset


@cache
def drawn(person: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A person's scenes, uint8 (T, 144, 144, 3), and where the eyes are in them, (T, 2, 2)."""
    script = Script(preset("smoke").corpus, person)
    scenes = np.stack([scene for scene, _ in zip(script.scenes(), range(frames), strict=False)])
    looks, state = script.person.looks, script.face.part(slice(frames))
    cos, sin = np.cos(state.roll), np.sin(state.roll)
    eyes = [
        np.stack(
            [SIZE / 2 + state.x + cos * u - sin * looks.eye_y, SIZE / 2 - 2 + state.y + sin * u + cos * looks.eye_y], 1
        )
        for u in (state.yaw - looks.eye_gap, state.yaw + looks.eye_gap)
    ]
    return scenes, np.stack(eyes, axis=1)


def place(picture: np.ndarray, scene: np.ndarray, corner: tuple[int, int], scale: float) -> None:
    """Puts a scene into a picture, its corner at column and row."""
    big = cv2.resize(scene, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    column, row = corner
    picture[row : row + len(big), column : column + big.shape[1]] = big


def backgrounds(height: int, width: int, frames: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Coloured clouds that drift, without anything that looks like a face: uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    clouds = cv2.resize(
        rng.integers(40, 200, (9, 14, 3), np.uint8), (width + 2 * frames, height), interpolation=cv2.INTER_CUBIC
    )
    for frame in range(frames):
        yield clouds[:, 2 * frame : 2 * frame + width].copy()


def moving(height: int, width: int, frames: int, scale: float, person: int = 1) -> tuple[list[np.ndarray], np.ndarray]:
    """A person who moves about in front of a background: T pictures, and the eyes (T, 2, 2) in them."""
    scenes, eyes = drawn(person, frames)
    side = round(SIZE * scale)
    sway = 0.5 + 0.5 * np.sin(np.arange(frames) / 12)
    corners = np.stack([sway * (width - side), 0.5 * sway * (height - side)], axis=1).astype(int)
    pictures = list(backgrounds(height, width, frames))
    for picture, scene, corner in zip(pictures, scenes, corners.tolist(), strict=True):
        place(picture, scene, tuple(corner), scale)
    return pictures, eyes * scale + corners[:, None]


class Told:
    """A detector that knows the faces of each frame; the picture's first value says which frame it is (`number`)."""

    name = "told"

    def __init__(self, faces: list[list[Face]]) -> None:
        self.faces, self.calls = faces, 0

    def __call__(self, picture: np.ndarray) -> list[Face]:
        self.calls += 1
        return self.faces[picture[0, 0, 0]]


def number(pictures: list[np.ndarray]) -> None:
    """Writes each picture's number into its first value."""
    for index, picture in enumerate(pictures):
        picture[0, 0, 0] = index


def told_face(eyes: np.ndarray) -> Face:
    """What a detector would say about a face with such eyes."""
    gap = float(np.linalg.norm(eyes[1] - eyes[0]))
    x, y = eyes.mean(axis=0) - (1.25 * gap, gap)
    return Face((float(x), float(y), 2.5 * gap, 2.5 * gap), eyes)
