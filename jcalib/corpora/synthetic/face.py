"""A drawn head: analytic shapes in the head's own coordinates, smooth in every cue.

Coordinates are pixels from the middle of the head, u to the right and v down, turned by the roll. Each cue
moves a part of its own: mouth corners, lids, inner brow ends, brow height.
"""

import numpy as np
from numpy.typing import NDArray

from jcalib.corpora.synthetic.motion import FaceState
from jcalib.corpora.synthetic.people import Looks
from jcalib.corpora.synthetic.strokes import Layer, Pixels, box, bump, coverage, ellipse, grid, paint, shade

TOP, BOTTOM, SIDE = 64, 60, 56  # the head's window about its middle
SMILE, OPEN, TILT, RAISE = 2.5, 0.42, 2.6, 2.4  # pixels (OPEN: share of the opening) for a cue of 1
BOUND = 2.0  # cues saturate here, so that no face falls apart

DARK = np.array([0.09, 0.06, 0.06], np.float32)
WHITE = np.array([0.96, 0.95, 0.93], np.float32)
BROWN = np.array([0.62, 0.52, 0.47], np.float32)  # brows are darker and browner than hair
MOUTH = np.array([0.30, 0.07, 0.08], np.float32)


class Head:
    """One person's head in a batch of windows.

    Args:
        looks: the person.
        state: B frames.
        shift_x, shift_y: (B,) what the window's whole-pixel position leaves over.
    """

    def __init__(self, looks: Looks, state: FaceState, shift_x: NDArray, shift_y: NDArray) -> None:
        self.looks = looks
        self.roll, self.yaw = _column(state.roll), _column(state.yaw)
        self.light = _column(state.light_x), _column(state.light_y)
        self.smile, self.lids, self.tilt, self.brows = (
            _column(bounded(cue)) for cue in (state.smile, state.lids, state.tilt, state.brows)
        )
        self.blink, self.opening = _column(state.blink), _column(state.opening)
        self.gaze = _column(state.gaze_x), _column(state.gaze_y)
        x, y = grid(TOP + BOTTOM, 2 * SIDE)
        x, y = x - (SIDE + _column(shift_x)), y - (TOP + _column(shift_y))
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        self.u, self.v = cos * x + sin * y, cos * y - sin * x

    def draw_behind(self, window: Pixels) -> None:
        """Draw what lies behind neck and shoulders: long hair, a bun."""
        looks = self.looks
        if looks.style == "long":
            back = box(self.u, self.v - 6, looks.width + looks.volume + 1, looks.height + 10, 30)
            paint(window, coverage(back, 1.5), looks.hair * 0.72)
        if looks.style == "bun":
            knot = ellipse(self.u - 2 * looks.part, self.v + looks.height + 7, 12, 10)
            paint(window, coverage(knot), looks.hair * 0.9)

    def draw(self, window: Pixels) -> None:
        """Draw the head itself, over neck and shoulders."""
        self._ears(window)
        outline = self._outline()
        self._skin(window, outline)
        self._beard(window, outline)
        self._nose(window)
        self._mouth(window)
        for side in (-1, 1):
            self._eye(window, side)
            self._glasses(window, side)
        self._hair(window)
        for side in (-1, 1):
            self._brow(window, side)

    def _part(self, window: Pixels, rows: tuple[int, int], columns: tuple[int, int]) -> tuple[Pixels, Layer, Layer]:
        """Return a part of the window with its coordinates; features move with the yaw."""
        where = np.s_[:, TOP + rows[0] : TOP + rows[1], SIDE + columns[0] : SIDE + columns[1]]
        return window[:, :, where[1], where[2]], self.u[where] - self.yaw, self.v[where]

    def _outline(self) -> Layer:
        """Return the distance to the head's edge: an ellipse whose lower half narrows to the chin."""
        looks = self.looks
        level = self.v * np.float32(1 / looks.height)
        narrowing = 1 - looks.jaw * np.square(np.maximum(level, 0))
        radius = np.sqrt(np.square(self.u / (looks.width * narrowing)) + np.square(level))
        return (radius - 1) * np.float32(looks.width)

    def _ears(self, window: Pixels) -> None:
        looks = self.looks
        if looks.style == "long":
            return
        for side in (-1, 1):
            columns = (-44, -20) if side < 0 else (20, 44)
            part, u, v = self._part(window, (-18, 20), columns)
            u = u + 0.6 * self.yaw - side * looks.width
            paint(part, coverage(ellipse(u, v - 1, 4.6, 8.5)), looks.skin * 0.88)
            paint(part, 0.5 * coverage(ellipse(u - side, v - 1, 2.2, 5.5), 2), looks.skin * 0.62)

    def _skin(self, window: Pixels, outline: Layer) -> None:
        looks = self.looks
        across, down = self.u * np.float32(1 / looks.width), self.v * np.float32(1 / looks.height)
        light = 0.98 + 0.14 * (self.light[0] * across + self.light[1] * down)
        light -= 0.16 * np.square(np.clip(1 + outline * np.float32(1 / looks.width), 0, 1.1)) ** 2
        paint(window, coverage(outline), looks.skin[:, None, None, None] * light)
        for side in (-1, 1):
            part, u, v = self._part(window, (-2, 26), (-34, -4) if side < 0 else (4, 34))
            cheek = bump(u - side * 18, v - 13 + 1.2 * self.smile, 9, 7)
            warm = looks.skin * np.array([1.04, 0.86, 0.85], np.float32)
            paint(part, 0.45 * cheek, np.minimum(warm, 1))
            if looks.freckles:
                dots = np.sin(1.9 * u + 0.9 * v + looks.curl) * np.sin(1.3 * v - 1.1 * u)
                paint(part, looks.freckles * cheek * coverage(0.72 - dots, 0.3), looks.skin * 0.62)

    def _beard(self, window: Pixels, outline: Layer) -> None:
        looks = self.looks
        if not looks.beard:
            return
        part, u, v = self._part(window, (-6, 52), (-44, 44))
        edge = outline[:, TOP - 6 : TOP + 52, SIDE - 44 : SIDE + 44]
        line = looks.mouth_y - 7 - 0.019 * u * u
        grain = 0.9 + 0.1 * np.sin(2.3 * u + 0.4 * v) * np.sin(1.7 * v)
        chin = coverage(line - v, 4) * coverage(edge + 0.5) * grain
        paint(part, looks.beard * chin, looks.hair * 0.85)

    def _nose(self, window: Pixels) -> None:
        looks = self.looks
        part, u, v = self._part(window, (-8, 22), (-16, 16))
        tip = v - looks.nose_y
        lit = self.light[0] * 0.5
        shade(part, 1 + 0.10 * bump(u - lit, tip + 3, 3, 12) - 0.16 * bump(u + 5 * lit, tip + 5, 3.5, 9))
        wings = np.abs(u) - looks.nose_width * 0.8
        under = tip - 2.6 + 0.07 * u * u
        shadow = coverage(np.abs(under) - 0.4, 2.4) * coverage(np.abs(u) - looks.nose_width, 3)
        paint(part, 0.38 * shadow, looks.skin * 0.45)
        paint(part, 0.55 * coverage(ellipse(wings + 1.5, tip - 1.6, 1.9, 1.2), 1.6), looks.skin * 0.3)

    def _mouth(self, window: Pixels) -> None:
        looks = self.looks
        part, u, v = self._part(window, (8, 42), (-26, 26))
        u = u + 0.2 * self.yaw
        width = looks.mouth_width * (1 + 0.05 * self.smile)
        across = np.square(u / width)
        inside = np.maximum(1 - across, 0)
        line = v - looks.mouth_y - SMILE * self.smile * (0.55 - across)
        bow = looks.lip * (0.85 * inside - 0.35 * np.exp(-np.square(u * 0.45)))
        gap = 3.6 * self.opening * inside
        upper, lower = line + 0.4 * gap, line - 0.6 * gap
        ends = np.abs(u) - width
        lips = np.maximum(np.maximum(-upper - bow, lower - 1.25 * looks.lip * np.sqrt(inside)), ends)
        paint(part, coverage(lips, 1.3), looks.lips)
        shade(part, 1 + 0.12 * bump(u, lower - 0.7 * looks.lip, 6, 1.4))
        hollow = np.maximum(np.maximum(-upper, lower), ends)
        paint(part, coverage(hollow) * coverage(0.3 - gap), MOUTH)
        paint(part, 0.9 * coverage(np.maximum(hollow + 0.3, upper - 1.6)) * coverage(1.2 - gap), WHITE)
        seam = np.abs(line + 0.4 * gap) - 0.55
        paint(part, 0.85 * coverage(np.maximum(seam, ends - 1), 1.2), looks.lips * 0.38)
        corner = ellipse(np.abs(u) - width, line + 0.2, 1.7, 1.4)
        paint(part, 0.6 * coverage(corner, 1.5), looks.skin * 0.4)

    def _eye(self, window: Pixels, side: int) -> None:
        looks = self.looks
        part, u, v = self._part(window, (-22, 14), (-30, -2) if side < 0 else (2, 30))
        u, v = side * u - looks.eye_gap, v - looks.eye_y
        opening = 4.3 * (1 + OPEN * self.lids) * (1 - 0.95 * self.blink)
        arch = 1 - np.square(u / looks.eye_width)
        inside = np.maximum(arch, 0)
        top = v + opening * inside - 0.06 * u
        low = v - (1.0 + 0.32 * opening) * inside - 0.06 * u
        ball = coverage(np.maximum(np.maximum(-top, low), -3 * arch), 1.2)
        shade(part, 1 - 0.20 * bump(u, v + 1, 11, 8))
        paint(part, ball, WHITE)
        iris_x, iris_y = u - side * self.gaze[0], v + 0.9 - self.gaze[1]
        reach = np.sqrt(iris_x * iris_x + iris_y * iris_y)
        paint(part, ball * coverage(reach - 4.1, 1.2), looks.iris)
        paint(part, ball * coverage(reach - 1.9), DARK)
        paint(part, ball * coverage(ellipse(iris_x - 1.3 * side, iris_y + 1.4, 1.1, 1.1)), WHITE)
        shade(part, 1 - 0.30 * ball * coverage(top - 1.6, 3))
        lash = np.maximum(np.abs(top + 0.2) - 0.85, np.abs(u) - looks.eye_width - 0.8)
        paint(part, 0.9 * coverage(lash, 1.2), DARK)
        crease = np.maximum(np.abs(top + 2.6) - 0.4, np.abs(u) - looks.eye_width)
        paint(part, 0.35 * coverage(crease, 1.5), looks.skin * 0.45)

    def _brow(self, window: Pixels, side: int) -> None:
        looks = self.looks
        part, u, v = self._part(window, (-40, -2), (-34, -1) if side < 0 else (1, 34))
        u = side * u - looks.eye_gap
        along = (u + 9.5) / 20  # 0 at the inner end, 1 at the outer
        middle = v - looks.eye_y + 13.5 + RAISE * self.brows
        line = middle + TILT * self.tilt * (0.9 - 1.6 * along) - 9 * np.square(along - 0.45) + 1
        thickness = looks.brow * (1.25 - 0.7 * along)
        shape = np.maximum(np.abs(line) - thickness, (np.abs(along - 0.5) - 0.5) * 20)
        paint(part, 0.92 * coverage(shape, 1.3), looks.hair * BROWN)

    def _glasses(self, window: Pixels, side: int) -> None:
        looks = self.looks
        if looks.glasses == "none":
            return
        part, u, v = self._part(window, (-22, 18), (-38, 1) if side < 0 else (-1, 38))
        u, v = side * u - looks.eye_gap, v - looks.eye_y - 1
        corner = 11 if looks.glasses == "round" else 4
        edge = box(u, v, 11.6, 11 if looks.glasses == "round" else 9, corner)
        paint(part, 0.10 * coverage(edge), WHITE)
        bridge = np.maximum(np.abs(v + 2 + 0.02 * u * u - 2.5) - 0.7, u + 11)
        stem = np.maximum(np.abs(v + 3) - 0.8, 11 - u)
        frame = np.minimum(np.minimum(np.abs(edge) - 0.75, bridge), stem)
        paint(part, coverage(frame), DARK + 0.12 * looks.cover)

    def _hair(self, window: Pixels) -> None:
        """Draw the hair in front: within the skull's outline, enlarged, and above the style's hairline."""
        looks = self.looks
        rows = slice(0, TOP + (44 if looks.style == "long" else 12))
        part, u, v = window[:, :, rows], self.u[:, rows] - 0.5 * self.yaw, self.v[:, rows]
        volume = {"buzz": 1.2, "curly": 1.25 * looks.volume + 2}.get(looks.style, looks.volume)
        outer = ellipse(u, v + 1, looks.width + 0.6 * volume, looks.height + volume)
        if looks.style == "curly":
            outer = outer + 2.2 * np.sin(0.42 * u + looks.curl) * np.sin(0.42 * v + 2 * looks.curl)
        shape = np.maximum(outer, v - self._hairline(u))
        if looks.style == "long":
            side = np.maximum(looks.width - 3.5 - np.abs(u) + 0.10 * np.abs(v - 10), v - 40)
            strands = np.maximum(side, np.abs(u) - looks.width - 0.6 * volume)
            shape = np.where(v < -4, shape, np.minimum(shape, strands))
        streaks = 1 + 0.10 * np.sin(0.9 * u + 0.012 * u * v + looks.curl)
        gloss = 0.22 * bump(u - 12 * self.light[0], v + looks.height - 8, 22, 7)
        alpha = coverage(shape, 1.6) * (0.75 if looks.style == "buzz" else 1)
        paint(part, alpha, looks.hair[:, None, None, None] * (streaks + gloss))

    def _hairline(self, u: Layer) -> Layer:
        """Return how far down hair comes at each u: never to a raised brow."""
        looks = self.looks
        side = np.square(u / looks.width)
        brow = -looks.height
        sideburn = 30 * side * side
        match looks.style:
            case "fringe":
                return brow + 13 + 0.8 * np.sin(0.8 * u + looks.curl) + sideburn
            case "side":
                return brow + 10 + 5 * looks.part * u / looks.width + sideburn
            case "curly":
                return brow + 11 + 1.5 * np.sin(0.5 * u + looks.curl) + 1.2 * sideburn
            case "long":
                return brow + 8 + 4 * looks.part * u / looks.width + 34 * side * side
            case _:
                return brow + 9.5 + sideburn


def bounded(cue: NDArray) -> NDArray:
    """Return a cue bent smoothly towards +-BOUND."""
    return cue / np.sqrt(1 + np.square(cue / BOUND))


def _column(course: NDArray) -> Layer:
    return np.asarray(course, np.float32)[:, None, None]
