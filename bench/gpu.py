"""One script for a machine with a GPU: is it right there, and is it as fast as was asked for? At most 10 minutes.

    python bench/gpu.py [--out bench/results/gpu.csv]        (--device cpu --tiny tries the script itself)

Checked against the CPU: every fusion's losses and gradients, dropout included, and a whole training. Measured against
what was asked of one H200: joint 50 times faster than a loop over samples; 20 seeds for at most twice the time of one;
the 24 cells x 20 seeds on features of the size of `full` within 5 minutes; one epoch over 2 million clip ends within
10 s. Each line is pass or fail with its number; exit code 1 where one fails. tf32 is off unless --tf32 turns it on.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from loop import step as loop_step
from steps import WIDTH, medians, step

from jcalib.concordance import ConcordanceLoss
from jcalib.fusion import FUSIONS, build_fusion, cells
from jcalib.provenance import provenance
from jcalib.settings import TrainingSettings, preset
from jcalib.training import Ensemble
from jcalib.training.dropout import step_keys

Line = tuple[str, float, str, bool]  # what, number, rule, passed


def main() -> int:
    """Run every line, print as it goes, write as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small sizes; the speeds then mean nothing")
    parser.add_argument("--tf32", action="store_true", help="let matrix products round to tf32 where speed is measured")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no GPU here: --device cpu --tiny tries the script itself.")
    device, lines = torch.device(options.device), []
    for line in measured(device, options.tiny, options.tf32):
        what, value, rule, passed = line
        print(f"{'pass' if passed else 'FAIL'}  {what:<60} {value:10.4g}  {rule}", flush=True)
        lines.append(line)
    if options.out:
        origin = provenance()
        table = pd.DataFrame(lines, columns=["what", "value", "rule", "passed"])
        options.out.parent.mkdir(parents=True, exist_ok=True)
        table.assign(device=origin["device"]["name"], commit=origin["commit"][:7]).to_csv(options.out, index=False)
    return int(not all(passed for *_, passed in lines))


def measured(device: torch.device, tiny: bool, tf32: bool) -> Iterator[Line]:
    """Yield the lines: first what is right, then, with tf32 where it was asked for, what is fast."""
    for name in FUSIONS:
        yield same_losses(name, device)
    yield same_training(device)
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    quick = preset("quick").training
    size = quick.changed(dim=8, rank=4, batch=4) if tiny else quick
    for clips in (8, 16):
        yield against_loop(size.changed(clips=clips, batch=4 if tiny else 96), device)
    yield many_seeds(size, device)
    yield all_cells(size, device, rows=400 if tiny else 30_000)
    yield one_epoch(size.changed(batch=4 if tiny else 96), device, ends=2000 if tiny else 2_000_000)


def same_losses(name: str, device: torch.device, seeds: int = 2) -> Line:
    """Compare losses and gradients of one batch with the CPU's, dropout on, in the weights' float32."""
    generator = torch.Generator().manual_seed(0)
    audio, visual = (torch.randn(seeds, 8, 8, 32, generator=generator) for _ in range(2))
    mask = torch.rand(seeds, 8, 8, 2, generator=generator) < 0.9
    target, keys = torch.rand(seeds, 8, 8, 2, generator=generator), step_keys(range(seeds), 0, 1)[0]
    found = []
    for place in (torch.device("cpu"), device):
        ensemble = Ensemble.create(lambda: build_fusion(name, 32, 32, 8, dim=16, rank=8), range(seeds), place)
        weights = [one.requires_grad_() for one in ensemble.parameters.values()]
        batch = (one.to(place) for one in (audio, visual, mask, target))
        losses = ensemble.losses(ConcordanceLoss(), *batch, keys=keys.to(place))
        gradients = torch.autograd.grad(losses.sum(), weights, allow_unused=True, materialize_grads=True)
        found.append(torch.cat([losses.detach().cpu(), *(one.flatten().cpu() for one in gradients)]))
    worst = float((found[0] - found[1]).abs().max() / found[0].abs().max())
    return f"{name}: losses and gradients, of the CPU's largest", worst, "< 1e-4", worst < 1e-4


def same_training(device: torch.device) -> Line:
    """Train a small joint on simulated features here and on the CPU; the CCCs may differ by rounding that grew."""
    import os

    import numpy as np
    from null_check import TRAINING, simulated, small

    from jcalib.training import fit

    features = simulated(TRAINING, np.random.default_rng(1))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JCALIB_HOME"] = folder
        here, there = (
            fit("joint", features, 3, small(4), device=place).frame()["ccc"] for place in (device.type, "cpu")
        )
    worst = float((here - there).abs().max())
    return "a training's CCC, difference to the CPU's", worst, "< .01", worst < 0.01


def against_loop(size: TrainingSettings, device: torch.device) -> Line:
    """Time joint's step against the loop over samples."""
    pair = {"one": step("joint", 1, size, device), "loop": loop_step(size.batch, size.clips, WIDTH, device)}
    found = medians(pair, device)
    ratio = found["loop"] / found["one"]
    return f"joint over a loop, {size.batch} sequences x {size.clips} clips", ratio, ">= 50 times", ratio >= 50


def many_seeds(size: TrainingSettings, device: torch.device) -> Line:
    """Time 20 seeds in one program against one."""
    found = medians({str(count): step("joint", count, size, device) for count in (1, 20)}, device, rounds=20)
    ratio = found["20"] / found["1"]
    return "20 seeds of joint over one", ratio, "<= 2 times", ratio <= 2


def all_cells(size: TrainingSettings, device: torch.device, rows: int) -> Line:
    """Add up the steps of all 24 cells x 20 seeds over all epochs, from the median step of each cell."""
    steps = size.epochs * math.ceil(rows / size.clips / size.batch)
    seconds = sum(medians({name: step(name, 20, size, device)}, device, rounds=5)[name] * steps for name in cells())
    return f"24 cells x 20 seeds, {rows:,} clip ends, {size.epochs} epochs, s", seconds, "<= 300 s", seconds <= 300


def one_epoch(size: TrainingSettings, device: torch.device, ends: int) -> Line:
    """Run one epoch of joint over random resident features, each clip end visited once, gathered by index."""
    audio, visual = (torch.randn(ends, WIDTH, device=device) for _ in range(2))
    target = torch.rand(ends, 2, device=device)
    ensemble = Ensemble.create(lambda: build_fusion("joint", WIDTH, WIDTH, size.clips, dim=size.dim), [0], device)
    optimizer = torch.optim.AdamW([one.requires_grad_() for one in ensemble.parameters.values()], fused=True)
    batches = (
        torch.randperm(ends // size.clips * size.clips, device=device).view(1, -1, size.clips).split(size.batch, 1)
    )
    keys, loss = step_keys([0], 0, len(batches)).to(device), ConcordanceLoss()
    mask = torch.ones(1, size.batch, size.clips, 2, dtype=torch.bool, device=device)
    start = time.perf_counter()
    for rows, key in zip(batches, keys, strict=True):
        batch = (audio[rows], visual[rows], mask[:, : rows.shape[1]], target[rows])
        optimizer.zero_grad(set_to_none=True)
        ensemble.losses(loss, *batch, keys=key).sum().backward()
        optimizer.step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    return f"one epoch of joint over {ends:,} clip ends, s", seconds, "<= 10 s", seconds <= 10


if __name__ == "__main__":
    sys.exit(main())
