"""Chapters 3 and 5 in JupyterLab, in headless Chromium: every cell runs, and a moved slider changes the picture."""

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

pytestmark = [
    pytest.mark.browser,
    pytest.mark.notebooks,
    pytest.mark.skipif(shutil.which("chromium") is None and not os.environ.get("CI"), reason="no chromium"),
]
ARTEFACTS = ROOT / "tests" / "artefacts"
TOKEN = "chapters"
QUIET = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # outputs out of sight are part of the page, too
}


@pytest.fixture(scope="module")
def lab(report: Any, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab of its own on copies of the chapters with the preset `smoke`; yields its address."""
    place = tmp_path_factory.mktemp("lab")
    work = place / "work"
    work.mkdir()
    for name in ("3_attention", "5_attribution"):
        source = (ROOT / "notebooks" / f"{name}.ipynb").read_text()
        assert source.count('preset: str = \\"quick\\"') == 1
        (work / f"{name}.ipynb").write_text(source.replace('preset: str = \\"quick\\"', 'preset: str = \\"smoke\\"'))
    settings = place / "config" / "lab" / "user-settings"
    for name, chosen in QUIET.items():
        path = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(chosen))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {f"JUPYTER_{name}_DIR": str(place / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **places, "PYTHONPATH": str(ROOT), "JUPYTERLAB_SETTINGS_DIR": str(settings)}
    environment["JCALIB_HOME"] = str(home)
    environment.pop("MPLBACKEND", None)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
               f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={work}"]  # fmt: skip
    if os.geteuid() == 0:
        command.append("--allow-root")
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        wait(lambda: bool(ask(f"{address}/api/status")))
        yield address
    finally:
        server.terminate()
        server.wait(20)


def ask(url: str) -> Any:
    try:
        with urlopen(f"{url}?token={TOKEN}", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def wait(condition: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.3)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that must not have had a fault when the test is over."""
    opened = browser.new_page(viewport={"width": 1500, "height": 1100})
    faults: list[str] = []
    opened.on("pageerror", lambda one: faults.append(str(one)))
    yield opened
    opened.close()
    assert faults == []


def run_all(page: Any, lab: str, name: str) -> None:
    """Open a chapter and run it to its last cell, through the menu."""
    page.goto(f"{lab}/lab/workspaces/{name}/tree/{name}.ipynb?token={TOKEN}")  # the one tab of a workspace of its own
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    wait(lambda: any(one["kernel"] and one["path"] == f"{name}.ipynb" for one in ask(f"{lab}/api/sessions") or []))
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Escape")
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator("[data-command='runmenu:run-all']").first.click()
    last = page.locator(".jp-Notebook .jp-CodeCell").last
    last.locator(".jp-InputPrompt", has_text="[*]").wait_for()  # it waits its turn
    last.locator(".jp-InputPrompt").get_by_text("*").wait_for(state="detached", timeout=400_000)


def assert_good(page: Any, name: str) -> None:
    """Every code cell ran, in order, and none complained; a picture of all of it is kept."""
    prompts = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").all_inner_texts()
    complaints = page.locator("[data-mime-type='application/vnd.jupyter.error'], [data-mime-type$='stderr']")
    assert complaints.all_inner_texts() == []
    assert prompts == [f"[{number + 1}]:" for number in range(len(prompts))]
    ARTEFACTS.mkdir(exist_ok=True)
    tall = page.locator(".jp-Notebook .jp-WindowedPanel-viewport").evaluate("one => one.scrollHeight")
    page.set_viewport_size({"width": 1500, "height": min(tall + 100, 16_000)})
    page.locator(".jp-Notebook .jp-WindowedPanel-outer").evaluate("one => one.scrollTo(0, 0)")
    page.screenshot(path=ARTEFACTS / f"lab-{name}.png")


def record(home: Path, name: str) -> Any:
    """What the chapter's last cell wrote."""
    return json.loads((home / "scratch" / name / "chapters" / f"{name}.json").read_text())


def test_chapter_3_runs_and_shows_what_it_drew(lab: str, page: Any, home: Path) -> None:
    run_all(page, lab, "3_attention")
    pictures = page.locator(".jp-OutputArea-output img").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert len(pictures) == len(record(home, "3_attention")["figures"]) >= 6 and min(pictures) > 400
    assert "cross-talk" in page.locator(".jp-Notebook .jp-CodeCell").last.inner_text()
    assert_good(page, "3_attention")


def test_chapter_5_runs_and_a_moved_slider_changes_the_picture(lab: str, page: Any, home: Path) -> None:
    run_all(page, lab, "5_attribution")
    picture = page.locator(".widget-image")
    picture.scroll_into_view_if_needed()
    before = picture.evaluate("one => one.src")
    page.locator(".noUi-handle").first.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.locator(".widget-html", has_text="1.20 s").wait_for()
    assert picture.evaluate("one => one.src") != before
    picture.evaluate("one => one.scrollIntoView({block: 'center'})")
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "lab-explorer.png")
    drawn = [figure for figure in record(home, "5_attribution")["figures"] if "file" in figure]
    assert page.locator(".jp-RenderedImage img").count() == len(drawn) - 1, "the widget stands in the strip's place"
    inside = page.frame_locator("iframe").first
    inside.locator("#lanes").press("ArrowRight")
    assert inside.locator("#lanes").get_attribute("aria-valuenow") == "1"
    assert_good(page, "5_attribution")
