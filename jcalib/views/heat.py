"""Colours of signed maps over pictures: red and light raises, blue and dark lowers; the sign is there in grey too."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from jcalib.explain.methods import AT_A_LAYER
from jcalib.explain.playback import LEVELS, PERCENTILE

if TYPE_CHECKING:
    from jcalib.explain import Playback

UP, DOWN = (255, 156, 126), (10, 36, 140)
DARK, LIGHT = 70, 162  # greys of what lies under a map: without colour, UP is still lighter and DOWN darker


def blend(ground: np.ndarray, maps: np.ndarray, opacity: float = 1.0) -> np.ndarray:
    """Lay a map over a picture: the stronger it is, the less of the picture shines through.

    Args:
        ground: uint8 (H, W, 3).
        maps: int8 (H, W), -127 to 127.
        opacity: of the strongest, 0 to 1.

    Returns:
        uint8 (H, W, 3).
    """
    alpha = opacity * np.sqrt(np.abs(maps.astype(np.float32)) / LEVELS)[..., None]
    colours = np.where(maps[..., None] > 0, np.array(UP, np.float32), np.array(DOWN, np.float32))
    return (ground + (colours - ground) * alpha).clip(0, 255).astype(np.uint8)


def scaled(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a picture or a map at another size, interpolated linearly between its cells.

    Args:
        picture: (h, w) or (h, w, 3), uint8 or int8.
        size: height and width wanted.
    """
    down, across = (_weights(*pair) for pair in zip(picture.shape, size, strict=False))
    wide = np.tensordot(across, np.tensordot(down, picture.astype(np.float32), (1, 0)), (1, 1)).swapaxes(0, 1)
    return wide.round().astype(picture.dtype)


@lru_cache
def _weights(cells: int, wanted: int) -> np.ndarray:
    """(wanted, cells): how much each cell counts at each place."""
    places = ((np.arange(wanted) + 0.5) * cells / wanted - 0.5).clip(0, cells - 1)
    return np.maximum(1 - np.abs(places[:, None] - np.arange(cells)), 0).astype(np.float32)


def power(value: float) -> str:
    """Write a small number with a power of ten: 4.9·10⁻⁵."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}·10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def colour_ends(playback: "Playback", target: str) -> str:
    """Say at which values the colours of a playback's maps end; nothing of a map that there is not.

    Args:
        playback: whose maps.
        target: which.
    """
    unit, note = ("", "; no unit") if playback.method in AT_A_LAYER else (f" {target}", "")
    voice, face = (f"±{power(limit)}{unit}" for limit in playback.limits[target])
    ends = [f"{face} a place of the face"] * bool(len(playback.face_frames))
    ends += [f"{voice} a cell of the sound"] * bool(playback.heard.any())
    if not ends:
        return ""
    return f"Colours end at {', '.join(ends)}: the {PERCENTILE:g}th percentile over all fusions{note}."


def paled(picture: np.ndarray) -> np.ndarray:
    """Return a picture in middle greys, on which both ends of the map stand out: uint8 (H, W, 3)."""
    grey = picture.astype(np.float32).mean(axis=-1, keepdims=True)
    return np.repeat((DARK + (LIGHT - DARK) * grey / 255).astype(np.uint8), 3, axis=-1)
