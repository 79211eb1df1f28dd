"""Parameters are known, of their type, and refused otherwise, before a kernel starts."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jcalib.reporting import notebooks
from jcalib.settings import UserError


@pytest.fixture(autouse=True)
def chapters(write: Any) -> None:
    write("1_corpus", title="1 · Corpus")
    write("4_ablation", title="4 · Ablation")


def test_chapters_are_found_in_order() -> None:
    assert notebooks.chapters() == ("1_corpus", "4_ablation")


@pytest.mark.parametrize("name", ["4_ablation", "4", "ablation"])
def test_a_chapter_is_found_by_name_number_or_word(name: str) -> None:
    assert notebooks.find(name) == "4_ablation"


def test_an_unknown_chapter_gives_the_near_name() -> None:
    with pytest.raises(UserError, match=r"unknown chapter '4_ablations': did you mean '4_ablation'"):
        notebooks.find("4_ablations")


def test_title_and_question_come_from_the_first_cell() -> None:
    notebook = notebooks.read("4")
    assert notebooks.title(notebook) == "4 · Ablation"
    assert notebooks.question(notebook) == "What is it?"


def test_every_parameter_has_type_default_and_help() -> None:
    found = {one.name: one for one in notebooks.inspect("1_corpus")}
    assert list(found) == ["preset", "seeds", "rate", "flag", "names", "limit", "plain", "out"]
    assert found["seeds"] == notebooks.Parameter("seeds", "int", 3, "how many")
    assert found["names"].default == ["joint", "cross"]
    assert found["limit"].type == "Optional[int]"
    assert found["plain"].type == "int"
    assert found["rate"].help == ""


def test_a_notebook_without_a_parameters_cell_takes_none(folder: Path) -> None:
    import nbformat

    nbformat.write(nbformat.v4.new_notebook(), folder / "9_bare.ipynb")
    assert notebooks.inspect("bare") == []


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("seeds", "5", 5),
        ("seeds", 5, 5),
        ("rate", "1e-3", 1e-3),
        ("rate", 2, 2.0),
        ("flag", "true", True),
        ("flag", "False", False),
        ("flag", True, True),
        ("names", "joint, cross", ["joint", "cross"]),
        ("names", ["joint"], ["joint"]),
        ("names", "", []),
        ("limit", "none", None),
        ("limit", None, None),
        ("limit", "4", 4),
        ("preset", "smoke", "smoke"),
        ("plain", "8", 8),
    ],
)
def test_text_from_a_shell_becomes_the_declared_type(name: str, given: Any, value: Any) -> None:
    checked = notebooks.check("1_corpus", {name: given})
    assert checked == {name: value}
    assert type(checked[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("seeds", "three"),
        ("seeds", 2.5),
        ("seeds", True),
        ("rate", "fast"),
        ("flag", "maybe"),
        ("flag", 1),
        ("preset", 3),
        ("names", 3),
        ("limit", "x"),
    ],
)
def test_a_value_of_another_type_is_refused_with_an_example(name: str, given: Any) -> None:
    with pytest.raises(UserError, match=rf"{name} has .* takes .* For example {name}="):
        notebooks.check("1_corpus", {name: given})


def test_an_unknown_parameter_gives_the_near_name() -> None:
    with pytest.raises(UserError, match="unknown parameter of 1_corpus 'seed': did you mean 'seeds'"):
        notebooks.check("1_corpus", {"seed": 1})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [("list[int]", "1,2", [1, 2]), ("dict[str, float]", '{"a": 1.5}', {"a": 1.5}), ("list[float]", [1], [1.0])],
)
def test_containers_are_read_item_by_item(kind: str, text: Any, value: Any) -> None:
    assert notebooks.convert(text, kind) == value


def test_a_dict_must_be_one() -> None:
    with pytest.raises(ValueError, match="is not dict"):
        notebooks.convert([1], "dict[str, int]")


def test_prose_about_the_embedded_corpus_is_told_of_no_other(write: Any) -> None:
    path = write("1_corpus", title="1 · Corpus")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell("It is drawn.", metadata={"tags": ["embedded"]}))
    nbformat.write(notebook, path)

    def told(**values: str) -> bool:
        return any(cell.source == "It is drawn." for cell in notebooks.told_of(notebooks.read("1"), values).cells)

    assert told() and told(corpus="synthetic")
    assert not told(corpus="elsewhere") and not told(features="mine")


@pytest.mark.parametrize(("default", "given"), [("[]", ","), ("[]", "[,]"), ('["joint"]', ","), ('["joint"]', "")])
def test_fusions_without_a_name_are_refused(folder: Path, default: str, given: str) -> None:
    cell = nbformat.v4.new_code_cell(f"fusions: list[str] = {default}", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "9_named.ipynb")
    with pytest.raises(UserError, match=rf"fusions has '{re.escape(given)}': name fusions with commas between\.$"):
        notebooks.check("named", {"fusions": given})
    assert default != "[]" or notebooks.check("named", {"fusions": ""}) == {"fusions": []}, "which is the preset's"
