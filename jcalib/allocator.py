"""Keep the memory that a training step frees, so that the next step need not be given it anew.

A step makes and frees the same large tensors over and over. glibc maps each of them from the system and gives it back,
and every page of it is cleared and faulted in again: on the CPU that is over half of joint's step.
What trains asks for it, and gives back what it kept when it is done. What reads for hours, such as a prediction, does
not: kept blocks fall to pieces there.
"""

import contextlib
import ctypes
import functools

# Numbers of glibc's malloc.h. The largest value of an option is an int.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8
KEPT_MB = 256  # asked of the system at a time


@functools.cache
def keep_freed_memory() -> bool:
    """Let this process keep large blocks it frees; return whether the system's allocator can be told so (glibc's)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no such function, or, on Windows, no such library
        return False
    # Threads share one heap: each would keep blocks of its own.
    options = {M_ARENA_MAX: 1, M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: KEPT_MB * 2**20}
    return all(mallopt(option, value) == 1 for option, value in options.items())


def give_back_freed_memory() -> None:
    """Give back to the system what was freed and kept; without glibc nothing was."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
