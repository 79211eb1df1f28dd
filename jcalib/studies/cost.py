"""What a fusion costs to run: operations, time and memory of one sequence, beside what it scores."""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from jcalib.training import Run, RunSettings, pick_device
from jcalib.training.memory import peak_bytes

BASE = "concat"  # what the ratios are to, where it was run; the first fusion otherwise
ROUNDS, CALLS = 7, 4


def costs(runs: Mapping[str, Run], device: str = "auto") -> pd.DataFrame:
    """Measure what each fusion costs to predict one sequence of L clips, on this machine, now.

    Fusions take turns, so that what else the machine does hits all alike: the ratios can be quoted, the milliseconds
    are this machine's.

    Args:
        runs: by fusion.
        device: "auto", "cpu" or "cuda".

    Returns:
        One row a fusion: parameters; flops, see `flops`; latency_ms, the median over rounds; latency_ratio, the median
        over rounds of its time over that of `ratio_to`, which was measured in the same round; peak_kb, see
        `peak_bytes`; train_seconds and train_peak_mb of all seeds, see `Run.frame`; ratio_to.
    """
    where = pick_device(device)
    calls = {name: _predict_one(run.settings, where) for name, run in runs.items()}
    seconds = latencies(calls, where)
    base = BASE if BASE in runs else next(iter(runs))
    rows = [
        {
            "fusion": name,
            "parameters": run.metrics["parameters"],
            "flops": flops(run.settings),
            "latency_ms": 1000 * float(np.median(seconds[name])),
            "latency_ratio": float(np.median(seconds[name] / seconds[base])),
            "peak_kb": peak_bytes(calls[name]) / 1024,
            **{name: run.metrics[name] for name in ("train_seconds", "train_peak_mb")},
            "ratio_to": base,
        }
        for name, run in runs.items()
    ]
    return pd.DataFrame(rows)


@lru_cache(maxsize=64)
def flops(settings: RunSettings) -> int:
    """Return the floating-point operations of one forward pass on one sequence of L clips.

    Matrix products only, which are nearly all; a multiplication and an addition count as two.
    """
    with FlopCounterMode(display=False) as counter:
        _predict_one(settings, torch.device("cpu"))()
    return int(counter.get_total_flops())


def latencies(calls: Mapping[str, Callable[[], Any]], device: torch.device) -> dict[str, np.ndarray]:
    """Return the seconds of one call in each round, (ROUNDS,), after a round that is not counted; calls take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(ROUNDS + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(CALLS):
                call()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if number:
                seconds[name].append((time.perf_counter() - start) / CALLS)
    return {name: np.array(values) for name, values in seconds.items()}


def _predict_one(settings: RunSettings, device: torch.device) -> Callable[[], Tensor]:
    """Return a call that predicts one sequence of zeros; what the values are costs nothing."""
    fusion = settings.build().eval().to(device)
    shape = (1, settings.training.clips)
    audio, visual = (torch.zeros(*shape, width, device=device) for width in (settings.audio_dim, settings.visual_dim))

    def predict() -> Tensor:
        with torch.no_grad():
            return fusion(audio, visual).prediction

    return predict
