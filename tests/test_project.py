"""The project's own rules: dependencies in step with each other and with the imports, rooms in their order."""

import ast
import importlib.metadata
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jcalib.files import ROOT

PACKAGE = ROOT / "jcalib"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line.strip()]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
ROOMS = (
    "allocator", "wording",
    "concordance", "settings", "files", "progress", "provenance", "media", "corpora", "clips", "entries", "encoders",
    "inputs", "features", "own_features", "fusion", "weights", "papers", "training", "submission", "studies", "explain",
    "views", "prediction", "reporting", "doctor", "cli",
)  # fmt: skip
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
# Imported under another name than the package's, or part of one that is declared.
DISTRIBUTIONS = {"cv2": "opencv-python-headless", "IPython": "ipykernel", "traitlets": "ipykernel",
                 "jupyter_client": "ipykernel", "nbformat": "nbconvert", "nbclient": "nbconvert",
                 "jinja2": "nbconvert", "markupsafe": "nbconvert", "mistune": "nbconvert",
                 "pygments": "nbconvert"}  # fmt: skip


def imports(module: Path) -> Iterator[str]:
    """Yield the full names that a module of the package imports, wherever in it."""
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_at_once(module: Path) -> Iterator[str]:
    """Yield the names of this package that are imported when the module is, not when a function runs."""
    for node in ast.parse((PACKAGE / module).read_text()).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("jcalib."):
            yield str(node.module)


def room(name: str) -> str:
    """Return the room of `jcalib.fusion.base`: fusion."""
    return name.split(".")[1] if "." in name else ""


def pins() -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in LOCK:
        requirement = Requirement(line)
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]])
def test_the_lock_satisfies_every_dependency(line: str) -> None:
    wanted = Requirement(line)
    for pin in pins()[canonicalize_name(wanted.name)]:
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        assert wanted.specifier.contains(specifier.version)


def test_the_lock_names_versions_and_no_place() -> None:
    for line in LOCK:
        requirement = Requirement(line)  # an option such as --index-url is no requirement
        assert requirement.url is None
        assert [one.operator for one in requirement.specifier] == ["=="]


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_the_lock_is_complete(python: str) -> None:
    """What the locked packages need in turn is locked too, as far as they are installed here."""
    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.9", "extra": ""}
    locked = {
        name
        for name, some in pins().items()
        if any(pin.marker is None or pin.marker.evaluate(environment) for pin in some)
    }
    missing = set()
    for name in locked:
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        wanted = (Requirement(need) for need in needs)
        live = (one for one in wanted if one.marker is None or one.marker.evaluate(environment))
        missing |= {f"{name} needs {one.name}" for one in live if canonicalize_name(one.name) not in locked}
    assert missing == set()


def test_conda_gives_python_and_the_lock_the_rest() -> None:
    conda = [one for one in ENVIRONMENT["dependencies"] if isinstance(one, str)]
    (pip,) = [one["pip"] for one in ENVIRONMENT["dependencies"] if isinstance(one, dict)]
    python = next(one.partition("=")[2] for one in conda if one.startswith("python="))
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(f"{python}.9")
    assert "pip" in conda
    assert pip == ["-r requirements.lock", "--editable ."]
    assert ENVIRONMENT["channels"] == ["conda-forge"]


def test_this_python_is_allowed() -> None:
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(
        ".".join(map(str, sys.version_info[:3]))
    )


def test_every_import_is_declared() -> None:
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    used = {name.split(".")[0] for module in MODULES for name in imports(module)} - {"jcalib"} - sys.stdlib_module_names
    assert {name for name in used if canonicalize_name(DISTRIBUTIONS.get(name, name)) not in declared} == set()


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_room_imports_only_from_rooms_above(module: Path) -> None:
    own = module.parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return
    assert own in ROOMS, f"{own} has no place in the order of rooms"
    used = {room(name) for name in imports(module) if name.startswith("jcalib.")} - {"__version__"}
    below = {name for name in used if ROOMS.index(name) > ROOMS.index(own)}
    at_once = {room(name) for name in imports_at_once(module)}
    assert below - ({"views"} - at_once) == set(), "only a result that draws itself may reach down, when it is asked"


def test_settings_and_concordance_need_no_other_room_but_words() -> None:
    for name in ("settings.py", "concordance.py", "wording.py"):
        assert {one for one in imports(Path(name)) if one.startswith("jcalib")} <= {"jcalib.wording.refusal"}


@pytest.mark.parametrize(
    ("libraries", "home"),
    [
        ({"av", "cv2"}, "media"),
        ({"papermill", "nbconvert", "nbclient", "nbformat"}, "reporting"),
        ({"typer"}, "cli"),
    ],
)
def test_a_library_has_one_home(libraries: set[str], home: str) -> None:
    users = {module.parts[0] for module in MODULES if libraries & {name.split(".")[0] for name in imports(module)}}
    assert users == {home}


@pytest.mark.parametrize(
    "rooms", ["jcalib", "jcalib.settings, jcalib.files, jcalib.progress, jcalib.media, jcalib.corpora, jcalib.cli"]
)
def test_light_rooms_start_without_torch(rooms: str) -> None:
    heavy = "{'torch', 'torchvision', 'captum', 'papermill', 'matplotlib.pyplot'}"
    code = f"import sys, {rooms}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_files_are_short_and_say_what_they_are(module: Path) -> None:
    text = (PACKAGE / module).read_text()
    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(text))


def test_the_package_is_lazy_and_names_only_what_is_there() -> None:
    import jcalib

    for name in jcalib.__all__:
        assert getattr(jcalib, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        jcalib.nothing  # noqa: B018
