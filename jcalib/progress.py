"""Stages of long work: the library reports to whoever listens, and is silent when nobody does.

A chapter's kernel is another process: it writes its stages to a file with `Log`; `reporting.replay` tells them again.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil

if TYPE_CHECKING:
    from rich.progress import TaskID

MEBIBYTE = 2**20
FAILED = "failed"


@dataclass
class Stage:
    """One piece of long work.

    Attributes:
        name: what is done, a few words.
        total: steps in all, or None where that is not known.
        done: steps finished.
        text: what came out, for the closing line.
        seconds: wall time, once finished.
        peak_mb: peak memory of this process and its children while the stage ran, MiB.
    """

    name: str
    total: int | None = None
    done: int = 0
    text: str = ""
    seconds: float = 0.0
    peak_mb: int = 0
    listeners: "tuple[Listener, ...]" = field(default=(), repr=False)

    def advance(self, steps: int = 1) -> None:
        """Count finished steps."""
        self.done += steps
        for listener in self.listeners:
            listener.advanced(self)

    def note(self, text: str) -> None:
        """Say what came out."""
        self.text = text


class Listener(Protocol):
    """Who is told about stages."""

    def started(self, stage: Stage) -> None: ...

    def advanced(self, stage: Stage) -> None: ...

    def finished(self, stage: Stage) -> None: ...


_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell `listener` about every stage inside the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def listen(listener: Listener) -> None:
    """Tell `listener` about every stage from now on (a notebook's kernel)."""
    _listeners.append(listener)


@contextmanager
def muted() -> Iterator[None]:
    """Tell nobody about stages inside the block: who calls tells of it in words of its own."""
    kept, _listeners[:] = _listeners[:], []
    try:
        yield
    finally:
        _listeners[:] = kept


def listeners() -> tuple[Listener, ...]:
    """Return who is told now."""
    return tuple(_listeners)


@contextmanager
def stage(name: str, total: int | None = None) -> Iterator[Stage]:
    """Report one piece of work; costs nothing when nobody listens.

    Work that raises, or is interrupted, finishes with the text "failed".

    Args:
        name: what is done.
        total: steps in all, if known.
    """
    current = Stage(name, total, listeners=listeners())
    start = time.monotonic()
    try:
        for listener in current.listeners:
            listener.started(current)
        with _peak_memory(current):
            yield current
    except BaseException:
        current.note(FAILED)
        raise
    finally:
        current.seconds = time.monotonic() - start
        for listener in current.listeners:
            listener.finished(current)


@contextmanager
def _peak_memory(current: Stage) -> Iterator[None]:
    if not current.listeners:
        yield
        return
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(current, stop), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _watch(current: Stage, stop: threading.Event) -> None:
    process = psutil.Process()
    while True:
        current.peak_mb = max(current.peak_mb, _memory(process) // MEBIBYTE)
        if stop.wait(0.25):
            return


def _memory(process: psutil.Process) -> int:
    """Return the resident bytes of a process and its children; a child may end while it is asked."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total


class Lines:
    """One line a finished stage, on standard error."""

    def started(self, stage: Stage) -> None:
        """Say nothing yet."""

    def advanced(self, stage: Stage) -> None:
        """Say nothing yet."""

    def finished(self, stage: Stage) -> None:
        """Print name, seconds and what came out."""
        print(_closing_line(stage), file=sys.stderr, flush=True)


class Bars:
    """A progress bar for every running stage, and a line when it has finished, on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description:<24}", markup=False), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True, redirect_stdout=False)
        self._tasks: dict[int, TaskID] = {}

    def started(self, stage: Stage) -> None:
        """Draw a bar."""
        self._tasks[id(stage)] = self._progress.add_task(stage.name, total=stage.total)
        self._progress.start()

    def advanced(self, stage: Stage) -> None:
        """Move the bar."""
        task = self._tasks.get(id(stage))
        if task is not None:
            self._progress.update(task, completed=stage.done)

    def finished(self, stage: Stage) -> None:
        """Take the bar away and leave a line; the last one gives the terminal back."""
        task = self._tasks.pop(id(stage), None)
        if task is not None:  # an interrupt may come before there is a bar
            self._progress.remove_task(task)
            self._progress.console.print(_closing_line(stage))
        if not self._tasks:
            self._progress.stop()


def _closing_line(stage: Stage) -> str:
    return f"{stage.name:<28} {stage.seconds:7.1f} s  {stage.text}".rstrip()


class Log:
    """Events as JSON lines in a file, so that another process can follow them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def started(self, stage: Stage) -> None:
        """Record the start."""
        self._write("started", stage)

    def advanced(self, stage: Stage) -> None:
        """Record a step."""
        self._write("advanced", stage)

    def finished(self, stage: Stage) -> None:
        """Record the end, with seconds and peak memory."""
        self._write("finished", stage)

    def _write(self, event: str, stage: Stage) -> None:
        record = {"event": event, **asdict(_plain(stage))}
        record.pop("listeners")
        with self._path.open("a") as file:
            file.write(json.dumps(record) + "\n")


def _plain(stage: Stage) -> Stage:
    return Stage(stage.name, stage.total, stage.done, stage.text, round(stage.seconds, 2), stage.peak_mb)
