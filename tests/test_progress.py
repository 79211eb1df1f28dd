"""Stages are told to whoever listens, also when they fail, and also from another process."""

import io
import json
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from jcalib.progress import FAILED, Bars, Lines, Log, Stage, listening, muted, stage
from jcalib.reporting.replay import replaying


class Heard:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, int, str]] = []

    def started(self, stage: Stage) -> None:
        self.events.append(("started", stage.name, stage.done, stage.text))

    def advanced(self, stage: Stage) -> None:
        self.events.append(("advanced", stage.name, stage.done, stage.text))

    def finished(self, stage: Stage) -> None:
        self.events.append(("finished", stage.name, stage.done, stage.text))


WHOLE = [
    ("started", "render", 0, ""),
    ("advanced", "render", 2, ""),
    ("finished", "render", 2, "2 recordings"),
]


def render() -> Stage:
    with stage("render", total=2) as work:
        work.advance(2)
        work.note("2 recordings")
    return work


def test_nobody_listens_and_nothing_happens(capsys: pytest.CaptureFixture[str]) -> None:
    threads = threading.active_count()
    with stage("quiet") as work:
        work.advance()
        assert threading.active_count() == threads
    assert capsys.readouterr() == ("", "")


def test_what_is_muted_is_not_told_and_what_follows_is() -> None:
    with listening(heard := Heard()):
        with pytest.raises(KeyError), muted():
            render()
            raise KeyError
        assert heard.events == []
        render()
    assert heard.events == WHOLE


def test_a_stage_is_told_from_start_to_end() -> None:
    with listening(heard := Heard()):
        work = render()
    render()
    assert heard.events == WHOLE
    assert work.seconds > 0
    assert work.peak_mb > 10


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_stage_that_raises_is_finished_too(error: type[BaseException]) -> None:
    with listening(heard := Heard()), pytest.raises(error), stage("broken") as work:
        work.note("going well")
        raise error
    assert heard.events[-1] == ("finished", "broken", 0, FAILED)


def test_lines_are_one_a_stage_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with listening(Lines()):
        render()
        with stage("faces"):
            pass
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split()[0] for line in err.splitlines()] == ["render", "faces"]
    assert err.splitlines()[0].endswith(" s  2 recordings")


@pytest.fixture
def terminal() -> tuple[Bars, io.StringIO]:
    bars, screen = Bars(), io.StringIO()
    shown = bars._progress
    shown.live.console = Console(file=screen, force_terminal=True, width=100, highlight=False, markup=False)
    return bars, screen


def test_bars_leave_lines_and_give_the_terminal_back(terminal: tuple[Bars, io.StringIO]) -> None:
    bars, screen = terminal
    with listening(bars), stage("outer", 3):
        render()
        assert bars._progress.live.is_started
    text = screen.getvalue()
    assert text.index("2 recordings") < text.rindex("outer")
    assert "━" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor must come back"
    assert not bars._progress.live.is_started


def test_bars_close_when_interrupted(terminal: tuple[Bars, io.StringIO]) -> None:
    bars, screen = terminal
    with pytest.raises(KeyboardInterrupt), listening(bars), stage("outer"), stage("[inner]"):
        raise KeyboardInterrupt
    assert not bars._progress.live.is_started
    assert "[inner]" in screen.getvalue()
    assert screen.getvalue().count(FAILED) == 2


def test_bars_survive_a_stage_they_never_saw() -> None:
    Bars().finished(Stage("interrupted before its bar was drawn"))


def test_a_log_is_told_again_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "chapters" / "1.stages.jsonl"
    path.parent.mkdir()
    path.write_text("what an earlier run left is no event\n")
    with listening(heard := Heard()), replaying(path):
        other = threading.Thread(target=_elsewhere, args=(path,))
        other.start()
        other.join()
    assert heard.events == WHOLE


def _elsewhere(path: Path) -> None:
    """Write events as another process does: not all at once, and sometimes half a line."""
    log, work = Log(path.with_suffix(".whole")), Stage("render", 2)
    log.started(work)
    work.done = 2
    log.advanced(work)
    work.text = "2 recordings"
    log.finished(work)
    text = path.with_suffix(".whole").read_text()
    with path.open("a") as file:
        for part in (text[:-30], text[-30:-10], text[-10:]):
            file.write(part)
            file.flush()
            time.sleep(0.3)


def test_what_a_dead_process_left_open_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "1.stages.jsonl"
    with listening(heard := Heard()), replaying(path):
        Log(path).started(Stage("outer"))
        Log(path).started(Stage("inner"))
    assert heard.events[-2:] == [("finished", "inner", 0, FAILED), ("finished", "outer", 0, FAILED)]


def test_a_log_that_is_begun_anew_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "1.stages.jsonl"
    with listening(heard := Heard()), replaying(path):
        with listening(Log(path)):
            pass
        for name in ("the first stage has a long name", "second"):
            path.unlink(missing_ok=True)
            Log(path).started(Stage(name))
            time.sleep(0.5)
    assert [event[1] for event in heard.events if event[0] == "started"] == [
        "the first stage has a long name",
        "second",
    ]


def test_nobody_listens_and_no_log_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "1.stages.jsonl"
    path.write_text("kept")
    with replaying(path):
        pass
    assert path.read_text() == "kept"


def test_a_log_holds_what_a_stage_says(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "1.stages.jsonl"
    with listening(Log(path)):
        render()
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["event"] for event in events] == ["started", "advanced", "finished"]
    assert set(events[-1]) == {"event", "name", "total", "done", "text", "seconds", "peak_mb"}
