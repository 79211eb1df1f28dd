"""Practices that change a number without changing a model, said beside it: smoothing, and zero-filling."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from jcalib.studies.statistics import TARGETS, ccc_from_sums, zero_filled
from jcalib.studies.verdicts import format_ccc


def zero_filled_scores(sums: Mapping[str, np.ndarray], frames: Sequence[int]) -> pd.DataFrame:
    """Return what zero-filling, as in the released validation code, would have claimed.

    Args:
        sums: {fusion: (R, S, 2, 6)}.
        frames: of each recording, scored or not, (R,).

    Returns:
        One row a fusion and target (valence, arousal, mean): ccc is the official metric, zero_filled what the same
        predictions get when every frame without a label or without a prediction counts as agreement at 0, filled the
        share of such frames. Means over seeds.
    """
    lengths = np.array(frames)[:, None, None]
    rows = []
    for name, table in sums.items():
        official, claimed = (ccc_from_sums(one.sum(0)).mean(0) for one in (table, zero_filled(table, lengths)))
        filled = 1 - table[..., 0].sum(0).mean(0) / lengths.sum()
        triples = [*zip(official, claimed, filled, strict=True)]
        triples.append(tuple(np.mean(triples, axis=0)))
        rows += [(name, target, *triple) for target, triple in zip((*TARGETS, "mean"), triples, strict=True)]
    return pd.DataFrame(rows, columns=["fusion", "target", "ccc", "zero_filled", "filled"])


def sentences(smooth: Sequence[int], filled: pd.DataFrame | None = None) -> list[str]:
    """Return what has to be said about a study's numbers, a sentence each.

    Args:
        smooth: frames over which valence and arousal are averaged before they are scored; () for none.
        filled: as `zero_filled_scores` gives it, where that was asked for.
    """
    said = []
    if smooth:
        widths = " and ".join(f"{width} ({of})" for width, of in zip(smooth, TARGETS, strict=True))
        said.append(f"Predictions are averaged over {widths} frames before they are scored; by default they are not.")
    for row in filled[filled["target"] == "mean"].to_dict("records") if filled is not None else []:
        ours, theirs = (format_ccc(row[column]) for column in ("ccc", "zero_filled"))
        said.append(
            f"{row['fusion']}: {ours} by the official metric; {theirs} if frames without a label or prediction "
            f"({row['filled']:.1%}) counted as agreement at 0, as in the released code."
        )
    return said
