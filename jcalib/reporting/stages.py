"""Progress in a notebook: a text below the running cell, updated in place, and events that others can follow.

Bars made for terminals leave hundreds of outputs in an executed notebook, and widget bars an empty place.
"""

import time
from pathlib import Path
from typing import Any

from jcalib.progress import Log, Stage, listen


class Reporter:
    """Listens to stages for the chapter that is open."""

    def __init__(self) -> None:
        self._stages: list[dict[str, Any]] = []
        self._log: Log | None = None
        self._cell: int | None = None
        self._lines: list[str] = []
        self._shown = 0.0

    def follow(self, stages: list[dict[str, Any]], log: Path) -> None:
        """Report to one chapter from now on, and to no other.

        Args:
            stages: filled with name, text, seconds and peak_mb of every finished stage.
            log: file of events, begun anew.
        """
        if self._log is None:
            listen(self)
        log.unlink(missing_ok=True)
        self._stages, self._log, self._cell = stages, Log(log), None

    def started(self, stage: Stage) -> None:
        """Open a text for this cell, if it has none."""
        assert self._log
        self._log.started(stage)
        cell = _running_cell()
        first = cell != self._cell
        if first:
            self._cell, self._lines = cell, []
        self._show([*self._lines, _line(stage)], first)

    def advanced(self, stage: Stage) -> None:
        """Update text and events, at most once a second."""
        if time.monotonic() - self._shown > 1:
            assert self._log
            self._log.advanced(stage)
            self._show([*self._lines, _line(stage)])

    def finished(self, stage: Stage) -> None:
        """Leave a line, and keep the numbers for the record."""
        assert self._log
        self._log.finished(stage)
        entry = {"name": stage.name, "text": stage.text}
        self._stages.append({**entry, "seconds": round(stage.seconds, 2), "peak_mb": stage.peak_mb})
        self._lines.append(_line(stage))
        self._show(self._lines)

    def _show(self, lines: list[str], first: bool = False) -> None:
        from IPython.display import display

        self._shown = time.monotonic()
        if self._cell is None:  # a plain Python session has no cell to show anything below
            return
        text = {"text/plain": "\n".join(lines)}
        handle = f"stages-{self._cell}"
        display(text, metadata={"jcalib": {"stages": True}}, raw=True, display_id=handle, update=not first)


REPORTER = Reporter()


def _running_cell() -> int | None:
    from IPython import get_ipython

    shell = get_ipython()
    return shell.execution_count if shell else None


def _line(stage: Stage) -> str:
    if stage.seconds:
        return f"{stage.name:<28} {stage.seconds:6.1f} s  {stage.text}".rstrip()
    steps = f"{stage.done}/{stage.total}" if stage.total else ""
    return f"{stage.name:<28} {steps}".rstrip()
