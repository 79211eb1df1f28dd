"""The maps that a fusion computes itself, for every clip end of a recording: what is shown beside its attributions."""

from dataclasses import dataclass

import numpy as np
import torch

from jcalib.explain.looking import Windows
from jcalib.explain.playback import colour_limit, quantised
from jcalib.features import Features
from jcalib.fusion.inputs import MODALITIES
from jcalib.settings import choose
from jcalib.training import Run

KINDS = ("correlation", "attention")


@dataclass(frozen=True, eq=False)
class Attending:
    """One seed's maps over a recording with n clip ends.

    Attributes:
        fusion, seed: whose; what a feature means differs from seed to seed, so maps are of one.
        kind: "correlation" (signed, feature by joint feature), "attention" (columns add up to 1, clip by clip), or
            empty where the fusion has neither.
        maps: "audio" and "visual" to int8 (n, rows, columns), of each clip end's window; byte x limit / 127 is a value.
        limit: where the colours end, a percentile of the absolute values over the recording.
    """

    fusion: str
    seed: int
    kind: str
    maps: dict[str, np.ndarray]
    limit: float


def attending(run: Run, features: Features, recording: str, seed: int | None = None) -> Attending:
    """Compute a fusion's maps for each clip end's window, the one in which the report predicts it.

    Args:
        run: whose fusion.
        features: what it was evaluated on.
        recording: its name.
        seed: whose maps; the run's first if None.

    Raises:
        UserError: an unknown recording.
    """
    numbers = {info.name: number for number, info in enumerate(features.recordings)}
    number = numbers[choose(recording, numbers, "recording")]
    seed = run.settings.seeds[0] if seed is None else seed
    windows = Windows.of(features, [number], run.settings.training.clips, dense=True)
    with torch.no_grad():
        found = run.fusion(seed)(windows.audio, windows.visual, windows.mask, maps=True).maps or {}
    kind = next((one for one in KINDS if f"{one}_audio" in found), "")
    if not kind:
        return Attending(run.settings.fusion, seed, "", {}, 1.0)
    of_row = np.nonzero(windows.counted)[0][np.argsort(windows.order)]  # the window in which each row is predicted
    maps = {name: found[f"{kind}_{name}"].numpy() for name in MODALITIES}
    limit = colour_limit(list(maps.values()))
    bytes_ = {name: quantised(values, limit)[of_row] for name, values in maps.items()}
    return Attending(run.settings.fusion, seed, kind, bytes_, limit)
