"""The backbones of the papers' second system (2209.09068): R(2+1)D-18 on pictures, ResNet-18 on log-mel spectrograms.

Built from torchvision without weights; the classifier is taken off, what remains is 512 wide.
"""

from torch import Tensor, nn

from jcalib.encoders.base import Encoder, Standardise

KINETICS_MEAN, KINETICS_STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)


class ResNetVisual(Encoder):
    """R(2+1)D-18.

    Args:
        outputs: targets of the read-out.
    """

    modality = "visual"

    def __init__(self, outputs: int) -> None:
        super().__init__(outputs)
        from torchvision.models.video import r2plus1d_18

        self.scale = Standardise(KINETICS_MEAN, KINETICS_STD)
        self.backbone = r2plus1d_18(weights=None)
        self.backbone.fc = nn.Identity()

    def features(self, clip: Tensor) -> Tensor:
        """Pictures (B, 3, 8, size, size) in [0, 1] to (B, 512)."""
        return self.backbone(self.scale(clip))


class ResNetAudio(Encoder):
    """ResNet-18 with one input channel.

    Args:
        outputs: targets of the read-out.
    """

    modality = "audio"

    def __init__(self, outputs: int) -> None:
        super().__init__(outputs)
        from torchvision.models import resnet18

        self.backbone = resnet18(weights=None)
        self.backbone.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        self.backbone.fc = nn.Identity()

    def features(self, clip: Tensor) -> Tensor:
        """Log-mel spectrograms (B, 1, 64, 107) to (B, 512)."""
        return self.backbone(clip)
