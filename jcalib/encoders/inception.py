"""The visual encoder of the papers' first system (2203.14779): I3D without temporal strides, and what follows it."""

from collections.abc import Mapping

from torch import Tensor, nn

from jcalib.encoders.base import WIDTH, Encoder, Standardise
from jcalib.encoders.i3d import CHANNELS, InceptionI3d
from jcalib.encoders.temporal import TemporalConvNet


class InceptionVisual(Encoder):
    """I3D, the temporal convolution over its seven steps, and the maximum over time.

    Args:
        outputs: targets of the read-out.
        temporal: whether the temporal convolution is there. The authors never published theirs: with the public I3D
            alone it is left out, and the features are I3D's own 1,024, their maximum over time.
    """

    modality = "visual"

    def __init__(self, outputs: int, temporal: bool = True) -> None:
        super().__init__(outputs, width=WIDTH if temporal else CHANNELS)
        self.scale = Standardise((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # [0, 1] to [-1, 1]
        self.backbone = InceptionI3d(temporal_stride=False)
        self.backbone.logits = nn.Identity()
        self.temporal = TemporalConvNet(CHANNELS) if temporal else nn.Identity()

    @classmethod
    def like(cls, state: Mapping[str, Tensor]) -> "InceptionVisual":
        return cls(len(state["readout.1.weight"]), any(name.startswith("temporal.") for name in state))

    def features(self, clip: Tensor) -> Tensor:
        """Pictures (B, 3, 8, 224, 224) in [0, 1] to (B, 512), or (B, 1024) without the temporal convolution."""
        return self.temporal(self.backbone.features(self.scale(clip))).amax(-1)
