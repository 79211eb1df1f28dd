"""Every test starts from the same seeds, and one thread: tiny tensors are slower on two."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  what a library may draw from behind our back


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium, the system's own. Without it a laptop leaves the browser tests out; CI has to have it."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None and not os.environ.get("CI"):
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as player:
        opened = player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def played_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A miniature corpus with its features, a run of joint and one of cross, and the playback of a report person."""
    from tests.played import make

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        yield make(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def played(played_once: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The miniature, with its home as home: another fixture of the session may have moved it meanwhile."""
    monkeypatch.setenv("JCALIB_HOME", str(played_once.runs[0].folder.parents[1]))
    return played_once
