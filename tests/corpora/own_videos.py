"""Miniature folders of own recordings: grey videos with crops, or drawn persons whose faces are to be found."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jcalib.corpora.synthetic import Script
from jcalib.corpora.synthetic.scene import crop, middles
from jcalib.corpora.synthetic.voice import RATE as SOUND_RATE
from jcalib.media import write_picture, write_video
from jcalib.settings import preset
from tests.builders import square_face, tone
from tests.media.drawn_faces import drawn

FPS = 25


def by_time(seconds: float, step: float = 0.5) -> str:
    """A rising line: valence -0.8 + 0.1 t, arousal its opposite, at time stamps."""
    stamps = np.arange(0, seconds + step, step)
    rows = [f"{stamp:.3f},{-0.8 + 0.1 * stamp:.4f},{0.8 - 0.1 * stamp:.4f}" for stamp in stamps]
    return "\n".join(["time,valence,arousal", *rows]) + "\n"


def add_grey(root: Path, name: str, annotation: str | None = None, frames: int = 40, sound: bool = True) -> Path:
    """Writes a video without a face, crops of squares beside it, and its annotation; returns the annotation's path."""
    root.mkdir(exist_ok=True)
    pictures = [square_face(0.5, 64)] * frames
    write_video(root / f"{name}.mp4", pictures, FPS, tone(frames / FPS) if sound else np.zeros(0))
    crops = root / "faces" / name
    crops.mkdir(parents=True)
    for frame in range(frames):
        write_picture(crops / f"{frame + 1:05d}.jpg", square_face(0.5))
    path = root / f"{name}.csv"
    path.write_text(by_time(frames / FPS) if annotation is None else annotation)
    return path


def grey_folder(root: Path, names: Sequence[str] = ("a", "b", "c", "d")) -> Path:
    """A folder that has nothing wrong with it."""
    for name in names:
        add_grey(root, name)
    return root


def drawn_folder(root: Path, persons: int = 4, frames: int = 40, width: int = 288) -> Path:
    """Drawn persons in front of a wall, whose faces are to be found; annotated at time stamps."""
    (root / "annotations").mkdir(parents=True)
    for person in range(1, persons + 1):
        scenes = np.full((frames, 144, width, 3), 120, np.uint8)
        scenes[:, :, (width - 144) // 2 : (width + 144) // 2] = drawn(person, frames)[0]
        write_video(root / f"take_{person}.mp4", scenes, FPS, tone(frames / FPS, 200 + 30 * person))
        (root / "annotations" / f"take_{person}.csv").write_text(by_time(frames / FPS))
    return root


def filmed_folder(root: Path, persons: int = 4, seconds: float = 11) -> Path:
    """Drawn persons who move and speak, long enough for a sequence, annotated at time stamps; two are reported.

    Faces of the first one are there as crops, the others' are to be found. Nothing tells that they were drawn.
    """
    (root / "annotations").mkdir(parents=True)
    settings, lines = preset("smoke").corpus.changed(seconds=seconds), ["recording,person,split"]
    for number in range(persons):
        script, name = Script(settings, number), f"talk_{number + 1}"
        write_video(root / f"{name}.mp4", script.scenes(), settings.fps, script.sound(), SOUND_RATE)
        rows = zip(script.causes.time[::5], script.causes.labels[::5], strict=True)
        told = [f"{time:.3f},{valence:.4f},{arousal:.4f}" for time, (valence, arousal) in rows]
        (root / "annotations" / f"{name}.csv").write_text("\n".join(["time,valence,arousal", *told]) + "\n")
        lines.append(f"{name},{'ABCDEFGH'[number]},{'validation' if number < 2 else 'train'}")
        if not number:
            _crops(script, root / "faces" / name)
    (root / "splits.csv").write_text("\n".join(lines) + "\n")
    return root


def _crops(script: Script, folder: Path) -> None:
    folder.mkdir(parents=True)
    for frame, (scene, centre) in enumerate(zip(script.scenes(), middles(script.face), strict=True), 1):
        write_picture(folder / f"{frame:05d}.jpg", crop(scene, centre))
