"""What all fusions share: the contract, the input projections, the treatment of masked rows, and the head.

A fusion differs from the next one in a single method, `attend`; so a difference between their scores is a difference
of attention and of nothing else. Only the recurrent ones say in `recur` too what happens between attention and head.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.export import register_dataclass

from jcalib.fusion.inputs import MODALITIES, check_inputs, keep, row_mask
from jcalib.settings import choose

HEADS = ("mlp", "released")
_HIDDEN = 128


@dataclass(frozen=True)
class FusionOutput:
    """What a fusion returns.

    Attributes:
        prediction: (B, L, targets), a prediction per clip, not clipped.
        audio: (B, L, d) attended audio features; zeros if the fusion does not read audio.
        visual: (B, L, d) attended visual features; zeros if the fusion does not read visual.
        maps: the intermediate tensors by name (`correlation_audio`, `attention_visual`, ...), None unless asked for.
    """

    prediction: Tensor
    audio: Tensor
    visual: Tensor
    maps: dict[str, Tensor] | None = None


register_dataclass(FusionOutput)  # lets torch.func.vmap return it


class Fusion(nn.Module):
    """Base of all fusions: projects both modalities, lets the subclass attend, and predicts.

    A subclass overrides `attend`, and `__init__` if it has weights of its own; `forward` is shared. The base itself
    attends to nothing: it concatenates. A recurrent fusion overrides `recur`. Subclasses may set:
        reads: the modalities that reach the head; the projection of another one does not exist.
        fixed_clips: True if the weights fix the number of clips; other lengths are refused then.

    Args:
        audio_dim: width of the audio features.
        visual_dim: width of the visual features.
        clips: L, the clips of a sequence.
        targets: predictions per clip.
        dim: d, the width that each modality is projected to.
        rank: k, the papers' hidden width (joint cross-attention and its relatives).
        dropout: of the head; the released code has .6.
        head: "mlp", or "released" for the authors' head, which lacks the ReLU.

    Raises:
        ValueError: a size is below 1, or the head is unknown.
    """

    name: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = MODALITIES
    fixed_clips: ClassVar[bool] = False

    def __init__(
        self,
        audio_dim: int,
        visual_dim: int,
        clips: int,
        *,
        targets: int = 2,
        dim: int = 128,
        rank: int = 32,
        dropout: float = 0.6,
        head: str = "mlp",
    ) -> None:
        super().__init__()
        self.audio_dim, self.visual_dim, self.clips = audio_dim, visual_dim, clips
        self.targets, self.dim, self.rank = targets, dim, rank
        for size in ("audio_dim", "visual_dim", "clips", "targets", "dim", "rank"):
            if getattr(self, size) < 1:
                raise ValueError(f"{size} is {getattr(self, size)}: a fusion needs at least 1.")
        self._widths = {"audio": audio_dim, "visual": visual_dim}
        self.project = nn.ModuleDict({modality: nn.Linear(self._widths[modality], dim) for modality in self.reads})
        self.head = _build_head(head, self.fused_dim, targets, dropout)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "forward" in vars(cls):
            raise TypeError(
                f"{cls.__name__} defines forward: a fusion's forward is shared, so that fusions compare. "
                "Define attend(self, audio, visual, mask) instead."
            )

    @property
    def fused_dim(self) -> int:
        """Width of what the head reads."""
        return len(self.reads) * self.dim

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Let the modalities attend: the method in which fusions differ.

        Args:
            audio: (B, L, d) projected audio, zero in masked rows.
            visual: (B, L, d) projected visual, zero in masked rows.
            mask: (B, L, 2) bool, True = valid, last axis audio, visual.

        Returns:
            Attended audio (B, L, d), attended visual (B, L, d), and maps by name. Branch on shapes only, never on
            values: all seeds of a fusion are trained in one batched program.
        """
        return audio, visual, {}

    def recur(self, fused: Tensor, valid: Tensor) -> Tensor:
        """Pass the attended features, side by side, along the clips before the head reads them; as they are by default.

        Args:
            fused: (B, L, 2d) attended audio and visual; d wide if one modality alone is read.
            valid: (B, L) bool, True where a clip has a modality that is read.

        Returns:
            (B, L, fused_dim).
        """
        return fused

    def forward(self, audio: Tensor, visual: Tensor, mask: Tensor | None = None, maps: bool = False) -> FusionOutput:
        """Predict every target for every clip.

        Args:
            audio: (B, L, audio_dim).
            visual: (B, L, visual_dim).
            mask: (B, L) or (B, L, 2) bool, True = valid, last axis audio, visual; None = all valid. What a masked row
                contains changes nothing, even if it is NaN.
            maps: whether to return the intermediate tensors.

        Returns:
            The prediction, the attended features and, if asked for, the maps.

        Raises:
            ValueError: shapes do not fit each other or this fusion, or the mask is not bool.
        """
        check_inputs(audio, visual, mask, self._widths, self.clips if self.fixed_clips else None)
        valid = row_mask(mask, audio)
        x_audio = self._rows("audio", audio, valid[..., 0])
        x_visual = self._rows("visual", visual, valid[..., 1])
        attended_audio, attended_visual, tensors = self.attend(x_audio, x_visual, valid)
        attended = {"audio": attended_audio, "visual": attended_visual}
        self._check_attended(attended, x_audio.shape)
        fused = torch.cat([attended[modality] for modality in self.reads], dim=-1)
        read = [MODALITIES.index(modality) for modality in self.reads]
        prediction = self.head(self.recur(fused, valid[..., read].any(-1)))
        return FusionOutput(prediction, attended_audio, attended_visual, tensors if maps else None)

    def _rows(self, modality: str, x: Tensor, valid: Tensor) -> Tensor:
        """Project one modality; masked rows come out as zeros."""
        if modality not in self.reads:
            return x.new_zeros(*x.shape[:-1], self.dim)
        # Zeros before the projection keep NaN out of the gradients, zeros after it take out the bias.
        return keep(self.project[modality](keep(x, valid)), valid)

    def _check_attended(self, attended: dict[str, Tensor], shape: torch.Size) -> None:
        for modality, x in attended.items():
            if x.shape != shape:
                raise ValueError(
                    f"{type(self).__name__}.attend returned {modality} as {tuple(x.shape)}, expected {tuple(shape)}: "
                    "attended features keep the shape of the projected ones."
                )


def _build_head(kind: str, width: int, targets: int, dropout: float) -> nn.Sequential:
    choose(kind, HEADS, "head")
    squash = [nn.ReLU()] if kind == "mlp" else []
    return nn.Sequential(nn.Linear(width, _HIDDEN), *squash, nn.Dropout(dropout), nn.Linear(_HIDDEN, targets))


def weight(rows: int, columns: int) -> nn.Parameter:
    """Return a (rows, columns) matrix with the default initialisation of a bias-free `nn.Linear(columns, rows)`."""
    return nn.Parameter(nn.Linear(columns, rows, bias=False).weight.detach())
