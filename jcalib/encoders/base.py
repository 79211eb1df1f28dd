"""What every encoder is: a clip to a vector, 512 wide as a rule, and a linear read-out that trains it."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

WIDTH = 512


class Encoder(nn.Module):
    """Maps clips of one modality to vectors; `modality` is "audio" or "visual".

    Args:
        outputs: targets of the read-out.
        dropout: before the read-out.
        width: of the features.
    """

    modality: ClassVar[str]

    def __init__(self, outputs: int, dropout: float = 0.0, width: int = WIDTH) -> None:
        super().__init__()
        self.readout = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, outputs))

    @classmethod
    def like(cls, state: Mapping[str, Tensor]) -> "Encoder":
        """Builds an encoder of the shape that a checkpoint of the kit's own has."""
        return cls(len(state["readout.1.weight"]))

    def features(self, clip: Tensor) -> Tensor:
        """Clips to features, (B, ...) to (B, width)."""
        raise NotImplementedError

    def forward(self, clip: Tensor) -> Tensor:
        """Clips to predictions, (B, ...) to (B, outputs)."""
        return self.readout(self.features(clip))


class Standardise(nn.Module):
    """Subtracts a mean and divides by a standard deviation per channel (axis 1).

    Args:
        mean: one value a channel.
        std: one value a channel.
    """

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean), persistent=False)
        self.register_buffer("std", torch.tensor(std), persistent=False)

    def forward(self, clip: Tensor) -> Tensor:
        """(B, channels, ...) to the same shape."""
        shape = (1, -1, *[1] * (clip.dim() - 2))
        return (clip - self.get_buffer("mean").view(shape)) / self.get_buffer("std").view(shape)
