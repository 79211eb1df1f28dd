"""What a face does in each frame: the four cues, and movements, light and gaze that mean nothing."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from jcalib.corpora.synthetic.latents import Causes

Course = NDArray[np.float32]  # (T,)

SLIDE = 0.2  # s in which the occluder comes and goes
BLINK = 0.07  # s, half the length of a blink


@dataclass(frozen=True)
class FaceState:
    """All that moves in a scene, one value a frame; cues in standard deviations, lengths in pixels.

    Attributes:
        smile, lids, tilt, brows: the cues (mouth curvature, eye opening, inner brow ends, brow height).
        x, y, roll, yaw: head position about the scene's middle, angle in radians, shift of the features.
        light_x, light_y, exposure: direction of the light and brightness.
        blink, opening: closing of the lids and of the lips, 0 to 1.
        gaze_x, gaze_y, drift: shift of the irises and of the background.
        cover: 1 where the occluder hides the face.
    """

    smile: Course
    lids: Course
    tilt: Course
    brows: Course
    x: Course
    y: Course
    roll: Course
    yaw: Course
    light_x: Course
    light_y: Course
    exposure: Course
    blink: Course
    opening: Course
    gaze_x: Course
    gaze_y: Course
    drift: Course
    cover: Course

    def __len__(self) -> int:
        return len(self.smile)

    def part(self, frames: slice) -> "FaceState":
        """Return the state of some frames."""
        return FaceState(*(getattr(self, field.name)[frames] for field in fields(self)))


def face_state(causes: Causes, rng: np.random.Generator) -> FaceState:
    """Return what the face shows: the cues of `causes`, among nuisances drawn from `rng` alone."""
    time = causes.time

    def wander(spread: float, fastest: float = 0.4) -> NDArray:
        return spread * wandering(time, fastest, rng)

    return _single(
        smile=causes.face_cue[:, 0],
        lids=causes.face_cue[:, 1],
        tilt=causes.face_synergy_cue[:, 0],
        brows=causes.face_synergy_cue[:, 1],
        x=rng.normal(0, 2) + wander(2.5),
        y=rng.normal(0, 1.5) + wander(1.5),
        roll=rng.normal(0, 0.03) + wander(0.05),
        yaw=wander(1.3),
        light_x=rng.choice([-1, 1]) * rng.uniform(0.3, 1) + wander(0.3, 0.15),
        light_y=-0.4 + wander(0.2, 0.15),
        exposure=1 + wander(0.05, 0.2),
        blink=_blinks(time, rng),
        opening=_speech(time, rng),
        gaze_x=wander(0.7, 1.0),
        gaze_y=wander(0.4, 1.0),
        drift=wander(4, 0.15),
        cover=_slide(causes),
    )


def _single(**courses: NDArray) -> FaceState:
    return FaceState(**{name: np.asarray(course, np.float32) for name, course in courses.items()})


def wandering(time: NDArray, fastest: float, rng: np.random.Generator, harmonics: int = 6) -> NDArray:
    """Return a smooth random course of unit variance (in expectation) with nothing above `fastest` Hz."""
    frequencies = rng.uniform(0.02, fastest, harmonics)
    phases = rng.uniform(0, 2 * np.pi, harmonics)
    angles = 2 * np.pi * frequencies[:, None] * time + phases[:, None]
    return np.cos(angles).sum(axis=0) * np.sqrt(2 / harmonics)


def _blinks(time: NDArray, rng: np.random.Generator) -> NDArray:
    moments = np.cumsum(rng.gamma(4, 1.2, size=4 + int(time[-1])))
    return np.exp(-(((time - moments[:, None]) / BLINK) ** 4)).max(axis=0)


def _speech(time: NDArray, rng: np.random.Generator) -> NDArray:
    """Return lips that talk; their rhythm is not the voice's, which would show the voice's cue in the face."""
    rhythm = 0.5 + 0.5 * np.sin(2 * np.pi * 3.6 * time + 2.5 * wandering(time, 0.8, rng))
    return rhythm * np.clip(0.55 + 0.3 * wandering(time, 0.7, rng), 0, 1)


def _slide(causes: Causes) -> NDArray:
    """Return the occluder's way up: all the way by the first covered frame, down after the last."""
    covered = causes.face_covered
    if not covered.any():
        return np.zeros(len(covered))
    away = np.abs(causes.time[:, None] - causes.time[covered]).min(axis=1)
    return np.clip(1 - away / SLIDE, 0, 1) ** 2
