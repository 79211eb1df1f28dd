"""How much of a prediction is the voice's, how much the face's, and how much only both together have.

Exact Shapley values of a game with two players (Shapley 1953; Lundberg and Lee 2017, arXiv 1705.07874): a modality
that does not play is replaced, as a whole window, by those of background sequences from the training persons
(design 11). Everything is signed and in units of the target.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from jcalib.explain.steady import assert_steady
from jcalib.fusion.inputs import row_mask
from jcalib.settings import UserError

Predict = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class Shares:
    """A prediction in parts, each (B, L), in target units.

    Attributes:
        audio, visual: Shapley values; with `reference` they add up to `prediction`.
        interaction: f(both) - f(audio) - f(visual) + f(none): what neither has alone. Half of it is in each value.
        prediction: f(both).
        reference: (L,) f(none), the mean prediction over the background.
    """

    audio: Tensor
    visual: Tensor
    interaction: Tensor
    prediction: Tensor
    reference: Tensor

    @property
    def size(self) -> Tensor:
        """|audio| + |visual|: how much there is to share, (B, L)."""
        return self.audio.abs() + self.visual.abs()

    def voice(self, least: float = 0.0) -> Tensor:
        """Return the voice's share |audio| / (|audio| + |visual|), (B, L) in [0, 1].

        Args:
            least: where `size` is at or below it, there is nothing to share and the share is NaN.
        """
        return torch.where(self.size > least, self.audio.abs() / self.size, torch.nan)


def modality_share(
    predict: Predict,
    audio: Tensor,
    visual: Tensor,
    background_audio: Tensor,
    background_visual: Tensor,
    mask: Tensor | None = None,
    chunk: int = 256,
) -> Shares:
    """Divide predictions between voice and face by exact two-player Shapley values.

    phi_a = ((f(a) - f(none)) + (f(both) - f(v))) / 2, phi_v alike, where f without a modality is the mean over the
    background sequences put in its place.

    Args:
        predict: (audio (B, L, Da), visual (B, L, Dv), mask (B, L, 2)) to one target's prediction (B, L), in eval
            mode, averaged over seeds.
        audio, visual: (B, L, Da) and (B, L, Dv).
        background_audio, background_visual: (K, L, Da) and (K, L, Dv): complete sequences of the training persons.
        mask: (B, L) or (B, L, 2) bool, True is valid, last axis audio, visual; background rows are valid.
        chunk: sequences at once.

    Raises:
        UserError: no background, or `predict` is not in eval mode.
    """
    if not len(background_audio):
        raise UserError("0 background sequences: a modality that is left out needs something in its place.")
    valid = row_mask(mask, audio)
    assert_steady(predict, audio, visual, valid)
    with torch.no_grad():
        both = torch.cat(
            [predict(*part) for part in zip(*(x.split(chunk) for x in (audio, visual, valid)), strict=True)]
        )
        none = predict(background_audio, background_visual, None).mean(dim=0)
        alone = []
        for number in (0, 1):
            filled = _filled(audio, visual, valid, (background_audio, background_visual), 1 - number)
            alone.append(
                _in_chunks(predict, filled, chunk).unflatten(0, (len(audio), len(background_audio))).mean(dim=1)
            )
    voice, face = alone
    return Shares(
        audio=((voice - none) + (both - face)) / 2,
        visual=((face - none) + (both - voice)) / 2,
        interaction=both - voice - face + none,
        prediction=both,
        reference=none,
    )


def _in_chunks(predict: Predict, inputs: tuple[Tensor, Tensor, Tensor], chunk: int) -> Tensor:
    return torch.cat([predict(*part) for part in zip(*(x.split(chunk) for x in inputs), strict=True)])


def _filled(
    audio: Tensor, visual: Tensor, valid: Tensor, background: tuple[Tensor, Tensor], missing: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Every sequence with every background in the missing modality's place, (B K, L, ...)."""
    count, sequences = len(background[0]), len(audio)
    inputs = [x.repeat_interleave(count, dim=0) for x in (audio, visual)]
    inputs[missing] = background[missing].repeat(sequences, 1, 1)
    rows = valid.repeat_interleave(count, dim=0).clone()
    rows[..., missing] = True
    return inputs[0], inputs[1], rows
