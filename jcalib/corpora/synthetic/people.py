"""Persons: how one looks and sounds, drawn from a seed and from nothing else."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[Any]  # (3,) RGB in [0, 1], single precision

SKIN = ("f6dcc8", "f0c8a8", "e6b48c", "d69e72", "c08456", "a4683f", "82502f", "633a22")
DARK_HAIR = ("17130f", "2a1c14", "3f2818", "55402e")
LIGHT_HAIR = ("6d4526", "94602f", "c49552", "dcc083", "8f3b1c", "9c9993")
EYES = ("3a2414", "54351c", "5f6b34", "4d7ba6", "6b8f71", "75828c")
CLOTHES = ("b8433c", "2f5d7c", "3d7a5a", "d9a441", "6b4f82", "33373d", "d8d4cb", "c96f4a", "4a8f9c", "8a2f4f")
WALLS = ("cfd8dc", "b9c7b0", "d9c9b4", "a8b8c8", "c8b6c6", "8fa3a0", "7d8794", "d6c08f", "9fb5d1", "b38f7d")
STYLES = ("short", "side", "fringe", "long", "curly", "bun", "buzz")


@dataclass(frozen=True)
class Looks:
    """A face and what is around it; lengths in pixels of the scene, colours in [0, 1]."""

    skin: Colour
    hair: Colour
    lips: Colour
    iris: Colour
    clothes: Colour
    walls: Colour  # (2, 3)
    cover: Colour
    style: str
    width: float
    height: float
    jaw: float
    eye_gap: float
    eye_width: float
    eye_y: float
    brow: float
    nose_width: float
    nose_y: float
    mouth_width: float
    mouth_y: float
    lip: float
    volume: float
    part: float
    curl: float
    glasses: str
    beard: float
    freckles: float
    collar: float
    warmth: float
    things: int  # seed of what hangs on the wall


@dataclass(frozen=True)
class Throat:
    """A voice and the room it sounds in; frequencies in Hz, levels in dB."""

    pitch: float
    tract: float  # scale of all formants
    tilt: float
    breath: float
    rate: float
    jitter: float
    echo: float  # s
    wetness: float
    hum: float  # level of the background


@dataclass(frozen=True)
class Person:
    """Who is seen and heard in a recording."""

    looks: Looks
    throat: Throat


def draw_person(rng: np.random.Generator) -> Person:
    """Draw a person.

    Args:
        rng: a generator that serves nothing else, so that a person is independent of labels and episodes.
    """
    return Person(_draw_looks(rng), _draw_throat(rng))


def _colour(code: str) -> Colour:
    return np.frombuffer(bytes.fromhex(code), np.uint8).astype(np.float32) / 255


def _pick(rng: np.random.Generator, codes: tuple[str, ...], spread: float = 0.03) -> Colour:
    """Return one of the colours, a little changed."""
    shift = rng.normal(0, spread, 3) * 0.4 + rng.normal(0, spread)
    return np.clip(_colour(str(rng.choice(codes))) + shift, 0.02, 0.98).astype(np.float32)


def _draw_looks(rng: np.random.Generator) -> Looks:
    tone = rng.beta(1, 1.4) * (len(SKIN) - 1)
    below = int(tone)
    skin = _colour(SKIN[below]) * (1 - tone % 1) + _colour(SKIN[below + 1]) * (tone % 1)
    light = tone < 4 and rng.random() < 0.6
    bearded = rng.random() < 0.3
    style = str(rng.choice(["short", "side", "curly", "buzz"] if bearded else STYLES))
    dark = np.clip((tone - 2) / 3, 0, 1)
    rosy = (1 - dark) * np.array([-0.03, -0.24, -0.20]) + dark * np.array([0.09, -0.02, 0.0])
    return Looks(
        skin=skin.astype(np.float32),
        hair=_pick(rng, LIGHT_HAIR if light else DARK_HAIR, 0.02),
        lips=np.clip(skin + rosy * rng.uniform(0.7, 1.3), 0.05, 1).astype(np.float32),
        iris=_pick(rng, EYES if tone < 4 else EYES[:2]),
        clothes=_pick(rng, CLOTHES),
        walls=np.stack([_pick(rng, WALLS, 0.06), _pick(rng, WALLS, 0.06)]),
        cover=_pick(rng, CLOTHES + WALLS),
        style=style,
        width=rng.uniform(31, 35),
        height=rng.uniform(40, 44),
        jaw=rng.uniform(0.08, 0.26),
        eye_gap=rng.uniform(13.8, 15.8),
        eye_width=rng.uniform(7.2, 8.6),
        eye_y=rng.uniform(-5, -2.5),
        brow=rng.uniform(1.2, 2.1),
        nose_width=rng.uniform(4.2, 6.4),
        nose_y=rng.uniform(10, 13),
        mouth_width=rng.uniform(11, 13.5),
        mouth_y=rng.uniform(23.5, 26),
        lip=rng.uniform(1.3, 2.9) * (0.8 if bearded else 1),
        volume=rng.uniform(4, 8),
        part=float(rng.choice([-1, 1])) * rng.uniform(0.3, 1),
        curl=rng.uniform(0, 2 * np.pi),
        glasses=str(rng.choice(["none", "round", "square"], p=[0.7, 0.16, 0.14])),
        beard=rng.uniform(0.35, 0.9) if bearded else 0.0,
        freckles=rng.uniform(0.3, 0.8) if tone < 3 and rng.random() < 0.35 else 0.0,
        collar=rng.uniform(0, 1),
        warmth=rng.normal(0.01, 0.025),
        things=int(rng.integers(2**31)),
    )


def _draw_throat(rng: np.random.Generator) -> Throat:
    # A long tract goes with a deep voice, as in people: formants tell a listener what pitch is usual here.
    size = rng.uniform(-1, 1)
    return Throat(
        pitch=float(165 * np.exp(0.3 * size + rng.normal(0, 0.05))),
        tract=float(np.exp(0.1 * size + rng.normal(0, 0.015))),
        tilt=rng.normal(0, 0.5),
        breath=rng.uniform(-42, -34),
        rate=rng.uniform(3.9, 4.4),
        jitter=rng.uniform(0.004, 0.012),
        echo=rng.uniform(0.05, 0.25),
        wetness=rng.uniform(0.05, 0.3),
        hum=rng.uniform(-52, -40),
    )
