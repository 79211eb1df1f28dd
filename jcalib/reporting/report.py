"""The whole report: every chapter executed, or left as it is when nothing it depends on changed; pages; provenance.

A failing chapter leaves its page with the error, and the others still run. `status.json` is written last.
"""

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcalib.files import ROOT, check_writable, fingerprint, read_json, write_json
from jcalib.progress import stage
from jcalib.provenance import now, provenance
from jcalib.reporting import notebooks
from jcalib.reporting.chapter import record_path
from jcalib.reporting.execute import ChapterResult, Status, run_chapter
from jcalib.reporting.index import write_index
from jcalib.reporting.jobs import in_turn, usual_jobs
from jcalib.reporting.pages import Link, write_page
from jcalib.settings import Preset, UserError, choose
from jcalib.weights import with_weights

if TYPE_CHECKING:
    import pandas as pd


SOURCES = ("corpus", "features")  # parameters, of which a chapter declares those that it can be made from


@dataclass(frozen=True)
class Step:
    """One chapter of a plan: its name, title, question and checked parameters."""

    chapter: str
    title: str
    question: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a report will do.

    Attributes:
        id: `<preset>-<hash of its settings and parameters>`.
        preset: the settings.
        folder: where it goes.
        steps: its chapters in order.
        source: "corpus", or "features" where it is made from the user's own.
        left_out: titles of the chapters that need the other source, and have no counterpart here.
    """

    id: str
    preset: Preset
    folder: Path
    steps: tuple[Step, ...]
    source: str = SOURCES[0]
    left_out: tuple[str, ...] = ()

    def frame(self) -> "pd.DataFrame":
        """Return chapter, question and parameters as a table."""
        import pandas as pd

        rows = [(step.chapter, step.question, _spelled(step.parameters)) for step in self.steps]
        return pd.DataFrame(rows, columns=["chapter", "question", "parameters"])


@dataclass(frozen=True)
class Report:
    """What a report did.

    Attributes:
        status: "ok", or "failed" if any chapter did not reach its end.
        folder: where it is.
        results: one for each chapter, in order.
        seconds: wall time.
    """

    status: str
    folder: Path
    results: tuple[ChapterResult, ...]
    seconds: float

    @property
    def index(self) -> Path:
        """The first page."""
        return self.folder / "index.html"

    @property
    def exit_code(self) -> int:
        """What a command line should return: 0, or the first failing chapter's."""
        return next((result.exit_code for result in self.results if not result.good), 0)

    def frame(self) -> "pd.DataFrame":
        """Return chapter, status, seconds and error as a table."""
        import pandas as pd

        rows = [(one.chapter, one.status, one.seconds, one.error or "") for one in self.results]
        return pd.DataFrame(rows, columns=["chapter", "status", "seconds", "error"])


def plan(name: str = "quick", out: Path | None = None, **parameters: Any) -> Plan:
    """Return what a report would do, everything checked and nothing started.

    Args:
        name: a preset.
        out: its folder; `reports/<id>` of the checkout if None.
        **parameters: given to every chapter that declares them.

    Raises:
        UserError: an unknown preset, a parameter that no chapter declares, a value of the wrong type, or a folder
            that holds something else.
    """
    settings = with_weights(name, parameters.get("weights") or ())
    declared = {chapter: notebooks.inspect(chapter) for chapter in notebooks.chapters()}
    known = sorted({parameter.name for some in declared.values() for parameter in some} - {"out"})
    for parameter in parameters:
        choose(parameter, known, "parameter of the report")
    given = {"preset": name, **parameters}
    source = "features" if parameters.get("features") else "corpus"
    chapters = {chapter: some for chapter, some in declared.items() if _reads(some, source)}
    steps = tuple(_step(chapter, given, some) for chapter, some in chapters.items())
    numbers = {chapter.partition("_")[0] for chapter in chapters}
    left_out = [notebooks.title(notebooks.read(one)) for one in declared if one.partition("_")[0] not in numbers]
    effective = {key: value for step in steps for key, value in step.parameters.items()}
    identity = f"{name}-{fingerprint([settings.fingerprint(), effective])[:8]}"
    folder = _free(out or ROOT / "reports" / identity)
    return Plan(identity, settings, folder, steps, source, tuple(left_out))


def _reads(declared: list[notebooks.Parameter], source: str) -> bool:
    """Whether a chapter can be made from a source; one that declares none can be made from any."""
    sources = {one.name for one in declared}.intersection(SOURCES)
    return not sources or source in sources


def unchanged(planned: Plan, inputs: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the chapters of a plan that will not be executed, since nothing they depend on changed.

    Args:
        planned: what the report would do.
        inputs: see `write_report`.
    """
    keys = _keys(planned, provenance(), inputs or {})
    pairs = zip(planned.steps, keys, strict=True)
    return tuple(step.chapter for step, key in pairs if _unchanged(planned.folder, step, key))


def write_report(
    name: str = "quick",
    out: Path | None = None,
    *,
    timeout: float = 3600.0,
    fresh: bool = False,
    inputs: Mapping[str, str] | None = None,
    jobs: int | None = None,
    **parameters: Any,
) -> Report:
    """Execute the chapters of a report and write its pages.

    Args:
        name: a preset.
        out: its folder; `reports/<id>` of the checkout if None.
        timeout: seconds for one chapter.
        fresh: execute every chapter, also those that nothing changed for.
        inputs: hashes by name of what the chapters read from outside, such as a user's corpus; a chapter is executed
            again when one changes.
        jobs: how many chapters are executed at a time, after the first two; two by default where there are two cores.
        **parameters: given to every chapter that declares them.

    Returns:
        What happened. A failing chapter raises nothing.

    Raises:
        UserError: see `plan`.
    """
    planned = plan(name, out, **parameters)
    started, origin = time.monotonic(), provenance()
    _begin(planned, origin)
    names = [step.chapter for step in planned.steps]
    keys = dict(zip(names, _keys(planned, origin, inputs or {}), strict=True))
    pages = threading.Lock()

    def work(step: Step, threads: int) -> ChapterResult:
        result = None if fresh else _unchanged(planned.folder, step, keys[step.chapter])
        if result:
            with stage(step.chapter) as progress:
                progress.note(result.status)
        else:
            result = run_chapter(step.chapter, step.parameters, planned.folder, timeout, threads=threads)
        with pages:
            _record(planned.folder, result, keys[step.chapter])
            _write_pages(planned, step, result.notebook)
        return result

    results = in_turn(planned.steps, work, jobs or usual_jobs())
    return _end(planned, origin, tuple(results), time.monotonic() - started)


def _step(chapter: str, given: Mapping[str, Any], declared: list[notebooks.Parameter]) -> Step:
    """Return a chapter with its checked parameters; one that says what the chapter does anyway is not passed."""
    notebook = notebooks.read(chapter)
    defaults = {one.name: one.default for one in declared}
    checked = notebooks.check(chapter, {key: value for key, value in given.items() if key in defaults})
    values = {key: value for key, value in checked.items() if key == "preset" or value != defaults[key]}
    return Step(chapter, notebooks.title(notebook) or chapter, notebooks.question(notebook), values)


def _free(folder: Path) -> Path:
    """Return a report's folder, if a report may be written there."""
    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: name a folder for the report.")
    if folder.exists() and any(folder.iterdir()) and not (folder / "report.json").exists():
        raise UserError(f"{folder} holds something else than a report: name an empty folder, or a new one.")
    check_writable(folder)
    return folder


def _begin(planned: Plan, origin: dict[str, Any]) -> None:
    planned.folder.mkdir(parents=True, exist_ok=True)
    (planned.folder / "status.json").unlink(missing_ok=True)
    chapters = [{"chapter": one.chapter, "title": one.title, "question": one.question} for one in planned.steps]
    settings = planned.preset.model_dump(mode="json")
    report = {"id": planned.id, "chapters": chapters, "settings": settings, "source": planned.source}
    write_json(planned.folder / "report.json", {**report, "left_out": list(planned.left_out)})
    write_json(planned.folder / "provenance.json", origin)


def _end(planned: Plan, origin: dict[str, Any], results: tuple[ChapterResult, ...], seconds: float) -> Report:
    status = "ok" if all(result.good for result in results) else "failed"
    ended = {"ended": now(), "seconds": round(seconds, 1)}
    write_json(planned.folder / "provenance.json", {**origin, **ended})
    write_index(planned.folder)
    chapters = {
        one.chapter: {"status": one.status, "seconds": round(one.seconds, 1), "error": one.error} for one in results
    }
    write_json(planned.folder / "status.json", {"status": status, "chapters": chapters, **ended})
    return Report(status, planned.folder, results, seconds)


def _keys(planned: Plan, origin: Mapping[str, Any], inputs: Mapping[str, str]) -> list[str]:
    """Return a hash of everything each chapter depends on, the chapters before it included."""
    key = fingerprint([_package(), origin["versions"], origin["device"], dict(inputs), planned.preset.fingerprint()])
    keys = []
    for step in planned.steps:
        cells = [(cell.cell_type, cell.source) for cell in notebooks.read(step.chapter).cells]
        key = fingerprint([key, step.chapter, cells, step.parameters])
        keys.append(key)
    return keys


def _package() -> str:
    """Return a hash of this package's source."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "jcalib").rglob("*.py")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _unchanged(folder: Path, step: Step, key: str) -> ChapterResult | None:
    """Return the earlier result of a chapter, if it was made from the same things and is still there."""
    notebook, path = folder / f"{step.chapter}.ipynb", record_path(folder, step.chapter)
    if not (notebook.exists() and path.exists() and notebook.with_suffix(".html").exists()):
        return None
    record = read_json(path)
    files = [figure["file"] for figure in record["figures"] if "file" in figure]
    if record.get("key") != key or record["status"] not in ("ok", "unchanged"):
        return None
    if not all((folder / file).exists() for file in files):
        return None
    return ChapterResult(step.chapter, "unchanged", record["seconds"], None, notebook)


def _record(folder: Path, result: ChapterResult, key: str) -> None:
    """Complete the record of a chapter, or write that of one that did not come to its own."""
    path = record_path(folder, result.chapter)
    record = read_json(path) if path.exists() else {"chapter": result.chapter, "headline": "", "figures": []}
    status: Status = result.status
    record |= {"status": status, "error": result.error, "seconds": round(result.seconds, 1), "key": key}
    write_json(path, record)


def _write_pages(planned: Plan, step: Step, notebook: Path | None) -> None:
    """Write a chapter's page, and the first page as far as the report has come."""
    links = [Link(one.chapter, one.title) for one in planned.steps]
    here = planned.steps.index(step)
    before, after = links[here - 1] if here else None, links[here + 1] if here + 1 < len(links) else None
    if notebook:
        write_page(notebook, planned.folder, planned.id, before, after)
    write_index(planned.folder)


def _spelled(parameters: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in parameters.items())
