"""Commands as a user gives them, in a home of their own."""

import os
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent


def run(arguments: list[str], home: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    environment = {**os.environ, "JCALIB_HOME": str(home)}
    environment.pop("OMP_NUM_THREADS", None)
    return subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, timeout=900)
