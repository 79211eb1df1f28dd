"""Labels, crops, frames and sound stay together from the folder to what the encoders see, within one frame.

A recording flashes in one frame, clicks half a frame before it, and its annotation marks the same frame.
"""

from pathlib import Path

import numpy as np
import pytest

from jcalib.corpora import Recording, open_corpus
from jcalib.inputs import clip_inputs, clip_labels, clip_times
from jcalib.media import frame_times, read_frames, write_picture
from tests.builders import RATE, square_face, tiny_corpus, write_stamped

FRAMES, FLASH = 90, 61
OFFSET = 0.2  # seconds by which the sound begins after the pictures
HOP = 441 / RATE  # seconds of a log-mel column


def variable(rng: np.random.Generator) -> np.ndarray:
    return np.cumsum(rng.choice([0.02, 0.033, 0.04, 0.08], FRAMES)) - 0.02


CLOCKS = {
    "23.976": np.arange(FRAMES) / 23.976,
    "25": np.arange(FRAMES) / 25,
    "29.97": np.arange(FRAMES) / 29.97,
    "30": np.arange(FRAMES) / 30,
    "variable": variable(np.random.default_rng(3)),
}


def add_flash(root: Path, name: str, clock: np.ndarray) -> None:
    """Writes the recording into a corpus."""
    path = root / "videos" / f"{name}.mkv"
    click = click_of(clock)
    sound = np.zeros(round((clock[-1] + 0.5 - OFFSET) * RATE), np.float32)
    at = round((click - OFFSET) * RATE)
    sound[at : at + 40] = 0.9
    brightness = [float(frame == FLASH) for frame in range(FRAMES)]
    write_stamped(path, clock, [(OFFSET, sound)], brightness)
    crops = root / "cropped_aligned" / name
    crops.mkdir()
    for frame, light in enumerate(brightness):
        write_picture(crops / f"{frame + 1:05d}.jpg", square_face(light))
    rows = ["valence,arousal", *("0.9,0.9" if frame == FLASH else "-0.5,-0.5" for frame in range(FRAMES))]
    annotation = root / "annotations" / "VA_Estimation_Challenge" / "Validation_Set" / f"{name}.txt"
    annotation.parent.mkdir(exist_ok=True)
    annotation.write_text("\n".join(rows) + "\n")


def click_of(clock: np.ndarray) -> float:
    return float(clock[FLASH - 1] + clock[FLASH]) / 2


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recording]:
    root = tiny_corpus(tmp_path_factory.mktemp("corpora") / "corpus", train=2, validation=0, frames=32)
    for name, clock in CLOCKS.items():
        add_flash(root, name, clock)
    return {one.name: one for one in open_corpus(root, "smoke").with_role("report")}


@pytest.mark.parametrize("rate", CLOCKS)
def test_flash_click_and_label_meet_in_one_clip(recordings: dict[str, Recording], rate: str) -> None:
    recording, clock, click = recordings[rate], CLOCKS[rate], click_of(CLOCKS[rate])
    assert recording.length == FRAMES

    shown = [time for time, picture in read_frames(recording.video) if picture[32, 32].mean() > 200]
    assert shown == [pytest.approx(clock[FLASH], abs=0.002)]
    assert frame_times(recording.video)[FLASH] == pytest.approx(shown[0], abs=1e-6)
    assert clip_times(recording)[FLASH] == shown[0]

    ends = np.arange(FLASH - 2, FLASH + 3)
    marked = clip_labels(recording, ends)[:, 0] > 0
    assert marked.tolist() == [False, False, True, False, False]
    clips = clip_inputs(recording, ends)
    last = clips.pictures[:, -1, 56, 56].mean(axis=-1) > 200
    assert last.tolist() == [False, False, True, False, False]

    energy = clips.log_mel.max(axis=1)  # (5, 107)
    heard = energy.max(axis=1) > energy.min() + 1
    assert heard.tolist() == [False, False, True, True, True]
    for end, columns in zip(ends[2:], energy[2:], strict=True):
        ago = (106 - np.argmax(columns)) * HOP  # columns are centred; the last lies at the clip's end
        assert ago == pytest.approx(clock[end] - click, abs=1.6 * HOP)
    assert (106 - np.argmax(energy[2])) * HOP <= clock[FLASH] - clock[FLASH - 1]
