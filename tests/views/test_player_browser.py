"""The player in a real browser, from disk with the network cut: it plays, scrubs, switches, and nothing fails."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jcalib.files import ROOT
from jcalib.views.player import Player, player_page
from tests.played import FRAMES, Played

pytestmark = pytest.mark.browser
ARTEFACTS = ROOT / "tests" / "artefacts"
PIXELS = "id => { const c = document.getElementById(id); return c.toDataURL(); }"


@pytest.fixture(scope="module")
def file(played_once: Played, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Player(played_once.playback).write(tmp_path_factory.mktemp("player") / "player.html")


@pytest.fixture(params=[("light", 1180), ("dark", 390)], ids=["light", "dark"])
def page(request: pytest.FixtureRequest, file: Path, browser: Any) -> Iterator[Any]:
    """The player, opened; whatever fails, or asks for anything but itself, fails the test."""
    scheme, width = request.param
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.context.set_offline(True)
    asked, troubles = [], []
    page.on("request", lambda one: asked.append(one.url))
    page.on("console", lambda one: troubles.append(one.text))
    page.on("pageerror", lambda one: troubles.append(str(one)))
    page.goto(file.as_uri())
    page.wait_for_function("document.getElementById('video').readyState >= 2")
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"player-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.context.close()
    assert troubles == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}
    assert [url for url in asked if url.startswith("file")] == [file.as_uri()]


@contextmanager
def opened(browser: Any, document: str, folder: Path, width: int = 1180) -> Iterator[Any]:
    """Another player than the usual one."""
    (folder / "player.html").write_text(document)
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((folder / "player.html").as_uri())
    page.wait_for_function("document.getElementById('video').readyState >= 2 || document.getElementById('video').error")
    yield page
    page.close()


def frame(page: Any) -> int:
    return int(page.locator("#lanes").get_attribute("aria-valuenow"))


def test_it_plays_and_the_playhead_follows(page: Any) -> None:
    page.keyboard.press(" ")
    page.wait_for_function("document.getElementById('video').currentTime > 0.3")
    assert page.locator("#play").get_attribute("aria-label") == "pause"
    page.keyboard.press(" ")
    assert page.evaluate("document.getElementById('video').paused")
    page.wait_for_function("Number(document.getElementById('lanes').getAttribute('aria-valuenow')) > 5")
    assert frame(page) == pytest.approx(25 * page.evaluate("document.getElementById('video').currentTime"), abs=2)


def test_it_scrubs_by_keys_and_pointer(page: Any) -> None:
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    assert frame(page) == 26
    assert page.locator("#clock").inner_text() == "1.04 s"
    page.wait_for_function("Math.abs(document.getElementById('video').currentTime - 1.04) < 0.02")
    page.keyboard.press("End")
    assert frame(page) == FRAMES - 1
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert frame(page) == 0
    box = page.locator("#trace").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    assert frame(page) == pytest.approx(FRAMES / 2, abs=2)
    head = page.locator("#head").bounding_box()
    assert head["x"] + head["width"] / 2 == pytest.approx(box["x"] + box["width"] / 2, abs=8)


def test_switches_change_what_is_drawn(page: Any) -> None:
    page.keyboard.press("Shift+ArrowRight")
    ids = ("heat", "sound", "trace", "window")
    seen = [tuple(page.evaluate(PIXELS, one) for one in ids)]
    for key in ("f", "t"):
        page.keyboard.press(key)
        seen.append(tuple(page.evaluate(PIXELS, one) for one in ids))
        assert all(before != after for before, after in zip(seen[-2], seen[-1], strict=True)), key
    page.get_by_label("valence").check()
    page.get_by_label("joint").check()
    assert tuple(page.evaluate(PIXELS, one) for one in ids) == seen[0], "and back"
    assert "joint" in page.locator("#said").inner_text()


def test_maps_fade(page: Any) -> None:
    full = page.evaluate(PIXELS, "sound")
    page.keyboard.press("m")
    assert page.evaluate(PIXELS, "sound") != full
    visible = "[...document.getElementById('heat').getContext('2d').getImageData(0, 0, 32, 32).data]"
    assert not any(page.evaluate(f"{visible}.filter((_, i) => i % 4 === 3)"))
    page.keyboard.press("m")
    assert page.evaluate(PIXELS, "sound") == full


def test_a_lost_face_is_said(page: Any) -> None:
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#note").inner_text() == "no face in this frame"
    page.keyboard.press("End")
    assert page.locator("#note").inner_text() == "no map: no clip ends after this"
    page.keyboard.press("Home")
    assert page.locator("#note").is_hidden(), "a clip's first picture is its fourth frame, and stands for those before"


def test_the_map_changes_where_the_sentence_does(page: Any, played_once: Played) -> None:
    shown, end = played_once.playback, int(played_once.playback.explained[0])
    page.keyboard.press("Home")
    drawn, said = [], []
    for _ in range(end + 4):  # to the first picture of the second clip
        page.keyboard.press("ArrowRight")
        drawn.append(page.evaluate(PIXELS, "heat"))
        said.append(page.locator("#said").inner_text())
    assert frame(page) in shown.face_frames and drawn[end - 1] != drawn[end]
    assert set(said[:end]) == {said[0]} != set(said[end:]) == {said[-1]}
    assert set(drawn[end:]) == {drawn[-1]}


def test_it_opens_where_a_map_is_and_flags_one_that_does_not_add_up(
    played_once: Played, browser: Any, tmp_path: Path
) -> None:
    shown, seen = played_once.playback, played_once.playback.seen.copy()
    seen[:6] = False
    missed = np.array([0.0214, 0.0, 0.0], np.float32)
    tracks = {key: replace(one, good=missed == 0, missed=missed) for key, one in shown.tracks.items()}
    page = browser.new_page(viewport={"width": 1180, "height": 800})
    page.goto(Player(replace(shown, seen=seen, tracks=tracks)).write(tmp_path / "opened.html").as_uri())
    page.wait_for_function("document.getElementById('video').readyState >= 2")
    assert frame(page) == 6 and page.evaluate("document.getElementById('video').currentTime") == pytest.approx(0.244)
    assert page.locator("#note").inner_text() == "this map does not add up: it misses by +.021"
    assert page.locator("#said").inner_text().endswith("The map does not add up: it misses by +.021.")
    for _ in range(int(shown.explained[0]) - 5):
        page.keyboard.press("ArrowRight")
    assert page.locator("#note").is_hidden() and "add up" not in page.locator("#said").inner_text()
    page.close()


def test_a_wide_band_stays_within_its_lane(played_once: Played, browser: Any, tmp_path: Path) -> None:
    shown = played_once.playback
    wide = {key: replace(track, spread=np.full_like(track.spread, 0.9)) for key, track in shown.tracks.items()}
    painted = "pen.getImageData(0, y, c.width, 2).data.some((v, i) => i % 4 === 3 && v)"
    lane = "c = document.getElementById('trace'), pen = c.getContext('2d')"
    with opened(browser, player_page(replace(shown, tracks=wide)), tmp_path) as page:
        edges = page.evaluate(f"() => {{ const {lane}; return [0, c.height - 2].map((y) => {painted}) }}")
    assert edges == [False, False]


def test_no_sum_is_told_of_maps_that_need_not_add_up(played_once: Played, browser: Any, tmp_path: Path) -> None:
    other = replace(played_once.playback, method="grad_cam")
    with opened(browser, player_page(other), tmp_path) as page:
        assert page.locator("#said").inner_text().endswith("; those of grad cam need not add up.")
        assert page.locator("#unit").inner_text().endswith("no unit.")


def test_a_video_that_cannot_be_played_is_said_all_along(played_once: Played, browser: Any, tmp_path: Path) -> None:
    broken = re.sub(r"(data:video/mp4;base64,)[^\"]+", r"\1AAAA", player_page(played_once.playback))
    with opened(browser, broken, tmp_path) as page:
        for key in ("Home", "ArrowRight", " "):
            page.keyboard.press(key)
            assert page.locator("#note").inner_text() == "This browser cannot play H.264; everything else works."
        assert frame(page) == 1 and page.locator("#play").is_disabled()
        page.keyboard.press("End")
        said = page.locator("#note").inner_text()
        assert said.startswith("This browser") and said.endswith("no map: no clip ends after this")
        page.keyboard.press(" ")
        assert frame(page) == FRAMES - 1


def test_no_band_is_drawn_across_a_gap(played_once: Played, browser: Any, tmp_path: Path) -> None:
    shown, gap = played_once.playback, slice(40, 70)
    tracks = {}
    for key, track in shown.tracks.items():
        mean, spread = np.zeros_like(track.prediction), np.full_like(track.spread, 0.1)
        mean[gap] = spread[gap] = np.nan
        tracks[key] = replace(track, prediction=mean, spread=spread)
    gone = replace(shown, tracks=tracks, true=np.full_like(shown.true, np.nan))
    lane = "c = document.getElementById('trace'), pen = c.getContext('2d'), y = Math.round(c.height * 0.4)"
    painted = f"at => {{ const {lane}; return pen.getImageData(Math.round(at * c.width), y, 1, 1).data[3] > 0 }}"
    with opened(browser, player_page(gone), tmp_path) as page:
        assert [page.evaluate(painted, at / FRAMES) for at in (30, 55, 80)] == [True, False, True]


def test_keys_work_after_a_click_on_a_switch(page: Any) -> None:
    page.keyboard.press("Home")
    page.locator("label", has_text="cross").click()
    page.keyboard.press("ArrowRight")
    assert frame(page) == 1 and page.get_by_label("cross").is_checked()
    page.keyboard.press(" ")
    assert not page.evaluate("document.getElementById('video').paused")
    page.keyboard.press(" ")
    page.locator("#back").click()
    page.keyboard.press(" ")
    assert not page.evaluate("document.getElementById('video').paused"), "and after one on a button"
    page.keyboard.press(" ")
    page.get_by_label("cross").focus()
    page.keyboard.press("ArrowLeft")
    assert page.get_by_label("joint").is_checked(), "who came by tab has the arrows of a radio"


def test_only_the_first_button_on_a_lane_scrubs(page: Any) -> None:
    page.keyboard.press("End")
    box = page.locator("#trace").bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + 20, button="right")
    page.mouse.click(box["x"] - 40, box["y"] + 20)
    assert frame(page) == FRAMES - 1


def test_a_narrow_page_has_all_its_words(played_once: Played, browser: Any, tmp_path: Path) -> None:
    shown = played_once.playback
    even = {key: replace(track, shares=np.zeros_like(track.shares)) for key, track in shown.tracks.items()}
    written = "CanvasRenderingContext2D.prototype.fillText = function (text, x) { (window.wrote ??= []).push("
    ends = "[text, this.canvas.id, x + this.measureText(text).width, this.canvas.getBoundingClientRect().width]) }"
    script = f"<script>{written}{ends};</script></head>"
    page_text = player_page(replace(shown, tracks=even)).replace("</head>", script, 1)
    with opened(browser, page_text, tmp_path, width=360) as page:
        words = [one for one in page.evaluate("wrote") if one[1] in ("window", "share")]
        assert len(words) > 1 and all(right <= width for _, _, right, width in words), words
        tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
        named = [one["name"]["value"] for one in tree if not one["ignored"] and one["role"]["value"] == "group"]
        assert {"target", "fusion"} <= set(named)
