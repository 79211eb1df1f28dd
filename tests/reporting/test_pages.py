"""A page shows what a notebook holds, without code in the way and without anything from outside."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from references import external, references
from tiny_notebooks import chapter_notebook

from jcalib.reporting.pages import Link, duration, write_page

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
Convert = Callable[..., str]


def shown(data: dict[str, Any], **metadata: Any) -> NotebookNode:
    return new_output("display_data", data=data, metadata=metadata)


def figure(name: str) -> NotebookNode:
    entry = {"name": name, "file": f"figures/{name}.png", "width": 96, "height": 48}
    entry |= {"caption": "It rises by $x$.", "alt": 'A "line"', "role": None}
    return shown({"image/png": PIXEL, "text/plain": "A line"}, jcalib={"figure": entry})


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    """Return what writes cells as a notebook and gives the text of its page."""

    def page(*cells: NotebookNode, **metadata: Any) -> str:
        notebook = new_notebook(cells=cells, metadata={"language_info": {"name": "python"}, **metadata})
        nbformat.write(notebook, tmp_path / "3_attention.ipynb")
        links = Link("2_train", "2 · Train"), Link("4_ablation", "4 · <Ablation>")
        return write_page(tmp_path / "3_attention.ipynb", tmp_path, "quick-1", *links).read_text()

    return page


def test_code_is_folded_and_outputs_are_not(convert: Convert) -> None:
    page = convert(new_code_cell("secret = 1", outputs=[new_output("stream", name="stdout", text="loud")]))
    folded = re.search(r"<details.*?</details>", page, re.DOTALL)
    assert folded and "secret" in folded[0] and "loud" not in folded[0]
    assert "loud" in page
    assert "<details open" not in page


def test_formulas_in_prose_and_outputs_are_mathml(convert: Convert) -> None:
    page = convert(
        new_markdown_cell("# A\n\n$a^2$ and `$code$`"),
        new_code_cell("f(r'$b$')", outputs=[shown({"text/markdown": "$$c$$"}), shown({"text/latex": "$d$"})]),
    )
    assert page.count("<math") == 3
    assert "<code>$code$</code>" in page


def test_nothing_comes_from_outside(convert: Convert) -> None:
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "abc"}, "text/plain": "interactive(...)"}
    page = convert(
        *chapter_notebook("3_attention").cells,
        new_code_cell("1", outputs=[figure("line"), shown(widget), shown({"image/png": PIXEL})]),
        new_code_cell("2", outputs=[shown({"application/javascript": "require(['x'])", "text/plain": "x"})]),
    )
    assert references(page), "there are links to look at"
    assert external(page) == []
    assert "<script" not in page


def test_the_check_for_outside_can_fail() -> None:
    page = '<img src="https://x.org/a.png"><style>@import "b.css"; a{background:url(//c.org/d)}</style><a href="../e">'
    assert external(page) == ["https://x.org/a.png", "//c.org/d", "../e"]


def test_widgets_leave_a_sentence_and_no_state(convert: Convert) -> None:
    kind = "application/vnd.jupyter.widget"
    output = shown({f"{kind}-view+json": {"model_id": "abc"}, "text/plain": "interactive(children=...)"})
    page = convert(
        new_code_cell("widget", outputs=[output]),
        widgets={f"{kind}-state+json": {"state": {"abc": {}}, "version_major": 2, "version_minor": 0}},
    )
    assert "Moves in JupyterLab" in page
    assert "interactive(" not in page
    assert kind not in page


def test_a_saved_figure_is_shown_once_with_alt_and_files(convert: Convert, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    for suffix in ("png", "pdf"):
        (tmp_path / "figures" / f"line.{suffix}").write_bytes(b"x")
    caption = shown({"text/markdown": "It rises by $x$."}, jcalib={"caption": "line"})
    page = convert(new_code_cell("show", outputs=[figure("line"), caption]))
    assert re.findall(r"<img [^>]*src=\"([^\"]+)", page) + re.findall(r"src='([^']+)", page) == ["figures/line.png"]
    assert "A &quot;line&quot;" in page or "alt='A \"line\"'" in page
    assert page.count("It rises by") == 1
    assert 'href="figures/line.pdf"' in page
    assert "figures/line.csv" not in page


def test_a_figure_whose_file_is_gone_is_shown_from_the_notebook(convert: Convert) -> None:
    page = convert(new_code_cell("show", outputs=[figure("gone")]))
    assert "figures/gone.png" not in page
    assert f"data:image/png;base64,{PIXEL}" in page


def test_every_picture_has_an_alternative(convert: Convert) -> None:
    page = convert(new_code_cell("1", outputs=[shown({"image/png": PIXEL}), shown({"image/svg+xml": "<svg/>"})]))
    pictures = re.findall(r"<img [^>]*>", page)
    assert len(pictures) == 2
    assert all('alt="A ' in picture for picture in pictures)


def test_tables_and_results_are_shown(convert: Convert) -> None:
    result = new_output("execute_result", data={"text/html": "<table><tr><td>42</td></tr></table>"}, execution_count=1)
    text = new_output("execute_result", data={"text/plain": "0.61 < 1"}, execution_count=2)
    page = convert(new_code_cell("table", outputs=[result]), new_code_cell("x", outputs=[text]))
    assert "<td>42</td>" in page
    assert "0.61 &lt; 1" in page


def test_an_error_is_told_and_its_code_is_open(convert: Convert) -> None:
    error = new_output("error", ename="ValueError", evalue="8 < 9", traceback=["\x1b[31mValueError\x1b[39m"])
    page = convert(new_code_cell("raise", outputs=[error]))
    assert "8 &lt; 9" in page
    assert '<span class="ansi-red-fg">ValueError</span>' in page
    assert re.search(r'<details class="code" open', page)


def test_parameters_are_a_table_with_the_values_that_were_used(convert: Convert) -> None:
    cells = chapter_notebook("3_attention").cells
    cells.insert(2, new_code_cell("seeds = 9", metadata={"tags": ["injected-parameters"]}))
    page = convert(*cells, jcalib={"parameters": {"seeds": 9}, "seconds": 75.0})
    assert re.search(r"<code>seeds</code></th><td><code>9</code> <small>given</small></td><td>how many", page)
    assert re.search(r"<code>preset</code></th><td><code>quick</code></td>", page)
    assert "<code>out</code>" not in page
    assert "1 min 15 s" in page
    assert '<span class="n">seeds</span>' not in page


def test_the_neighbours_are_linked(convert: Convert) -> None:
    page = convert(new_markdown_cell("# Three"))
    assert {"index.html", "2_train.html", "4_ablation.html", "3_attention.ipynb"} <= set(references(page))
    assert "4 · &lt;Ablation&gt;" in page
    assert '<html lang="en">' in page
    assert "<title>Three" in page


def test_an_attached_page_is_framed_by_its_name(convert: Convert) -> None:
    entry = {"name": "player", "page": "player.html", "caption": "Drag.", "height": 300, "role": "player"}
    output = shown({"text/html": "<iframe srcdoc='<b>all of it</b>'></iframe>"}, jcalib={"page": entry})
    page = convert(new_code_cell("attach", outputs=[output]))
    assert "player.html" in references(page)
    assert "all of it" not in page


def test_the_page_is_small(convert: Convert) -> None:
    assert len(convert(new_markdown_cell("# Three"))) < 20_000


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (48.2, "48 s"), (125, "2 min 5 s"), (59.7, "1 min 0 s"), (None, "")]
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
