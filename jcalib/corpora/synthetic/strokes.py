"""Anti-aliased drawing on batches of pictures: shapes as signed distances in pixels, blended by coverage."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Layer = NDArray[Any]  # (B, H, W), single precision
Pixels = NDArray[Any]  # (B, 3, H, W), single precision


@lru_cache
def grid(height: int, width: int) -> tuple[Layer, Layer]:
    """Return x (1, 1, W) and y (1, H, 1) of the pixel centres."""
    x = np.arange(width, dtype=np.float32)[None, None, :]
    y = np.arange(height, dtype=np.float32)[None, :, None]
    return x, y


def coverage(distance: Layer, softness: float = 1.0) -> Layer:
    """Return how much of each pixel lies inside a shape whose signed distance is negative inside."""
    return np.clip(0.5 - distance / softness if softness != 1 else 0.5 - distance, 0, 1)


def paint(pixels: Pixels, alpha: Layer, colour: NDArray) -> None:
    """Blend a colour (3,), or a picture (3, B, H, W), over pixels in place."""
    for channel in range(3):
        layer = pixels[:, channel]
        layer += alpha * (colour[channel] - layer)


def shade(pixels: Pixels, factor: Layer) -> None:
    """Make pixels darker or lighter in place."""
    pixels *= factor[:, None]


def ellipse(x: Layer, y: Layer, half_width: float, half_height: float) -> Layer:
    """Return the distance to an ellipse about 0, exact on its axes."""
    radius = np.sqrt((x / half_width) ** 2 + (y / half_height) ** 2)
    return (radius - 1) * min(half_width, half_height)


def box(x: Layer, y: Layer, half_width: float, half_height: float, corner: float) -> Layer:
    """Return the distance to a box with round corners about 0."""
    dx = np.abs(x) - (half_width - corner)
    dy = np.abs(y) - (half_height - corner)
    outside = np.sqrt(np.maximum(dx, 0) ** 2 + np.maximum(dy, 0) ** 2)
    return outside + np.minimum(np.maximum(dx, dy), 0) - corner


def bump(x: Layer, y: Layer, spread_x: float, spread_y: float) -> Layer:
    """Return a soft spot of height 1 about 0."""
    return np.exp(-((x / spread_x) ** 2) - (y / spread_y) ** 2)
