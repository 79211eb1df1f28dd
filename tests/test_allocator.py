"""Freed memory is kept: a second large tensor costs no page faults, as a first one does."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
{first}
def faults():
    for _ in range(16):  # leftovers of alignment fill their own bin first
        torch.ones(16 * 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults())
"""


def faults(first: str) -> int:
    """Return the page faults of making 64 MB once more."""
    words = [sys.executable, "-c", FAULTS.format(first=first)]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_large_blocks_are_given_back_and_faulted_in_again_unless_they_are_kept() -> None:
    assert faults("") > 1000, "nothing to mend"
    assert faults("from jcalib.allocator import keep_freed_memory; assert keep_freed_memory()") < 100


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_what_trains_keeps_them_and_what_predicts_does_not() -> None:
    """Over an hour of video, blocks that are kept would fall to pieces."""
    trains = (
        "import contextlib, jcalib\nwith contextlib.suppress(jcalib.UserError): jcalib.fit('joint', None, preset='?')"
    )
    assert faults(trains) < 100
    assert faults("from jcalib.training import pick_device; pick_device('cpu')") > 1000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc_trim is glibc's")
def test_what_was_kept_is_given_back() -> None:
    code = (
        "import psutil, torch\nfrom jcalib.allocator import give_back_freed_memory, keep_freed_memory\n"
        "held = lambda: psutil.Process().memory_info().rss / 2**20\n"
        "keep_freed_memory(); start = held(); big = torch.ones(100 * 2**20 // 4); more = torch.ones(10)\n"
        "del big\nkept = held() - start; give_back_freed_memory(); print(kept, held() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, left = map(float, done.stdout.split())
    assert kept > 90 and left < 20
