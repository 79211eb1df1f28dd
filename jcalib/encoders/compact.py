"""Small encoders that a CPU trains in a minute: a 3-D CNN on eight pictures, a 2-D CNN on a log-mel spectrogram.

Both keep position (where in the face, which frequency) up to the last layer: faces are aligned and a voice's pitch and
formants are positions, so averaging over them would throw the cues away. Time is pooled.
"""

import torch
from torch import Tensor, nn

from jcalib.encoders.base import WIDTH, Encoder, Standardise


class CompactVisual(Encoder):
    """A 3-D CNN on the eight pictures of a clip, about 20 MFLOP at 64 pixels.

    Args:
        outputs: targets of the read-out.
        width: channels of the first layer.
        dropout: before the last layer and before the read-out; few persons are easily learnt by heart.
    """

    modality = "visual"

    def __init__(self, outputs: int, width: int = 12, dropout: float = 0.3) -> None:
        super().__init__(outputs, dropout)
        self.body = nn.Sequential(
            Standardise((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
            *_conv3d(3, width, time=2),
            *_conv3d(width, 2 * width, time=1),
            *_conv3d(2 * width, 4 * width, time=2),
            *_conv3d(4 * width, 8 * width, time=1),
            nn.AdaptiveAvgPool3d((1, 4, 4)),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(8 * width * 16, WIDTH),
            nn.ReLU(),
        )

    def features(self, clip: Tensor) -> Tensor:
        """Pictures (B, 3, 8, size, size) in [0, 1] to (B, 512)."""
        return self.body(clip)


class CompactAudio(Encoder):
    """A 2-D CNN on the log-mel spectrogram of a clip, about 16 MFLOP.

    Args:
        outputs: targets of the read-out.
        width: channels of the first layer.
        dropout: before the last layer and before the read-out; few persons are easily learnt by heart.
    """

    modality = "audio"

    def __init__(self, outputs: int, width: int = 12, dropout: float = 0.5) -> None:
        super().__init__(outputs, dropout)
        self.body = nn.Sequential(
            *_conv2d(1, width, stride=(1, 2)),
            *_conv2d(width, 2 * width, stride=(2, 2)),
            *_conv2d(2 * width, 4 * width, stride=(2, 2)),
            *_conv2d(4 * width, 8 * width, stride=(2, 2)),
            MeanAndPeak(),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(2 * 8 * width * 8, WIDTH),
            nn.ReLU(),
        )

    def features(self, clip: Tensor) -> Tensor:
        """Log-mel spectrograms (B, 1, 64, 107) to (B, 512)."""
        return self.body(clip)


class MeanAndPeak(nn.Module):
    """Pools time: how much there is of a thing in a clip, and whether there is any (syllables come and go)."""

    def forward(self, maps: Tensor) -> Tensor:
        """(B, channels, bands, frames) to (B, 2 channels, bands)."""
        return torch.cat([maps.mean(dim=-1), maps.amax(dim=-1)], dim=1)


def _conv3d(inputs: int, outputs: int, time: int) -> list[nn.Module]:
    """Halves the picture, and the time where it says so by merging neighbours."""
    conv = nn.Conv3d(inputs, outputs, (time, 3, 3), stride=(time, 2, 2), padding=(0, 1, 1), bias=False)
    return [conv, nn.BatchNorm3d(outputs), nn.ReLU()]


def _conv2d(inputs: int, outputs: int, stride: tuple[int, int]) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]
