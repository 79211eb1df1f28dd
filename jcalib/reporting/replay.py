"""Stages of a chapter's kernel, which is another process, told again in this one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jcalib.progress import FAILED, Listener, Stage, listeners


@contextmanager
def replaying(path: Path) -> Iterator[None]:
    """Tell the listeners of this process what another one writes to its `Log` while the block runs.

    Args:
        path: the file of events, which need not be there yet. What it held before the block is not told.
    """
    told = listeners()
    if not told:
        yield
        return
    path.unlink(missing_ok=True)
    replay, stop = _Replay(path, told), threading.Event()
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
