"""Relevance of clips through softmax attention: by hand where the fusion is, refused where there is none."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from jcalib.explain import attention_relevance, clip_relevance
from jcalib.fusion import Fusion, build_fusion
from jcalib.settings import UserError

B, L, D = 6, 4, 5


class Shown(Fusion):
    """Predicts the attended sum of the voice's first feature, so that gradients are known by hand."""

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        weights = [(x @ y.mT).softmax(dim=-2) for x, y in ((audio, visual), (visual, audio))]
        maps = {"attention_audio": weights[0], "attention_visual": weights[1]}
        return weights[0].mT @ audio, weights[1].mT @ visual, maps


def test_it_is_the_positive_part_of_attention_times_gradient() -> None:
    torch.manual_seed(0)
    fusion = Shown(D, D, L, dim=D).eval()
    head = torch.zeros(1, 2 * D)
    head[0, 0] = 1
    fusion.head = torch.nn.Linear(2 * D, 1, bias=False)
    fusion.head.weight.data = head
    audio, visual = torch.randn(B, L, D), torch.randn(B, L, D)
    of_voice, of_face = clip_relevance(fusion, audio, visual, 0)
    x = fusion.project["audio"](audio)
    weights = fusion(audio, visual, maps=True).maps["attention_audio"]  # y_t = sum_s A[s, t] x_s
    expected = torch.eye(L) + (weights.mT * x[..., 0][:, None]).clamp(min=0).mean(0)
    torch.testing.assert_close(of_voice, expected.detach())
    torch.testing.assert_close(of_face, torch.eye(L))


@pytest.mark.parametrize("name", ["cross", "transformer"])
def test_softmax_fusions_have_it(name: str) -> None:
    torch.manual_seed(0)
    fusion = build_fusion(name, audio_dim=D, visual_dim=D, clips=L, dim=8).eval()
    found = clip_relevance(fusion, torch.randn(B, L, D), torch.randn(B, L, D), 1)
    assert all(one.shape == (L, L) and (one >= 0).all() and (one.diagonal() >= 1).all() for one in found)
    assert all((one - torch.eye(L)).max() > 0 for one in found)


@pytest.mark.parametrize("name", ["joint", "mean", "concat"])
def test_where_there_is_no_softmax_it_is_refused(name: str) -> None:
    fusion = build_fusion(name, audio_dim=D, visual_dim=D, clips=L, dim=8, rank=4).eval()
    with pytest.raises(UserError, match="no softmax attention"):
        clip_relevance(fusion, torch.randn(B, L, D), torch.randn(B, L, D), 0)


def test_runs_are_followed_where_they_can_be_and_seeds_averaged() -> None:
    def run_of(name: str) -> Any:
        def fusion(seed: int) -> Fusion:
            torch.manual_seed(seed)
            return build_fusion(name, audio_dim=D, visual_dim=D, clips=L, dim=8, rank=4).eval()

        return SimpleNamespace(fusion=fusion, settings=SimpleNamespace(seeds=(3, 5)))

    audio, visual = torch.randn(B, L, D), torch.randn(B, L, D)
    found = attention_relevance({"joint": run_of("joint"), "cross": run_of("cross")}, audio, visual, "arousal")
    assert list(found) == [("cross", "audio"), ("cross", "visual")]
    seeds = [clip_relevance(run_of("cross").fusion(seed), audio, visual, 1)[0] for seed in (3, 5)]
    expected = (seeds[0] + seeds[1]) / 2 - torch.eye(L)
    assert found["cross", "audio"] == pytest.approx(expected.numpy(), abs=1e-6)
