"""The embedded corpus is whole when it is opened: what is missing or empty is rendered again, and only that."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jcalib.corpora import find_synthetic, open_corpus
from jcalib.settings import Split, preset

NAMES = ("person_001", "person_002", "person_003")
SETTINGS = preset("smoke").corpus.changed(
    split=Split(encoder=1, fusion=1, selection=0, report=1), seconds=3, face_loss=0.3
)
SMALL = preset("smoke", corpus=SETTINGS)
TRAIN = "annotations/VA_Estimation_Challenge/Train_Set"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(home))
        open_corpus("synthetic", SMALL)
        return find_synthetic(SETTINGS)


@pytest.fixture
def corpus(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    return Path(shutil.copytree(rendered, find_synthetic(SETTINGS)))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(folder: Path) -> dict[str, int]:
    """When each recording's video was written."""
    return {path.stem: path.stat().st_mtime_ns for path in (folder / "videos").iterdir()}


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no pictures": lambda root: shutil.rmtree(root / "cropped_aligned/person_002"),
    "one picture less": lambda root: min((root / "cropped_aligned/person_002").iterdir()).unlink(),
    "no video": lambda root: (root / "videos/person_002.mp4").unlink(),
    "an empty video": lambda root: (root / "videos/person_002.mp4").write_bytes(b""),
    "no labels": lambda root: (root / TRAIN / "person_002.txt").unlink(),
    "empty labels": lambda root: (root / TRAIN / "person_002.txt").write_bytes(b""),
    "fewer labels": lambda root: (root / TRAIN / "person_002.txt").write_text("valence,arousal\n0.1,0.2\n"),
    "no truth": lambda root: (root / "truth/person_002.npz").unlink(),
    "an empty truth": lambda root: (root / "truth/person_002.npz").write_bytes(b""),
    "a cut truth": lambda root: (root / "truth/person_002.npz").write_bytes(b"PK\x03\x04"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_recording_is_rendered_again_with_the_same_bytes(corpus: Path, rendered: Path, damage: str) -> None:
    before = written(corpus)
    DAMAGES[damage](corpus)
    opened = open_corpus("synthetic", SMALL)
    assert tuple(one.name for one in opened.recordings) == NAMES and not opened.notes
    assert contents(corpus) == contents(rendered)
    assert [name for name, moment in written(corpus).items() if moment != before.get(name)] == ["person_002"]


def test_settings_that_cannot_be_read_are_written_again(corpus: Path, rendered: Path) -> None:
    before = written(corpus)
    (corpus / "corpus.json").write_text('{"split": ')
    assert open_corpus("synthetic", SMALL).settings == SETTINGS
    assert contents(corpus) == contents(rendered) and written(corpus) == before


def test_a_whole_corpus_is_left_as_it_is(corpus: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (corpus, *corpus.rglob("*"))}
    open_corpus("synthetic", SMALL)
    assert {path: path.stat().st_mtime_ns for path in (corpus, *corpus.rglob("*"))} == before
