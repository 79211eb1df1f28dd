"""What a run predicts for one recording, beside what people annotated."""

from typing import TYPE_CHECKING

from jcalib.views.style import DIM, INK, colour, figure, look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TARGETS = ("valence", "arousal")


def plot_predictions(predictions: "pd.DataFrame", recording: str, fusion: str = "joint", unit: str = "s") -> "Figure":
    """Draw valence and arousal over time: the label, the mean over seeds, and the range of the seeds as a band.

    Args:
        predictions: of a run, as `Run.predictions` gives them.
        recording: which one.
        fusion: whose colour.
        unit: of the time.
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
        axes[-1].set_xlabel(f"time ({unit})")
    return fig


def plot_agreement(predictions: "pd.DataFrame", fusion: str = "joint") -> "Figure":
    """Draw one prediction a recording against its label: the mean over seeds and their range, and perfect agreement.

    Args:
        predictions: of a run with one label per recording, as `Run.predictions` gives them.
        fusion: whose colour.
    """
    by_recording = predictions.groupby("recording")
    fig, axes = figure(1, 2, 6.4, 3.5)
    with look():
        for ax, target in zip(axes, TARGETS, strict=True):
            mean, low, high = (getattr(by_recording[target], how)() for how in ("mean", "min", "max"))
            truth = by_recording[f"true_{target}"].first()
            ax.plot([-1, 1], [-1, 1], color=DIM, linewidth=0.8, linestyle=(0, (4, 2)), label="perfect agreement")
            ax.vlines(truth, low, high, color=colour(fusion), linewidth=1, alpha=0.5)
            ax.plot(
                truth, mean, "o", color=colour(fusion), markersize=4, label=f"{fusion}, mean and range of the seeds"
            )
            ax.set(xlabel=f"annotated {target}", ylabel=f"predicted {target}", xlim=(-1.05, 1.05), ylim=(-1.05, 1.05))
            ax.set(xticks=[-1, -0.5, 0, 0.5, 1], yticks=[-1, -0.5, 0, 0.5, 1])
            ax.set_aspect("equal")
        fig.legend(*axes[0].get_legend_handles_labels(), ncols=2, loc="outside upper left")
    return fig
