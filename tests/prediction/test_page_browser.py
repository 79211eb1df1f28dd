"""The page of predictions in a real browser, from disk: nothing fails, nothing is fetched, nothing sticks out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jcalib.prediction import Predictor, predict_files

pytestmark = pytest.mark.browser


def test_the_page_opens_whole(predictor: Predictor, film: Callable[..., Path], tmp_path: Path, browser: Any) -> None:
    (tmp_path / "broken & short.mp4").write_text("nothing")
    video = film("one & two #3.mp4", frames=12)
    page_file = predict_files(predictor, [video, tmp_path / "broken & short.mp4"], tmp_path / "out").index
    for scheme, width in (("light", 1180), ("dark", 390)):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        asked, troubles = [], []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, troubles=troubles: troubles.append(message.text))
        page.goto(page_file.as_uri())
        page.wait_for_function("document.querySelector('video').readyState > 0")
        assert troubles == []
        assert all(url.startswith((page_file.parent.as_uri(), "data:")) for url in asked)
        assert page.evaluate("document.querySelector('video').duration") == pytest.approx(0.48, abs=0.05)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
        ink = page.evaluate("getComputedStyle(document.querySelector('svg text')).fill")
        assert ink == page.evaluate("getComputedStyle(document.querySelector('.meta')).color"), "the page's own colour"
        assert page.locator("svg[role=img]").get_attribute("aria-label").startswith("Predicted traces of one & two #3")
        assert page.locator(".banner").inner_text().count("broken & short.mp4") >= 1
        page.close()
