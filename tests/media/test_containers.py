"""Frames come back with their content and their times."""

from pathlib import Path

import av
import numpy as np
import pytest

from jcalib.media import frame_times, probe, read_frames, write_video
from jcalib.settings import UserError
from tests.builders import square_face, tone, write_stamped

GRID = Path(__file__).parents[3] / "shared" / "media" / "grid_bbaf2n.mpg"


@pytest.mark.parametrize("fps", [25.0, 23.976, 30.0])
def test_frames_come_back(tmp_path: Path, fps: float) -> None:
    brightness = np.linspace(0.1, 0.9, 40)
    write_video(tmp_path / "a.mp4", (square_face(value, 64) for value in brightness), fps, tone(40 / fps))
    decoded = list(read_frames(tmp_path / "a.mp4"))
    np.testing.assert_allclose([time for time, _ in decoded], np.arange(40) / fps, atol=1e-4)
    np.testing.assert_allclose([picture[32, 32].mean() / 255 for _, picture in decoded], brightness, atol=0.02)
    assert decoded[0][1].shape == (64, 64, 3) and decoded[0][1].dtype == np.uint8


def test_times_without_decoding_are_the_decoded_ones(tmp_path: Path) -> None:
    times = [0.5, 0.54, 0.58, 0.7, 0.71, 0.9, 1.4]
    write_stamped(tmp_path / "variable.mkv", times)
    np.testing.assert_allclose(frame_times(tmp_path / "variable.mkv"), times, atol=1e-9)
    np.testing.assert_allclose([time for time, _ in read_frames(tmp_path / "variable.mkv")], times, atol=1e-9)


def test_colours_keep_their_places(tmp_path: Path) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, :32, 0] = picture[:32, 32:, 1] = picture[32:, :32, 2] = 250
    write_video(tmp_path / "a.mp4", [picture] * 3, 25, np.zeros(0))
    _, decoded = next(read_frames(tmp_path / "a.mp4"))
    for channel, (row, column) in enumerate([(16, 16), (16, 48), (48, 16)]):
        assert decoded[row, column].argmax() == channel and decoded[row, column, channel] > 200


def test_probe_reads_the_header(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [square_face(0.5, 64)] * 50, 25, tone(2))
    assert probe(tmp_path / "a.mp4") == (50, pytest.approx(2.0))


def test_same_input_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, [square_face(value, 64) for value in (0.2, 0.4, 0.6)], 25, tone(0.2))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_what_is_no_video_costs_one_line(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mp4", [square_face(0.5, 64)] * 50, 25, tone(2))
    (tmp_path / "cut.mp4").write_bytes((tmp_path / "whole.mp4").read_bytes()[:2000])
    (tmp_path / "text.mp4").write_text("valence,arousal\n" * 100)
    for name in ("cut.mp4", "text.mp4", "missing.mp4"):
        with pytest.raises(UserError, match=rf"{name} cannot be read \(.+\): it must be a whole video") as error:
            frame_times(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("frames", "rule"), [([], "at least one"), ([np.zeros((63, 64, 3), np.uint8)], "63 x 64.*even")]
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, frames: list[np.ndarray], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        write_video(tmp_path / "a.mp4", frames, 25, np.zeros(0))


@pytest.mark.skipif(not GRID.exists(), reason="the real recording is not at hand")
def test_a_real_mpeg_program_stream() -> None:
    times = frame_times(GRID)
    np.testing.assert_allclose(times, np.arange(75) / 25)
    np.testing.assert_allclose([time for time, _ in read_frames(GRID)], times)
    assert probe(GRID) == (75, pytest.approx(2.98, abs=0.02))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_turned_pictures_come_upright(tmp_path: Path, degrees: int) -> None:
    """A phone stores what its sensor saw and says by how much to turn it, counter-clockwise."""
    upright = np.zeros((96, 64, 3), np.uint8)
    upright[:48, :32, 0] = upright[:48, 32:, 1] = upright[48:, :32, 2] = 250
    stored = np.rot90(upright, -degrees // 90)
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.height, video.width = stored.shape[:2]
        video.pix_fmt = "yuv420p"
        video.set_display_rotation(degrees)
        container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(stored), format="rgb24")))
        container.mux(video.encode(None))
    _, decoded = next(read_frames(tmp_path / "a.mp4"))
    assert decoded.shape == (96, 64, 3)
    for channel, (row, column) in enumerate([(24, 16), (24, 48), (72, 16)]):
        assert decoded[row, column].argmax() == channel and decoded[row, column, channel] > 200
