"""Measures by seed: the same module twice agrees with itself, and rank correlation is SciPy's."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from jcalib.explain import across_seeds, feature_covariance, rank_correlation, reach
from jcalib.fusion import build_fusion


class TwoSeeds:
    """A run of which both seeds are one module, or two."""

    def __init__(self, name: str, same: bool) -> None:
        self.modules = []
        for seed in range(2):
            torch.manual_seed(0 if same else seed)
            self.modules.append(build_fusion(name, audio_dim=5, visual_dim=4, clips=3, dim=6, rank=4).eval())
        self.settings = type("Settings", (), {"seeds": (0, 1), "fusion": name})()

    def fusion(self, seed: int) -> torch.nn.Module:
        return self.modules[seed]


@pytest.mark.parametrize("name", ["joint", "concat"])
def test_a_seed_agrees_with_itself(name: str) -> None:
    audio, visual = torch.randn(12, 3, 5), torch.randn(12, 3, 4)
    spread = feature_covariance(audio.flatten(0, 1)), feature_covariance(visual.flatten(0, 1))
    same, other = (across_seeds(TwoSeeds(name, one), audio, visual, *spread, "valence") for one in (True, False))  # type: ignore[arg-type]
    assert same["agreement"].tolist() == pytest.approx([1, 1])
    assert same.drop(columns="seed").iloc[0].equals(same.drop(columns="seed").iloc[1])
    assert (other["agreement"] < 1).all() and other["own block, voice"].isna().all() == (name == "concat")
    assert (other["cross-talk, voice"] == 0).all() == (name == "concat")


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(3, 40))
def test_rank_correlation_is_spearmans(seed: int, count: int) -> None:
    a, b = np.random.default_rng(seed).integers(0, 9, (2, count)) + np.arange(count) % 3
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_a_constant_map_has_no_rank() -> None:
    assert np.isnan(rank_correlation(np.ones(5), np.arange(5)))


def test_reach_by_hand() -> None:
    values = np.array([[3.0, 1.0], [1.0, 3.0]])
    row = reach({("joint", "audio"): values}, {("joint", "audio"): 2 * values}).iloc[0]
    assert (row["influence"], row["on the predicted clip"], row["an even spread"]) == (2, 0.75, 0.5)
    assert row["swap / temporal"] == 2
