"""Tables for a paper."""

from collections.abc import Iterable, Sequence


def booktabs(head: Sequence[str], rows: Iterable[Sequence[str]], columns: str, note: str = "") -> str:
    """Return a LaTeX table in the style of booktabs.

    Args:
        head: names of the columns, as LaTeX.
        rows: cells, as LaTeX.
        columns: alignment of each, as "lcr".
        note: a last line in small print.
    """
    first, *others = (" & ".join(row) + r" \\" for row in (head, *rows))
    begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    said = [rf"\multicolumn{{{len(columns)}}}{{l}}{{\footnotesize {note}}} \\"] if note else []
    return "\n".join([begin, r"\toprule", first, r"\midrule", *others, r"\bottomrule", *said, end])
