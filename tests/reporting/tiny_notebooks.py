"""Builds tiny notebooks that look like chapters."""

import nbformat

PARAMETERS = """\
preset: str = "quick"  # smoke, quick or full
seeds: int = 3  # how many
rate: float = 0.5
flag: bool = False  # a switch
names: list[str] = ["joint", "cross"]
limit: Optional[int] = None  # no limit
plain = 7
out: str = ""  # the report's folder"""


def chapter_notebook(name: str, *sources: str, title: str = "Title", finish: bool = True) -> nbformat.NotebookNode:
    """Return a chapter with a title, a parameters cell, the given cells, and a last cell that writes its record."""
    new_code, new_markdown = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    start = f'import jcalib as jca\nchapter = jca.chapter("{name}", out=out)'
    end = ['chapter.finish("**Found** it.", metrics={"ccc": 0.5})'] if finish else []
    spec = {"name": "python3", "display_name": "Python 3"}
    cells = [
        new_markdown(f"# {title}\n\n> What is it?"),
        new_code("from typing import Optional\n" + PARAMETERS, metadata={"tags": ["parameters"]}),
        *(new_code(source) for source in [start, *sources, *end]),
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})
