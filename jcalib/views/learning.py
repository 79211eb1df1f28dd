"""The figure of learning curves."""

from typing import TYPE_CHECKING

from jcalib.views.style import colour, dashes, exact_ticks, figure, look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def plot_learning(table: "pd.DataFrame") -> "Figure":
    """Draw CCC against training recordings, a panel a target: the mean over seeds, a band from lowest to highest seed.

    Args:
        table: as `LearningCurve.frame()` gives it.
    """
    fusions = list(dict.fromkeys(table["fusion"]))
    with look():
        fig, axes = figure(1, 2, width=6.4, height=2.8, sharey=True)
        for ax, target in zip(axes, ("valence", "arousal"), strict=True):
            for name in fusions:
                one = table[(table["fusion"] == name) & (table["target"] == target)]
                seeds = one.groupby("recordings")["ccc"].agg(["mean", "min", "max"])
                ax.fill_between(seeds.index, seeds["min"], seeds["max"], color=colour(name), alpha=0.14, lw=0)
                ax.plot(seeds.index, seeds["mean"], color=colour(name), ls=dashes(name), marker="o", ms=3, label=name)
            ax.set_title(target)
            ax.set_xticks(sorted(set(table["recordings"])))
            ax.set_xlabel("training recordings")
            exact_ticks(ax.yaxis)
        axes[0].set_ylabel("CCC on the report persons")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 7), handlelength=2.6)
    return fig
