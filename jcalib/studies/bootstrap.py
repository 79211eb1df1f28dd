"""The crossed bootstrap: recordings and seeds drawn again, for the bands in pictures (design 10)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from jcalib.studies.statistics import Array, mean_ccc, per_cluster, weighted


def crossed_bootstrap(
    a: ArrayLike,
    b: ArrayLike | None,
    resamples: int,
    rng: np.random.Generator,
    clusters: Sequence[str] | None = None,
) -> Array:
    """Draw the difference again with recordings and seeds both resampled, for the bands in pictures.

    Args:
        a, b, clusters: as in `compare`.
        resamples: how many draws; all are one matrix product.
        rng: where the chance comes from.

    Returns:
        (resamples,) differences (or CCCs of A). A little wider than the t interval: resampling both factors counts
        their interaction twice.
    """
    tables = [per_cluster(table, clusters) for table in (a, b) if table is not None]
    n, seeds = tables[0].shape[:2]
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)
    share = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds
    scores = [mean_ccc((drawn @ table.reshape(n, -1)).reshape(-1, *table.shape[1:])) for table in tables]
    return (weighted(scores, [1, -1][: len(scores)]) * share).sum(-1)
