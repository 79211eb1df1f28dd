"""The explorer and the player in JupyterLab, in headless Chromium: cells run, a moved slider changes the picture."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from jcalib.files import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.notebooks]
ARTEFACTS = ROOT / "tests" / "artefacts"
TOKEN = "explorer"
CELLS = """\
%matplotlib inline
import jcalib as jca
from jcalib.views.explorer import Explorer
from jcalib.views.player import HEIGHT, Player
from jcalib.views.strip import plot_strip
chapter = jca.chapter("5_attribution")
opened = jca.open_corpus("synthetic", "smoke")
features = jca.extract(opened, "smoke", "cpu")
runs = [jca.fit(name, features, None, "smoke", device="cpu") for name in ("joint", "cross")]
name = features.recordings[features.of_role("report")[0]].name
shown = jca.playback(runs, opened, features, name, ["valence"], "grad_cam")
---
explorer = Explorer(lambda *_: shown, [name])
chapter.show(plot_strip(shown), "strip", live=explorer.widget);
---
chapter.attach(Player(shown).page, "player", height=HEIGHT);
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """A JupyterLab of its own, with one small notebook; yields the notebook's address."""
    from nbformat import write
    from nbformat.v4 import new_code_cell, new_notebook

    work = tmp_path / "work"
    work.mkdir()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(source.strip()) for source in CELLS.split("---\n")]
    write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), work / "explore.ipynb")
    settings = tmp_path / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    off = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(off))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **places, "PYTHONPATH": str(ROOT), "JUPYTERLAB_SETTINGS_DIR": str(settings.parents[1])}
    environment.pop("MPLBACKEND", None)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
               f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={work}"]  # fmt: skip
    if os.geteuid() == 0:
        command.append("--allow-root")
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: bool(_ask(f"{address}/api/status")))
        yield f"{address}/lab/tree/explore.ipynb?token={TOKEN}"
    finally:
        server.terminate()
        server.wait(20)


def _ask(url: str) -> Any:
    try:
        with urlopen(f"{url}?token={TOKEN}", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def _wait(condition: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.3)


@pytest.mark.skipif(shutil.which("chromium") is None and not os.environ.get("CI"), reason="no chromium")
def test_it_runs_and_a_moved_slider_changes_the_picture(lab: str, browser: Any) -> None:
    server = lab.split("/lab")[0]
    page = browser.new_page(viewport={"width": 1500, "height": 1100})
    troubles: list[str] = []
    page.on("pageerror", lambda one: troubles.append(str(one)))
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    _wait(lambda: any(one["kernel"] for one in _ask(f"{server}/api/sessions") or []))
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Escape")
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator("[data-command='runmenu:run-all']").first.click()
    page.locator(".widget-image").wait_for(timeout=240_000)
    picture = page.locator(".widget-image")
    before = picture.evaluate("one => one.src")
    handle = page.locator(".noUi-handle").first
    handle.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("old => document.querySelector('.widget-image').src !== old", arg=before)
    page.locator(".widget-html", has_text="1.20 s").wait_for()
    page.locator("iframe").first.wait_for()
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.locator(".jp-OutputArea-output img[alt='strip']").count() == 0, (
        "the widget stands in the figure's place"
    )
    inside = page.frame_locator("iframe").first
    inside.locator("#lanes").press("ArrowRight")
    assert inside.locator("#lanes").get_attribute("aria-valuenow") == "1"
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "explorer.png")
    page.close()
    assert troubles == []
