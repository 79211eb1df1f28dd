"""The temporal convolution behind the CVPRW paper's I3D (2203.14779), which runs over the steps of one clip."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils.parametrizations import weight_norm


class TemporalConvNet(nn.Sequential):
    """A stack of causal residual blocks (Bai, Kolter and Koltun 2018); block i looks back in strides of 2^i steps.

    Args:
        inputs: channels that come in.
        widths: channels of each block; the paper's four of 512.
        kernel: steps that a convolution sees.
        dropout: behind each convolution.
    """

    def __init__(
        self, inputs: int, widths: tuple[int, ...] = (512,) * 4, kernel: int = 5, dropout: float = 0.1
    ) -> None:
        pairs = pairwise((inputs, *widths))
        super().__init__(*(Block(a, b, kernel, 2**depth, dropout) for depth, (a, b) in enumerate(pairs)))


class Block(nn.Module):
    """Two causal convolutions, each with weight normalisation, LeakyReLU and dropout, and a way past them.

    Args:
        inputs, outputs: channels.
        kernel: steps that a convolution sees.
        dilation: steps between them.
        dropout: behind each convolution.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.past = (kernel - 1) * dilation
        self.first = weight_norm(nn.Conv1d(inputs, outputs, kernel, dilation=dilation))
        self.second = weight_norm(nn.Conv1d(outputs, outputs, kernel, dilation=dilation))
        self.around = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.squash = nn.LeakyReLU()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T) to (B, outputs, T); a step sees itself and what came before."""
        hidden = x
        for convolution in (self.first, self.second):
            hidden = self.dropout(self.squash(convolution(pad(hidden, (self.past, 0)))))
        return self.squash(hidden + self.around(x))
