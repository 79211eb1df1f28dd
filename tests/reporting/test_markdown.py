"""Formulas become MathML; code, prices and broken TeX do not."""

import pytest

from jcalib.reporting.markdown import inline, markdown, mathml


@pytest.mark.parametrize(
    ("source", "formulas"),
    [
        (r"Joint is $X_{a} = W C$ here", 1),
        (r"($z$), $a$-wise and $b$.", 3),
        ("$$\n\\rho = \\frac{2 a}{b}\n$$\n\ntext", 1),
        ("inline $$a + b$$ text", 1),
        (r"\begin{align}a &= b\end{align}", 1),
        ("| a |\n|--|\n| $x$ |", 1),
        ("Use `$$a$$` and `$x$`", 0),
        ("```python\nx = '$a$'\n$$y$$\n```", 0),
        ("    indented $a$ code", 0),
        ("cost $5 and `a$b` or $6", 0),
        ("from $5 to $6", 0),
        (r"price \$5 and \$6", 0),
    ],
)
def test_what_is_a_formula(source: str, formulas: int) -> None:
    page = markdown(source)
    assert page.count("<math") == formulas
    assert ("$" in page) == (formulas == 0)


def test_displayed_formulas_are_blocks() -> None:
    assert 'display="block"' in markdown("$$a$$")
    assert 'display="inline"' in markdown("so $a$")


def test_underscores_in_formulas_are_not_emphasis() -> None:
    assert "<em>" not in markdown("$a_1$ and $b_2$")


def test_tex_that_is_not_understood_is_shown_as_it_is() -> None:
    assert mathml("a_<_c") == '<code class="tex">a_&lt;_c</code>'


def test_a_sentence_has_no_paragraph_around_it() -> None:
    assert inline("by **.021**") == "by <strong>.021</strong>"
