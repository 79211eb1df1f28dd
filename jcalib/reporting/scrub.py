"""Takes this machine's folders out of a notebook, so that a report can be handed on.

Tracebacks, warnings and injected parameters name absolute paths; each becomes the short name of what it is.
"""

import re
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcalib.files import ROOT, home

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Tried at the start of a word only: a player is one word of a million characters, each of them a start otherwise.
_CELL_FILE = re.compile(r"(?<![^\s\"'\x1b])[^\s\"'\x1b]*ipykernel_\d+/\d+\.py")


def cleaner(report: Path, parameters: Mapping[str, Any]) -> Callable[[str], str]:
    """Return what replaces the folders of this machine in a text.

    Args:
        report: the report's folder.
        parameters: the chapter's parameters; absolute paths among them lose their folders.
    """
    names = _short_names(report.resolve(), parameters)
    longest_first = sorted((path for path in names if len(Path(path).parts) > 1), key=len, reverse=True)
    folders = re.compile("(" + "|".join(map(re.escape, longest_first)) + r")(?![\w-])")
    return lambda text: folders.sub(lambda match: names[match[1]], _CELL_FILE.sub("cell", text))


def scrub(notebook: "NotebookNode", clean: Callable[[str], str]) -> None:
    """Clean every source and every textual output of a notebook, in place.

    Pictures are left alone: their bytes could hold anything.
    """
    for cell in notebook.cells:
        cell.source = clean(cell.source)
        for output in cell.get("outputs", []):
            for key in ("text", "evalue", "traceback"):
                if key in output:
                    output[key] = everywhere(output[key], clean)
            data = output.get("data", {})
            for kind in [kind for kind in data if not kind.startswith(("image/png", "image/jpeg"))]:
                data[kind] = everywhere(data[kind], clean)


def everywhere(value: Any, clean: Callable[[str], str]) -> Any:
    """Clean every text in a JSON-like value."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [everywhere(item, clean) for item in value]
    if isinstance(value, dict):
        return {key: everywhere(item, clean) for key, item in value.items()}
    return value


def _short_names(report: Path, parameters: Mapping[str, Any]) -> dict[str, str]:
    places = sysconfig.get_paths()
    names = {
        str(Path.home()): "~",
        str(ROOT): ".",
        places["stdlib"]: "python",
        places["purelib"]: "site-packages",
        str(home()): "data",
    }
    paths = [Path(value) for value in parameters.values() if isinstance(value, str) and value]
    names |= {str(path): path.name for path in paths if path.is_absolute()}
    inside = report.relative_to(ROOT) if report.is_relative_to(ROOT) else Path(report.name)
    return names | {str(report): str(inside)}
