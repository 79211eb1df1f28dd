"""Which structure is the method's and which is one seed's luck: the same measures for every seed of a run."""

from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata
from torch import Tensor

from jcalib.explain.attention import block_shares
from jcalib.explain.crosstalk import cross_talk
from jcalib.explain.influence import temporal_influence
from jcalib.fusion import Fusion
from jcalib.settings import choose
from jcalib.training import TARGETS, Run

if TYPE_CHECKING:
    import pandas as pd


def across_seeds(
    run: Run,
    audio: Tensor,
    visual: Tensor,
    covariance_audio: Tensor,
    covariance_visual: Tensor,
    target: str,
    recording: Tensor | None = None,
) -> "pd.DataFrame":
    """Measure every seed of a run by itself.

    Args:
        run: whose seeds.
        audio, visual: (B, L, Da) and (B, L, Dv), complete sequences.
        covariance_audio, covariance_visual: see `feature_covariance`.
        target: "valence" or "arousal".
        recording: (B,) which recording each sequence is of, for swaps with another one, see `cross_talk`.

    Returns:
        One row a seed: fusion, seed, cross-talk voice and face, own block voice and face (NaN without a joint
        correlation), voice's influence (its share of all temporal influence), and agreement: the mean rank
        correlation of this seed's influence (both modalities, all pairs of clips) with the other seeds'.
    """
    import pandas as pd

    column = TARGETS.index(choose(target, TARGETS, "target"))
    rows, patterns = [], []
    for seed in run.settings.seeds:
        fusion = run.fusion(seed)
        talk = cross_talk(fusion, audio, visual, recording=recording).share()
        own = block_shares(fusion, audio, visual)
        predict = partial(_predict, fusion, column)
        influence = temporal_influence(predict, audio, visual, covariance_audio, covariance_visual)
        of_voice, of_face = (x.detach().numpy() for x in influence)
        patterns.append(np.concatenate([of_voice.ravel(), of_face.ravel()]))
        row = {"fusion": run.settings.fusion, "seed": seed}
        row |= {"cross-talk, voice": float(talk[0]), "cross-talk, face": float(talk[1])}
        row |= {"own block, voice": own.get("audio", np.nan), "own block, face": own.get("visual", np.nan)}
        rows.append(row | {"voice's influence": float(of_voice.sum() / patterns[-1].sum())})
    return pd.DataFrame(rows).assign(agreement=_agreement(patterns))


def _predict(fusion: Fusion, column: int, audio: Tensor, visual: Tensor, mask: Tensor | None) -> Tensor:
    return fusion(audio, visual, mask).prediction[..., column]


def rank_correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Return Spearman's rank correlation of two maps, cell by cell; NaN where one is constant."""
    ranks = [rankdata(np.ravel(np.asarray(x))) for x in (a, b)]
    centred = [x - x.mean() for x in ranks]
    size = np.sqrt(np.prod([x @ x for x in centred]))
    return float(centred[0] @ centred[1] / size) if size > 0 else np.nan


def _agreement(patterns: list[np.ndarray]) -> list[float]:
    """Each pattern's mean rank correlation with the others, NaN if there are none."""
    table = np.full((len(patterns), len(patterns)), np.nan)
    for a, b in combinations(range(len(patterns)), 2):
        table[a, b] = table[b, a] = rank_correlation(patterns[a], patterns[b])
    known = np.isfinite(table).sum(axis=1)
    return list(np.where(known > 0, np.nansum(table, axis=1) / np.maximum(known, 1), np.nan))
