"""What a run predicts for one recording, beside what people annotated."""

from typing import TYPE_CHECKING

from jcalib.views.style import DIM, INK, colour, figure, look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TARGETS = ("valence", "arousal")


def plot_predictions(predictions: "pd.DataFrame", recording: str, fusion: str = "joint") -> "Figure":
    """Draw valence and arousal over time: the label, the mean over seeds, and the range of the seeds as a band.

    Args:
        predictions: of a run, as `Run.predictions` gives them.
        recording: which one.
        fusion: whose colour.
    """
    one = predictions[predictions["recording"] == recording]
    by_time = one.groupby("time")
    fig, axes = figure(2, 1, 7.2, 3.8, sharex=True)
    with look():
        for ax, target in zip(axes, TARGETS, strict=True):
            mean, low, high = (getattr(by_time[target], how)() for how in ("mean", "min", "max"))
            truth = by_time[f"true_{target}"].first()
            ax.fill_between(mean.index, low, high, color=colour(fusion), alpha=0.25, linewidth=0)
            ax.plot(mean.index, mean, color=colour(fusion), label=f"{fusion}, mean and range of the seeds")
            ax.plot(truth.index, truth, color=INK, linewidth=1.3, linestyle=(0, (4, 2)), label="annotated")
            ax.axhline(0, color=DIM, linewidth=0.6)
            ax.set(ylabel=target, ylim=(-1.05, 1.05))
        axes[0].legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
        axes[-1].set_xlabel("time (s)")
    return fig
