"""Inception I3D (Carreira and Zisserman 2017, arXiv 1705.07750), as the public checkpoint `rgb_imagenet.pt` has it.

Convolutions and poolings pad as TensorFlow's SAME does: out = ceil(in / stride), an odd row goes to the end.
The CVPRW paper (2203.14779) takes the temporal strides out, so that the eight pictures of a clip stay eight steps.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d, pad

CHANNELS = 1024  # of Mixed_5c
POOLED = (2, 7, 7)  # steps, rows and columns that the last average is taken over
Size = tuple[int, int, int]

# Widths of an Inception block: the plain branch, two branches that narrow before they look around, the pooled branch.
MIXED: dict[str, tuple[int, int, int, int, int, int]] = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
# A pooling, by the layer it comes before: kernel and stride in space; in time both are 1 up to Mixed_4b.
POOLS = {"Conv3d_2b_1x1": 3, "Mixed_3b": 3, "Mixed_4b": 3, "Mixed_5b": 2}


class InceptionI3d(nn.Module):
    """I3D on RGB; its entries are those of `rgb_imagenet.pt`, which loads with `strict=True`.

    Args:
        num_classes: of the logits; 400 for Kinetics.
        temporal_stride: False is the CVPRW paper's variant: Conv3d_1a and the poolings before Mixed_4b and Mixed_5b
            keep every step. The entries are the same.
    """

    def __init__(self, num_classes: int = 400, temporal_stride: bool = True) -> None:
        super().__init__()
        self.temporal_stride = temporal_stride
        step = 2 if temporal_stride else 1
        self.Conv3d_1a_7x7 = Unit(3, 64, (7, 7, 7), (step, 2, 2))
        self.Conv3d_2b_1x1 = Unit(64, 64)
        self.Conv3d_2c_3x3 = Unit(64, 192, (3, 3, 3))
        width = 192
        for name, widths in MIXED.items():
            self.add_module(name, Mixed(width, widths))
            width = widths[0] + widths[2] + widths[4] + widths[5]
        self.dropout = nn.Dropout(0.5)
        self.logits: nn.Module = Unit(CHANNELS, num_classes, plain=True)

    def maps(self, clip: Tensor) -> Tensor:
        """Pictures (B, 3, T, H, W) in [-1, 1] to the maps of Mixed_5c, (B, 1024, T', H / 32, W / 32)."""
        x = clip
        for name, layer in self.named_children():
            if name == "dropout":
                break
            if name in POOLS:
                x = max_pool(x, *self._pool(name))
            x = layer(x)
        return x

    def features(self, clip: Tensor) -> Tensor:
        """Average the maps of Mixed_5c over two steps and 7 x 7 places, or over all where there are fewer.

        Args:
            clip: (B, 3, T, 224, 224) in [-1, 1].

        Returns:
            (B, 1024, T' - 1), T' = ceil(T / 8); without temporal strides T' = T.
        """
        maps = self.maps(clip)
        kernel = [min(size, there) for size, there in zip(POOLED, maps.shape[2:], strict=True)]
        return avg_pool3d(maps, kernel, stride=1).mean((-1, -2))

    def forward(self, clip: Tensor) -> Tensor:
        """Pictures (B, 3, T, 224, 224) in [-1, 1] to logits, (B, num_classes, T' - 1): see `features`."""
        return self.logits(self.dropout(self.features(clip)[..., None, None]))[..., 0, 0]

    def _pool(self, name: str) -> tuple[Size, Size]:
        size = POOLS[name]
        late = name in ("Mixed_4b", "Mixed_5b")
        step = 2 if late and self.temporal_stride else 1
        return (size if late else 1, size, size), (step, 2, 2)


class Mixed(nn.Module):
    """An Inception block: four branches beside each other, joined along the channels.

    Args:
        inputs: channels that come in.
        widths: see `MIXED`.
    """

    def __init__(self, inputs: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        self.b0 = Unit(inputs, widths[0])
        self.b1a, self.b1b = Unit(inputs, widths[1]), Unit(widths[1], widths[2], (3, 3, 3))
        self.b2a, self.b2b = Unit(inputs, widths[3]), Unit(widths[3], widths[4], (3, 3, 3))
        self.b3b = Unit(inputs, widths[5])

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, H, W) to (B, outputs, T, H, W)."""
        around = max_pool(x, (3, 3, 3), (1, 1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(around)], dim=1)


class Unit(nn.Module):
    """A convolution without bias, batch normalisation, ReLU; `plain` has a bias and nothing behind it.

    Args:
        inputs, outputs: channels.
        kernel: steps, rows, columns.
        stride: the same.
        plain: the logits' form.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: Size = (1, 1, 1), stride: Size = (1, 1, 1), plain: bool = False
    ) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=plain)
        self.bn = None if plain else nn.BatchNorm3d(outputs, eps=0.001, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, H, W) to (B, outputs, ...), each size divided by its stride and rounded up."""
        convolved = self.conv3d(pad_same(x, self.conv3d.kernel_size, self.conv3d.stride))
        return convolved if self.bn is None else self.bn(convolved).relu()


def max_pool(x: Tensor, kernel: Size, stride: Size) -> Tensor:
    """Maximum over windows with SAME padding; zeros stand outside, which changes nothing behind a ReLU."""
    return nn.functional.max_pool3d(pad_same(x, kernel, stride), kernel, stride)


def pad_same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Surround the last three axes with the zeros of TensorFlow's SAME padding."""
    sides: list[int] = []
    for size, width, step in zip(x.shape[2:], kernel, stride, strict=True):
        missing = max((-(-size // step) - 1) * step + width - size, 0)
        sides = [missing // 2, missing - missing // 2, *sides]
    return pad(x, sides) if any(sides) else x
