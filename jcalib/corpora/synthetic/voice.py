"""A source-filter voice: glottal pulses and breath through moving formants, in syllables, in a room.

Pulses are made sample by sample, all filtering is done on short-time spectra. Four cues move four things: vowel
brightness (valence), pitch (arousal), breathiness (the sign of valence), tempo (the sign of arousal). Level is
made even over a second before a slow gain of its own sets in, so loudness says nothing.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter1d

from jcalib.corpora.synthetic.face import bounded
from jcalib.corpora.synthetic.latents import Causes
from jcalib.corpora.synthetic.motion import wandering
from jcalib.corpora.synthetic.people import Throat

Course = NDArray[np.float64]  # (K,), one value a step
Spectrum = NDArray[np.float32]  # (K, WINDOW // 2 + 1)

RATE = 44_100
WINDOW, STEP = 1024, 256  # samples
STEPS_A_SECOND = RATE / STEP
HARMONICS = 80

PITCH, TEMPO = 0.25, 0.34  # natural logarithm for a cue of 1
BRIGHT, SHELF = 0.085, 3.5  # logarithm of formants 2 and up, dB above 1.5 kHz
BREATH, SOFT = 8.0, 1.6  # dB of breath, dB an octave of softer pulses

VOWELS = np.array(  # formants 1 to 3 in Hz of a middle-sized tract
    [[730, 1300, 2500], [560, 1650, 2550], [370, 1950, 2700], [500, 1150, 2450], [380, 1200, 2400], [600, 1450, 2500]]
)
UPPER = np.array([3500.0, 4600.0])
PEAKS = np.array([21, 18, 15, 12, 10])  # dB over the slope
WIDTHS = np.array([110, 140, 190, 280, 350])  # Hz
LEVEL = 0.07  # root mean square of the voice
NOISY = 4.0  # dB of the other voices over this one


def speak(throat: Throat, causes: Causes, rng: np.random.Generator) -> NDArray[np.float32]:
    """Synthesise a recording's soundtrack; the same arguments give the same samples.

    Args:
        throat: the speaker and the room.
        causes: its voice cues and noisy episodes.
        rng: all nuisances are drawn from it, in the same order whatever the cues are.

    Returns:
        float32 (S,) at RATE, in [-1, 1], as long as the frames of `causes`.
    """
    frame_step = causes.time[1] - causes.time[0]
    samples = round(len(causes.time) * frame_step * RATE)
    time = np.arange(samples // STEP + 4) / STEPS_A_SECOND
    cues = np.column_stack([bounded(causes.voice_cue), bounded(causes.voice_synergy_cue)])
    bright, pitch, breathy, fast = (np.interp(time, causes.time, cue) for cue in cues.T)
    noisy = np.interp(time, causes.time, causes.voice_noisy.astype(float))

    syllables = _Syllables(throat, fast, time, rng)
    tone = _spectra(_pulses(throat, pitch, syllables.stress, samples, rng))
    white = _spectra(rng.standard_normal(samples, dtype=np.float32))
    envelope = _envelope(throat, syllables.formants, bright)
    steps = slice(0, len(tone))
    voice = tone * _decibels(envelope - (1 + breathy[:, None]) * SOFT * _octaves())[steps]
    voice *= syllables.loudness[steps, None]
    voice += white * _breath(throat, envelope, breathy, syllables)[steps]
    voice *= _levelling(voice, time[steps], rng)
    voice += white * _surroundings(throat, noisy, time, rng)[steps]
    return _room(throat, _overlap_add(voice, samples), rng)


class _Syllables:
    """The rhythm of speech: vowels, stress, hisses between them and short rests, one set a syllable."""

    def __init__(self, throat: Throat, fast: Course, time: Course, rng: np.random.Generator) -> None:
        count = int(time[-1] * 12) + 8
        vowels = VOWELS[rng.integers(len(VOWELS), size=count)]
        stress = rng.normal(0, 1, count)
        hiss = rng.choice([0.0, 0.5, 1.0], count, p=[0.4, 0.3, 0.3])
        rest = rng.random(count) < 0.10
        rest[1:] &= ~rest[:-1]
        rate = throat.rate * np.exp(TEMPO * fast + 0.06 * wandering(time, 0.5, rng))
        position = rng.random() + np.cumsum(rate) / STEPS_A_SECOND
        number, within = position.astype(int), position % 1
        turn = _smooth((within - 0.65) / 0.35)[:, None]
        self.formants = vowels[number] * (1 - turn) + vowels[number + 1] * turn
        self.stress = stress[number] * np.sin(np.pi * within)
        nucleus = np.sin(np.pi * within) ** 0.8 * np.exp(0.15 * stress[number])
        self.loudness = (0.03 + nucleus * np.where(rest[number], 0.05, 1)).astype(np.float32)
        edge = np.exp(-(((within - 0.96) / 0.08) ** 2)) + np.exp(-(((within + 0.04) / 0.08) ** 2))
        self.hiss = edge * hiss[number] * np.where(rest[number], 0.2, 1)


def _pulses(
    throat: Throat, pitch: Course, stress: Course, samples: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the tone of the vocal folds: harmonics that fall by 6 dB an octave, with jitter and shimmer."""
    shake = gaussian_filter1d(rng.normal(0, 1, (2, len(pitch))), 1.5)
    logarithm = PITCH * pitch + 0.03 * stress + 2 * throat.jitter * shake[0]
    at = np.arange(samples) / STEP
    frequency = np.interp(at, np.arange(len(pitch)), throat.pitch * np.exp(logarithm))
    phase = np.cumsum(frequency) / RATE
    order = np.arange(1, HARMONICS + 1)
    angle = 2 * np.pi * np.arange(4096)[:, None] / 4096 * order + 0.6 * np.sqrt(order)
    wave = (np.cos(angle) / order).sum(axis=1).astype(np.float32)
    shimmer = np.interp(at, np.arange(len(pitch)), 1 + 0.1 * shake[1]).astype(np.float32)
    return 6 * wave[((phase % 1) * 4096).astype(np.int32) % 4096] * shimmer


def _frequencies() -> NDArray[np.float32]:
    return np.linspace(0, RATE / 2, WINDOW // 2 + 1, dtype=np.float32)


def _octaves() -> NDArray[np.float32]:
    """Return how many octaves each frequency lies above 500 Hz, 0 below."""
    return np.log2(np.maximum(_frequencies(), 500) / 500)


def _envelope(throat: Throat, formants: NDArray, bright: Course) -> Spectrum:
    """Return the vocal tract's gain in dB: resonances on a slope."""
    upper = np.broadcast_to(UPPER, (len(formants), 2))
    centres = np.concatenate([formants, upper], axis=1) * throat.tract
    centres[:, 1:] *= np.exp(BRIGHT * bright)[:, None]
    frequencies = _frequencies()
    shelf = _smooth((frequencies - 900) / 1600)
    gain = (-4.0 + throat.tilt) * _octaves() + (SHELF * bright[:, None] * shelf).astype(np.float32)
    for centre, peak, width in zip(centres.T.astype(np.float32), PEAKS, WIDTHS, strict=True):
        distance = (frequencies - centre[:, None]) / np.float32(width)
        gain += np.float32(peak) / (1 + distance * distance)
    return gain


def _breath(throat: Throat, envelope: Spectrum, breathy: Course, syllables: _Syllables) -> Spectrum:
    """Return the gain of turbulence: breath through the tract while it sounds, and hisses near 6 kHz."""
    aspiration = _decibels(0.6 * envelope + (throat.breath + 26 + BREATH * breathy)[:, None])
    aspiration *= (0.15 + syllables.loudness)[:, None]
    near = np.exp(-np.square((_frequencies() - 6000) / 2600)) * _decibels(2.0)
    return aspiration + (syllables.hiss[:, None] * near).astype(np.float32)


def _levelling(voice: NDArray, time: Course, rng: np.random.Generator) -> Spectrum:
    """Return the gain that makes a second as loud as any other, times a slow drift of a few dB."""
    power = np.square(np.abs(voice)).sum(axis=1)
    steady = np.sqrt(gaussian_filter1d(power, 0.4 * STEPS_A_SECOND, mode="nearest") * 2 / WINDOW / STEP)
    drift = _decibels(rng.normal(0, 2) + 2 * wandering(time, 0.15, rng))
    return (LEVEL * drift / steady)[:, None].astype(np.float32)


def _surroundings(throat: Throat, noisy: Course, time: Course, rng: np.random.Generator) -> Spectrum:
    """Return the gain of what else is heard: a steady hum, and in noisy episodes a room full of talk."""
    hum = _decibels(throat.hum - 3 * _octaves())
    talk = np.stack([np.exp(0.6 * wandering(time, 6, rng, 16)) for _ in range(4)], axis=1)
    bands = np.exp(-np.square((_octaves() - np.array([0, 1.3, 2.6, 4])[:, None]) / 0.8))
    slope = _decibels(-5 * _octaves())
    slope *= _decibels(NOISY) / np.sqrt(np.square(slope).mean())
    crowd = slope * ((talk * noisy[:, None]) @ bands)
    return (LEVEL * (hum + crowd)).astype(np.float32)


def _room(throat: Throat, sound: NDArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the sound with its short echo, within [-1, 1]."""
    length = int(throat.echo * RATE)
    decay = np.exp(-6 * np.arange(length) / length)
    echo = rng.standard_normal(length) * decay
    echo *= throat.wetness / np.sqrt(np.square(echo).sum())
    echo[0] = 1
    size = fft.next_fast_len(len(sound) + length, real=True)
    both = fft.rfft(sound, size) * fft.rfft(echo.astype(np.float32), size)
    return np.tanh(fft.irfft(both, size)[: len(sound)]).astype(np.float32)


def _window() -> NDArray[np.float32]:
    return np.sqrt(np.hanning(WINDOW + 1)[:-1]).astype(np.float32)


def _spectra(sound: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Return short-time spectra (K, WINDOW / 2 + 1), one every STEP samples."""
    padded = np.pad(sound, (WINDOW // 2, WINDOW))
    return fft.rfft(sliding_window_view(padded, WINDOW)[::STEP] * _window())


def _overlap_add(spectra: NDArray, samples: int) -> NDArray[np.float32]:
    """Return the sound whose short-time spectra these are."""
    overlap = WINDOW // STEP
    blocks = (fft.irfft(spectra, WINDOW) * _window()).reshape(len(spectra), overlap, STEP)
    sound = np.zeros((len(spectra) + overlap - 1, STEP), np.float32)
    for shift in range(overlap):
        sound[shift : shift + len(spectra)] += blocks[:, shift]
    return sound.ravel()[WINDOW // 2 : WINDOW // 2 + samples] * (2 / overlap)


def _decibels(level: Any) -> Any:
    """Return the factor of a level in dB."""
    return np.exp(np.float32(np.log(10) / 20) * level)


def _smooth(share: NDArray) -> NDArray:
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)
