"""What a notebook says to the report: prose, pictures, and a record of what it found.

The record, written by the last cell, is the only proof that a chapter ran to its end (see `execute`). Without a report
folder, as when exploring in JupyterLab, everything goes to a scratch folder.
"""

import ast
import base64
import html
import io
import itertools
import math
import re
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcalib.files import home, write_json
from jcalib.reporting.stages import REPORTER
from jcalib.settings import UserError, choose

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from ipywidgets import Widget
    from matplotlib.figure import Figure

SCREEN_DPI = 96  # a CSS inch
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def chapter(name: str, out: str | Path = "") -> "Chapter":
    """Open a chapter: from here on long work shows its progress below the cell and is recorded.

    Args:
        name: the chapter's name ("4_ablation").
        out: the report's folder; empty for a scratch folder.

    Raises:
        UserError: papermill was given a parameter that the chapter does not declare.
    """
    _refuse_unknown_parameters(name)
    opened = Chapter(name, Path(out).resolve() if out else home() / "scratch" / name, explored=not out)
    REPORTER.follow(opened.stages, events_path(opened.folder, name))
    return opened


def _refuse_unknown_parameters(name: str) -> None:
    """papermill by itself injects a misspelt parameter with only a log line.

    Its cell begins with a comment of its own and comes right after the cell that declares the parameters.
    """
    from IPython import get_ipython

    shell = get_ipython()
    cells = [cell for cell in (shell.user_ns.get("In", []) if shell else []) if cell]
    for declared, injected in itertools.pairwise(cells):
        if injected.startswith("# Parameters\n"):
            for parameter in _assigned(injected):
                choose(parameter, _assigned(declared), f"parameter of {name}")


def _assigned(source: str) -> list[str]:
    """Return the names that a cell of plain assignments sets, in order."""
    names = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
    return [name.id for name in names if isinstance(name.ctx, ast.Store)]


class Chapter:
    """A chapter while it runs.

    Attributes:
        name: its name.
        folder: where its record and figures go.
        explored: nobody asked for a report, so somebody may be sitting in front of it.
    """

    def __init__(self, name: str, folder: Path, explored: bool = False) -> None:
        self.explored = explored
        self.name = name
        self.folder = folder
        self.stages: list[dict[str, Any]] = []
        self._figures: dict[str, dict[str, Any]] = {}
        self._started = time.monotonic()

    def say(self, markdown: str) -> None:
        """Show prose that quotes numbers; written by code, it cannot disagree with them."""
        _display({"text/markdown": markdown, "text/plain": markdown})

    def show(
        self,
        fig: "Figure",
        name: str,
        data: "pd.DataFrame | None" = None,
        *,
        caption: str = "",
        alt: str = "",
        role: str | None = None,
        dpi: int = 200,
        live: "Callable[[], Widget] | None" = None,
    ) -> Path:
        """Save a figure as PNG, PDF and CSV, and show it once; a report's notebook keeps it as large as it is shown.

        Args:
            fig: a figure made without pyplot.
            name: its file name without suffix: small letters, digits, "-" and "_".
            data: the numbers behind it.
            caption: a sentence of Markdown below it.
            alt: what it shows, for who cannot see it; the caption if empty.
            role: where the report's first page puts it ("differences", "scores", "dependence", ...).
            dpi: of the PNG, and of pictures in the PDF.
            live: makes the widget that stands in the figure's place in JupyterLab; a report keeps the figure.

        Returns:
            The path of the PNG.
        """
        from jcalib.views.style import save

        png = save(fig, self.folder / "figures", _plain_name(name), data, dpi)
        width, height = (round(SCREEN_DPI * inches) for inches in fig.get_size_inches())
        figure: dict[str, Any] = {"file": f"figures/{name}.png", "width": width, "height": height}
        figure |= {"name": name, "caption": caption, "alt": alt or caption or name, "role": role}
        self._figures[name] = figure
        picture = base64.b64encode(png.read_bytes() if self.explored else _as_shown(fig)).decode()
        metadata = {"image/png": {"alt": figure["alt"], "width": width}, "jcalib": {"figure": figure}}
        widget = live()._repr_mimebundle_() if live and self.explored else {}
        _display({**widget, "image/png": picture, "text/plain": figure["alt"]}, metadata)
        if caption:
            _display({"text/markdown": caption, "text/plain": caption}, {"jcalib": {"caption": name}})
        return png

    def attach(self, page: str, name: str, *, caption: str = "", height: int = 640, role: str | None = None) -> Path:
        """Save a self-contained HTML page, such as the player, and show it in a frame; a report's notebook links to it.

        Args:
            page: the whole document.
            name: its file name without suffix.
            caption: a sentence of Markdown that names it.
            height: of the frame, CSS pixels.
            role: where the report's first page links to it ("player").

        Returns:
            The path of the page.
        """
        path = self.folder / f"{_plain_name(name)}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
        attached = {"name": name, "page": path.name, "caption": caption, "height": height, "role": role}
        self._figures[name] = attached
        shown = _frame(page, caption, height) if self.explored else _link(path.name, caption)
        _display({"text/html": shown, "text/plain": caption}, {"jcalib": {"page": attached}})
        return path

    def finish(self, headline: str = "", metrics: dict[str, Any] | None = None, **more: Any) -> Path:
        """Write the chapter's record; the last cell of a chapter calls this.

        Args:
            headline: what was found, one or two sentences of Markdown.
            metrics: numbers by name; one that is not finite becomes null.
            more: what the report's first page needs: `table`, `audits`, `detectable`, `seeds`, `data`, ... Tables
                may be DataFrames.

        Returns:
            The path of the record.
        """
        figures = list(self._figures.values())
        record: dict[str, Any] = {"chapter": self.name, "status": "ok", "headline": headline, "figures": figures}
        record |= {"metrics": metrics or {}, "stages": self.stages, "peak_mb": _peak_mb(self.stages), **more}
        path = record_path(self.folder, self.name)
        write_json(path, plain(record))
        if headline:
            _display({"text/markdown": f"**{headline}**", "text/plain": headline}, {"jcalib": {"headline": headline}})
        return path


def record_path(folder: Path, name: str) -> Path:
    """Return where a chapter's last cell writes its record."""
    return folder / "chapters" / f"{name}.json"


def events_path(folder: Path, name: str) -> Path:
    """Return where a chapter's stages are written while it runs, one JSON line an event."""
    return record_path(folder, name).with_suffix(".stages.jsonl")


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: tables as rows, arrays as lists, not-a-number and infinity as null."""
    if hasattr(value, "to_dict"):
        return plain(value.to_dict("records"))
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.name if isinstance(value, Path) else value


def _plain_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UserError(f"a figure is called {name!r}: small letters, digits, '-' and '_' make a name.")
    return name


def _as_shown(fig: "Figure") -> bytes:
    """A PNG with a pixel where a screen shows one; the large one is a file beside the notebook."""
    from jcalib.views.style import look

    with look(), io.BytesIO() as picture:
        fig.savefig(picture, format="png", dpi=SCREEN_DPI, metadata={"Software": None})
        return picture.getvalue()


def _link(file: str, title: str) -> str:
    return f'<a href="{html.escape(file)}">{html.escape(title or file)}</a>'


def _frame(page: str, title: str, height: int) -> str:
    source, title = html.escape(page), html.escape(title)
    return f'<iframe srcdoc="{source}" title="{title}" style="width:100%;height:{height}px;border:0"></iframe>'


def _display(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
    from IPython.display import display

    display(data, metadata=metadata or {}, raw=True)


def _peak_mb(stages: list[dict[str, Any]]) -> int:
    """Return the peak memory so far, MiB: this process's own, or a stage's with its workers if that was more."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss starts from the peak of the process that started this one; VmHWM does not.
        own = int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) // 1024  # type: ignore[index]
    return max(own, *(stage["peak_mb"] for stage in stages), 0)
