"""The whole picture: a wall behind, shoulders, the head, and what may cover it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from jcalib.corpora.synthetic.face import BOTTOM, SIDE, TOP, Head
from jcalib.corpora.synthetic.motion import FaceState
from jcalib.corpora.synthetic.people import Looks
from jcalib.corpora.synthetic.strokes import Layer, Pixels, box, coverage, ellipse, grid, paint

SIZE = 144  # side of the scene, pixels
CROP = 112  # side of a face crop
MARGIN = 16  # of the wall on each side, for its drift
BATCH = 8  # frames at a time: their layers stay in the cache
NECK = 92  # first row in which neck and shoulders show


def draw(looks: Looks, state: FaceState) -> NDArray[np.float32]:
    """Draw a person's frames; the same looks and state give the same pixels.

    Args:
        looks: the person.
        state: T frames.

    Returns:
        float32 (T, SIZE, SIZE, 3), RGB in [0, 1], not yet rounded, so that differences stay exact.
    """
    scenes = np.empty((len(state), 3, SIZE, SIZE), np.float32)
    wall = _wall(looks)
    for start in range(0, len(state), BATCH):
        frames = slice(start, start + BATCH)
        _draw_batch(scenes[frames], looks, state.part(frames), wall)
    return np.moveaxis(scenes, 1, 3)


def middles(state: FaceState) -> NDArray[np.int_]:
    """Return (T, 2) column and row of each head's middle in whole pixels."""
    columns = np.clip(np.rint(SIZE / 2 + state.x), SIDE, SIZE - SIDE)
    rows = np.clip(np.rint(SIZE / 2 - 2 + state.y), TOP, SIZE - BOTTOM)
    return np.stack([columns, rows], axis=1).astype(int)


def crop(scene: NDArray, middle: NDArray[np.int_]) -> NDArray:
    """Return the (CROP, CROP, 3) face around a head's middle."""
    column, row = middle - (CROP // 2, CROP // 2 + 2)
    return scene[row : row + CROP, column : column + CROP]


def _draw_batch(scenes: Pixels, looks: Looks, state: FaceState, wall: Pixels) -> None:
    _place_wall(scenes, wall, state.drift)
    centre = middles(state)
    head = Head(looks, state, SIZE / 2 + state.x - centre[:, 0], SIZE / 2 - 2 + state.y - centre[:, 1])
    _windows(scenes, centre, head.draw_behind)
    _body(scenes, looks, state)
    _windows(scenes, centre, head.draw)
    if state.cover.any():
        _cover(scenes, looks, state)
    tint = np.array([1 + looks.warmth, 1, 1 - looks.warmth], np.float32)
    scenes *= state.exposure[:, None, None, None] * tint[:, None, None]
    np.clip(scenes, 0, 1, out=scenes)


def _windows(scenes: Pixels, centre: NDArray[np.int_], stroke: Callable[[Pixels], None]) -> None:
    """Let `stroke` work on copies of the heads' windows and put them back."""
    views = [
        scene[:, row - TOP : row + BOTTOM, column - SIDE : column + SIDE]
        for scene, (column, row) in zip(scenes, centre, strict=True)
    ]
    window = np.stack(views)
    stroke(window)
    for view, drawn in zip(views, window, strict=True):
        view[...] = drawn


def _wall(looks: Looks) -> Pixels:
    """Return (3, SIZE, SIZE + 2 MARGIN): two colours and blurred things, the same for a person every time."""
    rng = np.random.default_rng(looks.things)
    x, y = grid(SIZE, SIZE + 2 * MARGIN)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.clip(0.5 + ((x - SIZE / 2) * np.cos(angle) + (y - SIZE / 2) * np.sin(angle)) / SIZE, 0, 1)
    first, second = looks.walls[:, :, None, None, None]
    wall = np.moveaxis(first + ramp * (second - first), 0, 1) * np.float32(0.9)
    for _ in range(rng.integers(3, 8)):
        dx, dy = x - rng.uniform(0, SIZE + 2 * MARGIN), y - rng.uniform(0, SIZE)
        round_thing = rng.random() < 0.5
        size = rng.uniform(6, 22, 2)
        edge = ellipse(dx, dy, size[0], size[0]) if round_thing else box(dx, dy, size[0], 1.6 * size[1], 2)
        colour = np.clip(looks.walls[rng.integers(2)] + rng.normal(0, 0.14) + rng.normal(0, 0.05, 3), 0, 1)
        paint(wall, (0.55 * coverage(edge, rng.uniform(3, 9))).astype(np.float32), colour.astype(np.float32))
    return wall[0]


def _place_wall(scenes: Pixels, wall: Pixels, drift: NDArray) -> None:
    for scene, offset in zip(scenes, np.clip(drift, -MARGIN + 1, MARGIN - 2), strict=True):
        whole = int(np.floor(offset))
        left = wall[:, :, MARGIN + whole : MARGIN + whole + SIZE]
        right = wall[:, :, MARGIN + whole + 1 : MARGIN + whole + 1 + SIZE]
        np.multiply(right - left, np.float32(offset - whole), out=scene)
        scene += left


def _body(scenes: Pixels, looks: Looks, state: FaceState) -> None:
    part = scenes[:, :, NECK:]
    x, y = grid(SIZE - NECK, SIZE)
    lean, sink = _column(SIZE / 2 + 0.5 * state.x), _column(0.4 * state.y)
    u, v = x - lean, y + (NECK - 128) - sink
    shoulder = 0.006 * np.square(u) - 3 - v
    collar = ellipse(u, v + 5, 17 + 4 * looks.collar, 7 + 9 * looks.collar)
    cloth = np.maximum(shoulder, -collar)
    folds = 1 - 0.10 * np.sin(0.13 * u + looks.curl) + 0.10 * _column(state.light_x) * u / SIZE
    neck = np.abs(x - _column(SIZE / 2 + 0.75 * state.x)) - 14 - 0.02 * np.square(np.maximum(v + 8, 0))
    under_chin = 0.62 + 0.20 * np.clip((v + 14) / 20, 0, 1)
    paint(part, coverage(np.maximum(neck, -22 - v)), looks.skin[:, None, None, None] * under_chin)
    paint(part, coverage(shoulder) * coverage(collar), looks.skin[:, None, None, None] * (under_chin + 0.05))
    paint(part, coverage(cloth, 1.2), looks.clothes[:, None, None, None] * folds)
    hem = np.maximum(np.abs(collar) - 0.8, shoulder)
    paint(part, 0.6 * coverage(hem), looks.clothes * 0.7)


def _cover(scenes: Pixels, looks: Looks, state: FaceState) -> None:
    """Draw a book held before the face; it comes from below and hides everything from brows to chin."""
    x, y = grid(SIZE, SIZE)
    below = (1 - state.cover) * 110
    u = x - _column(SIZE / 2 + state.x + 2)
    v = y - _column(SIZE / 2 - 2 + 4 + state.y + below)
    u, v = u + 0.06 * v, v - 0.06 * u
    edge = box(u, v, 38, 44, 3)
    paint(scenes, coverage(edge), looks.cover)
    paint(scenes, coverage(np.maximum(edge + 4, np.abs(v + 18) - 9)), np.minimum(looks.cover + 0.25, 1))
    paint(scenes, 0.8 * coverage(np.abs(edge + 1.5) - 1), looks.cover * 0.7)
    for side in (-1, 1):
        for finger in range(3):
            tip = ellipse(u - side * 36, v - 22 - 6.5 * finger, 7, 3.2)
            paint(scenes, coverage(tip), looks.skin * 0.95)


def _column(course: NDArray) -> Layer:
    return np.asarray(course, np.float32)[:, None, None]
