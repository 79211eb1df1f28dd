"""What a run predicts for one video, frame by frame, and how far it may be off."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from jcalib.training.calibration import Calibration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGETS = ("valence", "arousal")


@dataclass(frozen=True, eq=False)
class Prediction:
    """A video's valence and arousal.

    Attributes:
        name: the video's file name.
        fusion: what predicted it.
        run: the run's name.
        table: one row a frame: time (seconds on the container's clock); per target the mean over seeds, `_spread`
            (standard deviation over seeds), `_low` and `_high` (the calibrated interval, within [-1, 1]); face (found
            in this frame) and voice (the soundtrack under this frame's clip is not silent). NaN where nothing could
            be predicted, and in the interval of a run that had nobody to calibrate on.
        boxes: (T, 4) of the face, x, y, width and height in pixels of the upright picture; NaN where it is lost.
        calibration: of the interval, by target.
        notes: what to know before reading it, one sentence each.
        trouble: what of the video could not be read; empty if all could.
    """

    name: str
    fusion: str
    run: str
    table: pd.DataFrame
    boxes: np.ndarray
    calibration: Mapping[str, Calibration]
    notes: tuple[str, ...] = ()
    trouble: str = ""

    def frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def plot(self) -> "Figure":
        """Draw valence and arousal over time, with spread and interval."""
        from jcalib.views.traces import plot_traces

        return plot_traces(self.table, self.fusion)

    def facts(self) -> str:
        """Say how long the video is, and how much of it has a face, a voice and a prediction."""
        shares = [f"{word} {100 * self.table[word].mean():.0f} %" for word in ("face", "voice")]
        predicted = 100 * self.table["valence"].notna().mean()
        seconds = self.table["time"].iloc[-1] - self.table["time"].iloc[0]
        return f"{seconds:.1f} s, {len(self.table):,} frames: {', '.join(shares)}, predicted {predicted:.0f} %"

    def _repr_html_(self) -> str:
        """Show the traces with what is known about them."""
        from html import escape

        from jcalib.views.traces import traces_svg

        words = [self.facts(), *self.notes, *filter(None, [self.trouble])]
        words += [self.calibration[target].sentence(target) for target in TARGETS]
        lines = "".join(f"<p>{escape(line)}</p>" for line in words)
        return f"<h3>{escape(self.name)}</h3>{traces_svg(self.table, self.fusion, self.name)}{lines}"


def prediction_table(
    times: np.ndarray,
    values: np.ndarray,
    present: Mapping[str, np.ndarray],
    calibration: Mapping[str, Calibration],
) -> pd.DataFrame:
    """Return the table of a `Prediction`.

    Args:
        times: (T,) seconds.
        values: (S, T, 2), each seed's prediction.
        present: "face" and "voice" to bool (T,).
        calibration: by target.
    """
    table = pd.DataFrame({"time": times})
    means = values.mean(axis=0, dtype=np.float64).clip(-1, 1)
    spread = values.std(axis=0, ddof=1, dtype=np.float64) if len(values) > 1 else np.full_like(means, np.nan)
    for column, target in enumerate(TARGETS):
        half_width = calibration[target].half_width
        half_width = np.nan if half_width is None else half_width
        table[target], table[f"{target}_spread"] = means[:, column], spread[:, column]
        table[f"{target}_low"] = (means[:, column] - half_width).clip(-1, 1)
        table[f"{target}_high"] = (means[:, column] + half_width).clip(-1, 1)
    return table.assign(**present)
