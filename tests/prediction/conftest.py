"""A small run whose encoders were trained on a miniature corpus, and videos in which a drawn face moves and sounds."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from jcalib.corpora import Corpus, open_corpus
from jcalib.media import write_video
from jcalib.prediction import Predictor
from jcalib.settings import Preset, Split, preset
from jcalib.training import Run, extract, fit
from tests.builders import add_recording, tone
from tests.media.drawn_faces import moving

FRAMES = 104  # of a recording: not a multiple of a window


@pytest.fixture(scope="session")
def small() -> Preset:
    """Two clips a window, so that short videos have several windows."""
    smoke = preset("smoke")
    return smoke.changed(
        corpus=smoke.corpus.changed(split=Split(encoder=1, fusion=2, selection=1, report=1)),
        encoder=smoke.encoder.changed(epochs=1, size=32, batch=8),
        training=smoke.training.changed(epochs=2, clips=2, dim=8, rank=4, batch=4),
    )


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, small: Preset) -> Corpus:
    root = tmp_path_factory.mktemp("corpus")
    for number in range(1, 6):
        lost = range(30 + 2 * number, 70)  # a stretch without face, longer than a clip
        sound = tone(FRAMES / 25, 150 + 40 * number)
        add_recording(root, f"p{number}", "Train_Set" if number < 5 else "Validation_Set", FRAMES, None, lost, sound)
    return open_corpus(root, small)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, corpus: Corpus, small: Preset) -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        yield fit("joint", extract(corpus, small, "cpu"), 2, small, device="cpu")


@pytest.fixture
def run(trained: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run, with its home as home."""
    monkeypatch.setenv("JCALIB_HOME", str(trained.folder.parents[1]))
    return trained


@pytest.fixture
def predictor(run: Run) -> Predictor:
    return Predictor(run, "cpu")


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a video of a drawn face with a tone."""

    def write(
        name: str = "clip.mp4", frames: int = 40, height: int = 180, width: int = 320, sound: bool = True
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures, _ = moving(height, width, frames, min(height, width) / 180)
        write_video(path, pictures, 25, tone(frames / 25) if sound else np.zeros(0, np.float32))
        return path

    return write
