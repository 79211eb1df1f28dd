"""A report of own videos, end to end: what a user runs on a folder, and what its pages say about it."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from references import external

from jcalib.files import ROOT
from tests.corpora.own_videos import add_grey, filmed_folder

pytestmark = pytest.mark.notebooks

CHAPTERS = ("1_corpus", "2_train", "3_attention", "4_ablation", "5_attribution")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole report on four filmed persons and two broken recordings: a video that was cut off, a crop that was."""
    root = tmp_path_factory.mktemp("own")
    own = filmed_folder(root / "own")
    add_grey(own, "hurt")
    crop = own / "faces" / "hurt" / "00040.jpg"
    crop.write_bytes(crop.read_bytes()[:-100])
    (own / "faces" / "talk_1" / "00033.jpg").write_bytes(b"")
    shutil.copy(own / "annotations" / "talk_3.csv", own / "annotations" / "cut.csv")
    (own / "cut.mp4").write_bytes((own / "talk_3.mp4").read_bytes()[:-50_000])
    with (own / "splits.csv").open("a") as file:
        file.write("hurt,H,train\ncut,K,train\n")  # H is dealt an encoder's role
    (own / "labels.json").write_text('{"delay": [0.2, 0.4]}')
    command = [str(Path(sys.executable).parent / "jcalib"), "report", "--corpus", "own", "--preset", "smoke"]
    done = subprocess.run(
        [*command, "--fusions", "joint,cross", "--out", "report"],
        cwd=root, env={**os.environ, "JCALIB_HOME": str(root / "home")}, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "too few recordings" in done.stdout
    return root / "report"


def record(folder: Path, chapter: str) -> dict[str, Any]:
    return json.loads((folder / "chapters" / f"{chapter}.json").read_text())


def page(folder: Path, name: str) -> str:
    """What a page says, without the code behind it, which names what other corpora have."""
    text = (folder / f"{name}.html").read_text()
    return html.unescape(re.sub(r'<details class="code">.*?</details>', "", text, flags=re.DOTALL))


def test_every_chapter_reaches_its_end(report: Path) -> None:
    status = json.loads((report / "status.json").read_text())
    assert {name: one["status"] for name, one in status["chapters"].items()} == dict.fromkeys(CHAPTERS, "ok")
    for row in record(report, "4_ablation")["table"]:
        assert np.isfinite([row["ccc_valence"], row["ccc_arousal"]]).all()


def test_what_was_lost_and_what_was_done_to_labels_is_said(report: Path) -> None:
    text = page(report, "1_corpus")
    assert "a rater's delay of 0.2 s (valence) and 0.4 s (arousal) is taken back" in text
    assert "cut.mp4 cannot be read" in text and "hurt/00040.jpg is not a readable picture" in text
    assert "2 of 2 report recordings" in text and record(report, "1_corpus")["metrics"]["recordings"] == 5


def test_nothing_is_said_that_only_the_embedded_corpus_makes_true(report: Path) -> None:
    text = page(report, "1_corpus")
    for words in ("drawn and synthesised", "corpus that was drawn"):
        assert words not in text
    captions = [one["caption"] for one in record(report, "1_corpus")["figures"]]
    assert "Labels." in captions and not any("cues" in one for one in captions)
    assert "corpus's truth" not in page(report, "3_attention")
    index = page(report, "index").partition("<summary>settings</summary>")[0]  # these are the preset's, whole
    assert "own: 5 recordings of 5 persons, 1 left out" in index and "regime" not in index
    assert "Too few persons for the audits to judge" in index and "audits hold" not in index


def test_every_figure_is_its_own_and_not_empty(report: Path) -> None:
    files = [one["file"] for name in CHAPTERS for one in record(report, name)["figures"] if "file" in one]
    assert len(set(files)) == len(files)
    for file in files:
        assert cv2.imread(str(report / file)).std() > 5, file
    for path in report.glob("*.html"):
        assert not external(path.read_text()), path.name
    for path in [*report.glob("*.html"), *report.glob("*.ipynb")]:
        assert str(ROOT) not in path.read_text(), path.name
