"""What a notebook says lands in its record, its figures and its outputs."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from jcalib.progress import stage
from jcalib.reporting.chapter import Chapter, chapter, plain
from jcalib.settings import UserError


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Collect what would be displayed."""
    outputs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, metadata, raw: outputs.append((data, metadata)) if raw else None
    )
    return outputs


def drawing() -> Figure:
    fig = Figure(figsize=(2, 1))
    fig.subplots().plot([1, 2])
    return fig


def test_a_figure_is_saved_and_shown_once(tmp_path: Path, shown: list[Any]) -> None:
    opened = Chapter("4_ablation", tmp_path)
    path = opened.show(drawing(), "scores", pd.DataFrame({"y": [1]}), caption="It rises.", role="scores")
    assert path == tmp_path / "figures" / "scores.png"
    assert {one.name for one in path.parent.iterdir()} == {"scores.png", "scores.pdf", "scores.csv"}
    pictures = [metadata for data, metadata in shown if "image/png" in data]
    assert len(pictures) == 1
    assert pictures[0]["image/png"]["alt"] == "It rises."
    assert pictures[0]["jcalib"]["figure"]["width"] == 192


@pytest.mark.parametrize(("explored", "pixels"), [(False, 192), (True, 600)])
def test_a_report_keeps_the_picture_once_at_its_full_size(
    explored: bool, pixels: int, tmp_path: Path, shown: list[Any]
) -> None:
    """A notebook with all pictures as large as for paper takes 5 MB; on a screen nobody sees them."""
    path = Chapter("4_ablation", tmp_path, explored).show(drawing(), "scores", dpi=300)
    data = base64.b64decode(next(data["image/png"] for data, _ in shown if "image/png" in data))
    assert int.from_bytes(data[16:20], "big") == pixels
    assert int.from_bytes(path.read_bytes()[16:20], "big") == 600


@pytest.mark.parametrize("name", ["Scores", "a/b", "../a", "", "a b"])
def test_a_figure_needs_a_plain_name(name: str, tmp_path: Path, shown: list[Any]) -> None:
    with pytest.raises(UserError, match="small letters"):
        Chapter("4_ablation", tmp_path).show(drawing(), name)


def test_the_record_holds_everything_as_json(tmp_path: Path, shown: list[Any]) -> None:
    opened = Chapter("4_ablation", tmp_path)
    opened.show(drawing(), "scores", role="scores", alt="Scores.")
    opened.show(drawing(), "scores", role="scores", alt="Scores again.")
    table = pd.DataFrame({"fusion": ["joint"], "mean": [np.float32(0.5)], "low": [np.nan]})
    path = opened.finish("Joint wins.", {"ccc": np.float64(0.5), "p": float("nan")}, table=table, seeds=range(2))
    record = json.loads(path.read_text())
    assert path == tmp_path / "chapters" / "4_ablation.json"
    assert (record["chapter"], record["status"], record["headline"]) == ("4_ablation", "ok", "Joint wins.")
    assert record["metrics"] == {"ccc": 0.5, "p": None}
    assert record["table"] == [{"fusion": "joint", "mean": 0.5, "low": None}]
    assert record["seeds"] == [0, 1]
    assert [figure["alt"] for figure in record["figures"]] == ["Scores again."]
    assert record["peak_mb"] > 10


def test_stages_are_recorded_for_the_chapter_that_is_open(tmp_path: Path) -> None:
    first = chapter("1_corpus", tmp_path)
    second = chapter("2_train", tmp_path)
    with stage("fit", total=2) as work:
        work.note("2 seeds")
    assert first.stages == []
    assert [(one["name"], one["text"]) for one in second.stages] == [("fit", "2 seeds")]
    events = (tmp_path / "chapters" / "2_train.stages.jsonl").read_text().splitlines()
    assert [json.loads(event)["event"] for event in events] == ["started", "finished"]


def test_without_a_report_everything_goes_to_a_scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    assert chapter("1_corpus").folder == tmp_path / "scratch" / "1_corpus"


def test_an_attached_page_is_a_file_and_a_link(tmp_path: Path, shown: list[Any]) -> None:
    Chapter("5_attribution", tmp_path).attach("<p>hello</p>", "player", caption="Drag & drop.")
    assert shown[0][0]["text/html"] == '<a href="player.html">Drag &amp; drop.</a>'


def test_an_attached_page_is_a_file_and_a_frame_where_it_is_explored(tmp_path: Path, shown: list[Any]) -> None:
    path = Chapter("5_attribution", tmp_path, explored=True).attach('<p class="a">hello</p>', "player", caption="Drag.")
    assert path.read_text() == '<p class="a">hello</p>'
    data, metadata = shown[0]
    assert "&lt;p class=&quot;a&quot;&gt;hello" in data["text/html"]
    assert metadata["jcalib"]["page"]["page"] == "player.html"


def test_prose_is_markdown(tmp_path: Path, shown: list[Any]) -> None:
    Chapter("1_corpus", tmp_path).say("**8** of 8")
    assert shown[0][0]["text/markdown"] == "**8** of 8"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([[1, 2]]), [[1, 2]]),
        (np.bool_(True), True),
        ({1: {2.5}}, {"1": [2.5]}),
        (float("inf"), None),
        (Path("/a/b.png"), "b.png"),
        ("text", "text"),
    ],
)
def test_plain_values(value: Any, expected: Any) -> None:
    assert plain(value) == expected
