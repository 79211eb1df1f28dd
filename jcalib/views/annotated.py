"""A video's pictures with what is predicted from them: a box around the face, and traces below with a playhead.

The traces are drawn once for a page of `PAGE` seconds, which then stands while the playhead crosses it.
"""

from typing import TYPE_CHECKING

import numpy as np

from jcalib.views.style import RC, colour, look
from jcalib.views.traces import TARGETS, draw_trace

if TYPE_CHECKING:
    import pandas as pd

PAGE = 20.0  # seconds
WIDTH, STRIP = 800, 224  # pixels of the picture's width and of the traces' height
TALLEST = 600  # pixels of the picture's height
LEFT, RIGHT = 76, 14  # pixels beside the traces
DPI = 100
GROUND, INK, DIM, LINE = "#13161b", "#e6e9ee", "#9aa4b3", "#2b313b"
BOX = (86, 180, 233)
HEAD = (255, 255, 255)


def picture_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of the picture's place above the traces, both even, for a video of some shape."""
    return WIDTH, min(TALLEST, round(WIDTH * height / width / 2) * 2)


class Annotator:
    """Draws a prediction over and under the pictures of its video; call it once a frame, in order.

    Args:
        table: one row a frame, as `Prediction.frame()` gives it.
        boxes: (T, 4) of the face, in pixels of the video's picture, NaN where it is lost.
        fusion: whose colour.
    """

    def __init__(self, table: "pd.DataFrame", boxes: np.ndarray, fusion: str) -> None:
        self._table, self._boxes, self._fusion = table, boxes, fusion
        self._times = table["time"].to_numpy(float)
        self._page = -1
        self._strip = np.zeros((STRIP, WIDTH, 3), np.uint8)

    def __call__(self, index: int, picture: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """Return one frame of the annotated video.

        Args:
            index: the frame's number.
            picture: uint8 (H, W, 3), as decoded; only its size is used.
            shown: uint8 (h, WIDTH, 3), the picture in its place.

        Returns:
            uint8 (h + STRIP, WIDTH, 3).
        """
        seconds = self._times[index] - self._times[0]
        if int(seconds // PAGE) != self._page:
            self._page = int(seconds // PAGE)
            self._strip = self._draw(self._page)
        canvas = np.concatenate([shown, self._strip])
        if np.isfinite(self._boxes[index, 0]):
            _draw_box(canvas[: len(shown)], self._boxes[index], picture.shape)
        here = LEFT + round((seconds - self._page * PAGE) / self._span() * (WIDTH - LEFT - RIGHT))
        canvas[len(shown) + 6 : -26, here - 1 : here + 1] = HEAD
        return canvas

    def _span(self) -> float:
        """Seconds that a page shows: all, where a video is shorter than one."""
        return float(np.clip(self._times[-1] - self._times[0], 1.0, PAGE))

    def _draw(self, page: int) -> np.ndarray:
        """Return a page of traces, uint8 (STRIP, WIDTH, 3)."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        start = self._times[0] + page * PAGE
        near = (self._times >= start - 1) & (self._times <= start + PAGE + 1)
        with look():
            fig = Figure(figsize=(WIDTH / DPI, STRIP / DPI), dpi=DPI, facecolor=GROUND)
            for row, target in enumerate(TARGETS):
                bottom = (26 + (1 - row) * (STRIP - 32) / 2 + 4) / STRIP
                place = (LEFT / WIDTH, bottom, (WIDTH - LEFT - RIGHT) / WIDTH, ((STRIP - 32) / 2 - 8) / STRIP)
                ax = fig.add_axes(place, facecolor=GROUND)
                draw_trace(ax, self._table[near], target, _light(colour(self._fusion)))
                ax.set(xlim=(start, start + self._span()), ylim=(-1.05, 1.05), yticks=[-1, 0, 1])
                ax.set_ylabel(target, color=INK, labelpad=2)
                ax.grid(True, color=LINE)
                ax.spines[:].set_color(LINE)
                ax.tick_params(length=0, labelcolor=DIM, labelsize=RC["xtick.labelsize"], labelbottom=row == 1)
            canvas = FigureCanvasAgg(fig)
            canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _light(rgb: str) -> str:
    """Return a colour half-way to white, so that it stands out on a dark ground."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = (0.55 * value + 0.45 for value in to_rgb(rgb))
    return to_hex((red, green, blue))


def _draw_box(shown: np.ndarray, box: np.ndarray, shape: tuple[int, ...]) -> None:
    """Draw the outline of a face into a picture that is scaled and centred, in place."""
    scale = min(shown.shape[1] / shape[1], shown.shape[0] / shape[0])
    left, top = (shown.shape[1] - shape[1] * scale) / 2, (shown.shape[0] - shape[0] * scale) / 2
    corners = np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]]) * scale + [left, top, left, top]
    x0, y0, x1, y1 = np.clip(np.round(corners), 0, [*shown.shape[1::-1]] * 2).astype(int)
    for rows, columns in (
        (slice(y0, y0 + 2), slice(x0, x1)),
        (slice(max(y1 - 2, 0), y1), slice(x0, x1)),
        (slice(y0, y1), slice(x0, x0 + 2)),
        (slice(y0, y1), slice(max(x1 - 2, 0), x1)),
    ):
        shown[rows, columns] = BOX
