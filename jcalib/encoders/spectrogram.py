"""The log-mel spectrogram of a clip, as the papers compute it (2203.14779; constants of their released code).

44.1 kHz, DFT of 1024, Hann window of 20 ms every 10 ms, 64 HTK mel bands, power in dB, 80 dB of range, standardised.
"""

from functools import lru_cache

import torch
from torch import Tensor

RATE = 44_100
MELS = 64
MEAN_DB, STD_DB = -14.8, 19.895


def log_mel(waveform: Tensor, sample_rate: int = RATE) -> Tensor:
    """The standardised log-mel spectrogram of each clip of sound.

    Every clip has its own 80 dB range below its own maximum, so that it looks the same alone and beside a loud one.

    Args:
        waveform: (..., samples) in [-1, 1], mono.
        sample_rate: samples per second; other than 44,100 is resampled.

    Returns:
        (..., 64, 1 + samples // 441), samples at 44.1 kHz: (64, 107) for the 47,040 samples of a clip.

    Raises:
        ValueError: the sound is shorter than half a DFT window.
    """
    if sample_rate != RATE:
        from torchaudio.functional import resample

        waveform = resample(waveform, sample_rate, RATE)
    if waveform.shape[-1] <= 512:
        raise ValueError(f"sound has {waveform.shape[-1]} samples: a DFT of 1024 needs more than 512.")
    mel, decibel = _transforms(waveform.device, waveform.dtype)
    # With a channel axis torchaudio takes the maximum per clip; without one, over the whole batch.
    clips = waveform.reshape(-1, 1, waveform.shape[-1])
    spectra = (decibel(mel(clips)) - MEAN_DB) / STD_DB
    return spectra.reshape(*waveform.shape[:-1], *spectra.shape[-2:])


@lru_cache
def _transforms(device: torch.device, dtype: torch.dtype) -> tuple[torch.nn.Module, torch.nn.Module]:
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

    mel = MelSpectrogram(RATE, n_fft=1024, win_length=882, hop_length=441, n_mels=MELS)
    return mel.to(device, dtype), AmplitudeToDB("power", top_db=80).to(device)
