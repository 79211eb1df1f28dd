"""An executed notebook as a page that loads nothing from outside its folder.

Code is folded away, formulas are MathML, widgets (which need a kernel) are replaced by a sentence, and figures that the
chapter saved are shown from `figures/` with links to their PDF and data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from jcalib.files import replacing
from jcalib.reporting import notebooks
from jcalib.reporting.markdown import inline, markdown, mathml

TEMPLATES = Path(__file__).parent / "templates"
_WIDGET = "application/vnd.jupyter.widget-view+json"
_NO_WIDGET = "Moves in JupyterLab: open the notebook to turn the knobs."


@dataclass(frozen=True)
class Link:
    """A neighbour of a page: its chapter and its title."""

    chapter: str
    title: str


def write_page(
    notebook: Path, out: Path, report: str, previous: Link | None = None, following: Link | None = None
) -> Path:
    """Convert an executed notebook.

    Args:
        notebook: what `execute.run_chapter` left, also of a chapter that failed.
        out: the report's folder; the page is named as the notebook.
        report: the report's name, for the way back to the first page.
        previous, following: the chapters before and after.

    Returns:
        The path of the page.
    """
    executed = nbformat.read(notebook, as_version=4)
    facts = executed.metadata.get("jcalib", {})
    context = {
        "css": stylesheet(),
        "title": notebooks.title(executed) or notebook.stem,
        "report": report,
        "notebook": notebook.name,
        "facts": facts,
        "previous": previous,
        "following": following,
        "parameters": _parameter_rows(executed, facts.get("parameters", {})),
    }
    resources = {"jcalib": context, "metadata": {"path": str(notebooks.FOLDER), "name": notebook.stem}}
    text, _ = _exporter().from_notebook_node(_prepared(executed, out), resources)
    page = out / f"{notebook.stem}.html"
    with replacing(page) as beside:
        beside.write_text(text, encoding="utf-8")
    return page


@cache
def stylesheet() -> str:
    """Return the style that every page carries inside itself."""
    return (TEMPLATES / "report.css").read_text()


class _Exporter(HTMLExporter):
    """nbconvert's exporter with formulas as MathML."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Convert a Markdown cell or output."""
        return markdown(source)

    def default_filters(self) -> Any:
        """Add what the template needs."""
        yield from super().default_filters()
        yield "mathml", mathml
        yield "inline_markdown", inline
        yield "duration", duration


def _exporter() -> HTMLExporter:
    return _Exporter(template_name="page", extra_template_basedirs=[str(TEMPLATES)], exclude_anchor_links=True)


def duration(seconds: float | None) -> str:
    """Return a wall time as people say it: "0.4 s", "48 s", "2 min 5 s"."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _prepared(notebook: NotebookNode, out: Path) -> NotebookNode:
    """Return the notebook without widgets, with the figures that are there marked as such."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [_shown(output, out) for output in cell.outputs if not _is_caption(output)]
    return notebook


def _is_caption(output: NotebookNode) -> bool:
    return "caption" in output.get("metadata", {}).get("jcalib", {})


def _shown(output: NotebookNode, out: Path) -> NotebookNode:
    data = output.get("data", {})
    if data.pop(_WIDGET, None) and not set(data) - {"text/plain"}:
        data["text/markdown"] = f"*{_NO_WIDGET}*"
    ours = output.get("metadata", {}).get("jcalib", {})
    if "figure" in ours:
        ours["figure"] = with_files(ours["figure"], out)
    return output


def with_files(figure: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Return a figure with what was saved beside its picture.

    Args:
        figure: an entry of a record's `figures`.
        out: the report's folder.

    Returns:
        The entry with `links`, (word, file) pairs, and `there`, whether the picture exists.
    """
    file = Path(figure.get("file") or figure.get("page") or f"figures/{figure['name']}.png")
    beside = {"PDF": file.with_suffix(".pdf"), "data": file.with_suffix(".csv")}
    links = [(word, path.as_posix()) for word, path in beside.items() if (out / path).exists()]
    return {**figure, "file": file.as_posix(), "links": links, "there": (out / file).exists()}


def _parameter_rows(notebook: NotebookNode, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    declared = [parameter for parameter in notebooks.declared(notebook) if parameter.name != "out"]
    return [
        {"name": one.name, "value": given.get(one.name, one.default), "given": one.name in given, "help": one.help}
        for one in declared
    ]
