"""Runs one chapter with papermill, and says truthfully how it ended.

papermill marks cells "completed" after a timeout or a dead kernel, and lets `sys.exit(0)` pass. So success here is one
thing only: no exception, and the chapter's last cell wrote its record.
"""

import html
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jcalib.files import replacing
from jcalib.progress import Stage, stage
from jcalib.reporting import notebooks
from jcalib.reporting.chapter import events_path, record_path
from jcalib.reporting.replay import replaying
from jcalib.reporting.scrub import cleaner, everywhere, scrub
from jcalib.settings import UserError

if TYPE_CHECKING:
    from nbformat import NotebookNode

Status = Literal["ok", "unchanged", "failed", "timeout", "dead kernel", "refused"]
EXIT_CODES: dict[str, int] = {
    "ok": 0,
    "unchanged": 0,
    "failed": 1,
    "refused": 2,
    "timeout": 124,
    "dead kernel": 138,
}
STOPPED = "stopped-here"


@dataclass(frozen=True)
class ChapterResult:
    """How a chapter ended.

    Attributes:
        chapter: its name.
        status: "ok", "unchanged" (not executed again), "failed", "timeout", "dead kernel" or "refused".
        seconds: wall time.
        error: one line, None when nothing went wrong.
        notebook: the executed notebook, None when it was refused.
    """

    chapter: str
    status: Status
    seconds: float
    error: str | None
    notebook: Path | None

    @property
    def good(self) -> bool:
        """Whether the chapter's results stand."""
        return self.status in ("ok", "unchanged")

    @property
    def exit_code(self) -> int:
        """What a command line should return."""
        return EXIT_CODES[self.status]


@dataclass(frozen=True)
class _Ending:
    status: Status
    error: str | None = None
    cell: int | None = None  # index of the cell it stopped in


def run_chapter(
    chapter: str,
    parameters: Mapping[str, Any],
    out: Path,
    timeout: float = 3600.0,
    cell_timeout: float | None = None,
    threads: int = 0,
) -> ChapterResult:
    """Execute a chapter and leave the notebook in `out`, also when it fails.

    Args:
        chapter: its name, number or word.
        parameters: values by name, checked before a kernel starts; `out` is added.
        out: the report's folder.
        timeout: seconds for the whole chapter.
        cell_timeout: seconds for one cell, if less.
        threads: that its kernel may use; 0 for all.

    Returns:
        How it ended. Nothing is raised except by an interrupt from the keyboard.
    """
    started = time.monotonic()
    try:
        name = notebooks.find(chapter)
        values = notebooks.check(name, {**parameters, "out": str(out.resolve())})
        source = notebooks.told_of(notebooks.read(name), values)
    except UserError as refusal:
        return ChapterResult(chapter, "refused", time.monotonic() - started, str(refusal), None)
    record_path(out, name).unlink(missing_ok=True)
    deadline = _deadline(started + timeout, cell_timeout)
    executed, ending = _execute(source, values, name, deadline, events_path(out, name), threads)
    if ending.status == "ok" and not record_path(out, name).exists():
        ending = _Ending("failed", "the chapter stopped before its last cell, which writes its record")
    seconds = time.monotonic() - started
    clean = cleaner(out, values)
    _mark(executed, name, ending, seconds, everywhere(values, clean))
    scrub(executed, clean)
    error = clean(ending.error) if ending.error else None
    return ChapterResult(name, ending.status, seconds, error, _save(executed, out, name))


def _deadline(end: float, cell_timeout: float | None) -> Callable[[Any], float]:
    """Return what nbclient asks before each cell; a limit of zero would mean none at all."""
    return lambda cell: max(0.1, min(end - time.monotonic(), cell_timeout or float("inf")))


def _execute(
    source: "NotebookNode",
    values: Mapping[str, Any],
    name: str,
    deadline: Callable[[Any], float],
    events: Path,
    threads: int,
) -> tuple["NotebookNode", _Ending]:
    """Return the executed notebook, as far as it came, and how it ended; stages in its kernel are told here too."""
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    ending = _Ending("ok")
    with tempfile.TemporaryDirectory() as folder, stage(name, _code_cells(source)) as progress, replaying(events):
        target = Path(folder) / "executed.ipynb"
        cells = _CellCounter(progress)
        try:
            _papermill(source, target, values, deadline, cells, threads)
        except PapermillExecutionError as error:
            ending = _Ending("failed", f"{error.ename}: {error.evalue}".strip(), error.cell_index)
        except CellTimeoutError:
            ending = _Ending("timeout", f"cell {cells.count} ran out of time", cells.index)
        except DeadKernelError:
            ending = _Ending("dead kernel", f"the kernel died in cell {cells.count}", cells.index)
        except RuntimeError as error:
            ending = _Ending("dead kernel", f"the kernel did not start: {error}")
        progress.note(ending.status if ending.error is None else f"{ending.status}: {ending.error}")
        executed = nbformat.read(target, as_version=4) if target.exists() else source
    return executed, ending


def _papermill(
    source: "NotebookNode",
    target: Path,
    values: Mapping[str, Any],
    deadline: Callable[[Any], float],
    on_cell: Callable[..., None],
    threads: int,
) -> None:
    import papermill
    from traitlets.config import Config

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    papermill.execute_notebook(
        source,
        str(target),
        parameters=dict(values),
        kernel_name="python3",
        language="python",
        progress_bar=False,
        coalesce_streams=True,
        record_timing=False,
        iopub_timeout=60,
        timeout_func=deadline,
        on_cell_execute=on_cell,
        config=Config(
            KernelManager={"transport_encryption": "auto", "shutdown_wait_time": 2.0},
            OwnKernel={"threads": threads},
            NotebookClient={"kernel_manager_class": "jcalib.reporting.kernel.OwnKernel"},
        ),
    )


class _CellCounter:
    """Remembers the cell that runs, since papermill does not say in which one a kernel died."""

    def __init__(self, progress: Stage) -> None:
        self._progress = progress
        self.count = 0
        self.index: int | None = None

    def __call__(self, cell: Any, cell_index: int) -> None:
        if self.count:
            self._progress.advance()
        self.count += 1
        self.index = cell_index


def _code_cells(notebook: "NotebookNode") -> int:
    return sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in notebook.cells)


def _mark(notebook: "NotebookNode", name: str, ending: _Ending, seconds: float, values: Mapping[str, Any]) -> None:
    """Replace papermill's account, which names folders and may be wrong, by ours; point at the cell that stopped."""
    from papermill.execute import remove_error_markers

    remove_error_markers(notebook)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
    shown = {key: value for key, value in values.items() if key != "out"}
    notebook.metadata.pop("papermill", None)
    notebook.metadata["jcalib"] = {
        "chapter": name,
        "status": ending.status,
        "seconds": round(seconds, 1),
        "parameters": shown,
    }
    if ending.error is None:
        return
    if ending.cell is not None:
        notebook.cells.insert(ending.cell, _note(f'<p id="{STOPPED}" class="stopped">It stopped in this cell.</p>'))
    where = f' <a href="#{STOPPED}">Show the cell</a>' if ending.cell is not None else ""
    text = html.escape(ending.error)
    notebook.cells.insert(
        1, _note(f'<div class="banner" role="alert"><strong>{ending.status}</strong> {text}{where}</div>')
    )


def _note(text: str) -> "NotebookNode":
    import nbformat

    return nbformat.v4.new_markdown_cell(text, metadata={"tags": ["jcalib-note"]})


def _save(notebook: "NotebookNode", out: Path, name: str) -> Path:
    import nbformat

    path = out / f"{name}.ipynb"
    with replacing(path) as beside:
        nbformat.write(notebook, beside)
    return path
