"""`make bench`: what the stages of a report cost, and what a training step of each fusion costs, on this machine.

    python bench/bench.py [--preset quick] [--cells] [--skip-report] [--out bench/results/<name>.csv]

Machines are noisy: times are medians, and every step is also given as a ratio to `concat`, measured in turn with it.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch

from jcalib.concordance import ConcordanceLoss
from jcalib.fusion import build_fusion, cells, named
from jcalib.provenance import provenance
from jcalib.settings import Preset, preset
from jcalib.training import Ensemble, pick_device
from jcalib.training.dropout import step_keys

ROUNDS = 7
WIDTH = 512


def main() -> None:
    """Measure, print a table and write it as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--cells", action="store_true", help="the 24 cells too")
    parser.add_argument("--skip-report", action="store_true", help="only the training steps")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    chosen = preset(options.preset)
    origin = provenance()
    device, threads, commit = origin["device"]["name"], origin["threads"], origin["commit"][:7]
    machine = f"{device}, {threads} threads, commit {commit}, preset {chosen.name}"
    print(machine)
    rows = training_steps(chosen, [*named(), *(cells() if options.cells else ())])
    if not options.skip_report:
        rows += report_stages(chosen)
    table = pd.DataFrame(rows, columns=["what", "seconds", "ratio to concat", "peak MB"])
    print(table.to_string(index=False, na_rep="", float_format="{:.3f}".format))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        table.assign(machine=machine).to_csv(options.out, index=False)


def training_steps(chosen: Preset, names: list[str]) -> list[tuple[str, float, float | None, int | None]]:
    """Time one optimiser step of fusions, concat among them, all seeds at once, the fusions taking turns."""
    steps = {name: _step(name, chosen) for name in names}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    size = f"{chosen.seeds} seeds x {chosen.training.batch} sequences x {chosen.training.clips} clips"
    return [(f"step {name}, {size}", value, value / medians["concat"], None) for name, value in medians.items()]


def _step(name: str, chosen: Preset) -> Callable[[], None]:
    device, size = pick_device(), chosen.training
    options = {"dim": size.dim, "rank": size.rank, "dropout": size.dropout}
    ensemble = Ensemble.create(
        lambda: build_fusion(name, WIDTH, WIDTH, size.clips, **options), range(chosen.seeds), device
    )
    parameters = [one.requires_grad_() for one in ensemble.parameters.values()]
    optimizer = torch.optim.AdamW(parameters)
    rows = (chosen.seeds, size.batch, size.clips)
    audio, visual = (torch.randn(*rows, WIDTH, device=device) for _ in range(2))
    mask, target = torch.ones(*rows, 2, dtype=torch.bool, device=device), torch.rand(*rows, 2, device=device)
    loss, keys = ConcordanceLoss(), step_keys(range(chosen.seeds), 0, 1)[0].to(device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        ensemble.losses(loss, audio, visual, mask, target, keys=keys).sum().backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    step()
    return step


def report_stages(chosen: Preset) -> list[tuple[str, float, float | None, int | None]]:
    """Time every stage of a report that starts from nothing."""
    import os

    from jcalib.files import read_json
    from jcalib.reporting.report import write_report

    with tempfile.TemporaryDirectory() as folder:
        os.environ["JCALIB_HOME"] = str(Path(folder) / "home")
        start = time.perf_counter()
        report = write_report(chosen.name, Path(folder) / "report")
        rows: list[tuple[str, float, float | None, int | None]] = []
        for result in report.results:
            record = read_json(report.folder / "chapters" / f"{result.chapter}.json")
            rows.append((result.chapter, result.seconds, None, record.get("peak_mb")))
            rows += [(f"  {one['name']}", one["seconds"], None, one["peak_mb"]) for one in record.get("stages", [])]
        return [*rows, ("whole report", time.perf_counter() - start, None, None)]


if __name__ == "__main__":
    main()
