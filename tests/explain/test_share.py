"""Shapley values of two modalities against their closed forms and axioms, and noise that keeps the moments."""

import pytest
import torch
from torch import Tensor, nn

from jcalib.explain import modality_share
from jcalib.fusion import build_fusion
from jcalib.settings import UserError

B, L, D, K = 9, 3, 4, 5


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


AUDIO, VISUAL = random(B, L, D, seed=1), random(B, L, D, seed=2)
BACKGROUND = random(K, L, D, seed=3), random(K, L, D, seed=4)


def u(audio: Tensor) -> Tensor:
    return audio.sum(dim=-1)


def w(visual: Tensor) -> Tensor:
    return 2 * visual.cumsum(dim=1).sum(dim=-1) + 1


def test_a_sum_goes_to_whom_it_belongs() -> None:
    found = modality_share(lambda a, v, m: u(a) + w(v), AUDIO, VISUAL, *BACKGROUND)
    torch.testing.assert_close(found.audio, u(AUDIO) - u(BACKGROUND[0]).mean(0))
    torch.testing.assert_close(found.visual, w(VISUAL) - w(BACKGROUND[1]).mean(0))
    torch.testing.assert_close(found.interaction, torch.zeros(B, L, dtype=torch.float64))


def test_a_product_has_its_closed_form() -> None:
    """With a background of one sequence: phi_a = (u - u0)(w + w0) / 2, interaction (u - u0)(w - w0)."""
    one = tuple(x[:1] for x in BACKGROUND)
    found = modality_share(lambda a, v, m: u(a) * w(v), AUDIO, VISUAL, *one, chunk=4)
    of_audio, of_visual = u(AUDIO) - u(one[0]), w(VISUAL) - w(one[1])
    torch.testing.assert_close(found.audio, of_audio * (w(VISUAL) + w(one[1])) / 2)
    torch.testing.assert_close(found.visual, of_visual * (u(AUDIO) + u(one[0])) / 2)
    torch.testing.assert_close(found.interaction, of_audio * of_visual)


@pytest.mark.parametrize("name", ["joint", "cross", "mixer", "concat", "lstm", "recursive", "audio", "visual"])
def test_the_values_add_up_and_who_does_not_play_gets_nothing(name: str) -> None:
    torch.manual_seed(0)
    fusion = build_fusion(name, audio_dim=D, visual_dim=D, clips=L, dim=6, rank=4).double().eval()
    mask = torch.ones(B, L, 2, dtype=torch.bool)
    mask[0, 1, 1] = False
    visual = torch.where(mask[..., 1:], VISUAL, torch.nan)
    found = modality_share(lambda a, v, m: fusion(a, v, m).prediction[..., 0], AUDIO, visual, *BACKGROUND, mask)
    torch.testing.assert_close(found.audio + found.visual + found.reference, found.prediction)
    if name in ("audio", "visual"):
        absent = found.visual if name == "audio" else found.audio
        assert absent.abs().max() < 1e-12 and found.interaction.abs().max() < 1e-12
        assert (found.voice(1e-6).nan_to_num(1.0) > 0.99).all() or name == "visual"
    else:
        assert found.interaction.abs().max() > 1e-6 and found.visual.abs().max() > 1e-3


def test_modalities_that_trade_places_trade_values() -> None:
    found = modality_share(lambda a, v, m: u(a) * w(v), AUDIO, VISUAL, *BACKGROUND)
    turned = modality_share(lambda v, a, m: u(a) * w(v), VISUAL, AUDIO, *BACKGROUND[::-1])
    torch.testing.assert_close((found.audio, found.interaction), (turned.visual, turned.interaction))


def test_nothing_to_share_has_no_share() -> None:
    found = modality_share(lambda a, v, m: 0 * u(a) + 0.3, AUDIO, VISUAL, *BACKGROUND)
    assert found.voice().isnan().all()


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="0 background"):
        modality_share(lambda a, v, m: u(a), AUDIO, VISUAL, AUDIO[:0], VISUAL[:0])
    dropout = nn.Dropout(0.5)
    with pytest.raises(UserError, match=r"eval\(\)"):
        modality_share(lambda a, v, m: u(dropout(a)), AUDIO, VISUAL, *BACKGROUND)
