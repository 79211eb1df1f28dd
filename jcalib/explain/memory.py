"""How many examples go through a model at once: sized from the free memory, halved where that was too much."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

SHARE = 1 / 4  # of the free memory that explaining may take
INFLATION = 64  # bytes that a forward and backward pass keeps, per byte of input; 25 MB for a clip of 64 pixels
MOST = 64


def batch_that_fits(*example: Tensor, most: int = MOST) -> int:
    """Return how many examples go through forward and backward at once, by the free memory of their device.

    Args:
        example: the inputs of one example.
        most: never more; larger batches are not faster.
    """
    size = INFLATION * sum(part.numel() * part.element_size() for part in example)
    if example[0].is_cuda:
        free = torch.cuda.mem_get_info(example[0].device)[0]
    else:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(most, int(SHARE * free / size)))


def halving(work: Callable[[int], T], batch: int) -> T:
    """Do work in batches, and again in batches of half the size while memory runs out.

    Args:
        work: takes the batch; done anew from the start after each failure.
        batch: the first to try.

    Raises:
        RuntimeError: not even single examples fit, or another error.
    """
    while True:
        try:
            return work(batch)
        except RuntimeError as error:
            if batch == 1 or not _out_of_memory(error):
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        batch = max(1, batch // 2)


def differentiable() -> AbstractContextManager[None]:
    """Return a context in which recurrent layers have a gradient in eval mode on CUDA, where cuDNN refuses it."""
    return torch.backends.cudnn.flags(enabled=False)


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
