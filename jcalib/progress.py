"""Stages of long work: the library reports to whoever listens, and is silent when nobody does.

A chapter's kernel is another process: it writes its stages to a file with `Log`, and `replaying` tells them again here.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

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
def stage(name: str, total: int | None = None) -> Iterator[Stage]:
    """Report one piece of work; costs nothing when nobody listens.

    Work that raises, or is interrupted, finishes with the text "failed".

    Args:
        name: what is done.
        total: steps in all, if known.
    """
    current = Stage(name, total, listeners=tuple(_listeners))
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


@contextmanager
def replaying(path: Path) -> Iterator[None]:
    """Tell the listeners of this process what another one writes to its `Log` while the block runs.

    Args:
        path: the file of events, which need not be there yet. What it held before the block is not told.
    """
    if not _listeners:
        yield
        return
    path.unlink(missing_ok=True)
    replay, stop = _Replay(path, tuple(_listeners)), threading.Event()
    reader = threading.Thread(target=replay.run, args=(stop,), daemon=True)
    reader.start()
    try:
        yield
    finally:
        stop.set()
        reader.join()


class _Replay:
    """Reads events as they come, and closes what the other process left open."""

    def __init__(self, path: Path, listeners: tuple[Listener, ...]) -> None:
        self._path, self._listeners = path, listeners
        self._read = 0
        self._open: list[Stage] = []

    def run(self, stop: threading.Event) -> None:
        ending = False
        while not ending:
            ending = stop.wait(0.2)
            for line in self._new_lines():
                self._tell(json.loads(line))
        while self._open:
            self._finish(self._open[-1], {"text": FAILED})

    def _new_lines(self) -> list[str]:
        """Return the complete lines written since the last look; a file that has shrunk was begun anew."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            if self._path.stat().st_size < self._read:
                self._read = 0
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.decode().splitlines()

    def _tell(self, event: dict[str, Any]) -> None:
        if event["event"] == "started":
            self._open.append(Stage(event["name"], event["total"]))
            for listener in self._listeners:
                listener.started(self._open[-1])
            return
        current = next((one for one in reversed(self._open) if one.name == event["name"]), None)
        if current is None:
            return
        if event["event"] == "finished":
            self._finish(current, event)
            return
        current.done = event["done"]
        for listener in self._listeners:
            listener.advanced(current)

    def _finish(self, current: Stage, values: dict[str, Any]) -> None:
        for name in ("done", "text", "seconds", "peak_mb"):
            setattr(current, name, values.get(name, getattr(current, name)))
        self._open.remove(current)
        for listener in self._listeners:
            listener.finished(current)
