"""Tiny notebooks, one for each behaviour, in place of the chapters."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from tiny_notebooks import chapter_notebook

from jcalib import progress
from jcalib.reporting import notebooks
from jcalib.reporting.stages import REPORTER

WriteNotebook = Callable[..., Path]


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget who listens to stages, before and after each test."""
    monkeypatch.setattr(progress, "_listeners", [])
    monkeypatch.setattr(REPORTER, "_log", None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that stands for `notebooks/`."""
    place = tmp_path / "notebooks"
    place.mkdir()
    monkeypatch.setattr(notebooks, "FOLDER", place)
    return place


@pytest.fixture
def write(folder: Path) -> WriteNotebook:
    """Return what writes a chapter from the sources of its cells."""

    def write_notebook(name: str, *sources: str, **options: object) -> Path:
        nbformat.write(chapter_notebook(name, *sources, **options), folder / f"{name}.ipynb")  # type: ignore[arg-type]
        return folder / f"{name}.ipynb"

    return write_notebook
