"""Where a number comes from: commit, versions, device. No path, no host, no user."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from jcalib.files import ROOT

PACKAGES = ("jcalib", "torch", "torchaudio", "torchvision", "numpy", "scipy", "pandas", "av", "captum", "papermill")


def provenance() -> dict[str, Any]:
    """Return commit, versions, device and time of what is being made now."""
    return {
        "commit": commit(),
        "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
        "platform": f"{platform.system()} {platform.machine()}",
        "device": device_name(),
        "threads": _threads(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def commit() -> str:
    """Return the checkout's short commit, with "+" where tracked files differ from it; "none" outside git."""
    head = _git("rev-parse", "--short", "HEAD")
    if not head:
        return "none"
    return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")


def device_name() -> str:
    """Return the GPU's name, or the number of processor cores."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} CPU cores"


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
