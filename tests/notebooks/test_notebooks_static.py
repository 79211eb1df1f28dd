"""Chapters as they are kept: short, documented, without outputs, and nothing in them that only one machine has."""

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from jcalib.files import ROOT
from jcalib.reporting import notebooks
from jcalib.settings import PRESETS

FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 25
SHARED = ("preset", "corpus", "features", "device", "seeds", "out")
FOREIGN = re.compile(r"""["'(\s](/(?:home|root|tmp|work|usr|Users|mnt|data)/|[A-Z]:\\|~/)""")

pytestmark = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def cells(path: Path, kind: str = "code") -> list[Any]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def parsed(source: str) -> ast.Module:
    """Parse a cell as IPython does, magics included."""
    return ast.parse(TransformerManager().transform_cell(source))


def parameters_cell(path: Path) -> Any:
    tagged = [cell for cell in cells(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    return tagged[0]


def test_it_is_a_chapter_with_a_plain_kernel(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stem in notebooks.chapters()
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.kernelspec) <= {"name", "display_name", "language"}
    assert path.stat().st_size < 20_000


def test_it_has_no_outputs(path: Path) -> None:
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells(path))
    assert "widgets" not in nbformat.read(path, as_version=4).metadata


def test_every_parameter_is_annotated_and_commented(path: Path) -> None:
    cell = parameters_cell(path)
    statements = ast.parse(cell.source).body
    assigned = [one for one in statements if not isinstance(one, ast.Import | ast.ImportFrom)]
    assert assigned and all(isinstance(one, ast.AnnAssign) and one.value is not None for one in assigned)
    declared = notebooks.inspect(path.stem)
    assert len(declared) == len(assigned), "papermill reads one parameter a line"
    assert [one.name for one in declared if not one.help] == []


def test_parameters_that_chapters_share(path: Path) -> None:
    defaults = {one.name: one.default for one in notebooks.inspect(path.stem)}
    assert defaults["preset"] in PRESETS
    assert defaults["out"] == ""
    assert {"corpus", "features"} & defaults.keys(), "a chapter says what it can be made from"
    assert defaults.get("corpus", "synthetic") == "synthetic"
    assert defaults.get("features", "") == ""
    assert defaults.get("device", "auto") == "auto"


@pytest.mark.parametrize("name", SHARED)
def test_parameters_mean_the_same_in_every_chapter(name: str, path: Path) -> None:
    found = [one for one in notebooks.inspect(path.stem) if one.name == name]
    known = {one for other in FILES for one in notebooks.inspect(other.stem) if one.name == name}
    assert len(known) == 1
    assert set(found) <= known


def test_the_parameters_of_a_chapter_hold_their_own_check(path: Path) -> None:
    given = {one.name: one.default for one in notebooks.inspect(path.stem)}
    assert notebooks.check(path.stem, given) == given


def test_it_opens_with_its_title_and_its_question(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    lines = [line for line in first.source.splitlines() if line.strip()]
    assert lines[0].startswith("# ")
    assert lines[1].startswith("> ") and lines[1].endswith("?")
    prose = "\n".join(cell.source for cell in cells(path, "markdown")[:2])
    for word in ("Reads", "Writes", "Time"):
        assert word in prose


def test_code_is_python_in_short_cells(path: Path) -> None:
    trees = [parsed(cell.source) for cell in cells(path)]
    assert [cell.source for cell in cells(path) if len(cell.source.splitlines()) > LONGEST_CELL] == []
    assert sum(isinstance(node, ast.FunctionDef) for tree in trees for node in ast.walk(tree)) <= 2


def test_it_needs_nothing_of_one_machine(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert not FOREIGN.search(" " + cell.source)
        assert "os.chdir" not in cell.source
    lines = [line.strip() for cell in cells(path) for line in cell.source.splitlines()]
    assert not any(line.startswith("!") for line in lines)
    assert {line for line in lines if line.startswith("%")} <= {"%matplotlib inline"}


def test_it_ends_with_its_record(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[-1].cell_type == "code"
    last = ast.parse(notebook.cells[-1].source).body[-1]
    assert isinstance(last, ast.Expr) and ast.unparse(last).startswith("chapter.finish(")
    assert f'jca.chapter("{path.stem}"' in "\n".join(cell.source for cell in cells(path))
    assert sum("chapter.finish(" in cell.source for cell in cells(path)) == 1


def test_no_other_chapter_writes_its_figures(path: Path) -> None:
    """Chapters of a report share one folder of figures: the later one would stand in the earlier one's place."""

    def names(file: Path) -> set[str]:
        calls = [node for cell in cells(file) for node in ast.walk(parsed(cell.source)) if isinstance(node, ast.Call)]
        shown = [call for call in calls if ast.unparse(call.func) in ("chapter.show", "chapter.attach")]
        return {ast.unparse(call.args[1]) for call in shown}

    assert names(path)
    for other in FILES:
        assert other == path or not names(path) & names(other)
