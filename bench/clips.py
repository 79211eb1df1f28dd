"""What it costs to encode one clip with each encoder on this machine, beside its arithmetic.

    python bench/clips.py [--out bench/results/<name>.csv]

The encoders have fresh weights; files are not read. Medians of rounds in which the encoders take turns. On a CPU it is
one thread's processor time, which other work on the machine disturbs least: two threads take about half as long.
"""

import argparse
import statistics
import time
from pathlib import Path

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from jcalib.encoders import Encoder, InceptionVisual, build_encoder
from jcalib.provenance import provenance
from jcalib.settings import PRESETS
from jcalib.training import pick_device

ROUNDS = 3
BATCH = {"cpu": 4, "cuda": 8}  # clips at once


def main() -> None:
    """Measure, print a table and write it as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    device = pick_device()
    torch.set_num_threads(1)
    encoders, clips = {}, {}
    for kind, size in {(one.encoder.kind, one.encoder.size) for one in PRESETS.values()}:
        for modality, shape in (("audio", (1, 64, 107)), ("visual", (3, 8, size, size))):
            name = f"{kind} {modality}, {size} pixels" if modality == "visual" else f"{kind} {modality}"
            encoders[name] = _encoder(kind, modality).to(device).eval()
            clips[name] = torch.rand(BATCH[device.type], *shape, device=device)
    times: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(ROUNDS):
        for name, encoder in encoders.items():
            times[name].append(_seconds(encoder, clips[name]) / len(clips[name]))
    rows = [
        (name, _flops(encoders[name], clips[name]) / 1e9, 1000 * statistics.median(times[name]))
        for name in sorted(times)
    ]
    table = pd.DataFrame(rows, columns=["encoder", "GFLOP a clip", "processor ms a clip"])
    origin = provenance()
    machine = f"{origin['device']['name']}, commit {origin['commit'][:7]}"
    print(machine, table.to_string(index=False, float_format="{:.2f}".format), sep="\n")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        table.assign(machine=machine).to_csv(options.out, index=False)


def _encoder(kind: str, modality: str) -> Encoder:
    """I3D is measured as the public weights fill it, without the temporal convolution."""
    return (
        InceptionVisual(2, temporal=False) if (kind, modality) == ("i3d", "visual") else build_encoder(kind, modality)
    )


@torch.inference_mode()
def _seconds(encoder: Encoder, clips: torch.Tensor) -> float:
    clock = time.process_time if clips.device.type == "cpu" else time.perf_counter
    start = clock()
    encoder.features(clips).sum().item()  # waits for a GPU
    return clock() - start


@torch.inference_mode()
def _flops(encoder: Encoder, clips: torch.Tensor) -> float:
    with FlopCounterMode(display=False) as counter:
        encoder.features(clips[:1])
    return counter.get_total_flops()


if __name__ == "__main__":
    main()
