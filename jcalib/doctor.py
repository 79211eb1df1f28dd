"""What this machine lacks, and how to mend it. Every check tries the thing itself, and none needs another to hold."""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jcalib.files import HOME_REMEDY, ROOT, free_gb, home, nearest

if TYPE_CHECKING:
    import pandas as pd

State = Literal["ok", "missing", "optional"]
LOCK = ROOT / "requirements.lock"
SETUP = "make setup installs what requirements.lock names."
DISK_GB = 2  # of the preset quick, with room to spare
MEMORY_GB = 4


class Missing(Exception):
    """What a check found instead of what it looked for."""


@dataclass(frozen=True)
class Check:
    """Something that has to be here.

    Attributes:
        what: its name.
        probe: returns what it found, or raises.
        mend: what to do where it is missing.
        needed: whether a report cannot be made without it.
    """

    what: str
    probe: Callable[[], str]
    mend: str
    needed: bool = True


@dataclass(frozen=True)
class Row:
    """What a check found: `state` is "optional" where something is missing that nothing needs."""

    what: str
    state: State
    found: str
    mend: str


@dataclass(frozen=True)
class Diagnosis:
    """All that was looked at."""

    rows: tuple[Row, ...]

    @property
    def well(self) -> bool:
        """Whether everything that is needed is here."""
        return all(row.state != "missing" for row in self.rows)

    def frame(self) -> "pd.DataFrame":
        """Return what, state, found and mend as a table."""
        import pandas as pd

        return pd.DataFrame([vars(row) for row in self.rows], columns=["what", "state", "found", "mend"])


def examine(checks: Iterable[Check] | None = None) -> Diagnosis:
    """Look at everything a report needs; what fails is a row, never an exception.

    Args:
        checks: what to look at; all of `CHECKS` if None.
    """
    return Diagnosis(tuple(_row(check) for check in (CHECKS if checks is None else checks)))


def _row(check: Check) -> Row:
    try:
        return Row(check.what, "ok", check.probe(), "")
    except Exception as error:  # whatever a broken installation raises is the finding
        found = " ".join(str(error).split()) or type(error).__name__
        return Row(check.what, "missing" if check.needed else "optional", found[:160], check.mend)


def _python() -> str:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] not in ((3, 11), (3, 12)):
        raise Missing(found)
    return found


def _trio() -> str:
    """Return the versions of torch, torchaudio and torchvision, if they were built for each other and load."""
    found = {name: version(name) for name in ("torch", "torchaudio", "torchvision")}
    numbers = {name: [int(part) for part in text.split("+")[0].split(".")[:2]] for name, text in found.items()}
    words = ", ".join(f"{name} {text}" for name, text in found.items())
    major, minor = numbers["torch"]
    if numbers["torchaudio"] != [major, minor] or numbers["torchvision"] != [0, minor + 15]:
        raise Missing(f"{words} do not belong together")
    for name in found:
        importlib.import_module(name)
    return words


def _gpu() -> str:
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    if shutil.which("nvidia-smi"):
        raise Missing(f"there is a driver, but torch {torch.__version__} sees no GPU")
    raise Missing("none, everything is computed on the CPU")


def _media() -> str:
    """Write a second of H.264 and AAC and read it again."""
    import numpy as np

    from jcalib.media import read_frames, read_sound, write_video

    frames = [np.full((64, 64, 3), level, np.uint8) for level in range(0, 250, 10)]
    tone = np.sin(np.arange(44_100) / 20).astype(np.float32) / 2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "second.mp4"
        write_video(path, frames, 25, tone)
        pictures, sound = len(list(read_frames(path))), read_sound(path)[0]
    if pictures != len(frames) or np.abs(sound).max() < 0.1:
        raise Missing(f"{pictures} of {len(frames)} frames came back, sound up to {np.abs(sound).max():.2f}")
    return f"PyAV {version('av')}"


def _pictures() -> str:
    """Write a JPEG and read it again."""
    import numpy as np

    from jcalib.media import read_picture, write_picture

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grey.jpg"
        write_picture(path, np.full((16, 16, 3), 128, np.uint8))
        level = read_picture(path).mean()
    if abs(level - 128) > 3:
        raise Missing(f"a grey of 128 came back as {level:.0f}")
    return f"OpenCV {version('opencv-python-headless')}"


def _kernel() -> str:
    command = [sys.executable, "-m", "ipykernel_launcher", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Missing((done.stderr.strip().splitlines() or ["it does not start"])[-1])
    return f"ipykernel {done.stdout.strip()}, papermill {version('papermill')}"


def _chromium() -> str:
    found = shutil.which("chromium")
    if not found:
        raise Missing("not found")
    return found


def _disk() -> str:
    free = free_gb(home())
    if free < DISK_GB:
        raise Missing(f"{free:.1f} GB free for {home()}")
    return f"{free:.0f} GB free for {home()}"


def _memory() -> str:
    import psutil

    free = psutil.virtual_memory().available / 1e9
    if free < MEMORY_GB:
        raise Missing(f"{free:.1f} GB free")
    return f"{free:.0f} GB free"


def _writable() -> str:
    with tempfile.NamedTemporaryFile(dir=nearest(home())):
        return str(home())


def _versions() -> str:
    """Return how many packages are here as locked; one that the lock names for other systems may be absent."""
    pins = locked(LOCK.read_text())
    installed = {name: _installed(name) for name in pins}
    absent = [name for name, (_, conditional) in pins.items() if installed[name] is None and not conditional]
    other = [f"{name} {found}, not {pins[name][0]}" for name, found in installed.items() if _differs(found, pins[name])]
    if absent or other:
        raise Missing("; ".join([*(f"{name} is not installed" for name in absent), *other]))
    return f"{sum(found is not None for found in installed.values())} packages as in {LOCK.name}"


def locked(text: str) -> dict[str, tuple[str, bool]]:
    """Return name to version, and whether a marker makes it conditional, from the text of a lock file."""
    lines = (line.partition(";") for line in text.splitlines() if "==" in line and not line.startswith("#"))
    pins = ((pin.strip().partition("=="), bool(marker)) for pin, marker, _ in lines)
    return {name: (pinned, conditional) for (name, _, pinned), conditional in pins}


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _differs(found: str | None, pin: tuple[str, bool]) -> bool:
    return found is not None and found.split("+")[0] != pin[0]  # a local version names a build: 2.11.0+cu130


def _threads() -> str:
    set_by = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    if set_by:
        raise Missing(", ".join(f"{name}={value}" for name, value in set_by.items()))
    return f"{os.cpu_count()} cores, none held back"


CHECKS = (
    Check("Python", _python, "install Python 3.11 or 3.12, then: make setup PYTHON=/path/to/python3.11"),
    Check("torch, torchaudio, torchvision", _trio, SETUP),
    Check("locked versions", _versions, SETUP, needed=False),
    Check("video and sound", _media, SETUP),
    Check("pictures", _pictures, SETUP),
    Check("notebook kernel", _kernel, SETUP),
    Check("data folder", _writable, HOME_REMEDY),
    Check("disk", _disk, f"free {DISK_GB} GB, or set JCALIB_HOME to another disk."),
    Check("memory", _memory, f"close something: quick takes up to {MEMORY_GB} GB."),
    Check("GPU", _gpu, "quick needs none. full does: a CUDA GPU and a driver for torch's CUDA version.", needed=False),
    Check("all cores", _threads, "unset them: on the CPU a report takes longer so.", needed=False),
    Check("Chromium", _chromium, "for the browser tests only: apt-get install chromium", needed=False),
)
