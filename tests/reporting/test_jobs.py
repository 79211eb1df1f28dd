"""Chapters side by side: the first two alone, results in order, their share of the cores, and an end for all."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from jupyter_core.utils import run_sync

from jcalib.reporting import jobs as room
from jcalib.reporting.jobs import in_turn, usual_jobs
from jcalib.reporting.kernel import OwnKernel, allow_kernels, end_kernels
from jcalib.reporting.report import write_report

WriteNotebook = Callable[..., Path]


def is_kernel(process: psutil.Process) -> bool:
    """Whether it runs a kernel; one that has just ended runs nothing any more."""
    with contextlib.suppress(psutil.Error):
        return "ipykernel_launcher" in " ".join(process.cmdline())
    return False


def test_the_first_two_run_alone_and_the_rest_beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.os, "cpu_count", lambda: 6)
    running, most, beside = 0, [0] * 6, threading.Barrier(2, timeout=10)
    lock = threading.Lock()

    def work(step: int, threads: int) -> tuple[int, int]:
        nonlocal running
        with lock:
            running += 1
        if step >= 2:
            beside.wait()
        most[step] = running
        with lock:
            running -= 1
        if step >= 2:
            beside.wait()
        return step, threads

    assert in_turn(range(6), work, 2) == [(0, 0), (1, 0), (2, 3), (3, 3), (4, 3), (5, 3)]
    assert most[:2] == [1, 1] and max(most[2:]) == 2
    assert [one[1] for one in in_turn(range(2), work, 2)] == [0, 0]


def test_one_job_is_one_after_the_other_with_all_cores() -> None:
    order: list[int] = []
    assert in_turn(range(5), lambda step, threads: (order.append(step), threads)[1], 1) == [0] * 5
    assert order == [0, 1, 2, 3, 4] and 1 <= usual_jobs() <= 2


def test_a_fault_of_the_machinery_is_not_swallowed() -> None:
    def work(step: int, threads: int) -> int:
        if step == 3:
            raise OSError("disk full")
        return step

    with pytest.raises(OSError, match="disk full"):
        in_turn(range(6), work, 2)


def test_chapters_side_by_side_leave_the_same_report(write: WriteNotebook, tmp_path: Path) -> None:
    for number, name in enumerate(("corpus", "train", "attention", "ablation", "attribution"), 1):
        broken = ["raise ValueError('broken')"] if name == "ablation" else []
        write(f"{number}_{name}", "import os, time", "print(os.environ.get('OMP_NUM_THREADS'))", *broken, title=name)
    both = [write_report("smoke", tmp_path / f"jobs-{count}", jobs=count) for count in (1, 2)]
    for made in both:
        assert [one.chapter[0] for one in made.results] == list("12345")
        assert [one.status for one in made.results] == ["ok", "ok", "ok", "failed", "ok"]
        assert made.exit_code == 1 and "broken" in made.index.read_text()
        assert {path.name for path in made.folder.glob("*.html")} >= {"index.html", "5_attribution.html"}


def test_a_kernel_that_starts_while_all_are_ended_ends_too() -> None:
    async def lives() -> bool:
        manager = OwnKernel()
        await manager.start_kernel()
        kernel = psutil.Process(manager.provisioner.pid)
        alive = bool(psutil.wait_procs([kernel], timeout=3)[1])
        await manager.shutdown_kernel(now=True)
        return alive

    started = run_sync(lives)  # as papermill does: a browser's test may have left a running loop in this thread
    assert started()
    end_kernels()
    try:
        assert not started()
    finally:
        allow_kernels()
    assert started()


@pytest.mark.parametrize("pause", [0, 3])
def test_an_interrupt_ends_the_kernels_of_all_chapters(
    write: WriteNotebook, folder: Path, tmp_path: Path, pause: float
) -> None:
    """While they start, and while they work."""
    for number, name in enumerate(("corpus", "train", "attention", "ablation"), 1):
        write(f"{number}_{name}", *(["import time; time.sleep(300)"] if number > 2 else []))
    code = (
        "import sys; from pathlib import Path; from jcalib.reporting import notebooks; "
        f"notebooks.FOLDER = Path({str(folder)!r}); from jcalib.reporting.report import write_report; "
        f"write_report('smoke', Path({str(tmp_path / 'report')!r}), jobs=2)"
    )
    process = psutil.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, env={**os.environ})
    waiting, kernels = time.monotonic() + 120, []
    while len(kernels) < 2 and time.monotonic() < waiting:
        time.sleep(0.3)
        kernels = [one for one in process.children(recursive=True) if is_kernel(one)]
        kernels = kernels if (tmp_path / "report" / "chapters" / "2_train.json").exists() else []
    time.sleep(pause)
    process.send_signal(signal.SIGINT)
    try:
        assert b"KeyboardInterrupt" in process.communicate(timeout=60)[1] and process.returncode
        assert len(kernels) == 2
        assert not any(is_kernel(one) for one in psutil.wait_procs(kernels, timeout=10)[1])
    finally:
        for one in (process, *kernels):
            with contextlib.suppress(psutil.Error):
                one.kill()
