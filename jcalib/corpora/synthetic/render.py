"""Recordings rendered to files in Aff-Wild2's layout, in parallel, each from its own seed (design 7 and 9)."""

import os
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
from loky import ProcessPoolExecutor
from numpy.typing import NDArray

from jcalib.corpora.embedded import SETTINGS_FILE, annotation_path, missing_recordings, recording_name
from jcalib.corpora.synthetic.latents import Causes, draw_causes
from jcalib.corpora.synthetic.motion import FaceState, face_state
from jcalib.corpora.synthetic.people import Person, draw_person
from jcalib.corpora.synthetic.regimes import regime_settings
from jcalib.corpora.synthetic.scene import crop, draw, middles
from jcalib.corpora.synthetic.voice import RATE, speak
from jcalib.files import replacing, replacing_folder, write_json
from jcalib.media import write_picture, write_video
from jcalib.progress import stage
from jcalib.settings import CorpusSettings

SECTION = 64  # frames drawn at a time
INVALID = -5  # Aff-Wild2's mark of a frame that nobody could annotate
UNANNOTATED_SHARE = 0.3  # of the recordings have one stretch without labels
UNANNOTATED = (0.5, 1.5)  # s


class Script:
    """All that a recording is rendered from, drawn from the corpus's seed and the recording's number.

    Attributes:
        name: "person_001" for number 0.
        person: who is seen and heard.
        causes: latents, cues, episodes and labels.
        face: what the face does in each frame.
    """

    def __init__(self, settings: CorpusSettings, number: int) -> None:
        seeds = np.random.SeedSequence([settings.seed, number]).spawn(5)
        person, causes, face, self._voice, self._annotators = seeds
        self.name = recording_name(number)
        self.person: Person = draw_person(np.random.default_rng(person))
        self.causes: Causes = draw_causes(regime_settings(settings), np.random.default_rng(causes))
        self.face: FaceState = face_state(self.causes, np.random.default_rng(face))

    def scenes(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the (H, W, 3) pictures of the whole scene, one a frame."""
        for start in range(0, len(self.face), SECTION):
            pixels = draw(self.person.looks, self.face.part(slice(start, start + SECTION)))
            yield from (pixels * 255 + 0.5).astype(np.uint8, order="C")

    def sound(self) -> NDArray[np.float32]:
        """Return the soundtrack (S,) at `voice.RATE`."""
        return speak(self.person.throat, self.causes, np.random.default_rng(self._voice))

    def annotation(self) -> NDArray[np.float64]:
        """Return (T, 2) labels, INVALID in a short stretch of some recordings."""
        rng = np.random.default_rng(self._annotators)
        labels = self.causes.labels.copy()
        if rng.random() < UNANNOTATED_SHARE:
            length = rng.uniform(*UNANNOTATED) / self.causes.time[-1] * len(labels)
            start = rng.uniform(0, max(len(labels) - length, 1))
            labels[int(start) : int(start + length)] = INVALID
        return labels


def render_recording(settings: CorpusSettings, number: int, folder: Path) -> None:
    """Render one recording, each of its files whole or not at all.

    Args:
        settings: the corpus. A recording depends on its seed, regime and knobs, not on how many others there are.
        number: 0 for the first recording.
        folder: the corpus's root.
    """
    script = Script(settings, number)
    lost, centres = script.causes.face_lost, middles(script.face)
    faces = folder / "cropped_aligned" / script.name

    def scenes_and_crops(crops: Path) -> Iterator[NDArray[np.uint8]]:
        for frame, scene in enumerate(script.scenes()):
            if not lost[frame]:
                write_picture(crops / f"{frame + 1:05d}.jpg", crop(scene, centres[frame]))
            yield scene

    with replacing_folder(faces) as crops, replacing(folder / "videos" / f"{script.name}.mp4") as video:
        write_video(video, scenes_and_crops(crops), settings.fps, script.sound(), RATE)
    with replacing(folder / "truth" / f"{script.name}.npz") as truth, truth.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **_compact(script.causes.truth()))
    with replacing(annotation_path(settings, number, folder)) as text:
        np.savetxt(text, script.annotation(), "%.4f", ",", header="valence,arousal", comments="")


def build(settings: CorpusSettings, folder: Path) -> None:
    """Render a corpus in parallel processes; a recording that is whole already is not rendered again.

    Args:
        settings: the corpus; its regime is applied here.
        folder: the corpus's root. `corpus.json`, with the settings, is written when all recordings are there.
    """
    numbers = range(settings.split.persons)
    missing = missing_recordings(settings, folder)
    workers = min(os.cpu_count() or 1, len(missing))
    with stage("render corpus", len(numbers)) as progress:
        progress.advance(len(numbers) - len(missing))
        if missing:
            with ProcessPoolExecutor(workers, timeout=10) as pool:  # s, after which those of a killed parent end
                for _ in pool.map(render_recording, repeat(settings), missing, repeat(folder)):
                    progress.advance()
        progress.note(f"{len(numbers)} recordings, {settings.seconds:g} s each")
    write_json(folder / SETTINGS_FILE, settings.model_dump(mode="json"))


def _compact(truth: dict[str, NDArray]) -> dict[str, NDArray]:
    """Return courses in single precision, time as it is."""
    return {
        name: value if name == "time" or value.dtype == bool else value.astype(np.float32)
        for name, value in truth.items()
    }
