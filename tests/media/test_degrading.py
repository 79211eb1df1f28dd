"""Each way of making sound or a picture worse does what its number says, and nests where it draws."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcalib.media.degrading import GREY, blurred, coded, covered, episodes, noisy, reverberant, silenced

RATE = 44_100


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def chirps(seconds: float = 3) -> np.ndarray:
    """A voice that comes and goes."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.2 * np.sin(2 * np.pi * (200 + 90 * t) * t) * (np.sin(2 * np.pi * 1.3 * t) > 0)).astype(np.float32)


def power(x: np.ndarray) -> float:
    return float(np.mean(np.square(x, dtype=float)))


@pytest.mark.parametrize("snr", [20, 0, -10])
def test_noise_is_as_strong_as_said_and_pink(snr: float) -> None:
    sound = chirps()
    noise = noisy(sound, RATE, snr, rng()) - sound
    assert 10 * np.log10(power(sound) / power(noise)) == pytest.approx(snr, abs=0.1)
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    octaves = [spectrum[(hertz >= low) & (hertz < 2 * low)].sum() for low in (200, 400, 800, 1600, 3200)]
    assert octaves == pytest.approx(np.full(5, np.mean(octaves)), rel=0.25), "each octave holds the same power"
    assert np.corrcoef(noise, noisy(sound, RATE, 5, rng()) - sound)[0, 1] > 0.999, "the same noise, louder"


def test_a_room_rings_as_long_as_said_and_keeps_the_level() -> None:
    click = np.zeros(3 * RATE, np.float32)
    click[RATE] = 1
    for decay in (0.3, 0.6, 1.2):
        heard = reverberant(click, RATE, decay, rng())
        assert power(heard) == pytest.approx(power(click), rel=1e-4) and not np.abs(heard[: RATE - 1]).max() > 1e-6
        late = np.cumsum(np.square(heard[RATE + 1 :], dtype=float)[::-1])[::-1]  # Schroeder's backward integral
        fall = np.searchsorted(-late / late[0], [-(10**-0.5), -(10**-3.5)])  # from -5 to -35 dB
        assert 2 * (fall[1] - fall[0]) / RATE == pytest.approx(decay, rel=0.1)
    assert power(heard[RATE : RATE + 1]) == pytest.approx(power(heard[RATE + 1 :]) * len(heard[RATE + 1 :]), rel=0.01)


def test_a_codec_keeps_time_and_loses_more_at_fewer_bits() -> None:
    sound = chirps()
    kept = []
    for kbit in (64, 12, 6):
        heard = coded(sound, RATE, kbit)
        assert heard.shape == sound.shape and heard.dtype == np.float32
        spectrum = np.fft.rfft(heard, 2 * len(sound)) * np.conj(np.fft.rfft(sound, 2 * len(sound)))
        lag = int(np.argmax(np.fft.irfft(spectrum)))
        assert min(lag, 2 * len(sound) - lag) < 0.001 * RATE
        kept.append(np.corrcoef(heard, sound)[0, 1])
    assert kept[0] > 0.99 and all(more > less for more, less in pairwise(kept))


@given(st.integers(0, 2**31), st.floats(0.2, 30))
@settings(max_examples=20, deadline=None)
def test_episodes_nest_and_last_whole_seconds(seed: int, seconds: float) -> None:
    count = round(seconds * 25)
    chosen = [episodes(count, 25, share, rng(seed)) for share in (0, 0.3, 0.7, 1)]
    assert not chosen[0].any() and chosen[-1].all()
    assert all((less <= more).all() for less, more in pairwise(chosen))
    for one in chosen:
        assert all(len(set(one[start : start + 25].tolist())) == 1 for start in range(0, count, 25))


def test_silence_takes_its_share_of_the_seconds() -> None:
    sound = np.ones(400 * 100, np.float32)
    assert 1 - silenced(sound, 100, 0.3, rng()).mean() == pytest.approx(0.3, abs=0.08)


def test_a_blur_lowers_detail_and_keeps_the_mean() -> None:
    picture = rng().integers(0, 256, (112, 112, 3), dtype=np.uint8)
    details = [blurred(picture, sigma).std() for sigma in (1, 2, 4, 8)]
    assert all(more > less for more, less in pairwise([picture.std(), *details]))
    assert blurred(picture, 4).mean() == pytest.approx(picture.mean(), abs=1)


@given(st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_a_cover_takes_its_share_wherever_it_lies(share: float, row: float, column: float) -> None:
    picture = np.zeros((112, 112, 3), np.uint8)
    hidden = covered(picture, share, (row, column)) == GREY
    assert hidden.mean() == pytest.approx(share, abs=0.01) and not picture.any()
    assert (hidden[..., 0] == hidden[..., 2]).all()


def test_no_sound_stays_no_sound() -> None:
    silence = np.zeros(RATE, np.float32)
    for worse in (noisy(silence, RATE, 0, rng()), reverberant(silence, RATE, 0.5, rng()), coded(silence, RATE, 24)):
        assert np.abs(worse).max() < 1e-4
    assert len(coded(np.zeros(100, np.float32), RATE, 24)) == 100
