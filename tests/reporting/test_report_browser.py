"""The pages in a real browser, from disk: nothing fails, nothing is fetched, nothing sticks out."""

import base64
from pathlib import Path
from typing import Any

import nbformat
import pytest
from invented_report import fill, records
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from tiny_notebooks import chapter_notebook

from jcalib.reporting.pages import write_page

pytestmark = pytest.mark.browser
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a report's folder made from invented records."""
    folder = tmp_path_factory.mktemp("report")
    fill(folder, records())
    for picture in (folder / "figures").glob("*.png"):
        picture.write_bytes(PIXEL)
    notebook = chapter_notebook("4_ablation")
    wide = "<table class='dataframe'><tr>" + "<td>0.123456789</td>" * 20 + "</tr></table>"
    outputs = [
        new_output("display_data", data={"image/png": base64.b64encode(PIXEL).decode()}),
        new_output("display_data", data={"text/html": wide}),
    ]
    notebook.cells += [
        new_markdown_cell(r"$$\rho = \frac{2\,\sigma_{xy}}{\sigma_x^2 + \sigma_y^2}$$"),
        new_code_cell("x", outputs=outputs),
    ]
    nbformat.write(notebook, folder / "4_ablation.ipynb")
    write_page(folder / "4_ablation.ipynb", folder, "quick-1")
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1180])
@pytest.mark.parametrize("name", ["index.html", "4_ablation.html"])
def test_a_page_opens_whole(name: str, width: int, scheme: str, report: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, troubles = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: troubles.append(request.url))
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto((report / name).as_uri())
    assert troubles == []
    assert all(url.startswith((report.as_uri(), "data:")) for url in asked)
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    page.close()


def test_a_formula_is_drawn_as_one(report: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto((report / "4_ablation.html").as_uri())
    fraction = page.locator("mfrac").bounding_box()
    letter = page.locator("mfrac mi").first.bounding_box()
    assert fraction["height"] > 1.5 * letter["height"]
    page.close()


def test_code_opens_on_a_click_and_prints_without_navigation(report: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto((report / "4_ablation.html").as_uri())
    code = page.locator("details.code .highlight").first
    assert not code.is_visible()
    page.locator("details.code:not(.parameters) summary").first.click()
    assert code.is_visible()
    page.emulate_media(media="print")
    assert not page.locator("nav").first.is_visible()
    page.close()
