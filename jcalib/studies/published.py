"""Published results on Aff-Wild2, as far as they stand in an abstract, beside a study's own."""

from pathlib import Path

import pandas as pd

COLUMNS = ["method", "data", "split", "valence", "arousal", "source"]
AFFWILD2 = "Aff-Wild2"
# CCC; every row was read in the abstract named, none is remembered or taken from a summary.
RESULTS: tuple[tuple[str, str, float, float, str], ...] = (
    ("joint cross-attention", "validation", 0.663, 0.584, "arXiv 2203.14779v4"),
    ("joint cross-attention", "test", 0.374, 0.363, "arXiv 2203.14779v4"),
    ("challenge baseline, 2022", "validation", 0.310, 0.170, "arXiv 2203.14779v4"),
    ("challenge baseline, 2022", "test", 0.180, 0.170, "arXiv 2203.14779v4"),
    ("leader-follower attention, 2021", "validation", 0.469, 0.649, "arXiv 2107.01175"),
    ("leader-follower attention, 2021", "test", 0.463, 0.492, "arXiv 2107.01175"),
    ("leader-follower attention, 2022", "test", 0.520, 0.602, "arXiv 2203.13031"),
    ("recursive joint, with text", "validation", 0.585, 0.674, "arXiv 2403.13659v4"),
    ("recursive joint, with text", "test", 0.542, 0.619, "arXiv 2403.13659v4"),
    ("gated recursive joint", "validation", 0.623, 0.660, "arXiv 2503.12261"),
    ("gated recursive joint", "test", 0.561, 0.620, "arXiv 2503.12261"),
)
NOT_COMPARABLE = (
    "The data differ: Aff-Wild2 shows people in the wild, rated by annotators; only a study of Aff-Wild2 itself can be "
    "held against these rows.",
    "The encoders differ: the papers' come from other corpora and larger networks.",
    "In the authors' released code the epoch is chosen on the validation set that is reported; here it is chosen on "
    "persons of its own unless a report says otherwise. Joint's valence falls from .663 on validation to .374 on test.",
    "An abstract gives one number, without an interval.",
)


def beside(table: pd.DataFrame, data: str) -> pd.DataFrame:
    """Return a study's joint and vanilla above the published results.

    Args:
        table: as `Study.table()` gives it.
        data: what the study was made on; of a folder its name is shown.

    Returns:
        Columns method, data, split, valence, arousal, source.
    """
    ours = table[table["fusion"].isin(["joint", "cross"])]
    columns = (ours["fusion"], ours["ccc_valence"], ours["ccc_arousal"])
    rows: list[tuple[object, ...]] = [
        (name, Path(data).name, "report persons", valence, arousal, "this study")
        for name, valence, arousal in zip(*columns, strict=True)
    ]
    rows += [(method, AFFWILD2, *rest) for method, *rest in RESULTS]
    return pd.DataFrame(rows, columns=COLUMNS)
