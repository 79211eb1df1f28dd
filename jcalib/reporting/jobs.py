"""Chapters of a report executed one after the other, and side by side once what they all read is there."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from jupyter_core.utils import ensure_event_loop

from jcalib.reporting.kernel import allow_kernels, end_kernels

FIRST = 2  # chapters that make what the others read: the corpus, encoders and features, and a run of joint
MOST = 2  # at a time: a chapter of quick takes up to 2.3 GB

Step = TypeVar("Step")
Result = TypeVar("Result")


def usual_jobs() -> int:
    """Return how many chapters are executed at a time: two where there are two cores."""
    return min(os.cpu_count() or 1, MOST)


def in_turn(steps: Sequence[Step], work: Callable[[Step, int], Result], jobs: int) -> list[Result]:
    """Do the first steps one after the other, then the rest some at a time.

    Args:
        steps: in order.
        work: (step, threads) to its result; threads is what a step may use, 0 for all.
        jobs: how many at a time.

    Returns:
        The results, in the order of the steps. An interrupt ends all kernels, and goes on.
    """
    allow_kernels()
    done = [work(step, 0) for step in steps[:FIRST]]
    rest = steps[FIRST:]
    if jobs < 2 or len(rest) < 2:
        return done + [work(step, 0) for step in rest]
    threads = max((os.cpu_count() or 1) // jobs, 1)
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(_with_own_loop, work, step, threads) for step in rest]
        try:
            return done + [one.result() for one in waiting]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            end_kernels()
            raise


def _with_own_loop(work: Callable[[Step, int], Result], step: Step, threads: int) -> Result:
    """Do a step with an event loop for this thread, which Jupyter's clients would otherwise leave open."""
    loop = ensure_event_loop()
    try:
        return work(step, threads)
    finally:
        loop.close()
