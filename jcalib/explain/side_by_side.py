"""Pieces of work that do not need each other, one a core: threads in which torch takes one core each.

Maps are made of many small steps, which one after another leave half of two cores idle.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import RLock
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

DRAWING = RLock()  # held by who draws from the global generators, which threads share


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Do work on each item, as many at a time as torch has threads, and yield what comes out in the items' order.

    Args:
        work: what it shares with others it only reads; it takes `DRAWING` to draw random numbers from a global
            generator.
        items: what to work on.
    """
    cores = torch.get_num_threads()
    workers = min(cores, len(items))
    if workers < 2:
        yield from map(work, items)
        return
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(work, items)
    finally:
        torch.set_num_threads(cores)
