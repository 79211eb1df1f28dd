"""Sound lies on the pictures' clock."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcalib.media import has_sound, read_frames, read_sound, sound_end, sound_windows, write_video
from tests.builders import RATE, square_face, tone, write_stamped


def click(at: float, seconds: float) -> np.ndarray:
    sound = np.zeros(round(seconds * RATE), np.float32)
    start = round(at * RATE)
    sound[start : start + 30] = 0.9
    return sound


def loudest(sound: np.ndarray, start: float) -> float:
    return start + float(np.abs(sound).argmax()) / RATE


@pytest.mark.parametrize("fps", [25.0, 23.976])
@pytest.mark.parametrize("flash", [0, 37, 88])
def test_click_and_flash_come_back_together(tmp_path: Path, fps: float, flash: int) -> None:
    frames = [square_face(float(number == flash), 64) for number in range(90)]
    write_video(tmp_path / "a.mp4", frames, fps, click(flash / fps, 90 / fps))
    seen = max(read_frames(tmp_path / "a.mp4"), key=lambda frame: frame[1].mean())[0]
    assert seen == pytest.approx(flash / fps, abs=1e-4)
    assert loudest(*read_sound(tmp_path / "a.mp4")) == pytest.approx(seen, abs=0.005)
    window = next(sound_windows(tmp_path / "a.mp4", np.array([seen + 0.1]), 8820))
    assert loudest(window, seen + 0.1 - 0.2) == pytest.approx(seen, abs=0.005)


def test_late_start_gap_and_early_end_are_zeros(tmp_path: Path) -> None:
    """Sound from 0.5 to 1.0 s and from 1.5 to 1.8 s under a video from 0 to 3 s."""
    path = tmp_path / "late.mkv"
    ones = np.full(round(0.5 * RATE), 0.5, np.float32)
    write_stamped(path, np.arange(75) / 25, [(0.5, ones), (1.5, ones[: round(0.3 * RATE)])])
    whole = next(sound_windows(path, np.array([3.0]), 3 * RATE))
    for first, last, level in [(0, 0.49, 0), (0.51, 0.99, 0.5), (1.01, 1.49, 0), (1.51, 1.79, 0.5), (1.81, 3, 0)]:
        np.testing.assert_allclose(whole[round(first * RATE) : round(last * RATE)], level, atol=1e-3)
    sound, start = read_sound(path)
    assert start == pytest.approx(0.5) and len(sound) == pytest.approx(1.3 * RATE, abs=50)


def test_no_soundtrack_is_zeros(tmp_path: Path) -> None:
    write_video(tmp_path / "mute.mp4", [square_face(0.5, 64)] * 10, 25, np.zeros(0))
    assert not has_sound(tmp_path / "mute.mp4")
    assert read_sound(tmp_path / "mute.mp4")[0].shape == (0,)
    windows = list(sound_windows(tmp_path / "mute.mp4", np.array([0.0, 0.2]), 100))
    assert len(windows) == 2 and not np.any(windows)


def test_stereo_becomes_the_mean(tmp_path: Path) -> None:
    left, right = np.full(4410, 0.6, np.float32), np.full(4410, -0.2, np.float32)
    write_stamped(tmp_path / "stereo.mkv", [0.0, 0.04], [(0.0, np.stack([left, right]))], channels=2)
    assert has_sound(tmp_path / "stereo.mkv")
    np.testing.assert_allclose(read_sound(tmp_path / "stereo.mkv")[0], 0.2, atol=1e-3)


def test_resampling_keeps_time_and_pitch(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [square_face(0.5, 64)] * 50, 25, tone(2, hertz=441))
    sound, start = read_sound(tmp_path / "a.mp4", rate=16_000)
    assert start + len(sound) / 16_000 == pytest.approx(2, abs=0.05)
    middle = sound[8000:16_000]
    assert np.abs(np.fft.rfft(middle)).argmax() * 2 == pytest.approx(441, abs=2)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("noise") / "noise.mp4"
    sound = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
    write_video(path, [square_face(0.5, 64)] * 50, 25, sound)
    return path


@settings(deadline=None, max_examples=25)
@given(
    ends=st.lists(st.floats(-1, 4), min_size=1, max_size=8).map(sorted), samples=st.sampled_from([1, 441, 5000, 47_040])
)
def test_windows_are_slices_of_the_whole(noise: Path, ends: list[float], samples: int) -> None:
    sound, start = read_sound(noise)
    margin = 6 * RATE
    padded = np.pad(sound, margin)
    for end, window in zip(ends, sound_windows(noise, np.array(ends), samples), strict=True):
        last = round(end * RATE) - round(start * RATE) + margin
        np.testing.assert_array_equal(window, padded[last - samples : last])


def test_the_end_of_a_soundtrack_is_that_of_its_samples(tmp_path: Path) -> None:
    write_stamped(tmp_path / "late.mkv", [0.0, 0.04], [(0.5, tone(0.75))])
    assert sound_end(tmp_path / "late.mkv") == pytest.approx(1.25, abs=0.01)
    write_stamped(tmp_path / "mute.mkv", [0.0, 0.04])
    assert sound_end(tmp_path / "mute.mkv") == 0.0
