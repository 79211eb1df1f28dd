"""Where numbers come from: commit, versions, machine, times. Nothing that tells whose machine it was."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jcalib
from jcalib.files import ROOT

LIBRARIES = (
    "torch", "torchaudio", "torchvision", "numpy", "scipy", "pandas", "av", "opencv-python-headless", "captum",
    "matplotlib", "papermill", "nbconvert",
)  # fmt: skip


def provenance() -> dict[str, Any]:
    """Return what a number made now depends on beside its settings.

    Returns:
        commit (None outside a checkout), dirty, versions, platform, device (kind, name, memory_gb), cores, threads and
        made (UTC). No paths, no host name, no user name.
    """
    commit = _git("rev-parse", "HEAD")
    return {
        "commit": commit,
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")) if commit else None,
        "versions": versions(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "device": device(),
        "cores": os.cpu_count(),
        "threads": _threads(),
        "made": now(),
    }


def now() -> str:
    """Return the time in UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def versions() -> dict[str, str]:
    """Return the versions of Python, of this package, and of the libraries that numbers depend on."""
    installed = {"python": platform.python_version(), "jcalib": jcalib.__version__}
    for name in LIBRARIES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def device() -> dict[str, Any]:
    """Return kind ("cuda" or "cpu"), name and memory of what torch computes on by default."""
    import psutil
    import torch

    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        return {"kind": "cuda", "name": card.name, "memory_gb": round(card.total_memory / 2**30, 1)}
    memory = psutil.virtual_memory().total
    return {"kind": "cpu", "name": _processor(), "memory_gb": round(memory / 2**30, 1)}


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or f"{sys.platform} {platform.machine()}"


def _git(*arguments: str) -> str | None:
    """Return git's answer about this checkout, None where there is no checkout or no git."""
    if not (ROOT / ".git").exists():
        return None
    try:
        answer = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
