"""Markdown to HTML with formulas as MathML: no script, no font, nothing to load.

nbconvert's own parser is used, so that pages read as notebooks do, with stricter rules for what a formula is: a
dollar sign in code is not one, nor is a price.
"""

import html
import re
from typing import ClassVar

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import (
    IPythonRenderer,
    MarkdownWithMath,
    MathBlockParser,
    MathInlineParser,
)


def mathml(tex: str, display: str = "inline") -> str:
    """Return a formula as MathML; TeX that is not understood is shown as it is.

    Args:
        tex: the formula without dollar signs.
        display: "inline" or "block".
    """
    try:
        return convert(tex.strip(), display=display)
    except Exception:
        # latex2mathml raises errors of many kinds, and a typing error in a formula must not cost the page.
        return f'<code class="tex">{html.escape(tex)}</code>'


def markdown(source: str) -> str:
    """Return a Markdown text as HTML."""
    parser = MarkdownWithMath(Renderer(escape=False, exclude_anchor_links=True), _Blocks(), _Inline())
    return parser.render(source).strip()


def inline(source: str) -> str:
    """Return a sentence of Markdown as HTML without a paragraph around it."""
    return markdown(source).removeprefix("<p>").removesuffix("</p>")


class Renderer(IPythonRenderer):
    """Writes formulas as MathML."""

    def block_math(self, body: str) -> str:
        """Write a displayed formula."""
        return mathml(body, "block")

    def inline_math(self, body: str) -> str:
        """Write a formula in a line."""
        return mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        """Write a LaTeX environment."""
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


class _Inline(MathInlineParser):
    INLINE_MATH_TEX = r"(?<![$\\\w])\$(?=[^\s$])(?P<math_inline_tex>[^$`]+?)(?<=[^\s\\])\$(?![\d$])"
    SPECIFICATION: ClassVar[dict[str, str]] = {**MathInlineParser.SPECIFICATION, "inline_math_tex": INLINE_MATH_TEX}


class _Blocks(MathBlockParser):
    # A formula that starts a line; one inside a line is left to the inline rules, which know code.
    MULTILINE_MATH = re.sub(r"^\(\?s:", r"(?s:^ {0,3}(?:", MathBlockParser.MULTILINE_MATH) + ")"
    SPECIFICATION: ClassVar[dict[str, str]] = {**MathBlockParser.SPECIFICATION, "multiline_math": MULTILINE_MATH}
