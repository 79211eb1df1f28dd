"""Clips that do not need each other, one a core: threads in which torch takes one core each.

Explaining is made of many small steps: two cores that share each of them are hardly faster than one, and far slower
where something else runs beside them.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import RLock
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

DRAWING = RLock()  # held by who draws from the global generators, which threads share
MOST = 4  # threads: each takes up to a GB of memory for a clip of 64 pixels
AHEAD = 8  # items for each thread that are read ahead


def side_by_side(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Do work on each item, as many at a time as torch has threads, and yield what comes out in the items' order.

    Args:
        work: what it shares with others it only reads; it holds `DRAWING` while it draws from a global generator.
        items: what to work on, read as it is needed.
    """
    cores, rest = torch.get_num_threads(), iter(items)
    workers = min(cores, MOST)
    if workers < 2:
        yield from map(work, rest)
        return
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            while some := list(islice(rest, AHEAD * workers)):
                yield from pool.map(work, some)
    finally:
        torch.set_num_threads(cores)
