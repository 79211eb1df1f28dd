"""The figure of costs: a name for every dot, where it covers no dot and no other name."""

from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from jcalib.fusion import named
from jcalib.views.costs import plot_cost

RNG = np.random.default_rng(3)


def crowd() -> pd.DataFrame:
    """All fusions in three groups, within each of which costs and scores are nearly the same."""
    names = named()
    group = np.arange(len(names)) % 3
    table = pd.DataFrame({"fusion": names, "mean": 0.5 + 0.08 * group + RNG.uniform(0, 0.02, len(names))})
    for column, unit in (("flops", 1e6), ("latency_ratio", 1.0), ("peak_kb", 20.0)):
        table[column] = unit * 3.0**group * RNG.uniform(1, 1.2, len(names))
    return table.assign(low=table["mean"] - 0.03, high=table["mean"] + 0.03, ratio_to="concat")


def test_names_cover_neither_dots_nor_each_other() -> None:
    table = crowd()
    fig = plot_cost(table)
    for ax in fig.axes:
        names = [text for text in ax.texts if isinstance(text, Annotation)]
        assert {text.get_text() for text in names} == set(table["fusion"])
        boxes = [super(Annotation, text).get_window_extent() for text in names]  # without the lines that lead to them
        assert not any(Bbox.intersection(one, other) for one, other in combinations(boxes, 2))
        dots = ax.transData.transform([text.xy for text in names])
        assert not any(box.contains(*dot) for box in boxes for dot in dots)


def test_every_name_has_a_line_to_its_dot() -> None:
    for ax in plot_cost(crowd()).axes:
        assert all(text.arrow_patch is not None for text in ax.texts if isinstance(text, Annotation))
