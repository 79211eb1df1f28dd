"""The kernel of a chapter: this interpreter and this package, whatever kernels the user's folders hold.

A kernel spec named `python3` in a home folder may point to another environment; the executed chapter would then import
another torch, or another copy of this package.
"""

import contextlib
import os
import signal
import threading
from typing import Any

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Int

from jcalib.files import ROOT

_groups: set[int] = set()  # process groups of the kernels that run
_ending = threading.Event()


def end_kernels() -> None:
    """End every kernel of this process at once, with its workers: who waits for one finds it dead.

    One that is just being started ends as soon as it is known, until `allow_kernels` is called.
    """
    _ending.set()
    for group in tuple(_groups):
        _kill(group)


def allow_kernels() -> None:
    """Let kernels run again after `end_kernels`."""
    _ending.clear()


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


class OwnKernel(AsyncKernelManager):
    """Starts ipykernel with `sys.executable`, and leaves no process of it behind."""

    threads = Int(0, help="that torch and the like may use; 0 leaves it to them").tag(config=True)
    _group: int | None = None

    @property
    def kernel_spec(self) -> KernelSpec:
        """The spec of ipykernel in this interpreter."""
        # What goes wrong in a chapter is in its outputs; the kernel's own log would only disturb a terminal.
        spec = get_kernel_dict(extra_arguments=["--log-level=50"])
        return KernelSpec(**{name: spec[name] for name in ("argv", "display_name", "language", "metadata")})

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        """Start the kernel in an environment of its own."""
        await super().start_kernel(**{"env": environment(self.threads), **options})
        self._group = getattr(self.provisioner, "pgid", None)
        if self._group and self._group != os.getpgrp():
            _groups.add(self._group)
            if _ending.is_set():
                _kill(self._group)

    async def cleanup_resources(self, restart: bool = False) -> None:  # type: ignore[override]
        """Also end the worker processes that a dead kernel cannot end itself."""
        await super().cleanup_resources(restart)
        if self._group in _groups:
            _kill(self._group)
            _groups.discard(self._group)
        self._group = None


def environment(threads: int = 0) -> dict[str, str]:
    """Return the environment of a kernel.

    Args:
        threads: that its libraries may use, where the caller's environment does not say; 0 leaves it to them.

    `MPLBACKEND` is dropped: Agg, common where tests run, silently leaves a notebook without pictures. The package's
    folder comes first, so that kernel and caller import the same one.
    """
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    if threads:
        kept.setdefault("OMP_NUM_THREADS", str(threads))
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
