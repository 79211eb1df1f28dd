"""Where in the pictures and the sound a prediction comes from: a map, and Integrated Gradients with its sum checked.

Integrated Gradients (Sundararajan et al. 2017, arXiv 1703.01365) by Captum, from a baseline without the expression
(a blurred face, the clip's own noise floor; design 11) to the clip; the map must add up to the difference.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from jcalib.explain.baselines import OWN
from jcalib.explain.memory import differentiable, halving
from jcalib.explain.steady import assert_steady
from jcalib.settings import UserError

if TYPE_CHECKING:
    import pandas as pd

Predict = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Attribution:
    """One clip's map: what each pixel and each log-mel cell adds to the prediction, in target units.

    The map of a whole window has a leading axis of its L clips.
    """

    pictures: np.ndarray  # (8, H, W), summed over colours; (L, 8, H, W)
    log_mel: np.ndarray  # (mels, frames); (L, mels, frames)
    target: str
    baseline: str
    prediction: float
    baseline_prediction: float
    steps: int  # points of a path, or maskings; 1 for a single gradient
    converged: bool  # whether it adds up to the difference, within max(1 %, 1e-3)
    method: str = "integrated_gradients"
    complete: bool = True  # whether the method promises to add up; no fault of a map that does not
    reason: str = ""  # why this baseline
    spread: float = float("nan")  # standard deviation of the prediction over seeds
    notes: tuple[str, ...] = ()
    ends: tuple[float, ...] = ()  # of a window's clips, seconds on the recording's clock, NaN for padding

    @property
    def total(self) -> float:
        """The sum of the whole map."""
        return float(self.pictures.sum(dtype=np.float64) + self.log_mel.sum(dtype=np.float64))

    @property
    def difference(self) -> float:
        """What the map should add up to: the prediction less the baseline's."""
        return self.prediction - self.baseline_prediction

    @property
    def delta(self) -> float:
        """By how much it misses."""
        return self.total - self.difference

    def of(self, modality: str) -> np.ndarray:
        """Return the map of "visual" or "audio"."""
        return self.pictures if modality == "visual" else self.log_mel

    @property
    def empty(self) -> bool:
        """True where the map is zero everywhere: there is nothing to see, and shares are undefined."""
        return not (self.pictures.any() or self.log_mel.any())

    def frame(self) -> "pd.DataFrame":
        """One row per picture and per mel band.

        Returns:
            Columns modality, part, index, value (signed, target units; the column adds up to `total`) and share
            (of all absolute attribution; adds up to 1, NaN for an empty map); of a window before them second, when
            the clip ends.
        """
        import pandas as pd

        parts = ("visual", "picture", self.pictures), ("audio", "mel band", self.log_mel)
        rows = [
            (second, modality, part, index, values.sum(dtype=np.float64), np.abs(values).sum(dtype=np.float64))
            for modality, part, maps in parts
            for second, cells in zip(self.ends or [np.nan], maps if self.ends else [maps], strict=True)
            for index, values in enumerate(cells)
        ]
        table = pd.DataFrame(rows, columns=["second", "modality", "part", "index", "value", "share"])
        weight = table["share"].sum()
        table["share"] = table["share"] / weight if weight > 0 else np.nan
        return table if self.ends else table.drop(columns="second")


def integrated_gradients(
    predict: Predict,
    pictures: Tensor,
    log_mel: Tensor,
    baseline_pictures: Tensor,
    baseline_log_mel: Tensor,
    *,
    target: str,
    baseline: str = OWN,
    steps: int = 32,
    most_steps: int = 512,
    batch: int = 16,
) -> Attribution:
    """Integrated Gradients of one clip, with steps doubled until the map adds up.

    It adds up where |sum - (f(x) - f(b))| <= max(1 % of |f(x) - f(b)|, 1e-3).

    Args:
        predict: (pictures (B, 3, 8, H, W), log-mel (B, 1, mels, frames)) to one target's prediction (B,), in eval
            mode and before clipping.
        pictures, log_mel: the clip, (3, 8, H, W) and (1, mels, frames).
        baseline_pictures, baseline_log_mel: where the path starts, same shapes; see `explain.own_baseline`.
        target: the name of what is predicted.
        baseline: the baseline in words.
        steps, most_steps: of the Gauss-Legendre rule, the first and the last tried.
        batch: points of the path at once.

    Returns:
        The map of the last number of steps tried; `converged` says whether it adds up.

    Raises:
        UserError: shapes that do not fit, or a `predict` that is not in eval mode.
    """
    from captum.attr import IntegratedGradients

    for name, value, origin in (
        ("pictures", pictures, baseline_pictures),
        ("log-mel", log_mel, baseline_log_mel),
    ):
        if value.shape != origin.shape:
            raise UserError(
                f"{name} have shape {tuple(value.shape)}, their baseline {tuple(origin.shape)}: "
                "the path needs equal shapes. Make the baseline from the clip itself."
            )
    clip, start = (pictures[None], log_mel[None]), (baseline_pictures[None], baseline_log_mel[None])
    ends = [torch.cat(pair) for pair in zip(clip, start, strict=True)]
    assert_steady(predict, *ends)
    with torch.no_grad():
        prediction, baseline_prediction = predict(*ends).double().tolist()

    method = IntegratedGradients(_connected(predict))
    while True:
        with differentiable():
            maps = halving(partial(_along_the_path, method, clip, start, steps), min(batch, steps))
        total = sum(float(part.double().sum()) for part in maps)
        converged = adds_up(total, prediction - baseline_prediction)
        if converged or 2 * steps > most_steps:
            break
        steps *= 2
    return Attribution(
        pictures=maps[0][0].sum(dim=0).detach().cpu().numpy(),
        log_mel=maps[1][0, 0].detach().cpu().numpy(),
        target=target,
        baseline=baseline,
        prediction=prediction,
        baseline_prediction=baseline_prediction,
        steps=steps,
        converged=converged,
    )


def adds_up(total: float, difference: float) -> bool:
    """Whether a map's sum is the difference of the predictions, within max(1 %, 1e-3)."""
    return abs(total - difference) <= max(0.01 * abs(difference), 1e-3)


def _along_the_path(
    method: Any, clip: tuple[Tensor, Tensor], start: tuple[Tensor, Tensor], steps: int, batch: int
) -> tuple[Tensor, Tensor]:
    return method.attribute(clip, start, n_steps=steps, method="gausslegendre", internal_batch_size=batch)


def _connected(predict: Predict) -> Predict:
    """The same prediction, with a zero gradient for an input it does not use (one modality alone)."""
    return lambda pictures, log_mel: (
        predict(pictures, log_mel) + 0 * (pictures.flatten(1).sum(dim=1) + log_mel.flatten(1).sum(dim=1))
    )
