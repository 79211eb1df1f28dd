"""A whole smoke report, made once by the command line from nothing: what chapters are tested with."""

from pathlib import Path

import pytest
from chapter_shell import BIN, run


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def report(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The report's folder and what the command said, from another working directory."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    out = elsewhere / "report"
    done = run([str(BIN / "jcalib"), "report", "--preset", "smoke", "--out", "report"], home, elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done.stdout + done.stderr
