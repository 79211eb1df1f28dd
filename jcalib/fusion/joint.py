"""Joint cross-attention (arXiv 2203.14779), its control without correlation, and the authors' published weights."""

from collections.abc import Mapping
from typing import Any, Self

from torch import Tensor, nn

from jcalib.entries import check_entries
from jcalib.fusion.attention import temporal_mixing
from jcalib.fusion.base import Fusion, weight
from jcalib.fusion.block import JOINT, AttentionBlock
from jcalib.fusion.registry import register

# The names in the authors' cam.py, and ours. Their affine layers act on J^T: W is their weight as it is.
_RELEASED = {
    "encoder1.weight": "project.audio.weight",
    "encoder1.bias": "project.audio.bias",
    "encoder2.weight": "project.visual.weight",
    "encoder2.bias": "project.visual.bias",
    "affine_a.weight": "of_audio.w",
    "affine_v.weight": "of_visual.w",
    "W_a.weight": "of_audio.w_x",
    "W_v.weight": "of_visual.w_x",
    "W_ca.weight": "of_audio.w_c",
    "W_cv.weight": "of_visual.w_c",
    "W_ha.weight": "of_audio.w_h",
    "W_hv.weight": "of_visual.w_h",
    "regressor.0.weight": "head.0.weight",
    "regressor.0.bias": "head.0.bias",
    "regressor.2.weight": "head.2.weight",
    "regressor.2.bias": "head.2.bias",
}


@register("mixer")
class TemporalMixer(Fusion):
    """Joint cross-attention without its correlation: each modality passes through a small network along time.

    attended = x + (ReLU(x^T W_x^T) W_h^T)^T with W_x (k, L) and W_h (L, k) once per modality. joint - mixer says
    whether the correlation with the joint representation helps. No maps.
    """

    fixed_clips = True

    def __init__(self, *sizes: int, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.of_audio, self.of_visual = self._weights(), self._weights()

    def _weights(self) -> nn.ParameterDict:
        return nn.ParameterDict({"w_x": weight(self.rank, self.clips), "w_h": weight(self.clips, self.rank)})

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        return temporal_mixing(audio, **self.of_audio), temporal_mixing(visual, **self.of_visual), {}


@register("joint")
class JointCrossAttention(AttentionBlock):
    """Joint cross-attention: each modality attends to its correlation with both, J = [x_a, x_v].

    C = tanh(x^T W J / sqrt(2d)) (d, 2d); H = ReLU(x^T W_x^T + C W_c^T) (d, k); attended = x + (H W_h^T)^T, without
    biases. Once per modality: W (L, L) their W_ja or W_jv, W_x (k, L) their W_a, W_c (k, 2d) their W_ca,
    W_h (L, k) their W_ha^T. Maps: correlation_audio, correlation_visual (B, d, 2d), audio features of J first.
    """

    switches = JOINT

    @classmethod
    def from_released(cls, state_dict: Mapping[str, Tensor]) -> Self:
        """Load weights in the layout of the authors' `cam.py` (CVPRW 2022: L = 8, d = 128, k = 32, one target).

        Args:
            state_dict: the 16 entries of that layout, by their names.

        Returns:
            The fusion with the authors' head, which lacks the ReLU, in eval mode.

        Raises:
            ValueError: an entry is missing, unknown or of another shape.
        """
        fusion = cls(512, 512, 8, targets=1, head="released")
        shapes = {theirs: fusion.state_dict()[ours].shape for theirs, ours in _RELEASED.items()}
        check_entries(state_dict, shapes, "the published cam.py weights")
        fusion.load_state_dict({ours: state_dict[theirs] for theirs, ours in _RELEASED.items()})
        return fusion.eval()
