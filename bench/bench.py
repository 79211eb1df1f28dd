"""`make bench`: what training steps, statistics, extraction and the stages of a report cost on this machine.

    python bench/bench.py [--only loop,seeds,...] [--preset quick] [--out bench/results/<name>.csv]

Parts: `loop` (joint, vectorised, against a loop over samples), `seeds` (20 seeds in one program against 20 runs),
`fusions` (a step of each, beside nn.MultiheadAttention), `cells` (the same of the 24, only when asked for), `roofline`
(joint's step against what its bytes and operations allow), `bootstrap` (10,000 resamples), `extract` (clips to
features), `report` (stage by stage, from nothing). Machines are noisy: times are medians of steps that take turns, and
a ratio stands beside each.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from loop import step as loop_step
from steps import TORCH, WIDTH, medians, step

from jcalib import progress
from jcalib.fusion import cells, named
from jcalib.provenance import provenance
from jcalib.settings import Preset, TrainingSettings, UserError, choose, preset
from jcalib.training import pick_device

Row = dict[str, object]
LOOP_ROUNDS = 21  # turns of step and loop: what is asked for is a ratio, and machines are noisy


def main() -> None:
    """Measure, print a table and write it as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="quick")
    usual = ",".join(name for name in PARTS if name != "cells")
    parser.add_argument("--only", default=usual, help="parts, with commas between")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    try:
        chosen = preset(options.preset)
        parts = [choose(name, PARTS, "part") for name in options.only.split(",")]
    except UserError as error:
        parser.error(str(error))
    origin = provenance()
    device, threads, commit = origin["device"]["name"], origin["threads"], origin["commit"][:7]
    machine = f"{device}, {threads} threads, commit {commit}, preset {chosen.name}"
    print(machine, flush=True)
    rows: list[Row] = []
    for part in parts:
        found = PARTS[part](chosen)
        print(pd.DataFrame(found).to_string(index=False, na_rep="", float_format="{:.4g}".format), "\n", flush=True)
        rows += [{"part": part, **row} for row in found]
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).assign(machine=machine).to_csv(options.out, index=False)


def against_loop(chosen: Preset, batch: int = 96, lengths: tuple[int, ...] = (8, 16)) -> list[Row]:
    """Time joint's step against a loop over the samples of the same batch; asked for: 3 times faster on 2 cores."""
    rows, device = [], pick_device()
    for clips in lengths:
        size = chosen.training.changed(clips=clips, batch=batch)
        pair = {"vectorised": step("joint", 1, size, device), "loop": loop_step(batch, clips, WIDTH, device)}
        found = medians(pair, device, LOOP_ROUNDS)
        for name, value in found.items():
            what = f"joint, {batch} sequences x {clips} clips, {name}"
            rows.append({"what": what, "seconds": value, "ratio": value / found["vectorised"]})
    return rows


def seeds_at_once(chosen: Preset, seeds: int = 20) -> list[Row]:
    """Time a step of 20 seeds in one program; asked for: no more than 20 steps of one seed."""
    rows = []
    for name in ("joint", "cross"):
        pair = {count: step(name, count, chosen.training, pick_device()) for count in (1, seeds)}
        found = medians({str(count): run for count, run in pair.items()}, pick_device())
        for count, value in found.items():
            rows.append({"what": f"{name}, {count} seeds", "seconds": value, "ratio": value / int(count) / found["1"]})
    return rows


def each_fusion(chosen: Preset) -> list[Row]:
    """Time a step of every named fusion, all seeds at once; the ratio is to torch's attention of the same width."""
    return _each(named(), chosen)


def each_cell(chosen: Preset) -> list[Row]:
    """Time a step of the 24 cells in the same way."""
    return _each(list(cells()), chosen)


def _each(names: list[str], chosen: Preset) -> list[Row]:
    steps = {name: step(name, chosen.seeds, chosen.training, pick_device()) for name in (TORCH, *names)}
    found = medians(steps, pick_device())
    size = f"{chosen.seeds} seeds x {chosen.training.batch} sequences x {chosen.training.clips} clips"
    return [{"what": f"{name}, {size}", "seconds": one, "ratio": one / found[TORCH]} for name, one in found.items()]


def roofline(chosen: Preset, batch: int = 96) -> list[Row]:
    """Time joint's step against the least time that its bytes and its operations take on this machine."""
    device, size = pick_device(), chosen.training.changed(batch=batch)
    side = 1024 if device.type == "cpu" else 8192
    square, pair = torch.randn(side, side, device=device), torch.empty(2, 2**25, device=device)
    steps = {
        "multiply": lambda: square @ square,
        "copy": lambda: pair[0].copy_(pair[1]),
        "step": step("joint", 1, size, device),
    }
    found = medians(steps, device)
    rate, bandwidth = 2 * side**3 / found["multiply"], 2 * 4 * 2**25 / found["copy"]
    operations, moved = joint_operations(size), joint_bytes(size)
    floor = max(operations / rate, moved / bandwidth)
    return [
        {"what": f"{operations / 1e9:.2f} G operations at {rate / 1e9:.0f} G/s", "seconds": operations / rate},
        {"what": f"{moved / 1e6:.0f} MB at {bandwidth / 1e9:.0f} GB/s", "seconds": moved / bandwidth},
        {"what": f"joint, {batch} sequences", "seconds": found["step"], "ratio": found["step"] / floor},
    ]  # fmt: skip


def joint_operations(size: TrainingSettings) -> float:
    """Return the floating-point operations of the matrix products of one step: forward, and twice that backward."""
    length, d, k = size.clips, size.dim, size.rank
    projection, head = 2 * 2 * length * WIDTH * d, 2 * length * 2 * d * 128 + 2 * length * 128 * 2
    modality = 2 * length * length * 2 * d + 2 * d * length * 2 * d + 2 * d * 2 * d * k + 2 * 2 * d * length * k
    return 3 * size.batch * (projection + head + 2 * modality)


def joint_bytes(size: TrainingSettings) -> float:
    """Return the bytes of the correlation's traffic in one step, written plainly: it dwarfs all else.

    Of the (d, 2d) matrix of each modality, forward: product written, tanh read and written, map read; backward: C read
    for the map's weights, its gradient written, read with C and written by tanh, and read for both factors: 11 passes.
    """
    return 11 * 2 * size.batch * size.dim * 2 * size.dim * 4


def resampling(chosen: Preset, recordings: int = 100, seeds: int = 20, resamples: int = 10_000) -> list[Row]:
    """Time the crossed bootstrap of a difference; asked for: 10,000 resamples under a second."""
    from jcalib.studies.bootstrap import crossed_bootstrap
    from jcalib.studies.statistics import sums

    rng = np.random.default_rng(0)
    truth = rng.normal(size=(recordings, 1, 2, 50))
    a, b = (sums(truth + rng.normal(size=(recordings, seeds, 2, 50)), truth) for _ in range(2))

    def draw() -> None:
        crossed_bootstrap(a, b, resamples, rng)

    value = medians({"draw": draw}, torch.device("cpu"))["draw"]
    return [{"what": f"{resamples:,} resamples, {recordings} recordings x {seeds} seeds", "seconds": value}]


class _Encoding:
    """Remembers how long the clips of a corpus took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def started(self, stage: progress.Stage) -> None:
        """Say nothing."""

    def advanced(self, stage: progress.Stage) -> None:
        """Say nothing."""

    def finished(self, stage: progress.Stage) -> None:
        """Keep the time of the one stage that counts."""
        if stage.name == "encode clips":
            self.seconds = stage.seconds


def extraction(chosen: Preset) -> list[Row]:
    """Time clips to features, decoding included, with the corpus and encoders of `smoke`."""
    from jcalib.corpora import open_corpus
    from jcalib.training import extract

    small, listener = preset("smoke"), _Encoding()
    with tempfile.TemporaryDirectory() as folder, progress.listening(listener):
        os.environ["JCALIB_HOME"] = folder
        features = extract(open_corpus("synthetic", small), small)
        clips, length = len(features.frame), sum(info.times[-1] for info in features.recordings)
    return [
        {"what": f"encode {clips} clips", "seconds": listener.seconds, "clips / s": clips / listener.seconds,
         "x real time": length / listener.seconds}
    ]  # fmt: skip


def report_stages(chosen: Preset) -> list[Row]:
    """Time every stage of a report that starts from nothing."""
    from jcalib.files import read_json
    from jcalib.reporting.report import write_report

    with tempfile.TemporaryDirectory() as folder:
        os.environ["JCALIB_HOME"] = str(Path(folder) / "home")
        start = time.perf_counter()
        report = write_report(chosen.name, Path(folder) / "report")
        rows: list[Row] = []
        for result in report.results:
            record = read_json(report.folder / "chapters" / f"{result.chapter}.json")
            rows.append({"what": result.chapter, "seconds": result.seconds, "peak MB": record.get("peak_mb")})
            stages = record.get("stages", [])
            rows += [{"what": f"  {x['name']}", "seconds": x["seconds"], "peak MB": x["peak_mb"]} for x in stages]
        return [*rows, {"what": "whole report", "seconds": time.perf_counter() - start}]


PARTS = {
    "loop": against_loop,
    "seeds": seeds_at_once,
    "fusions": each_fusion,
    "cells": each_cell,
    "roofline": roofline,
    "bootstrap": resampling,
    "extract": extraction,
    "report": report_stages,
}

if __name__ == "__main__":
    main()
