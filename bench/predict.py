"""What predicting a video costs: memory must not grow with its length, and 2 cores must be faster than the video.

    python bench/predict.py [--run RUN] [--minutes 1 60] [--out bench/results/<name>.csv]

A recording of the embedded `smoke` corpus is repeated, without decoding, up to each length; `jcalib predict` runs on
each in a process of its own, whose peak memory and times the operating system tells.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import pandas as pd

from jcalib.corpora import open_corpus
from jcalib.provenance import provenance
from jcalib.settings import preset
from jcalib.training import extract, fit

ALLOWED_MB = 300  # that a long video may cost above the shortest one


def main() -> None:
    """Measure, print a table, and end with 1 where memory grows or a video takes longer than it lasts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="a run's folder or name; a smoke run is trained by default")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 60], help="lengths to measure, ascending")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    corpus = open_corpus("synthetic", "smoke")
    run = options.run or str(fit("joint", extract(corpus, "smoke"), None, preset("smoke")).folder)
    origin = provenance()
    machine = f"{origin['device']['name']}, {origin['cores']} cores, commit {origin['commit'][:7]}"
    print(f"{machine}\nload {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(corpus.recordings[0].video, minutes, run, Path(folder)) for minutes in options.minutes]
    table = pd.DataFrame(rows)
    table["MB above the first"] = table["peak MB"] - table["peak MB"].iloc[0]
    print(table.to_string(index=False, float_format="{:.2f}".format))
    if options.out:
        table.assign(machine=machine).to_csv(options.out, index=False, float_format="%.2f")
    grown, slow = table["MB above the first"].max() > ALLOWED_MB, table["times real time"].iloc[-1] < 1
    print(f"memory {'GROWS' if grown else 'holds'}; {'SLOWER' if slow else 'faster'} than the video")
    sys.exit(int(grown or slow))


def measure(clip: Path, minutes: float, run: str, folder: Path) -> dict[str, float]:
    """Predict one video in a process of its own."""
    video = folder / f"{minutes:g}.mp4"
    repeat(clip, video, 60 * minutes)
    words = [sys.executable, "-m", "jcalib", "predict", str(video), "--run", run, "--out", str(folder / "out")]
    start = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    if status:
        raise SystemExit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    video.unlink()
    return {
        "minutes": minutes,
        "peak MB": usage.ru_maxrss / 1024,
        "seconds": seconds,
        "CPU seconds": usage.ru_utime + usage.ru_stime,
        "times real time": 60 * minutes / seconds,
    }


def repeat(clip: Path, video: Path, seconds: float) -> None:
    """Write a clip's packets again and again, each time later by its length."""
    with av.open(str(clip)) as source, av.open(str(video), "w") as target:
        streams = {one.index: target.add_stream_from_template(one) for one in source.streams}
        length = source.duration / av.time_base
        number = 0
        while number * length < seconds:
            source.seek(0)
            for packet in source.demux():
                if packet.dts is None or number * length + float(packet.dts * packet.time_base) > seconds:
                    continue
                shift = round(number * length / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
            number += 1


if __name__ == "__main__":
    main()
