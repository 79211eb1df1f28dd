"""One face is found, followed, aligned, and lost when it is gone."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import jcalib.media.faces
from jcalib.media import Cascades, FaceFrame, align_face, find_detector, read_faces, write_video
from jcalib.settings import UserError
from tests.media.drawn_faces import Told, backgrounds, moving

SHARED = Path(__file__).parents[3] / "shared"
YUNET = SHARED / "weights" / "face_detection_yunet_640.onnx"
SOUNDLESS = np.zeros(0, np.float32)


def followed(path: Path, pictures: list[np.ndarray]) -> list[FaceFrame]:
    write_video(path, pictures, 25, SOUNDLESS)
    return list(read_faces(path, Cascades()))


def likeness(crop: np.ndarray, expected: np.ndarray) -> float:
    inner = np.s_[16:96, 16:96]
    return float(np.corrcoef(crop[inner].ravel(), expected[inner].ravel())[0, 1])


@pytest.mark.parametrize(
    ("height", "width", "scale"), [(360, 640, 2.0), (640, 360, 1.5), (144, 192, 1.0), (1080, 1920, 5.0)]
)
def test_a_drawn_face_is_followed_and_aligned(tmp_path: Path, height: int, width: int, scale: float) -> None:
    pictures, eyes = moving(height, width, 30, scale)
    frames = followed(tmp_path / "a.mp4", pictures)
    assert [frame.index for frame in frames] == list(range(30))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(30) / 25, atol=1e-4)
    found = [frame for frame in frames if frame.crop is not None]
    assert len(found) >= 25
    for frame in found:
        assert frame.crop is not None and frame.crop.shape == (112, 112, 3) and frame.crop.dtype == np.uint8
        assert frame.box is not None
        x, y, w, h = frame.box
        inside = (eyes[frame.index] > (x, y)) & (eyes[frame.index] < (x + w, y + h))
        assert inside.all(), f"frame {frame.index}: the eyes are not in the box"
        assert likeness(frame.crop, align_face(pictures[frame.index], eyes[frame.index])) > 0.65


def test_no_face_gives_none_throughout(tmp_path: Path) -> None:
    frames = followed(tmp_path / "a.mp4", list(backgrounds(180, 320, 30)))
    assert len(frames) == 30 and all(frame.crop is None and frame.box is None for frame in frames)


def test_the_same_video_gives_the_same_crops(tmp_path: Path) -> None:
    pictures, _ = moving(360, 640, 20, 2.0)
    one = followed(tmp_path / "a.mp4", pictures)
    for before, after in zip(one, read_faces(tmp_path / "a.mp4", Cascades()), strict=True):
        np.testing.assert_array_equal(before.crop, after.crop)


def test_frames_are_taken_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def endless(video: str) -> Iterator[tuple[float, np.ndarray]]:
        index = 0
        while True:
            taken.append(index)
            yield index / 25, np.full((90, 160, 3), index, np.uint8)
            index += 1

    monkeypatch.setattr(jcalib.media.faces, "read_frames", endless)
    assert len(list(islice(read_faces("endless.mp4", Told([[]] * 12)), 12))) == 12
    assert taken == list(range(12))


def test_large_faces_are_averaged_down() -> None:
    fine = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (400, 400))
    crop = align_face(fine, np.array([(250.0, 300.0), (550.0, 300.0)]))
    assert crop.std() < 12  # a picture of single pixels would be black and white


def test_crops_have_their_eyes_where_all_have_them() -> None:
    eyes = np.array([(100.0, 80.0), (140.0, 110.0)])
    picture = np.zeros((200, 240, 3), np.uint8)
    for x, y in eyes.astype(int):
        picture[y - 2 : y + 3, x - 2 : x + 3] = (250, 20, 20)
    crop = align_face(picture, eyes).astype(float)
    for half, expected in [(np.s_[:, :56], (38.3, 51.7)), (np.s_[:, 56:], (73.5, 51.5))]:
        weight = crop[..., 0][half]
        rows, columns = np.indices(weight.shape)
        left = 0 if expected[0] < 56 else 56
        assert (columns * weight).sum() / weight.sum() + left == pytest.approx(expected[0], abs=0.5)
        assert (rows * weight).sum() / weight.sum() == pytest.approx(expected[1], abs=0.5)


def test_the_detector_is_chosen_by_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    assert find_detector().name == "cascades"
    with pytest.raises(UserError, match=r"yunet\.onnx is not a file: name YuNet"):
        find_detector(tmp_path / "yunet.onnx")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "face_detection_yunet_640.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be loaded") as error:
        find_detector()
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not YUNET.exists(), reason="YuNet's file is not at hand")
def test_yunet_and_the_cascades_agree() -> None:
    pictures, _ = moving(360, 640, 1, 2.0)
    yunet, cascades = (detector(pictures[0])[0].eyes for detector in (find_detector(YUNET), Cascades()))
    assert yunet is not None and cascades is not None
    assert np.abs(yunet - cascades).max() < 0.15 * np.linalg.norm(cascades[1] - cascades[0])


@pytest.mark.skipif(not (SHARED / "media").exists(), reason="the real recordings are not at hand")
@pytest.mark.parametrize("name", ["grid_bbaf2n", "grid_lwbsza"])
def test_a_real_face(name: str) -> None:
    frames = list(read_faces(SHARED / "media" / f"{name}.mpg", Cascades()))
    assert len(frames) == 75 and all(frame.crop is not None for frame in frames)
    boxes = np.array([frame.box for frame in frames])
    assert np.ptp(boxes[:, 0]) < 40 and (boxes[:, 2] > 90).all()
