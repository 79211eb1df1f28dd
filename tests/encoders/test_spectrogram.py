"""The log-mel spectrogram against a computation of its own in NumPy."""

import numpy as np
import pytest
import torch

from jcalib.clips import RATE, SAMPLES
from jcalib.encoders import log_mel


def htk_filters(bands: int = 64, bins: int = 513) -> np.ndarray:
    """Triangles that are equally spaced on the HTK mel scale: (bands, bins), peak 1."""
    highest = 2595 * np.log10(1 + RATE / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, highest, bands + 2) / 2595) - 1)
    hertz = np.linspace(0, RATE / 2, bins)
    rising = (hertz - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - hertz) / np.diff(corners)[1:, None]
    return np.maximum(0, np.minimum(rising, falling))


def reference(sound: np.ndarray) -> np.ndarray:
    """Design 4 and 6 step by step: (64, frames)."""
    window = np.zeros(1024)
    window[71 : 71 + 882] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(882) / 882)
    padded = np.pad(sound.astype(float), 512, mode="reflect")
    frames = np.stack([padded[start : start + 1024] * window for start in range(0, len(sound) + 1, 441)])
    power = htk_filters() @ (np.abs(np.fft.rfft(frames)) ** 2).T
    decibel = 10 * np.log10(np.maximum(power, 1e-10))
    return (np.maximum(decibel, decibel.max() - 80) + 14.8) / 19.895


def test_matches_the_independent_computation() -> None:
    time = np.arange(SAMPLES) / RATE
    rng = np.random.default_rng(0)
    sound = 0.4 * np.sin(2 * np.pi * (200 + 900 * time) * time) + 0.02 * rng.normal(size=SAMPLES)
    found = log_mel(torch.from_numpy(sound.astype(np.float32))).numpy()
    assert found.shape == (64, 107)
    np.testing.assert_allclose(found, reference(sound), atol=2e-4)  # of 19.895 dB: 0.004 dB


def test_a_clip_looks_the_same_beside_a_loud_one() -> None:
    quiet = 1e-4 * torch.randn(SAMPLES, generator=torch.Generator().manual_seed(1))
    loud = torch.sin(torch.arange(SAMPLES) * 0.05)
    together = log_mel(torch.stack([quiet, loud]))
    torch.testing.assert_close(together[0], log_mel(quiet), rtol=0, atol=1e-5)
    torch.testing.assert_close(together[1], log_mel(loud), rtol=0, atol=1e-5)


def test_range_is_80_decibel_below_the_clip_s_own_maximum() -> None:
    sound = torch.cat([torch.zeros(SAMPLES // 2), torch.sin(torch.arange(SAMPLES // 2) * 0.05)])
    found = log_mel(sound) * 19.895
    assert float(found.max() - found.min()) == pytest.approx(80, abs=1e-3)


def test_any_leading_shape_and_silence() -> None:
    found = log_mel(torch.zeros(2, 3, SAMPLES))
    assert found.shape == (2, 3, 64, 107)
    torch.testing.assert_close(found, torch.full_like(found, (-100 + 14.8) / 19.895))


def test_other_rates_are_resampled() -> None:
    seconds = torch.arange(2 * 16_000) / 16_000
    low = log_mel(torch.sin(2 * torch.pi * 1000 * seconds), 16_000)
    direct = log_mel(torch.sin(2 * torch.pi * 1000 * torch.arange(2 * RATE) / RATE))
    assert low.shape == direct.shape
    torch.testing.assert_close(low.argmax(-2), direct.argmax(-2))


def test_too_short_a_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="512 samples"):
        log_mel(torch.zeros(512))
