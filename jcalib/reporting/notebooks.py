"""The chapters: where their notebooks are, what they ask, and which parameters they take.

papermill injects parameters it does not know with only a log line, and hands text from a shell through as text. Here
both are refused before a kernel starts.
"""

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jcalib.files import ROOT
from jcalib.reporting.values import SYNTHETIC, check_values, names_of
from jcalib.settings import UserError, choose

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = ROOT / "notebooks"
EMBEDDED = "embedded"  # tag of prose that only the embedded corpus makes true
_EMPTY = ("", "none", "null")


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's parameters cell.

    Attributes:
        name: the variable.
        type: its annotation, or the type of the default where there is none ("int", "list[str]", "Optional[int]").
        default: the value in the cell.
        help: the comment behind it.
    """

    name: str
    type: str
    default: Any
    help: str


def chapters() -> tuple[str, ...]:
    """Return the names of the chapters in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("[0-9]*_*.ipynb")))


def find(chapter: str) -> str:
    """Return the full name of a chapter given in full, by number or by word ("4_ablation", "4", "ablation").

    Raises:
        UserError: there is no such chapter; the message gives the near name.
    """
    known = chapters()
    short = {part: name for name in reversed(known) for part in name.split("_", 1)}  # 1 is the corpus, not the features
    return short.get(chapter) or choose(chapter, known, "chapter")


def read(chapter: str) -> "NotebookNode":
    """Read a chapter's notebook."""
    import nbformat

    return nbformat.read(FOLDER / f"{find(chapter)}.ipynb", as_version=4)


def told_of(notebook: "NotebookNode", values: Mapping[str, Any]) -> "NotebookNode":
    """Return a chapter without its cells tagged `embedded`, where it is made from another corpus than the embedded one.

    Args:
        notebook: the chapter.
        values: its parameters.
    """
    if values.get("corpus", SYNTHETIC) != SYNTHETIC or values.get("features"):
        notebook.cells = [cell for cell in notebook.cells if EMBEDDED not in cell.metadata.get("tags", [])]
    return notebook


def title(notebook: "NotebookNode") -> str:
    """Return the text of a notebook's first heading."""
    return _first_line(notebook, "# ")


def question(notebook: "NotebookNode") -> str:
    """Return the first quoted line of a notebook, which is the question it answers."""
    return _first_line(notebook, "> ")


def _first_line(notebook: "NotebookNode", mark: str) -> str:
    prose = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    lines = (line for text in prose for line in text.splitlines())
    return next((line.removeprefix(mark).strip() for line in lines if line.startswith(mark)), "")


def inspect(chapter: str) -> list[Parameter]:
    """Return the parameters a chapter takes, in the order of its parameters cell.

    Raises:
        UserError: there is no such chapter.
    """
    return declared(read(chapter))


def declared(notebook: "NotebookNode") -> list[Parameter]:
    """Return the parameters in the cell tagged `parameters`, as papermill reads them."""
    from papermill.translators import papermill_translators

    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if not cells:
        return []
    found = papermill_translators.find_translator("python3", "python").inspect(cells[0])
    return [_parameter(one.name, one.inferred_type_name, one.default, one.help) for one in found]


def _parameter(name: str, annotation: str, source: str, help: str) -> Parameter:
    default = ast.literal_eval(source)
    kind = annotation if annotation not in ("", "None") else type(default).__name__
    return Parameter(name, kind, default, help.strip())


def check(chapter: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as the types that the chapter declares.

    Args:
        chapter: its name.
        parameters: values by name; text is converted ("true", "3", "joint,cross"), as it comes from a shell.

    Raises:
        UserError: an unknown chapter or parameter (with the near name), a value of the wrong type, or the name of a
            preset, fusion, device or folder that does not exist.
    """
    name = find(chapter)
    notebook = read(name)
    known = {parameter.name: parameter for parameter in declared(notebook)}
    checked = {}
    for key, value in parameters.items():
        parameter = known[choose(key, known, f"parameter of {name}")]
        try:
            checked[key] = convert(value, parameter.type)
        except ValueError:
            raise UserError(
                f"{key} has {value!r}: {name} takes {parameter.type}. For example {key}={parameter.default!r}."
            ) from None
        if key == "fusions" and not checked[key]:
            names_of(value if isinstance(value, str) else str(value), needed=bool(parameter.default))
    check_values(checked, notebook)
    return checked


def convert(value: Any, kind: str) -> Any:
    """Return a value as the annotated type, reading text as a shell writes it.

    Args:
        value: a Python value or text.
        kind: "bool", "int", "float", "str", "list[...]", "tuple[...]", "dict[...]" or "Optional[...]".

    Raises:
        ValueError: the value is of another type.
    """
    base, _, inner = kind.rstrip("]").partition("[")
    if base in ("Optional", "typing.Optional"):
        empty = value is None or (isinstance(value, str) and value.lower() in _EMPTY)
        return None if empty else convert(value, kind.partition("[")[2].removesuffix("]"))
    if base in ("list", "List", "tuple", "Tuple"):
        return [convert(item, inner.split(",")[0] or "str") for item in _items(value)]
    if base in ("dict", "Dict"):
        value = json.loads(value) if isinstance(value, str) else value
    reader = _READERS.get(base)
    if isinstance(value, str) and reader:
        return reader(value.strip())
    if base == "float" and type(value) is int:
        return float(value)
    if base in _TYPES and type(value) is not _TYPES[base]:
        raise ValueError(f"{value!r} is not {kind}")
    return value


def _items(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part.strip() for part in value.strip("[]() ").split(",") if part.strip()]
    if isinstance(value, list | tuple):
        return list(value)
    raise ValueError(f"{value!r} is not a list")


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


_READERS: dict[str, Callable[[str], Any]] = {"bool": _boolean, "int": int, "float": float}
_TYPES = {"bool": bool, "int": int, "float": float, "str": str, "dict": dict, "Dict": dict}
