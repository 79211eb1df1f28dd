"""What finding and following a face costs, in seconds of one core for each second of video, decoding included.

    python bench/faces.py [--model face_detection_yunet_640.onnx] [--seconds 8] [--out bench/results/<name>.csv]

A drawn person in pictures of three sizes, 25 frames/s, H.264 with sound. Core seconds do not grow when others use the
machine too; below 1 is faster than real time even on one core. Peak memory is that of a process of its own, for a video
and for one ten times as long.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from jcalib.corpora.synthetic import Script
from jcalib.media import Cascades, find_detector, read_faces, read_frames, write_video
from jcalib.provenance import provenance
from jcalib.settings import preset

FPS = 25
SIZES = {"SD": (576, 720, 3), "9:16": (1280, 720, 4), "1080p": (1080, 1920, 6)}  # height, width, enlargement


def main() -> None:
    """Measure, print a table and write it as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="YuNet's file; the cascades alone without it")
    parser.add_argument("--seconds", type=int, default=8, help="length of the videos")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    origin = provenance()
    machine = f"{origin['device']['name']}, commit {origin['commit'][:7]}"
    print(
        f"{machine}\nwhat, core seconds for each second of video, decoding alone, share of frames with a face, peak MB"
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in measured(Path(folder), options.seconds, options.model):
            rows.append(row)
            print("  ".join("" if one is None else one if isinstance(one, str) else f"{one:8.2f}" for one in row))
    table = pd.DataFrame(rows, columns=["what", "core s per s", "decoding", "frames with a face", "peak MB"])
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        table.assign(machine=machine).to_csv(options.out, index=False)


def measured(folder: Path, seconds: int, model: Path | None) -> Iterator[tuple]:
    """Yield the rows as they come."""
    for size in SIZES:
        yield from speed(folder, size, seconds, model)
    yield from memory(folder, seconds)


def speed(folder: Path, size: str, seconds: int, model: Path | None) -> list[tuple]:
    """Time decoding alone, and each detector."""
    video = folder / f"{size.replace(':', '-')}.mp4"
    write(video, size, seconds)
    decoding = cost(read_frames(video))[0] / seconds
    rows = []
    for detector in (Cascades(), *([find_detector(model)] if model else [])):
        spent, frames = cost(read_faces(video, detector))
        present = np.mean([frame.crop is not None for frame in frames])
        rows.append((f"{size}, {detector.name.partition('-')[0]}", spent / seconds, decoding, present, None))
    return rows


def cost(work: Iterator[Any]) -> tuple[float, list[Any]]:
    """Return the core seconds, of all threads, that it takes to go through something, and the small part of it."""
    start = time.process_time()
    kept = [one for one in work if len(one) > 2]  # faces, not whole pictures
    return time.process_time() - start, kept


def memory(folder: Path, seconds: int) -> Iterator[tuple]:
    """Measure the peak memory of following a face through a video and through one ten times as long."""
    for factor in (1, 10):
        video = folder / f"long-{factor}.mp4"
        write(video, "SD", seconds * factor)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak = pool.apply(follow, (video,))
        yield f"SD, {seconds * factor} s", None, None, None, peak


def follow(video: Path) -> float:
    """Follow a face through a video, and return the most memory that was held after any second of it, in MiB."""
    process = psutil.Process()  # not getrusage, whose peak is the parent's where that was larger
    return max(process.memory_info().rss for face in read_faces(video, Cascades()) if face.index % FPS == 0) / 2**20


def write(video: Path, size: str, seconds: int) -> None:
    """Write a drawn person; the scene starts again where it ends."""
    write_video(video, pictures(size, seconds * FPS), FPS, np.zeros(seconds * 44_100, np.float32))


def pictures(size: str, frames: int) -> Iterator[np.ndarray]:
    """Yield the person, enlarged, between margins that repeat the wall."""
    height, width, factor = SIZES[size]
    scenes = list(Script(preset("smoke").corpus, 1).scenes())
    for frame in range(frames):
        scene = scenes[frame % len(scenes)].repeat(factor, 0).repeat(factor, 1)
        margins = [
            ((room := whole - part) // 2, room - room // 2)
            for whole, part in zip((height, width), scene.shape[:2], strict=True)
        ]
        yield np.pad(scene, (*margins, (0, 0)), mode="edge")


if __name__ == "__main__":
    main()
